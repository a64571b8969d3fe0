//! Reach mode `floating`: the network delivers to one node, the other one hears through it, and both mix
//! the same.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { Relay } from '../../src/media/relay.ts'
import { decodeRelayFrame, encodeRelayFrame } from '../../src/wire/relay-frame.ts'
import { FakeNode, type FakeSockets, firstTick, legRecord, rtp } from './fake-node.ts'
import { FakePair, voicePackets } from './fake-pair.ts'

const key = new Uint8Array(32).fill(5)

test('both nodes send the same bytes, whichever of them the network delivers to', (t) => {
  // Together with the way between the nodes no more than the jitter buffer covers.
  const delaysMs = fc.array(fc.integer({ min: 0, max: 24 }), { minLength: 2, maxLength: 64 })
  const plan = fc.record({
    list: delaysMs,
    step: fc.integer({ min: 1, max: 1000 }),
    heardLaterTicks: fc.integer({ min: 0, max: 3 }),
  })
  fc.assert(
    fc.property(plan, ({ list, step, heardLaterTicks }) => {
      // A packet reaches both nodes at the same time: it is one and the same.
      const delayMs = (_node: number, packet: number) => list[(packet * step) % list.length] ?? 0
      const pair = new FakePair({ packets: voicePackets(160), delayMs, relayed: true })
      pair.run(70)
      // A planned switchover, and the terminals that learn of it a little later.
      pair.switchOver(1)
      pair.run(heardLaterTicks)
      pair.hears = 1
      pair.run(80)
      const [one, two] = pair.nodes
      t.deepEqual(one?.sockets.sent, two?.sockets.sent)
      for (const node of pair.nodes) {
        t.is(node?.engine.counters.packetsLate, 0)
        t.like(node?.relay?.counters, { refused: 0 })
        t.true((node?.relay?.counters.taken ?? 0) > 100, 'each has heard through the other')
      }
    }),
    { numRuns: 8 },
  )
})

function relayNode(side: number, sent: Uint8Array[]): FakeNode {
  const makeRelay = (sockets: FakeSockets) =>
    new Relay({ arena: sockets.arena, sockets, key, side, send: (frame) => sent.push(frame) })
  const node = new FakeNode(firstTick, makeRelay)
  node.order({ kind: 'conference-set', legs: [legRecord(0), legRecord(1)] })
  return node
}

function voice(sequence: number): Uint8Array {
  const payload = new Uint8Array(160).fill(sequence)
  return rtp({ ssrc: 1, sequence, timestamp: sequence * 160, payload, payloadType: 8 })
}

function frame(part: Partial<Parameters<typeof encodeRelayFrame>[0]>): Uint8Array {
  const packets = [{ port: 20_000, bytes: voice(1) }]
  return encodeRelayFrame({ side: 1, number: 0, term: 3, tick: firstTick, packets, ...part }, key)
}

test('what came in one turn leaves in one frame, and more in as many as it takes', (t) => {
  const sent: Uint8Array[] = []
  const node = relayNode(0, sent)
  node.relay?.setTerm(7)
  node.run(8)
  t.is(sent.length, 0, 'nothing came, nothing leaves')
  for (let n = 0; n < 4; n++) node.sockets.arrive(20_000 + 2 * (n % 2), voice(n))
  node.run(8)
  const frames = sent.map((bytes) => decodeRelayFrame(bytes, key))
  const packets = frames.flatMap((one) => (typeof one === 'string' ? [] : one.packets))
  t.deepEqual(packets.map(({ port, bytes }) => `${port} ${bytes[3]}`).sort(), [
    '20000 0',
    '20000 2',
    '20002 1',
    '20002 3',
  ])
  for (const one of frames) t.like(one, { side: 0, term: 7, number: 0 })
  t.is(node.relay?.counters.sent, 4)
  t.is(node.engine.counters.packetsReceived, 4, 'and it was heard here, too')

  sent.length = 0
  const long = new Uint8Array(1_400).fill(0x80)
  for (let n = 0; n < 8; n++) node.sockets.arrive(20_000, long)
  node.run(8)
  t.true(sent.length >= 2)
  for (const bytes of sent) t.true(bytes.length <= limits.relayFrameBytesMax)
})

test('a frame counts once, in its time, in its term, from the other node', (t) => {
  const node = relayNode(0, [])
  const { relay } = node
  if (relay === undefined) return t.fail()
  relay.setTerm(3)
  node.run(1)
  const take = (bytes: Uint8Array, tick = firstTick) => {
    const { taken, refused } = relay.counters
    relay.take(bytes, tick)
    return [relay.counters.taken - taken, relay.counters.refused - refused]
  }
  const [took, nothing, refused] = [
    [1, 0],
    [0, 0],
    [0, 1],
  ]
  t.deepEqual(take(frame({})), took)
  t.deepEqual(take(frame({})), nothing, 'on the second link')
  t.deepEqual(take(frame({ number: 1 })), took)
  t.deepEqual(take(frame({ number: 1 }), firstTick + 20), nothing, 'a replay in its time')
  t.deepEqual(take(frame({ number: 1 }), firstTick + 30), refused, 'and later')
  t.deepEqual(take(frame({ tick: firstTick + 30 })), refused, 'of the future')
  t.deepEqual(take(frame({ number: limits.relayFramesPerTickMax })), refused)
  t.deepEqual(take(frame({ side: 0, number: 2 })), refused, 'our own frame, sent back')
  t.deepEqual(take(frame({ term: 2, number: 3 })), refused, 'of an older term')
  t.deepEqual(take(frame({ term: 4, number: 4 })), took, 'of a newer term')
  t.deepEqual(take(frame({ term: 3, number: 5 })), took, 'just before its sender knew of it')
  t.deepEqual(take(frame({ term: 3, tick: firstTick + 40 }), firstTick + 40), refused)
  const stranger = [{ port: 30_000, bytes: voice(9) }]
  t.deepEqual(take(frame({ term: 4, number: 6, packets: stranger })), refused, 'no such leg')
  const short = [{ port: 20_000, bytes: new Uint8Array(11) }]
  t.deepEqual(take(frame({ term: 4, number: 7, packets: short })), refused, 'no RTP')
})

test('a flood for one leg displaces the oldest, and none of it outlives the leg or a standstill', (t) => {
  const node = relayNode(0, [])
  const flood = Array.from({ length: 40 }, (_, n) => ({ port: 20_000, bytes: voice(n) }))
  node.relay?.take(frame({ packets: flood }), firstTick)
  const before = node.engine.counters.packetsReceived
  node.run(8)
  t.is(node.engine.counters.packetsReceived - before, 16)
  const { relay } = node
  relay?.take(frame({ number: 1, packets: flood }), firstTick)
  relay?.forget()
  t.false(relay?.hasMore(0))
  relay?.take(frame({ number: 2, packets: flood }), firstTick)
  node.order({ kind: 'member-delete', mediaId: legRecord(0).mediaId })
  t.false(relay?.hasMore(0))
})

test('relay frames are read back equal, and with any bit changed they are refused', (t) => {
  const packet = fc.record({
    port: fc.nat(0xffff),
    bytes: fc.uint8Array({ maxLength: 200 }),
  })
  const arbitrary = fc.record({
    side: fc.nat(1),
    number: fc.nat(0xffff),
    term: fc.maxSafeNat(),
    tick: fc.maxSafeNat(),
    packets: fc.array(packet, { maxLength: 20 }),
  })
  fc.assert(
    fc.property(arbitrary, (value) => {
      t.deepEqual(decodeRelayFrame(encodeRelayFrame(value, key), key), value)
    }),
  )
  const bytes = frame({})
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice()
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    t.is(typeof decodeRelayFrame(changed, key), 'string')
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      t.is(typeof decodeRelayFrame(noise, key), 'string')
    }),
  )
})
