//! Replicate before answering (ADR 0004): who waits for which versions to be on the standby.
import { addressId, type RecordChange } from '../tables/address.ts'

interface Waiter {
  readonly token: string
  /** Address numbers that are not confirmed yet. */
  readonly open: Set<number>
}

export class Waiting {
  #next = 1
  /** By address number: who waits, and for which version at least. */
  readonly #byAddress = new Map<number, { waiter: Waiter; version: number }[]>()

  /** @returns null when there is nothing to wait for. */
  wait(changes: readonly RecordChange[]): string | null {
    if (changes.length === 0) return null
    const waiter: Waiter = { token: `replicated-${this.#next++}`, open: new Set() }
    const newest = new Map<number, number>()
    for (const { address, version } of changes) {
      const id = addressId(address)
      newest.set(id, Math.max(version, newest.get(id) ?? 0))
    }
    for (const [id, version] of newest) {
      const there = this.#byAddress.get(id) ?? []
      there.push({ waiter, version })
      this.#byAddress.set(id, there)
      waiter.open.add(id)
    }
    return waiter.token
  }

  /** @returns the tokens that wait no longer. */
  settled(id: number, version: number): string[] {
    const there = this.#byAddress.get(id)
    if (there === undefined) return []
    const still = there.filter((entry) => entry.version > version)
    if (still.length === 0) this.#byAddress.delete(id)
    else this.#byAddress.set(id, still)
    const tokens: string[] = []
    for (const { waiter, version: wanted } of there) {
      if (wanted > version || !waiter.open.delete(id)) continue
      if (waiter.open.size === 0) tokens.push(waiter.token)
    }
    return tokens
  }

  /** There is no standby any more. @returns all tokens. */
  giveUp(): string[] {
    const tokens = new Set<string>()
    for (const there of this.#byAddress.values()) {
      for (const { waiter } of there) tokens.add(waiter.token)
    }
    this.#byAddress.clear()
    return [...tokens]
  }
}
