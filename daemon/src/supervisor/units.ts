//! One unit of the node as the supervisor sees it: started, or taken over from a former supervisor, started
//! again after its death with growing pauses, and ended.
import { limits } from '../limits.ts'
import type { UnitReport } from '../oam/unit-report.ts'
import { compileCacheEnvironment } from '../platform/compile-cache.ts'
import { errorText } from '../platform/files.ts'
import type { Log } from '../platform/log.ts'
import {
  type Child,
  type ChildExit,
  followProcess,
  memoryExitCode,
  type ProcessIdentity,
  putBeforeOthers,
  startNode,
} from '../platform/process.ts'
import { PulseWatch } from './pulse-watch.ts'
import { removeUnitNote, type SupervisedUnit, writeUnitNote } from './unit-note.ts'

const pauseMsMin = 100
const pauseMsMax = 5_000
/** A unit that ran this long begins with the shortest pause again. */
const settledMs = 10_000

/** Pause before the restart that follows `quickDeaths` deaths in a row, in milliseconds. */
export function restartPauseMs(quickDeaths: number): number {
  return Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(quickDeaths, 16))
}

/** What runs in a real-time class must not wait for a helper thread of V8, which has none: V8 waits in a
 * busy loop. With both processors taken that way, voice of both nodes stood still for most of a second. The
 * switch has one helper: four of them took four fifths of its processor while they marked its heap, and
 * calls waited 0.2 s and more; none at all means to stand still for 0.1 s. */
function threadArgs(name: SupervisedUnit): string[] {
  return name === 'switch' ? ['--v8-pool-size=1'] : ['--single-threaded']
}

/** What one collection moves into a small heap must be small as well, or it is full before it is seen to be
 * low. 16 MiB is the bound of V8 for a large one. */
function youngArgs(name: SupervisedUnit, heapMiB: number): string[] {
  if (name !== 'switch') return []
  return [`--max-semi-space-size=${Math.min(16, Math.max(1, Math.floor(heapMiB / 64)))}`]
}

/** The older part of a large heap is gone through when it is five times what was in use then. By itself V8 does it at
 * 1.4 times on a busy core: each few seconds, with calls waiting for 0.1 s and more. Near the bound of the heap the
 * growth is cut to half of what is left; a small heap is left to V8. */
function oldArgs(name: SupervisedUnit, heapMiB: number): string[] {
  return name === 'switch' && heapMiB >= largeHeapMiB ? ['--heap-growing-percent=400'] : []
}

const largeHeapMiB = 512

/** The pool of libuv has four threads unless it is told otherwise before its first work. */
function poolEnvironment(name: SupervisedUnit): Record<string, string> {
  return name === 'switch' ? { UV_THREADPOOL_SIZE: String(limits.fileThreads) } : {}
}

interface UnitOptions {
  readonly name: SupervisedUnit
  readonly program: string
  readonly config: string
  readonly runDirectory: string
  /** See `originOf`. */
  readonly origin: string
  /** Bound of its heap. */
  readonly heapMiB: number
  readonly log: Log
  readonly now: () => number
  readonly wallMs: () => number
  /** Called after each start and death. */
  readonly onChange: () => void
}

type Told = UnitReport['units'][number]

export class SupervisedProcess {
  readonly #options: UnitOptions
  #child: Child | null = null
  #isAdopted = false
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

  get report(): Told {
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

  get name(): SupervisedUnit {
    return this.#options.name
  }

  /** Has the report written. */
  tell(): void {
    this.#options.onChange()
  }

  /** The process that another supervisor started, as long as it lives; null: there is none. */
  get adoptedPid(): number | null {
    return this.#isAdopted ? this.#pid : null
  }

  /** A sign of life that did not come through the pipe. */
  beat(): void {
    this.#pulse.beat(this.#options.now())
  }

  /** Goes on with a unit of a former supervisor.
   * @param told what that one reported of it */
  adopt(identity: ProcessIdentity, told: Told | undefined): void {
    const { name, log, now, wallMs } = this.#options
    const known = told?.pid === identity.pid ? told : undefined
    this.#sinceWallMs = known?.sinceWallMs ?? wallMs()
    this.#restarts = told?.restarts ?? 0
    this.#quickDeaths = told?.quickDeaths ?? 0
    this.#died = told?.died ?? ''
    this.#startedAt = now()
    this.#pulse.adopt(now(), wallMs() - this.#sinceWallMs < limits.unitStartMsMax)
    this.#isAdopted = true
    this.#child = followProcess(identity, (exit) => this.#gone(exit))
    this.#pid = identity.pid
    this.#settle()
    log.info('unit goes on', { of: name, unitPid: identity.pid, restarts: this.#restarts })
  }

  start(): void {
    const { name, program, config, log, now, heapMiB, runDirectory } = this.#options
    this.#startedAt = now()
    this.#pulse.begin(now())
    this.#endedFor = ''
    const started = startNode({
      path: program,
      args: ['--config', config],
      nodeArgs: [
        `--max-old-space-size=${heapMiB}`,
        ...youngArgs(name, heapMiB),
        ...oldArgs(name, heapMiB),
        ...threadArgs(name),
      ],
      environment: { ...compileCacheEnvironment(runDirectory), ...poolEnvironment(name) },
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
    this.#settle()
    this.#options.onChange()
    try {
      writeUnitNote(this.#place, started.value.pid, this.#options.origin)
    } catch (error) {
      // A full disk ends no supervisor; the next one may not find this unit.
      log.warn('a pid file cannot be written', { of: name, error: errorText(error) })
    }
    log.info('unit started', { of: name, unitPid: started.value.pid, restarts: this.#restarts })
  }

  get #place() {
    const { runDirectory, name: unit } = this.#options
    return { runDirectory, unit }
  }

  #settle(): void {
    this.#settled = setTimeout(() => {
      this.#quickDeaths = 0
      this.#options.onChange()
    }, settledMs)
  }

  #gone(exit: ChildExit): void {
    this.#child = null
    this.#isAdopted = false
    this.#pid = null
    this.#pulse.end()
    if (this.#settled !== null) clearTimeout(this.#settled)
    const how = this.#endedFor || howItDied(exit)
    this.#died = how
    removeUnitNote(this.#place)
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
  if (code === null && signal === null) return 'ended, started by a former supervisor'
  return signal ?? `exit code ${code}`
}
