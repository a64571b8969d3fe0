//! Which digests a number is challenged with that nobody has. Accounts may offer different ones, so a number
//! that does not exist must look like one that does: it always offers the same, and as many of them offer
//! each kind as accounts do.

import { limits } from '../../limits.ts'
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { keyedHash } from '../../wire/keyed-hash.ts'

type Offer = PhoneBookEntry['digest']

interface DecoyOptions {
  /** Equal on both nodes, as the accounts are. */
  readonly secret: Uint8Array
  readonly accounts: () => Iterable<Pick<PhoneBookEntry, 'digest'>>
}

export class Decoys {
  readonly #options: DecoyOptions
  #counts: [Offer, number][] = []
  #countedAtMs = Number.NEGATIVE_INFINITY

  constructor(options: DecoyOptions) {
    this.#options = options
  }

  offerOf(number: string, nowWallMs: number): Offer {
    if (Math.abs(nowWallMs - this.#countedAtMs) >= limits.decoysMs) this.#count(nowWallMs)
    const total = this.#counts.reduce((sum, [, count]) => sum + count, 0)
    const text = `vccs decoy\n${number}`
    const digest = keyedHash('sha256', this.#options.secret).update(text).digest()
    let at = (digest.readUInt32BE(0) / 2 ** 32) * total
    for (const [offer, count] of this.#counts) {
      if (at < count) return offer
      at -= count
    }
    return 'md5'
  }

  #count(nowWallMs: number): void {
    this.#countedAtMs = nowWallMs
    const counts = new Map<Offer, number>()
    for (const { digest } of this.#options.accounts()) {
      counts.set(digest, (counts.get(digest) ?? 0) + 1)
    }
    this.#counts = [...counts].sort(([one], [other]) => (one < other ? -1 : 1))
  }
}
