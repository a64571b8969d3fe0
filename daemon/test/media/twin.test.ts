//! Two nodes with the same records and the same input send the same packets (DESIGN section 4),
//! whenever and in whatever order the input reaches each of them within the jitter buffer.
import test from 'ava'
import fc from 'fast-check'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import { linearToALaw, linearToMuLaw } from '../../src/wire/g711.ts'
import { FakeNode, firstTick, legRecord, rtp } from './fake-node.ts'

const ticks = 150
const members = 4

interface Packet {
  readonly port: number
  readonly atMs: number
  readonly bytes: Uint8Array
}

/** What the terminals send: one voice each, of different loudness, law and packet time. */
function input(): Packet[] {
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
      const voice = { ssrc: n + 1, sequence: k, timestamp, payload, payloadType }
      packets.push({ port: 20_000 + 2 * n, atMs: k * ptimeMs + n * 3, bytes: rtp(voice) })
    }
  }
  return packets
}

const records: readonly WiredMedia[] = [
  legRecord(0),
  legRecord(1, { ptimeMs: 10, gainDb: 6 }),
  legRecord(2, { ptimeMs: 30, gainDb: -7 }),
  legRecord(3, { codec: 'PCMU', payloadType: 0 }),
]

/** Runs both nodes slot by slot; the switch between them carries the maps in three ticks. */
function runPair(delayMs: (node: number, packet: number) => number): FakeNode[] {
  const nodes = [new FakeNode(), new FakeNode()]
  nodes[0]?.engine.setRole('primary')
  nodes[1]?.engine.setRole('standby')
  for (const node of nodes) node.order({ kind: 'conference-set', legs: [...records] })
  const packets = input()
  const queues = nodes.map((_, n) =>
    packets
      .map((packet, p) => ({ ...packet, atMs: packet.atMs + delayMs(n, p) }))
      .sort((a, b) => a.atMs - b.atMs),
  )
  let mapsTold = 0
  for (let tick = 0; tick < ticks; tick++) {
    for (const [n, node] of nodes.entries()) {
      node.run(1, (now, phase) => {
        const untilMs = (now - firstTick) * 20 + phase * 5
        const queue = queues[n] ?? []
        while (queue[0] !== undefined && queue[0].atMs <= untilMs) {
          const packet = queue.shift()
          if (packet !== undefined) node.sockets.arrive(packet.port, packet.bytes)
        }
      })
    }
    if (tick % 3 === 0) mapsTold = tellMaps(nodes, mapsTold)
    // A planned switchover in the middle must not be heard either.
    if (tick === 100) {
      nodes[0]?.engine.setRole('standby')
      nodes[1]?.engine.setRole('primary')
    }
  }
  return nodes
}

function tellMaps([primary, standby]: FakeNode[], from: number): number {
  const maps = primary?.maps ?? []
  for (const { mediaId, map } of maps.slice(from)) {
    const record = records.find((other) => other.mediaId === mediaId)
    if (record !== undefined) {
      standby?.order({ kind: 'member-update', leg: { ...record, inputMaps: [map] } })
    }
  }
  return maps.length
}

test('two nodes send the same bytes although packets reach them at other times', (t) => {
  const delays = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 64 })
  fc.assert(
    fc.property(delays, fc.integer({ min: 1, max: 1000 }), (list, step) => {
      const nodes = runPair((node, p) => list[(p * step + node * 17) % list.length] ?? 0)
      const [one, two] = nodes.map((node) =>
        node.sockets.sent.map(({ localPort, slot, bytes }) => ({
          localPort,
          slot,
          bytes: Buffer.from(bytes).toString('hex'),
        })),
      )
      t.deepEqual(one, two)
      t.is(nodes[0]?.engine.counters.packetsLate, 0)
      t.is(nodes[1]?.engine.counters.packetsLate, 0)
    }),
    { numRuns: 12 },
  )
})

test('a node that comes back in the middle sends the same after a few frames', (t) => {
  const whole = runPair(() => 0)[0]
  const young = new FakeNode()
  const packets = input()
  const fromTick = firstTick + 60
  young.run(60)
  const maps = whole?.maps ?? []
  const legs = records.map((record) => ({
    ...record,
    inputMaps: maps.filter(({ mediaId }) => mediaId === record.mediaId).map(({ map }) => map),
  }))
  young.order({ kind: 'conference-set', legs })
  young.run(60, (tick, phase) => {
    const untilMs = (tick - firstTick) * 20 + phase * 5
    for (const packet of packets) {
      if (packet.atMs <= untilMs && packet.atMs > untilMs - 5) {
        young.sockets.arrive(packet.port, packet.bytes)
      }
    }
  })
  const after = (node: FakeNode | undefined) =>
    node?.sockets.sent
      .filter(({ slot }) => slot >= (fromTick + 8) * 4 && slot < (fromTick + 59) * 4)
      .map(({ localPort, slot, bytes }) => [localPort, slot, Buffer.from(bytes).toString('hex')])
  t.deepEqual(after(young), after(whole))
})
