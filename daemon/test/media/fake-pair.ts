//! Several nodes with the same table 4 in virtual time: one is primary, the others follow.
import type { MediaCommand } from '../../src/bus/messages.ts'
import { Relay } from '../../src/media/relay.ts'
import type { InputMap, WiredMedia } from '../../src/tables/wired-media.ts'
import { linearToALaw, linearToMuLaw } from '../../src/wire/g711.ts'
import {
  FakeNode,
  type FakeSockets,
  firstTick,
  legRecord,
  rtp,
  type Sent,
  type WithoutRef,
} from './fake-node.ts'

export interface Packet {
  readonly port: number
  readonly atMs: number
  readonly bytes: Uint8Array
}

export const records: readonly WiredMedia[] = [
  legRecord(0, { eventPayloadType: 101 }),
  legRecord(1, { ptimeMs: 10, gainDb: 6, eventPayloadType: 101 }),
  legRecord(2, { ptimeMs: 30, gainDb: -7 }),
  legRecord(3, { codec: 'PCMU', payloadType: 0 }),
]
export const members = records.length
/** A change of the switch holds so many ticks after it. */
const leadTicks = 6
/** Input maps have been on their way for three ticks before. */
const inTimeTicks = 2
const pairKey = new Uint8Array(32).fill(9)

const voicesOf = new Map<number, readonly Packet[]>()

/** What the terminals send: one voice each, of different loudness, law and packet time. */
export function voicePackets(ticks: number): readonly Packet[] {
  const voices = voicesOf.get(ticks) ?? makeVoices(ticks)
  voicesOf.set(ticks, voices)
  return voices
}

function makeVoices(ticks: number): Packet[] {
  const packets: Packet[] = []
  for (let n = 0; n < members; n++) {
    const ptimeMs = [20, 10, 30, 20][n] ?? 20
    const encode = n === 3 ? linearToMuLaw : linearToALaw
    for (let k = 0; k * ptimeMs < ticks * 20 - 100; k++) {
      const timestamp = k * ptimeMs * 8
      const payload = Uint8Array.from({ length: ptimeMs * 8 }, (_, i) =>
        encode(Math.round(Math.sin((timestamp + i) * 0.1 * (n + 1)) * 3_000 * (n + 1))),
      )
      const payloadType = n === 3 ? 0 : 8
      const voice = { ssrc: n + 1, sequence: k & 0xffff, timestamp, payload, payloadType }
      packets.push({ port: 20_000 + 2 * n, atMs: k * ptimeMs + n * 3, bytes: rtp(voice) })
    }
  }
  return packets
}

interface FakePairOptions {
  readonly packets: readonly Packet[]
  readonly delayMs: (node: number, packet: number) => number
  readonly nodes?: number
  /** These join later. */
  readonly absent?: readonly number[]
  /** The network delivers to one node (`hears`), and the two relay to each other. */
  readonly relayed?: boolean
  readonly legs?: readonly WiredMedia[]
}

export class FakePair {
  readonly nodes: (FakeNode | null)[]
  /** Also those that have left. */
  readonly everyNode: FakeNode[] = []
  readonly #numbers = new Map<FakeNode, number>()
  /** These do not run, for so many ticks by now. */
  readonly #behind = new Map<number, number>()
  /** Nothing that the media units say is heard. */
  isCut = false
  hears = 0
  readonly #relayed: boolean
  readonly #frames: Uint8Array[][] = [[], []]
  readonly #queues: Packet[][]
  readonly #table: Map<string, WiredMedia>
  /** What the switch of each node has still to tell its media unit, in this order. */
  readonly #orders: { atTick: number; order: WithoutRef<MediaCommand> }[][]
  #primary = 0
  #tick = 0
  #mapsTold = 0

  constructor(options: FakePairOptions) {
    const { packets, delayMs, nodes = 2, absent = [], relayed = false, legs = records } = options
    this.#relayed = relayed
    this.#table = new Map(legs.map((record) => [record.mediaId, record]))
    this.#orders = Array.from({ length: nodes }, () => [])
    this.#queues = Array.from({ length: nodes }, (_, n) =>
      packets
        .map((packet, p) => ({ ...packet, atMs: packet.atMs + delayMs(n, p) }))
        .sort((a, b) => a.atMs - b.atMs),
    )
    this.nodes = Array.from({ length: nodes }, () => null)
    for (let n = 0; n < nodes; n++) if (!absent.includes(n)) this.join(n)
  }

  /** A new process, with what the table holds. */
  join(n: number): void {
    const node = new FakeNode(firstTick + this.#tick, this.#relayed ? this.#relayOf(n) : undefined)
    this.nodes[n] = node
    this.everyNode.push(node)
    this.#numbers.set(node, n)
    node.engine.setRole(n === this.#primary ? 'primary' : 'standby')
    node.order({ kind: 'conference-set', legs: [...this.#table.values()] })
    this.#orders[n] = []
  }

  get tick(): number {
    return firstTick + this.#tick
  }

  record(mediaId: string): WiredMedia | undefined {
    return this.#table.get(mediaId)
  }

  /** What the standby sent in a slot at which it had not heard yet of what it should have known. */
  readonly #unaware: { readonly n: number; readonly from: number; readonly to: number }[] = []

  /** The packets of node `n`, but for those that it sent before it was told. */
  sent(n: number): Sent[] {
    const windows = this.#unaware.filter((window) => window.n === n)
    return this.everyNode
      .filter((node) => this.#numbers.get(node) === n)
      .flatMap((node) => node.sockets.sent)
      .filter(({ slot }) => !windows.some(({ from, to }) => slot >= from && slot < to))
  }

  /** The switch changes a record; node n hears of it `lateTicks[n]` ticks later. */
  change(
    mediaId: string,
    change: (record: WiredMedia, tick: number) => WiredMedia,
    lateTicks: readonly number[] = [],
  ): void {
    const record = this.#table.get(mediaId)
    if (record === undefined) return
    const leg = change(record, this.tick + leadTicks)
    this.#table.set(mediaId, { ...leg, controlTick: this.tick + leadTicks })
    this.#order(mediaId, lateTicks)
  }

  /** A new leg of the table; node n hears of it `lateTicks[n]` ticks later. */
  add(record: WiredMedia, lateTicks: readonly number[] = []): void {
    const controlTick = this.tick + leadTicks
    this.#table.set(record.mediaId, { ...record, tick0: controlTick, controlTick })
    this.#order(record.mediaId, lateTicks)
  }

  remove(mediaId: string, lateTicks: readonly number[] = []): void {
    this.#table.delete(mediaId)
    this.#order(mediaId, lateTicks)
  }

  #order(mediaId: string, lateTicks: readonly number[]): void {
    const leg = this.#table.get(mediaId)
    for (const [n, orders] of this.#orders.entries()) {
      const atTick = this.#tick + (lateTicks[n] ?? 0)
      const order =
        leg === undefined
          ? ({ kind: 'member-delete', mediaId } as const)
          : ({ kind: 'member-update', leg } as const)
      orders.push({ atTick, order })
      if (atTick > this.#tick + inTimeTicks) {
        const first = firstTick + this.#tick
        this.#unaware.push({ n, from: first * 4, to: (firstTick + atTick) * 4 })
      }
    }
  }

  #giveOrders(n: number, node: FakeNode): void {
    const orders = this.#orders[n] ?? []
    while (orders[0] !== undefined && orders[0].atTick <= this.#tick) {
      const due = orders.shift()
      if (due !== undefined) node.order(due.order)
    }
  }

  /** Killed; when it was the primary, the next one is. */
  leave(n: number): void {
    this.nodes[n] = null
    if (n === this.#primary) this.#serve((n + 1) % this.nodes.length, false)
  }

  /** Planned: the primary until now goes on as a standby. */
  switchOver(to: number): void {
    this.#serve(to, true)
  }

  #serve(to: number, peerSends: boolean): void {
    this.#primary = to
    this.#mapsTold = this.nodes[to]?.maps.length ?? 0
    for (const [n, node] of this.nodes.entries()) {
      node?.engine.setRole(n === to ? 'primary' : 'standby', peerSends)
    }
  }

  run(ticks: number): void {
    for (let t = 0; t < ticks; t++, this.#tick++) {
      for (const [n, node] of this.nodes.entries()) {
        const queue = this.#queues[n] ?? []
        if (node === null || (this.#relayed && n !== this.hears)) this.#lose(queue)
        if (node !== null) this.#giveOrders(n, node)
        const behind = this.#behind.get(n)
        if (behind !== undefined) {
          this.#behind.set(n, behind + 1)
          continue
        }
        node?.run(1, (now, phase) => {
          for (const frame of this.#frames[n]?.splice(0) ?? []) node.relay?.take(frame, now - 1)
          const untilMs = (now - firstTick) * 20 + phase * 5
          while (queue[0] !== undefined && queue[0].atMs <= untilMs) {
            const packet = queue.shift()
            if (packet !== undefined) node.sockets.arrive(packet.port, packet.bytes)
          }
        })
      }
      // The switch carries the maps from one to the others in up to three ticks.
      if (this.#tick % 3 === 0 && !this.isCut) this.#tellMaps()
    }
  }

  /** A node stands still, then makes up for the ticks with all that waits in its sockets. */
  standStill(n: number, ticks: number): void {
    this.#behind.set(n, 0)
    this.run(ticks)
    this.#behind.delete(n)
    const queue = this.#queues[n] ?? []
    while (queue[0] !== undefined && queue[0].atMs <= this.#tick * 20) {
      const packet = queue.shift()
      if (packet !== undefined) this.nodes[n]?.sockets.arrive(packet.port, packet.bytes)
    }
    this.nodes[n]?.makeUp(ticks)
  }

  /** Three links: each frame comes three times. */
  #relayOf(n: number) {
    const send = (frame: Uint8Array) => this.#frames[1 - n]?.push(frame, frame, frame)
    return (sockets: FakeSockets) =>
      new Relay({ arena: sockets.arena, sockets, key: pairKey, side: n, send })
  }

  #lose(queue: Packet[]): void {
    while (queue[0] !== undefined && queue[0].atMs <= (this.#tick + 1) * 20) queue.shift()
  }

  #tellMaps(): void {
    const maps = this.nodes[this.#primary]?.maps ?? []
    for (const { mediaId, map } of maps.slice(this.#mapsTold)) this.#tell(mediaId, map)
    this.#mapsTold = maps.length
  }

  #tell(mediaId: string, map: InputMap): void {
    const record = this.#table.get(mediaId)
    if (record === undefined) return
    this.#table.set(mediaId, { ...record, inputMaps: [...record.inputMaps.slice(-1), map] })
    this.#order(mediaId, [])
    for (const [n, node] of this.nodes.entries()) if (node !== null) this.#giveOrders(n, node)
  }
}
