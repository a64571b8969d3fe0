//! Two primaries met (ADR 0001). The side that lost gives the winner what only it has, in numbered
//! parts, each repeated until it is confirmed, and then waits for the winner's word that all of it is in
//! its tables. Bounded: nothing is given up here before that word, so that a gift that fails costs
//! nothing but time. Pure: time is an argument.
import { limits } from '../limits.ts'
import type { SyncBody } from '../wire/sync-frame-types.ts'

type GivingEnd = { readonly ok: true; readonly body: string } | { readonly ok: false }

interface Part {
  readonly body: string
  dueMs: number
}

const repeatMs = 40

export class Giving {
  /** Names this gift among those of this boot. */
  readonly #ref: number
  readonly #deadlineMs: number
  /** Null: what is to be given is not known yet. */
  #parts: (Part | null)[] | null = null
  #confirmed = 0
  /** Parts before it are confirmed. */
  #base = 0
  #end: GivingEnd | null = null

  constructor(ref: number, nowMs: number) {
    this.#ref = ref
    this.#deadlineMs = nowMs + limits.mergeMsMax
  }

  /** @returns how it ended; null while it goes on. */
  end(nowMs: number): GivingEnd | null {
    if (this.#end === null && nowMs >= this.#deadlineMs) return { ok: false }
    return this.#end
  }

  begin(bodies: readonly string[], nowMs: number): void {
    if (this.#parts !== null) return
    this.#parts = bodies.map((body) => ({ body, dueMs: nowMs }))
    if (bodies.length === 0) this.#end = { ok: true, body: '' }
  }

  /** A frame of the winner. */
  receive(frame: Extract<SyncBody, { kind: 'give-ack' | 'given' }>): void {
    const parts = this.#parts
    if (parts === null || frame.ref !== this.#ref) return
    if (frame.kind === 'given') {
      this.#end = { ok: true, body: frame.body }
      return
    }
    if (frame.index >= parts.length || parts[frame.index] === null) return
    // The last part is repeated until the winner has said what it made of them all.
    if (this.#confirmed === parts.length - 1) return
    parts[frame.index] = null
    this.#confirmed++
    while (parts[this.#base] === null) this.#base++
  }

  advance(nowMs: number): SyncBody[] {
    const parts = this.#parts
    if (parts === null || this.#end !== null) return []
    const bodies: SyncBody[] = []
    const to = Math.min(parts.length, this.#base + limits.mergeWindowParts)
    for (let index = this.#base; index < to; index++) {
      const part = parts[index]
      if (part === null || part === undefined || nowMs < part.dueMs) continue
      part.dueMs = nowMs + repeatMs
      bodies.push({ kind: 'give', ref: this.#ref, index, count: parts.length, body: part.body })
    }
    return bodies
  }

  nextTimerMs(): number {
    const parts = this.#parts
    if (this.#end !== null) return 0
    let next = this.#deadlineMs
    if (parts === null) return next
    const to = Math.min(parts.length, this.#base + limits.mergeWindowParts)
    for (let index = this.#base; index < to; index++) {
      next = Math.min(next, parts[index]?.dueMs ?? next)
    }
    return next
  }
}
