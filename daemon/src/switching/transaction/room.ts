//! The transactions of one side by their id. Those at work are objects; those that only meet repetitions any more,
//! for up to 32 s, are one text each. A busy switch has ten thousands of them: as objects they were most of what
//! its garbage collector goes through again and again.
import type { Live, Machine, Names } from './live.ts'
import { forgottenRequest, forgottenResponse } from './settled.ts'
import { type TimerName, timerMs } from './timers.ts'

/** What ends a transaction that only meets repetitions. */
const lastTimers: readonly TimerName[] = ['timer-i', 'timer-j', 'timer-k', 'timer-l', 'timer-m']

/** Its state, where it answers, whether it is quiet, its names, and the text that it repeats. */
type Rest = readonly [
  ...[untilMs: number, role: Machine['role'], phase: string],
  ...[address: string, port: number, quiet: boolean],
  ...[callId: string, number: number, fromTag: string, toTag: string],
  text: string | null,
]

export class Room {
  readonly #atWork = new Map<string, Live>()
  readonly #resting = new Map<string, string>()
  /** Of those that rest, by how long they do. */
  readonly #ends = new Map<number, Ends>()

  get size(): number {
    return this.#atWork.size + this.#resting.size
  }

  has(id: string): boolean {
    return this.#atWork.has(id) || this.#resting.has(id)
  }

  /** Of one that rests, an object for the moment: `rest` again, when it has changed. */
  get(id: string): Live | undefined {
    const live = this.#atWork.get(id)
    if (live !== undefined) return live
    const text = this.#resting.get(id)
    return text === undefined ? undefined : restored(id, this, text)
  }

  add(live: Live): void {
    this.#atWork.set(live.id, live)
  }

  remove(live: Live): void {
    if (this.#atWork.get(live.id) === live) this.#atWork.delete(live.id)
    else if (live.restsUntilMs !== null) this.#resting.delete(live.id)
  }

  /** To be called for a settled one (`settled.ts`).
   * @returns true when nothing but its end is left to come: its clock is kept here from now on */
  rest(live: Live): boolean {
    const untilMs = live.restsUntilMs ?? endOf(live)
    if (untilMs === null) return false
    this.#atWork.delete(live.id)
    this.#resting.set(live.id, textOf(live, untilMs))
    if (live.restsUntilMs !== null) return true
    const [last] = live.timers.keys()
    const ms = last === undefined ? 0 : timerMs[last]
    const ends = this.#ends.get(ms) ?? new Ends()
    this.#ends.set(ms, ends)
    ends.add(live.id, untilMs)
    return true
  }

  /** When the next one that rests ends, or null. */
  nextMs(): number | null {
    let next: number | null = null
    for (const ends of this.#ends.values()) {
      if (ends.nextMs !== null && (next === null || ends.nextMs < next)) next = ends.nextMs
    }
    return next
  }

  /** Ends what has rested for long enough. */
  advance(nowMs: number): void {
    for (const ends of this.#ends.values()) {
      for (let due = ends.take(nowMs); due !== null; due = ends.take(nowMs)) {
        const text = this.#resting.get(due.id)
        // Another one may have come under the same id since.
        if (text !== undefined && untilOf(text) === due.atMs) this.#resting.delete(due.id)
      }
    }
  }

  clear(): void {
    this.#atWork.clear()
    this.#resting.clear()
    this.#ends.clear()
  }
}

/** Those that rest for the same time end in the order in which they began to. */
class Ends {
  #ids: string[] = []
  #atMs: number[] = []
  #next = 0

  get nextMs(): number | null {
    return this.#atMs[this.#next] ?? null
  }

  add(id: string, atMs: number): void {
    this.#ids.push(id)
    this.#atMs.push(atMs)
  }

  take(nowMs: number): { id: string; atMs: number } | null {
    const atMs = this.#atMs[this.#next]
    const id = this.#ids[this.#next]
    if (atMs === undefined || id === undefined || atMs > nowMs) return null
    this.#next += 1
    if (this.#next > takenMax && this.#next * 2 > this.#ids.length) {
      this.#ids = this.#ids.slice(this.#next)
      this.#atMs = this.#atMs.slice(this.#next)
      this.#next = 0
    }
    return { id, atMs }
  }
}

/** So many that were taken may stay in front of the others. */
const takenMax = 256

/** When it ends, if that is all that it waits for; null: it may do something of its own before. */
function endOf({ timers }: Live): number | null {
  const [first, second] = timers.values()
  if (first === undefined || second !== undefined) return null
  return lastTimers.includes(first.timer) ? first.atMs : null
}

function textOf(live: Live, untilMs: number): string {
  const { machine, to, quiet, sent } = live
  const { callId, number, fromTag, toTag } = live.names ?? nobody
  const names = [callId, number, fromTag, toTag] as const
  const where = [to.address, to.port, quiet] as const
  const rest: Rest = [untilMs, machine.role, machine.phase, ...where, ...names, sent?.text ?? null]
  return JSON.stringify(rest)
}

const nobody: Names = { callId: '', number: 0, fromTag: '', toTag: '' }

/** The number that such a text begins with. */
function untilOf(text: string): number {
  return Number.parseFloat(text.slice(1, text.indexOf(',')))
}

function restored(id: string, room: Room, of: string): Live {
  const [untilMs, role, phase, address, port, quiet, ...rest] = JSON.parse(of) as Rest
  const [callId, number, fromTag, toTag, text] = rest
  return {
    ...{ id, room, quiet },
    machine: machineOf(role, phase),
    to: { address, port },
    timers: new Map(),
    sent: text === null ? null : { message: forgottenResponse, text },
    names: { callId, number, fromTag, toTag },
    restsUntilMs: untilMs,
  }
}

function machineOf(role: Machine['role'], phase: string): Machine {
  const message = role.endsWith('client')
    ? { request: forgottenRequest, cancelled: false }
    : { last: forgottenResponse }
  return { role, phase, intervalMs: 0, ...message } as Machine
}
