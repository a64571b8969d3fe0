//! A running capture of one interface with the kernel's time stamps: by tcpdump, or by dumpcap in a
//! user namespace, where tcpdump cannot give up privileges it insists on giving up.
import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { isInUserNamespace } from '../net/privilege.ts'
import { exited, type Programs } from '../net/processes.ts'
import { readCapture, type UdpPacket } from './pcap.ts'

interface CaptureOptions {
  readonly programs: Programs
  readonly namespace: string
  readonly device: string
  readonly file: string
  readonly filter?: string
}

/** The kernel hands frames over in blocks at least this often; before that they are in no file. */
const kernelBlockMs = 1_200
const bufferMiB = 16
const bytesOfFrameMax = 4_096

interface CaptureProgram {
  readonly command: string
  args(options: CaptureOptions): string[]
  readonly begun: string
  /** Its first group is the number of frames the kernel had to drop. */
  readonly dropped: RegExp
}

const tcpdump: CaptureProgram = {
  command: 'tcpdump',
  // -Z: stay who we are; the file lies in a directory that only we can write to.
  args: ({ device, file, filter }) => [
    ...['-i', device, '-n', '-U', '-Z', 'root', '-B', String(bufferMiB * 1024)],
    ...['-s', String(bytesOfFrameMax), '-w', file, filter ?? 'udp'],
  ],
  begun: 'listening on',
  dropped: /(\d+) packets? dropped by kernel/,
}

const dumpcap: CaptureProgram = {
  command: 'dumpcap',
  args: ({ device, file, filter }) => [
    ...['-i', device, '-q', '-P', '-B', String(bufferMiB), '-s', String(bytesOfFrameMax)],
    ...['-f', filter ?? 'udp', '-w', file],
  ],
  begun: 'File: ',
  dropped: /received\/dropped on interface .*: \d+\/(\d+)/,
}

export class Capture {
  readonly file: string
  readonly #kind: CaptureProgram
  readonly #program: ChildProcess
  #messages = ''

  private constructor(file: string, kind: CaptureProgram, program: ChildProcess) {
    this.file = file
    this.#kind = kind
    this.#program = program
  }

  /** Resolves when the capture has begun. */
  static async start(options: CaptureOptions): Promise<Capture> {
    const kind = isInUserNamespace() ? dumpcap : tcpdump
    const program = options.programs.start({
      namespace: options.namespace,
      command: kind.command,
      args: kind.args(options),
    })
    const capture = new Capture(options.file, kind, program)
    await capture.#begun()
    return capture
  }

  #begun(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#program.once('exit', () =>
        reject(new Error(`${this.#kind.command}: ${this.#messages}`)),
      )
      this.#program.stderr?.on('data', (text: Buffer) => {
        this.#messages += text.toString()
        if (this.#messages.includes(this.#kind.begun)) resolve()
      })
    })
  }

  /** Ends the capture and reads it; fails when the kernel had to drop frames. */
  async stop(): Promise<UdpPacket[]> {
    await delay(kernelBlockMs)
    this.#program.kill('SIGINT')
    await exited(this.#program)
    const dropped = this.#kind.dropped.exec(this.#messages)?.[1]
    if (dropped !== '0') throw new Error(`${this.file}: ${dropped ?? '?'} packets not captured`)
    return readCapture(this.file)
  }
}
