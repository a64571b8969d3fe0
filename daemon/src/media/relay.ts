//! Hears for the other node, and through it (reach mode `floating`, ADR 0016): what comes to a socket of
//! a leg goes to the peer as well, and what the peer has heard is read like an own packet. Which node
//! is primary plays no part: a terminal's frames come to one node only, and for a moment after a change
//! of role to the wrong one.
import { limits } from '../limits.ts'
import {
  decodeRelayFrame,
  encodeRelayFrame,
  type RelayFrame,
  type RelayPacket,
  relayPacketBytes,
  relayRoomBytes,
} from '../wire/relay-frame.ts'
import { type Arena, arenaOffset, receiveBytesMax } from './arena.ts'
import { RelayWindow, ticksMax } from './relay-window.ts'
import type { LegEnds, LegSockets, OpenState } from './sockets.ts'

interface RelayOptions {
  readonly arena: Arena
  /** The sockets of this node. */
  readonly sockets: LegSockets
  readonly key: Uint8Array
  /** 0 or 1, the other one at the peer. */
  readonly side: number
  /** A frame to the peer, on every link. */
  readonly send: (frame: Uint8Array) => void
}

/** Packets of one leg that wait for its tick; an older one than these is late anyway. */
const heldMax = 16
const rtpBytesMin = 12

export class Relay implements LegSockets {
  readonly #options: RelayOptions
  readonly #window = new RelayWindow()
  /** Numbers of the legs by their RTP port, and the other way. */
  readonly #legs = new Map<number, number>()
  readonly #ports: number[] = []
  readonly #held: Uint8Array[][] = []
  #outgoing: RelayPacket[] = []
  #term = 0
  /** A node learns of a new term a moment after the other one. */
  #termBefore = { term: 0, untilTick: -1 }
  #tick = -1
  #number = 0
  #numberTick = 0
  /** Packets to the peer, packets of it that were taken, and what was refused in either direction. */
  readonly counters = { sent: 0, taken: 0, refused: 0 }

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** The newest term that this node knows. */
  setTerm(term: number): void {
    if (term <= this.#term) return
    this.#termBefore = { term: this.#term, untilTick: this.#tick + ticksMax }
    this.#term = term
  }

  /** Drops what waits: after a standstill it is no voice of the present. */
  forget(): void {
    this.#outgoing = []
    for (const held of this.#held) if (held !== undefined) held.length = 0
  }

  /** A datagram of the peer's address on a link. @param tick the last one that ran here. */
  take(bytes: Uint8Array, tick: number): void {
    const frame = decodeRelayFrame(bytes, this.#options.key)
    if (typeof frame === 'string' || frame.side === this.#options.side) {
      this.counters.refused += 1
      return
    }
    this.setTerm(frame.term)
    const { term, untilTick } = this.#termBefore
    const isOld = frame.term !== this.#term && (frame.term !== term || tick > untilTick)
    if (isOld) this.counters.refused += 1
    else this.#takeOnce(frame, tick)
  }

  /** Sends what came in the turn that ends. @param tick the last one that ran. */
  flush(tick: number): void {
    this.#tick = tick
    const waiting = this.#outgoing
    if (waiting.length === 0) return
    this.#outgoing = []
    let packets: RelayPacket[] = []
    let room = relayRoomBytes
    for (const packet of waiting) {
      const size = relayPacketBytes(packet.bytes.length)
      if (size > room) {
        this.#send(packets, tick)
        packets = []
        room = relayRoomBytes
      }
      packets.push(packet)
      room -= size
    }
    this.#send(packets, tick)
  }

  open(leg: number, ends: LegEnds): void {
    this.#forgetLeg(leg)
    this.#legs.set(ends.localPort, leg)
    this.#ports[leg] = ends.localPort
    this.#held[leg] = []
    this.#options.sockets.open(leg, ends)
  }

  close(leg: number): void {
    this.#forgetLeg(leg)
    this.#options.sockets.close(leg)
  }

  state(leg: number): OpenState {
    return this.#options.sockets.state(leg)
  }

  aim(leg: number, ends: LegEnds): boolean {
    // From the end that was; as the sockets do.
    const held = this.#held[leg]
    if (held !== undefined) held.length = 0
    return this.#options.sockets.aim(leg, ends)
  }

  receive(leg: number): number {
    const { arena, sockets } = this.#options
    const length = sockets.receive(leg)
    if (length > 0) {
      if (length >= rtpBytesMin) this.#hearFor(leg, length)
      return length
    }
    const bytes = this.#held[leg]?.shift()
    if (bytes === undefined) return 0
    arena.bytes.set(bytes, arenaOffset.received)
    return bytes.length
  }

  /** Packets of the peer wait: each has had one tick of delay already. */
  hasMore(leg: number): boolean {
    return (this.#held[leg]?.length ?? 0) > 0
  }

  receiveControl(leg: number): number {
    return this.#options.sockets.receiveControl(leg)
  }

  send(leg: number, offset: number, length: number): boolean {
    return this.#options.sockets.send(leg, offset, length)
  }

  sendControl(leg: number, offset: number, length: number): boolean {
    return this.#options.sockets.sendControl(leg, offset, length)
  }

  #hearFor(leg: number, length: number): void {
    const port = this.#ports[leg]
    if (port === undefined) return
    const from = arenaOffset.received
    this.#outgoing.push({ port, bytes: this.#options.arena.bytes.slice(from, from + length) })
  }

  #takeOnce(frame: RelayFrame, tick: number): void {
    const verdict = this.#window.judge(frame, tick)
    if (verdict === 'strange') this.counters.refused += 1
    if (verdict !== 'new') return
    for (const { port, bytes } of frame.packets) {
      const leg = this.#legs.get(port)
      const held = leg === undefined ? undefined : this.#held[leg]
      if (held === undefined || bytes.length < rtpBytesMin || bytes.length > receiveBytesMax) {
        this.counters.refused += 1
        continue
      }
      this.counters.taken += 1
      held.push(bytes)
      if (held.length > heldMax) held.shift()
    }
  }

  #send(packets: readonly RelayPacket[], tick: number): void {
    if (tick !== this.#numberTick) this.#number = 0
    this.#numberTick = tick
    if (this.#number >= limits.relayFramesPerTickMax) {
      this.counters.refused += packets.length
      return
    }
    const { key, side, send } = this.#options
    const header = { side, number: this.#number++, term: this.#term, tick }
    send(encodeRelayFrame({ ...header, packets }, key))
    this.counters.sent += packets.length
  }

  #forgetLeg(leg: number): void {
    const port = this.#ports[leg]
    if (port !== undefined && this.#legs.get(port) === leg) this.#legs.delete(port)
    delete this.#ports[leg]
    delete this.#held[leg]
  }
}
