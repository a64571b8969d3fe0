//! sipp of Debian as many phones at once, or as one phone with bad manners. The scenarios are in
//! `test/e2e/sipp/`, named by what they do.
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exited, type Programs } from '../net/processes.ts'
import { scenarioText } from './sipp-scenario.ts'
import { writeVoiceCapture } from './voice-capture.ts'

export interface SippOptions {
  readonly programs: Programs
  readonly namespace: string
  /** Scenario copy, users, voice and messages of this run. */
  readonly directory: string
  /** File name in `test/e2e/sipp/` without `.xml`. */
  readonly scenario: string
  readonly address: string
  readonly port: number
  /** `host:port` to send to; absent for a scenario that waits. */
  readonly server?: string
  /** Calls in all. */
  readonly calls: number
  readonly callsPerSecond?: number
  /** One line per call, fields divided by `;`, used in this order. */
  readonly users?: readonly string[]
  /** URI of the digest without `sip:`, where it is not that of the server. */
  readonly authUri?: string
  /** What the scenario's `<pause/>` waits. */
  readonly pauseMs?: number
  /** False: it says everything once, whatever becomes of it. */
  readonly repeats?: boolean
  /** Longer than any call: sipp plays a capture once. */
  readonly voiceSeconds?: number
  /** It writes down what it hears and says: `messages`. */
  readonly keepsMessages?: boolean
  /** `{name}` in the scenario becomes the value. */
  readonly values?: Readonly<Record<string, string>>
  /** Several of one namespace, each with ports of its own for the voice from here on. */
  readonly mediaPort?: number
  /** A call in which nothing came for so long has failed; default: it waits. */
  readonly silenceMsMax?: number
  /** `[name]` in the scenario becomes the value, whatever brackets it has. */
  readonly keys?: Readonly<Record<string, string>>
}

interface SippResult {
  readonly exitCode: number
  readonly successful: number
  readonly failed: number
  readonly retransmissions: number
}

const scenarioFolder = join(import.meta.dirname, '../../test/e2e/sipp')
const messageFile = 'messages.log'
/** As the scenarios name it. */
const voiceFile = 'voice.pcap'
const voiceHz = 437.5
const voiceSecondsDefault = 60

export class Sipp {
  readonly #options: SippOptions
  readonly #program: ChildProcess
  #output = ''

  constructor(options: SippOptions) {
    this.#options = options
    mkdirSync(options.directory, { recursive: true })
    writeFiles(options)
    this.#program = options.programs.start({
      namespace: options.namespace,
      command: 'sipp',
      urgent: true,
      args: sippArguments(options),
      directory: options.directory,
    })
    for (const stream of [this.#program.stdout, this.#program.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        // Only the end is of interest: sipp repaints its screen every second.
        this.#output = (this.#output + bytes.toString('latin1')).slice(-2_000)
      })
    }
  }

  /** Where it runs, and where a command of its scenario writes. */
  get directory(): string {
    return this.#options.directory
  }

  /** Resolves when all calls have ended, well or not. */
  async done(): Promise<SippResult> {
    const exitCode = await exited(this.#program)
    return { exitCode, ...this.#statistics() }
  }

  /** Calls set up so far, from the statistics that sipp writes every second. */
  get callsOpen(): number {
    return this.#counter('CurrentCall')
  }

  stop(): void {
    this.#program.kill('SIGKILL')
  }

  /** All that it has heard and said so far, as text; also what came in fragments. */
  messages(): string {
    const file = join(this.#options.directory, messageFile)
    return existsSync(file) ? readFileSync(file, 'latin1') : ''
  }

  /** Last screen and error messages, for the reader of a failed test. */
  report(): string {
    const errors = readdirSync(this.#options.directory).filter((name) =>
      name.endsWith('_errors.log'),
    )
    const texts = errors.map((name) => readFileSync(join(this.#options.directory, name), 'latin1'))
    return [this.#output, ...texts.map((text) => text.slice(0, 4_000))].join('\n')
  }

  #statistics(): Omit<SippResult, 'exitCode'> {
    return {
      successful: this.#counter('SuccessfulCall(C)'),
      failed: this.#counter('FailedCall(C)'),
      retransmissions: this.#counter('Retransmissions(C)'),
    }
  }

  #counter(name: string): number {
    const file = join(this.#options.directory, 'statistics.csv')
    let lines: string[]
    try {
      lines = readFileSync(file, 'latin1').trim().split('\n')
    } catch {
      return 0
    }
    const column = (lines[0] ?? '').split(';').indexOf(name)
    const last = lines.length > 1 ? (lines.at(-1) ?? '') : ''
    return Number(last.split(';')[column] ?? 0)
  }
}

function writeFiles(options: SippOptions): void {
  const { directory } = options
  const source = readFileSync(join(scenarioFolder, `${options.scenario}.xml`), 'utf8')
  // The time of a `recv` cannot come from the command line, as that of a `pause` can.
  const pause = String(Math.max(1, options.pauseMs ?? 0))
  const scenario = scenarioText(source, { pause, ...options.values })
  writeFileSync(join(directory, 'scenario.xml'), scenario)
  writeFileSync(
    join(directory, 'users.csv'),
    ['SEQUENTIAL', ...(options.users ?? []), ''].join('\n'),
  )
  if (!scenario.includes(voiceFile)) return
  const seconds = options.voiceSeconds ?? voiceSecondsDefault
  writeVoiceCapture(join(directory, voiceFile), voiceHz, seconds)
}

function sippArguments(options: SippOptions): string[] {
  const calls = String(options.calls)
  return [
    ...(options.server === undefined ? [] : [options.server]),
    ...['-sf', 'scenario.xml'],
    ...(options.users === undefined ? [] : ['-inf', 'users.csv']),
    ...['-i', options.address, '-p', String(options.port), '-mi', options.address],
    ...['-m', calls, '-l', calls, '-r', String(options.callsPerSecond ?? 20)],
    ...(options.authUri === undefined ? [] : ['-auth_uri', options.authUri]),
    ...['-d', String(options.pauseMs ?? 0)],
    ...(options.repeats === false ? ['-nr'] : []),
    ...(options.mediaPort === undefined ? [] : ['-mp', String(options.mediaPort)]),
    ...(options.silenceMsMax === undefined ? [] : ['-recv_timeout', String(options.silenceMsMax)]),
    ...Object.entries(options.keys ?? {}).flatMap(([name, value]) => ['-key', name, value]),
    ...(options.keepsMessages === true ? ['-trace_msg', '-message_file', messageFile] : []),
    // After a take-over the switch asks each dialog whether it lives (OPTIONS).
    '-aa',
    ...['-nostdin', '-trace_err', '-trace_stat', '-stf', 'statistics.csv', '-fd', '1'],
  ]
}
