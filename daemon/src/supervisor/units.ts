//! One unit of the node as the supervisor sees it: started, started again after its death with growing
//! pauses, and ended.
import type { UnitReport } from '../oam/unit-report.ts'
import { errorText, removeFile, writeFileAtomic } from '../platform/files.ts'
import type { Log } from '../platform/log.ts'
import {
  type Child,
  type ChildExit,
  memoryExitCode,
  putBeforeOthers,
  startNode,
} from '../platform/process.ts'
import { PulseWatch } from './pulse-watch.ts'

export const unitNames = ['pair', 'switch', 'media'] as const
export type SupervisedUnit = (typeof unitNames)[number]

const pauseMsMin = 100
const pauseMsMax = 5_000
/** A unit that ran this long begins with the shortest pause again. */
const settledMs = 10_000

/** Pause before the restart that follows `quickDeaths` deaths in a row, in milliseconds. */
export function restartPauseMs(quickDeaths: number): number {
  return Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(quickDeaths, 16))
}

/** What runs in a real-time class must not wait for a helper thread of V8, which has none: V8 waits in a
 * busy loop. With both processors taken that way, voice of both nodes stood still for most of a second. */
function threadArgs(name: SupervisedUnit): string[] {
  return name === 'switch' ? [] : ['--single-threaded']
}

interface UnitOptions {
  readonly name: SupervisedUnit
  readonly program: string
  readonly config: string
  readonly pidFile: string
  /** Bound of its heap. */
  readonly heapMiB: number
  readonly log: Log
  readonly now: () => number
  readonly wallMs: () => number
  /** Called after each start and death. */
  readonly onChange: () => void
}

export class SupervisedProcess {
  readonly #options: UnitOptions
  #child: Child | null = null
  #startedAt = 0
  #quickDeaths = 0
  #restarts = 0
  #pid: number | null = null
  #sinceWallMs = 0
  #died = ''
  readonly #pulse = new PulseWatch()
  /** Why the supervisor itself ended it; empty: it did not. */
  #endedFor = ''
  #settled: NodeJS.Timeout | null = null
  #timer: NodeJS.Timeout | null = null
  #ending = false
  #ended: () => void = () => undefined

  constructor(options: UnitOptions) {
    this.#options = options
  }

  get report(): UnitReport['units'][number] {
    return {
      unit: this.#options.name,
      pid: this.#pid,
      sinceWallMs: this.#sinceWallMs,
      restarts: this.#restarts,
      quickDeaths: this.#quickDeaths,
      died: this.#died,
    }
  }

  /** Ends a unit that stands still. To be called now and then. */
  watch(): void {
    const stillMs = this.#pulse.look(this.#options.now())
    const child = this.#child
    if (stillMs === null || child === null || this.#endedFor !== '') return
    const { name, log } = this.#options
    this.#endedFor = `stood still for ${(stillMs / 1_000).toFixed(1)} s`
    log.error('unit hangs and is ended', { of: name, unitPid: child.pid, stillMs })
    child.kill('SIGKILL')
  }

  get running(): boolean {
    return this.#child !== null
  }

  start(): void {
    const { name, program, config, pidFile, log, now, heapMiB } = this.#options
    this.#startedAt = now()
    this.#pulse.begin(now())
    this.#endedFor = ''
    const started = startNode({
      path: program,
      args: ['--config', config],
      nodeArgs: [`--max-old-space-size=${heapMiB}`, ...threadArgs(name)],
      onPulse: () => this.#pulse.beat(now()),
      onExit: (exit) => this.#gone(exit),
    })
    if (!started.ok) {
      this.#again(started.failure.detail)
      return
    }
    this.#child = started.value
    // Pair and media take a real-time class themselves.
    if (name === 'switch') putBeforeOthers(started.value.pid)
    this.#pid = started.value.pid
    this.#sinceWallMs = this.#options.wallMs()
    this.#settled = setTimeout(() => {
      this.#quickDeaths = 0
      this.#options.onChange()
    }, settledMs)
    this.#options.onChange()
    try {
      writeFileAtomic(pidFile, `${started.value.pid}\n`, 0o640)
    } catch (error) {
      // A full disk ends no supervisor; the next one may not find this unit.
      log.warn('a pid file cannot be written', { of: name, error: errorText(error) })
    }
    log.info('unit started', { of: name, unitPid: started.value.pid, restarts: this.#restarts })
  }

  #gone(exit: ChildExit): void {
    this.#child = null
    this.#pid = null
    this.#pulse.end()
    if (this.#settled !== null) clearTimeout(this.#settled)
    const how = this.#endedFor || howItDied(exit)
    this.#died = how
    removeFile(this.#options.pidFile)
    if (this.#ending) {
      this.#options.log.info('unit ended', { of: this.#options.name, how })
      this.#options.onChange()
      this.#ended()
    } else this.#again(how)
  }

  #again(how: string): void {
    const { name, log, now } = this.#options
    const ranMs = Math.round(now() - this.#startedAt)
    const pauseMs = restartPauseMs(this.#quickDeaths)
    this.#quickDeaths += 1
    this.#restarts += 1
    log.error('unit died', { of: name, how, ranMs, restarts: this.#restarts, pauseMs })
    this.#options.onChange()
    this.#timer = setTimeout(() => this.start(), pauseMs)
  }

  /** Asks it to end, and ends it after `patienceMs`. Resolves when it is gone. */
  end(patienceMs: number): Promise<void> {
    this.#ending = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const child = this.#child
    if (child === null) return Promise.resolve()
    return new Promise((resolve) => {
      const force = setTimeout(() => {
        this.#options.log.warn('unit did not end by itself', { of: this.#options.name })
        child.kill('SIGKILL')
      }, patienceMs)
      this.#ended = () => {
        clearTimeout(force)
        resolve()
      }
      child.kill('SIGTERM')
    })
  }
}

function howItDied({ code, signal }: ChildExit): string {
  if (code === memoryExitCode) return 'memory exhausted'
  return signal ?? `exit code ${code}`
}
