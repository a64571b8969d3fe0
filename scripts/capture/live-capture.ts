//! A capture that is read while it runs: hours of voice need no disk. Times are those of the kernel, so
//! that a busy reader measures nothing of itself.
import type { ChildProcess } from 'node:child_process'
import { isInUserNamespace } from '../net/privilege.ts'
import { exited, type Programs } from '../net/processes.ts'

/** `bytes` begins with the Ethernet header and may be cut off; it is valid during the call only. */
type FrameListener = (timeMs: number, bytes: Buffer) => void

interface LiveCaptureOptions {
  readonly programs: Programs
  readonly namespace: string
  readonly device: string
  readonly filter: string
  readonly onFrame: FrameListener
}

const bufferMiB = 64
/** Ethernet, IP, UDP and RTP headers. */
const bytesOfFrame = 96
const endMs = 1_500

/** A stream in the classic pcap format, in pieces of any size. */
export class PcapReader {
  readonly #onFrame: FrameListener
  #rest: Buffer = Buffer.alloc(0)
  #unitsPerMs = 0

  constructor(onFrame: FrameListener) {
    this.#onFrame = onFrame
  }

  feed(piece: Buffer): void {
    const data = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    let at = 0
    if (this.#unitsPerMs === 0) {
      if (data.length < 24) {
        this.#rest = data
        return
      }
      const magic = data.readUInt32LE(0)
      if (magic !== 0xa1b2c3d4 && magic !== 0xa1b23c4d) throw new Error('not a pcap stream')
      this.#unitsPerMs = magic === 0xa1b23c4d ? 1e6 : 1e3
      at = 24
    }
    while (at + 16 <= data.length) {
      const end = at + 16 + data.readUInt32LE(at + 8)
      if (end > data.length) break
      const timeMs = data.readUInt32LE(at) * 1e3 + data.readUInt32LE(at + 4) / this.#unitsPerMs
      this.#onFrame(timeMs, data.subarray(at + 16, end))
      at = end
    }
    this.#rest = Buffer.from(data.subarray(at))
  }
}

const programs = {
  tcpdump: {
    args: ['-n', '-U', '-Z', 'root', '-B', String(bufferMiB * 1024), '-s', String(bytesOfFrame)],
    begun: 'listening on',
    dropped: /(\d+) packets? dropped by kernel/,
  },
  dumpcap: {
    args: ['-q', '-P', '-B', String(bufferMiB), '-s', String(bytesOfFrame), '-f'],
    begun: 'File: ',
    dropped: /received\/dropped on interface .*: \d+\/(\d+)/,
  },
} as const

export class LiveCapture {
  readonly #program: ChildProcess
  readonly #kind: keyof typeof programs
  #messages = ''

  private constructor(program: ChildProcess, kind: keyof typeof programs) {
    this.#program = program
    this.#kind = kind
  }

  /** Resolves when the capture has begun. */
  static async start(options: LiveCaptureOptions): Promise<LiveCapture> {
    const { device, filter, namespace } = options
    const kind = isInUserNamespace() ? 'dumpcap' : 'tcpdump'
    const own = programs[kind].args
    const program = options.programs.start({
      namespace,
      command: kind,
      args: [
        '-i',
        device,
        ...own,
        ...(kind === 'dumpcap' ? [filter, '-w', '-'] : ['-w', '-', filter]),
      ],
    })
    const reader = new PcapReader(options.onFrame)
    program.stdout?.on('data', (piece: Buffer) => reader.feed(piece))
    const capture = new LiveCapture(program, kind)
    await capture.#begun()
    return capture
  }

  #begun(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#program.once('exit', () => reject(new Error(`${this.#kind}: ${this.#messages}`)))
      this.#program.stderr?.on('data', (text: Buffer) => {
        this.#messages += text.toString()
        if (this.#messages.includes(programs[this.#kind].begun)) resolve()
      })
    })
  }

  /** @returns frames that the kernel had to drop, so that nobody has seen them. */
  async stop(): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, endMs))
    this.#program.kill('SIGINT')
    await exited(this.#program)
    return Number(programs[this.#kind].dropped.exec(this.#messages)?.[1] ?? Number.NaN)
  }
}
