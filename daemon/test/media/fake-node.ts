//! An engine with sockets made of arrays and a clock made of slots.
import { join } from 'node:path'
import type { BusMessage, BusMessageOf, MediaCommand } from '../../src/bus/messages.ts'
import { limits } from '../../src/limits.ts'
import { type Arena, arenaOffset, openArena } from '../../src/media/arena.ts'
import { MediaCommands } from '../../src/media/commands.ts'
import { MediaEngine } from '../../src/media/engine.ts'
import type { Relay } from '../../src/media/relay.ts'
import type { LegEnds, LegSockets, OpenState } from '../../src/media/sockets.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import { parseRtp, writeRtp } from '../../src/wire/rtp.ts'
import { plainLeg } from '../tables/plain-records.ts'

export const firstTick = 1_000_000

export interface Sent {
  readonly localPort: number
  readonly slot: number
  readonly bytes: Uint8Array
}

export class FakeSockets implements LegSockets {
  readonly arena: Arena
  readonly sent: Sent[] = []
  readonly sentControl: Sent[] = []
  slot = 0
  /** Ports that are taken. */
  readonly busy = new Set<number>()
  readonly ends = new Map<number, LegEnds>()
  readonly #queues = new Map<number, Uint8Array[]>()

  constructor(arena: Arena) {
    this.arena = arena
  }

  open(leg: number, ends: LegEnds): void {
    this.ends.set(leg, ends)
    this.#queues.delete(ends.localPort)
  }

  state(leg: number): OpenState {
    return this.busy.has(this.#port(leg)) ? 'busy' : 'open'
  }

  aim(leg: number, ends: LegEnds): boolean {
    this.ends.set(leg, ends)
    return true
  }

  close(leg: number): void {
    this.#queues.delete(this.#port(leg))
    this.ends.delete(leg)
  }

  /** A packet reaches a port; RTCP ports are odd. */
  arrive(port: number, bytes: Uint8Array): void {
    // A kernel keeps nothing for a port that is not open.
    if (![...this.ends.values()].some(({ localPort }) => localPort === (port & ~1))) return
    const queue = this.#queues.get(port) ?? []
    queue.push(bytes)
    this.#queues.set(port, queue)
  }

  receive(leg: number): number {
    return this.#receive(this.#port(leg))
  }

  receiveControl(leg: number): number {
    return this.#receive(this.#port(leg) + 1)
  }

  send(leg: number, offset: number, length: number): boolean {
    return this.#send(this.sent, this.#port(leg), this.arena.bytes.slice(offset, offset + length))
  }

  sendControl(leg: number, offset: number, length: number): boolean {
    const bytes = this.arena.bytes.slice(offset, offset + length)
    return this.#send(this.sentControl, this.#port(leg) + 1, bytes)
  }

  #send(list: Sent[], localPort: number, bytes: Uint8Array): boolean {
    list.push({ localPort, slot: this.slot, bytes })
    return true
  }

  #receive(port: number): number {
    const bytes = this.#queues.get(port)?.shift()
    if (bytes === undefined) return 0
    this.arena.bytes.set(bytes, arenaOffset.received)
    return bytes.length
  }

  #port(leg: number): number {
    return this.ends.get(leg)?.localPort ?? -1
  }
}

export class FakeNode {
  readonly sockets: FakeSockets
  readonly engine: MediaEngine
  readonly messages: BusMessage[] = []
  readonly relay: Relay | undefined
  readonly #commands: MediaCommands
  #slot: number
  #ref = 0

  /** @param makeRelay stands before the sockets. */
  constructor(tick = firstTick, makeRelay?: (sockets: FakeSockets) => Relay) {
    this.#slot = tick * 4
    const arena = openArena(join(import.meta.dirname, '../../build/mixer.wasm'))
    const emit = (message: BusMessage) => this.messages.push(message)
    this.sockets = new FakeSockets(arena)
    this.relay = makeRelay?.(this.sockets)
    const sockets = this.relay ?? this.sockets
    const reserveTicks = this.relay === undefined ? 0 : limits.relayTicks
    this.engine = new MediaEngine({ arena, sockets, reserveTicks, wallMs: () => 0, emit })
    this.#commands = new MediaCommands(this.engine, sockets, emit)
  }

  /** Ticks whose time was over while this node stood still: with what came until now. */
  makeUp(ticks: number): void {
    this.#run(ticks, () => undefined, true)
  }

  /** @param arrivals called before each slot, with the tick. */
  run(ticks: number, arrivals: (tick: number, phase: number) => void = () => undefined): void {
    this.#run(ticks, arrivals, false)
  }

  #run(ticks: number, arrivals: (tick: number, phase: number) => void, isMadeUp: boolean): void {
    for (let slots = 0; slots < ticks * 4; slots++, this.#slot++) {
      arrivals(Math.floor(this.#slot / 4), this.#slot % 4)
      this.sockets.slot = this.#slot
      this.engine.runSlot(this.#slot, isMadeUp)
      this.relay?.flush(this.engine.tick)
      this.#commands.poll(this.nowMs)
    }
  }

  /** The clock jumps. */
  skip(ticks: number): void {
    this.#slot += ticks * 4
  }

  get nowMs(): number {
    return this.#slot * 5
  }

  get tick(): number {
    return Math.floor(this.#slot / 4)
  }

  /** @returns the answer, if it came at once. */
  order(order: WithoutRef<MediaCommand>): BusMessageOf<'media-response'> | undefined {
    const ref = ++this.#ref
    this.#commands.run({ ...order, ref } as MediaCommand, this.nowMs)
    return this.responses.find((message) => message.ref === ref)
  }

  get responses(): BusMessageOf<'media-response'>[] {
    return this.messages.filter((message) => message.kind === 'media-response')
  }

  get maps(): BusMessageOf<'input-mapped'>[] {
    return this.messages.filter((message) => message.kind === 'input-mapped')
  }

  /** Packets that left from a port since the last call. */
  takeSent(localPort: number): Sent[] {
    const found = this.sockets.sent.filter((sent) => sent.localPort === localPort)
    const rest = this.sockets.sent.filter((sent) => sent.localPort !== localPort)
    this.sockets.sent.splice(0, this.sockets.sent.length, ...rest)
    return found
  }
}

export type WithoutRef<C> = C extends { ref: number } ? Omit<C, 'ref'> : never

/** Leg number `n` of conference 1, on port 20000 + 2 n. */
export function legRecord(n: number, more: Partial<WiredMedia> = {}): WiredMedia {
  return plainLeg({
    ...{ mediaId: `m${n}`, sessionId: 's1', terminalAddress: '192.0.2.1' },
    ...{ localPort: 20_000 + 2 * n, ssrc: 0x1000 + n, seq0: 100, ts0: 5_000 },
    ...{ tick0: firstTick, controlTick: 0 },
    ...more,
  })
}

export interface Voice {
  readonly ssrc: number
  readonly sequence: number
  readonly timestamp: number
  readonly payload: Uint8Array
  readonly payloadType?: number
  readonly marker?: boolean
}

export function rtp(voice: Voice): Uint8Array {
  const rest = { csrc: [], extension: null, paddingBytes: 0 }
  return writeRtp({ marker: false, payloadType: 8, ...rest, ...voice })
}

/** Payload of packet `k`: 160 codes that tell which packet and which sample they are. */
export function payloadOf(k: number, samples = 160): Uint8Array {
  return Uint8Array.from({ length: samples }, (_, i) => ((k * samples + i) * 37 + 11) & 0xff)
}

export function parsed(sent: Sent) {
  const packet = parseRtp(sent.bytes)
  if (packet === null) throw new Error('not an RTP packet')
  return packet
}
