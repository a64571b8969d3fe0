//! A process of a simulated node: it lives, stands still, dies and is born again. What comes for it while
//! it stands still waits, as in the kernel, and comes at once when it goes on: timers, then what was sent
//! to it, then the timers that hear what waits first.
import type { Planned, Timeline } from '../world/timeline.ts'

/** Messages that the kernel keeps for one process; further datagrams are lost. */
const waitingMax = 4_000

interface Waiting {
  readonly run: () => void
  readonly kind: (typeof kinds)[number]
}

const kinds = ['timer', 'message', 'listening timer'] as const

export class Process {
  readonly name: string
  readonly #timeline: Timeline
  #boot = 0
  #alive = false
  #frozenToMs = 0
  #frozenFromMs = 0
  #waiting: Waiting[] = []
  #thaw: Planned | null = null
  /** A defect that a turn threw: the process ends, as the real one does. */
  readonly #onDefect: (process: Process, error: unknown) => void

  constructor(
    name: string,
    timeline: Timeline,
    onDefect: (process: Process, error: unknown) => void,
  ) {
    this.name = name
    this.#timeline = timeline
    this.#onDefect = onDefect
  }

  get alive(): boolean {
    return this.#alive
  }

  /** It runs and is not stopped. */
  get active(): boolean {
    return this.#alive && this.#timeline.nowMs >= this.#frozenToMs
  }

  get boot(): number {
    return this.#boot
  }

  start(): void {
    this.#boot++
    this.#alive = true
    this.#frozenToMs = 0
    this.#waiting = []
  }

  kill(): void {
    this.#boot++
    this.#alive = false
    this.#waiting = []
    this.#frozenToMs = 0
  }

  /** For how long it has stood still, in milliseconds. */
  get stillMs(): number {
    return this.#alive && !this.active ? this.#timeline.nowMs - this.#frozenFromMs : 0
  }

  /** It stands still for so long: SIGSTOP, a busy machine, a slow disk. */
  freeze(forMs: number): void {
    const toMs = this.#timeline.nowMs + forMs
    if (!this.#alive || toMs <= this.#frozenToMs) return
    if (this.active) this.#frozenFromMs = this.#timeline.nowMs
    this.#frozenToMs = toMs
    if (this.#thaw !== null) this.#timeline.cancel(this.#thaw)
    const boot = this.#boot
    this.#thaw = this.#timeline.at(toMs, () => {
      if (this.#boot === boot) this.#goOn()
    })
  }

  /** A timer of this life of the process. */
  timer(atMs: number, run: () => void): Planned {
    return this.#plan(atMs, { run, kind: 'timer' })
  }

  /** As `timer`, after what waits in the sockets. */
  listeningTimer(atMs: number, run: () => void): Planned {
    return this.#plan(atMs, { run, kind: 'listening timer' })
  }

  /** Something that comes for this life of the process: a datagram, a message of the bus. */
  deliver(atMs: number, run: () => void): Planned {
    return this.#plan(atMs, { run, kind: 'message' })
  }

  /** Runs what this life of the process does; a defect ends it. */
  turn(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#onDefect(this, error)
    }
  }

  #plan(atMs: number, waiting: Waiting): Planned {
    const boot = this.#boot
    return this.#timeline.at(atMs, () => {
      if (this.#boot !== boot) return
      if (this.#timeline.nowMs < this.#frozenToMs) {
        const isKept = waiting.kind !== 'message' || this.#waiting.length < waitingMax
        if (isKept) this.#waiting.push(waiting)
      } else this.turn(waiting.run)
    })
  }

  #goOn(): void {
    const waiting = this.#waiting
    this.#waiting = []
    const boot = this.#boot
    const sorted = kinds.flatMap((kind) => waiting.filter((one) => one.kind === kind))
    for (const [index, one] of sorted.entries()) {
      if (this.#boot !== boot) return
      if (this.#timeline.nowMs < this.#frozenToMs) {
        // It was stopped again by what it did itself.
        this.#waiting.unshift(...sorted.slice(index))
        return
      }
      this.turn(one.run)
    }
  }
}
