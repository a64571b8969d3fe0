//! sipp as a load: many short calls without voice at a steady rate.
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { exited, type Programs } from '../net/processes.ts'
import { until } from '../waiting.ts'

interface LoadOptions {
  readonly programs: Programs
  readonly namespace: string
  readonly directory: string
  /** File name in `scripts/bench/sipp/` without `.xml`. */
  readonly scenario: 'set-up-uac' | 'set-up-uas' | 'register-uac'
  readonly address: string
  /** `host:port`; absent for the side that waits. */
  readonly server?: string
  readonly calls?: number
  readonly callsPerSecond?: number
  readonly pauseMs?: number
  /** One line per call, used again from the first when at the end. */
  readonly users?: readonly string[]
  /** sipp gives up then. */
  readonly timeoutSeconds?: number
}

export interface LoadResult {
  readonly successful: number
  readonly failed: number
  readonly retransmissions: number
  /** Of each call: from its first request to the first answer that is no 100. */
  readonly responseMs: readonly number[]
  /** Of each call: from its BYE to the answer. */
  readonly byeMs: readonly number[]
}

export const sippPort = 5060
const scenarioFolder = join(import.meta.dirname, 'sipp')
const errorTextMax = 500
/** Longer than a call that still has to end: it may repeat its BYE for half a minute. */
const stopMsMax = 40_000
const callsOpenMax = 5_000

export class SippLoad {
  readonly #directory: string
  readonly #program: ChildProcess

  constructor(options: LoadOptions) {
    const { directory } = options
    this.#directory = directory
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'users.csv'), ['SEQUENTIAL', ...(options.users ?? [])].join('\n'))
    this.#program = options.programs.start({
      namespace: options.namespace,
      command: 'sipp',
      args: sippArguments(options),
      directory,
      logFile: join(directory, 'screen.log'),
    })
  }

  /** Resolves when it runs and may be called. */
  async ready(): Promise<void> {
    const file = join(this.#directory, 'statistics.csv')
    await until(() => existsSync(file), { what: 'sipp' })
  }

  /** Resolves when all calls have ended. */
  async done(): Promise<LoadResult> {
    await exited(this.#program)
    return this.result()
  }

  /** Ends a side that waits, after its last word on the calls. */
  async stop(): Promise<LoadResult> {
    // SIGUSR1 is the q key: no new calls, and the end once the open ones have ended.
    this.#program.kill('SIGUSR1')
    const late = delay(stopMsMax, null, { ref: false })
    // A call that the other side gave up has no end.
    if ((await Promise.race([exited(this.#program), late])) === null) this.#program.kill('SIGKILL')
    return this.done()
  }

  result(): LoadResult {
    return {
      successful: this.#counter('SuccessfulCall(C)'),
      failed: this.#counter('FailedCall(C)'),
      retransmissions: this.#counter('Retransmissions(C)'),
      responseMs: this.#timesMs((timer) => timer !== 'bye'),
      byeMs: this.#timesMs((timer) => timer === 'bye'),
    }
  }

  /** `-trace_rtt`: time of day, response time, name of the timer. */
  #timesMs(of: (timer: string) => boolean): number[] {
    const name = readdirSync(this.#directory).find((entry) => entry.endsWith('_rtt.csv'))
    if (name === undefined) return []
    const [, ...lines] = readFileSync(join(this.#directory, name), 'latin1').trim().split('\n')
    const timed = lines
      .map((line) => line.split(';'))
      .filter(([, , timer = '']) => of(timer.trim()))
    return timed.map(([, ms]) => Number(ms)).filter(Number.isFinite)
  }

  /** The first error that sipp wrote down; empty when there is none. */
  firstError(): string {
    const name = readdirSync(this.#directory).find((entry) => entry.endsWith('_errors.log'))
    if (name === undefined) return ''
    const text = readFileSync(join(this.#directory, name), 'latin1').replaceAll(/\s+/g, ' ')
    // A repetition that comes late is told as well, and is none.
    const begin = Math.max(0, text.indexOf('Aborting call'))
    return text.slice(begin, begin + errorTextMax)
  }

  #counter(name: string): number {
    const file = join(this.#directory, 'statistics.csv')
    if (!existsSync(file)) throw new Error(`sipp did not run: ${this.#screen()}`)
    const lines = readFileSync(file, 'latin1').trim().split('\n')
    const column = (lines[0] ?? '').split(';').indexOf(name)
    return Number((lines.at(-1) ?? '').split(';')[column])
  }

  #screen(): string {
    return readFileSync(join(this.#directory, 'screen.log'), 'latin1').slice(-500)
  }
}

function sippArguments(options: LoadOptions): string[] {
  const { server, calls, users } = options
  return [
    ...(server === undefined ? [] : [server]),
    ...['-sf', join(scenarioFolder, `${options.scenario}.xml`)],
    ...(users === undefined ? [] : ['-inf', 'users.csv']),
    ...['-i', options.address, '-p', String(sippPort)],
    ...(calls === undefined ? [] : ['-m', String(calls)]),
    ...['-l', String(callsOpenMax), '-r', String(options.callsPerSecond ?? 10)],
    ...['-d', String(options.pauseMs ?? 0), '-buff_size', '1048576'],
    ...(server === undefined ? [] : ['-trace_rtt', '-rtt_freq', '1']),
    ...['-timeout', String(options.timeoutSeconds ?? 120)],
    ...['-nostdin', '-trace_err', '-trace_stat', '-stf', 'statistics.csv', '-fd', '1'],
  ]
}
