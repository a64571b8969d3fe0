//! SIP that one node heard and the other one did not (reach mode `floating`, ADR 0016). A frame goes out
//! on every link and counts once; one that is lost is as lost as on the terminal LAN: SIP repeats.
import { limits } from '../limits.ts'
import type { SyncBody } from '../wire/sync-frame-types.ts'

export type HeardBody = Extract<SyncBody, { kind: 'heard' }>

/** Frames of the peer that are remembered. */
const rememberedMax = 512

export class HeardSip {
  #ref = 0
  readonly #seen = new Set<string>()

  /** @returns the body for the peer; null when the datagram is longer than SIP may be. */
  bodyOf(bytes: Uint8Array, from: { address: string; port: number }): HeardBody | null {
    if (bytes.length > limits.sipMessageBytesMax) return null
    this.#ref += 1
    return { kind: 'heard', ref: this.#ref, address: from.address, port: from.port, body: bytes }
  }

  /** @returns false when the frame has come on another link already. */
  isNew(boot: string, ref: number): boolean {
    const name = `${boot}-${ref}`
    if (this.#seen.has(name)) return false
    this.#seen.add(name)
    for (const oldest of this.#seen) {
      if (this.#seen.size <= rememberedMax) break
      this.#seen.delete(oldest)
    }
    return true
  }
}
