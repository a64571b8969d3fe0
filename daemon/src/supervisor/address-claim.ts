//! Who answers ARP for the service address in reach mode `floating` (ADR 0016): the primary, and nobody
//! else. Pure: time is an argument, frames are returned.
//!
//! The right to answer is a lease that pair renews with each heartbeat (ADR 0015), so that a node that
//! was stopped, or whose pair unit is dead, has lost it by the time at which the peer serves.
import { limits } from '../limits.ts'
import { type ArpPacket, broadcastMac, decodeArp, encodeArp, noMac } from '../wire/arp.ts'

/** Announced again this long after the claim, in milliseconds: a frame may be lost, and a host may
 * hold on to its entry for a second (Linux `locktime`). Then once in `arpAnnounceMs`. */
const repeatsMs = [10, 30, 100, 300, 1_100]

interface ClaimOptions {
  readonly address: string
  /** Own MAC on the terminal LAN. */
  readonly mac: string
}

export class AddressClaim {
  readonly #options: ClaimOptions
  #isPrimary = false
  #leaseUntilMs = Number.NEGATIVE_INFINITY
  #claimedAtMs: number | null = null
  #repeat = 0
  #announceAtMs = 0
  #defendedAtMs = Number.NEGATIVE_INFINITY
  /** Frames in which another host said that the address is its own. */
  conflicts = 0
  answered = 0

  constructor(options: ClaimOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#claimedAtMs !== null
  }

  /** The pair unit says the role. @returns what must leave at once. */
  told(isPrimary: boolean, nowMs: number): Uint8Array[] {
    this.#isPrimary = isPrimary
    if (!isPrimary) this.#claimedAtMs = null
    return this.#claim(nowMs)
  }

  /** The pair unit lends the role until then. A word of it that waited unread lends nothing. */
  lent(untilMs: number, nowMs: number): Uint8Array[] {
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, untilMs)
    return this.#claim(nowMs)
  }

  /** To be called often; @returns what is due. */
  advance(nowMs: number): Uint8Array[] {
    if (!this.#isHeld(nowMs) || nowMs < this.#announceAtMs) return []
    return this.#announce(nowMs)
  }

  /** A frame of the terminal LAN. */
  heard(frame: Uint8Array, nowMs: number): Uint8Array[] {
    const packet = decodeArp(frame)
    if (packet === null || !this.#isHeld(nowMs)) return []
    const { address, mac } = this.#options
    if (packet.senderIp === address) {
      if (packet.senderMac === mac) return []
      this.conflicts += 1
      return this.#defend(nowMs)
    }
    if (packet.operation !== 'request' || packet.targetIp !== address) return []
    this.answered += 1
    const { senderMac, senderIp } = packet
    return [this.#frame('reply', { mac: senderMac, ip: senderIp }, senderMac)]
  }

  /** The peer that was primary until now, or a foreign host: whoever believed it, believes us again.
   * Two that defend themselves must not fill the LAN. */
  #defend(nowMs: number): Uint8Array[] {
    if (nowMs - this.#defendedAtMs < limits.arpDefendMs) return []
    this.#defendedAtMs = nowMs
    return this.#frames()
  }

  #claim(nowMs: number): Uint8Array[] {
    if (this.#isHeld(nowMs) || !this.#isPrimary || nowMs >= this.#leaseUntilMs) return []
    this.#claimedAtMs = nowMs
    this.#repeat = 0
    return this.#announce(nowMs)
  }

  #isHeld(nowMs: number): boolean {
    if (this.#claimedAtMs !== null && nowMs >= this.#leaseUntilMs) this.#claimedAtMs = null
    return this.#claimedAtMs !== null
  }

  #announce(nowMs: number): Uint8Array[] {
    const step = repeatsMs[this.#repeat++]
    const nextMs =
      step === undefined ? nowMs + limits.arpAnnounceMs : (this.#claimedAtMs ?? 0) + step
    // Repetitions that a stall has left behind are not made up for.
    this.#announceAtMs = Math.max(nextMs, nowMs + 1)
    return this.#frames()
  }

  /** Both forms of a gratuitous ARP: some hosts believe the one, some the other (RFC 5944 4.6). */
  #frames(): Uint8Array[] {
    const { address } = this.#options
    return [
      this.#frame('request', { mac: noMac, ip: address }, broadcastMac),
      this.#frame('reply', { mac: broadcastMac, ip: address }, broadcastMac),
    ]
  }

  #frame(
    operation: ArpPacket['operation'],
    target: { readonly mac: string; readonly ip: string },
    destinationMac: string,
  ): Uint8Array {
    const { address, mac } = this.#options
    const sender = { senderMac: mac, senderIp: address }
    const packet = { operation, ...sender, targetMac: target.mac, targetIp: target.ip }
    return encodeArp(packet, destinationMac)
  }
}
