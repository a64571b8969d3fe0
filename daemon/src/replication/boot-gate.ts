//! Which boot of the peer's switch speaks. Frames carry the boot and a number that grows with it, so that
//! a recording, or what is late, of a boot that ended changes nothing.

/** Boots that ended and are remembered. */
const retiredMax = 256
/** A boot that counts as ended is believed again when it says something new after this time: what was in
 * flight is gone by then, so that it lives, and the one that displaced it was a recording. */
const returnMs = 3_000

interface Boot {
  readonly id: string
  newest: number
  retiredMs: number
}

/** `fresh`: newer than all of this boot before; `known`: repeated or overtaken. */
type Judgement = 'fresh' | 'known' | 'refused'

export class BootGate {
  #current: Boot | null = null
  readonly #retired = new Map<string, Boot>()

  judge(frame: { bootId: string; sequence?: number }, nowMs: number): Judgement {
    const { bootId, sequence = 0 } = frame
    if (bootId !== this.#current?.id && !this.#enter(bootId, sequence, nowMs)) return 'refused'
    const boot = this.#current
    if (boot === null || sequence <= boot.newest) return 'known'
    boot.newest = sequence
    return 'fresh'
  }

  /** @returns false for a boot that has ended. */
  #enter(id: string, sequence: number, nowMs: number): boolean {
    const known = this.#retired.get(id)
    if (known !== undefined) {
      if (sequence <= known.newest || nowMs - known.retiredMs < returnMs) return false
      this.#retired.delete(id)
    }
    const former = this.#current
    if (former !== null) {
      former.retiredMs = nowMs
      this.#retired.set(former.id, former)
      const [oldest] = this.#retired.keys()
      if (this.#retired.size > retiredMax && oldest !== undefined) this.#retired.delete(oldest)
    }
    this.#current = known ?? { id, newest: -1, retiredMs: 0 }
    return true
  }
}

/** The first number of a boot's questions: what answers one of an earlier boot answers none of this. */
export function firstRef(bootId: string): number {
  return Number.parseInt(bootId.slice(-8), 16) * 2 ** 16 + 1
}
