//! A running capture of one interface, by tcpdump with the kernel's time stamps.
import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { exited, type Programs } from '../net/processes.ts'
import { readCapture, type UdpPacket } from './pcap.ts'

export interface CaptureOptions {
  readonly programs: Programs
  readonly namespace: string
  readonly device: string
  readonly file: string
  readonly filter?: string
}

/** The kernel hands frames over in blocks at least this often; before that they are in no file. */
const kernelBlockMs = 1_200
const bufferKiB = 16_384

export class Capture {
  readonly file: string
  readonly #program: ChildProcess
  #messages = ''

  private constructor(file: string, program: ChildProcess) {
    this.file = file
    this.#program = program
  }

  /** Resolves when the capture has begun. */
  static async start(options: CaptureOptions): Promise<Capture> {
    const program = options.programs.start({
      namespace: options.namespace,
      command: 'tcpdump',
      // -Z: stay who we are; the file lies in a directory that only we can write to.
      args: [
        '-i',
        options.device,
        '-n',
        '-U',
        '-Z',
        'root',
        '-B',
        String(bufferKiB),
        '-s',
        '4096',
        '-w',
        options.file,
        options.filter ?? 'udp',
      ],
    })
    const capture = new Capture(options.file, program)
    await capture.#begun()
    return capture
  }

  #begun(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#program.once('exit', () => reject(new Error(`tcpdump: ${this.#messages}`)))
      this.#program.stderr?.on('data', (text: Buffer) => {
        this.#messages += text.toString()
        if (this.#messages.includes('listening on')) resolve()
      })
    })
  }

  /** Ends the capture and reads it; fails when the kernel had to drop frames. */
  async stop(): Promise<UdpPacket[]> {
    await delay(kernelBlockMs)
    this.#program.kill('SIGINT')
    await exited(this.#program)
    const dropped = /(\d+) packets? dropped by kernel/.exec(this.#messages)?.[1]
    if (dropped !== '0') throw new Error(`${this.file}: ${dropped ?? '?'} packets not captured`)
    return readCapture(this.file)
  }
}
