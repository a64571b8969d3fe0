//! RTCP of the legs: what terminals report is taken, and what this node says is sent.
import { type Arena, arenaOffset } from './arena.ts'
import type { Leg } from './leg.ts'
import { goodbyeOf, reportOf, takeReport } from './reports.ts'
import { type LegSockets, parseIpv4 } from './sockets.ts'

const drainPackets = 8

interface ControlOptions {
  readonly arena: Arena
  readonly sockets: LegSockets
  /** Unix milliseconds, for the NTP time of reports. */
  readonly wallMs: () => number
}

export class LegControl {
  readonly #options: ControlOptions

  constructor(options: ControlOptions) {
    this.#options = options
  }

  /** @returns how many packets were no RTCP. */
  receive(leg: Leg): number {
    const { arena, sockets, wallMs } = this.#options
    let refused = 0
    for (let packets = 0; packets < drainPackets; packets++) {
      const length = sockets.receiveControl(leg.index)
      if (length <= 0) break
      const bytes = arena.bytes.slice(arenaOffset.received, arenaOffset.received + length)
      if (!takeReport(leg, bytes, wallMs())) refused++
    }
    return refused
  }

  report(leg: Leg, tick: number): void {
    this.#send(leg, reportOf(leg, { tick, wallMs: this.#options.wallMs() }))
  }

  /** Nobody will send for this leg any more. */
  goodbye(leg: Leg): void {
    if (parseIpv4(leg.record.terminalAddress) !== null) this.#send(leg, goodbyeOf(leg))
  }

  #send(leg: Leg, bytes: Uint8Array): void {
    this.#options.arena.bytes.set(bytes, arenaOffset.control)
    this.#options.sockets.sendControl(leg.index, arenaOffset.control, bytes.length)
  }
}
