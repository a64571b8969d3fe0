//! Two nodes with the same records and the same input send the same packets (DESIGN section 4),
//! whenever and in whatever order the input reaches each of them within the jitter buffer, and
//! whenever one of them leaves, comes back or becomes the primary.
import test from 'ava'
import fc from 'fast-check'
import { writeTelephoneEvent } from '../../src/wire/telephone-event.ts'
import { FakeNode, firstTick, legRecord, payloadOf, rtp } from './fake-node.ts'
import { FakePair, members, type Packet, voicePackets } from './fake-pair.ts'

function byNumber(node: FakeNode): Map<string, string> {
  return new Map(
    node.sockets.sent.map(({ localPort, bytes }) => [
      `${localPort} ${Buffer.from(bytes).readUInt16BE(2)}`,
      Buffer.from(bytes).toString('hex'),
    ]),
  )
}

/** @returns the packets of `node` that are not those of `reference`. */
function strangePackets(node: FakeNode, reference: FakeNode): string[] {
  const expected = byNumber(reference)
  return [...byNumber(node)].filter(([key, hex]) => expected.get(key) !== hex).map(([key]) => key)
}

/** Pseudo-random from the numbers of node and packet, so that a failure can be repeated. */
function chooser(list: readonly number[], step: number) {
  return (node: number, packet: number) => list[(packet * step + node * 17) % list.length] ?? 0
}

const delaysMs = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 64 })
const steps = fc.integer({ min: 1, max: 1000 })

test('two nodes send the same bytes although packets reach them at other times', (t) => {
  fc.assert(
    fc.property(delaysMs, steps, (list, step) => {
      const pair = new FakePair({ packets: voicePackets(150), delayMs: chooser(list, step) })
      pair.run(100)
      // A planned switchover in the middle must not be heard either.
      pair.switchOver(1)
      pair.run(50)
      const [one, two] = pair.nodes
      t.deepEqual(one?.sockets.sent, two?.sockets.sent)
      t.is(one?.engine.counters.packetsLate, 0)
      t.is(two?.engine.counters.packetsLate, 0)
    }),
    { numRuns: 8 },
  )
})

test('a node that leaves and comes back sends nothing that the others do not send', (t) => {
  const plan = fc.record({
    list: delaysMs,
    step: steps,
    joinTicks: fc.integer({ min: 10, max: 70 }),
    awayTicks: fc.integer({ min: 1, max: 20 }),
    serveTicks: fc.integer({ min: 30, max: 60 }),
    /** One packet in so many is lost on its way to all of them. */
    lostEvery: fc.integer({ min: 3, max: 30 }),
  })
  fc.assert(
    fc.property(plan, ({ list, step, joinTicks, awayTicks, serveTicks, lostEvery }) => {
      const ticks = joinTicks + awayTicks + 2 * serveTicks + 260
      const packets = troubled(voicePackets(ticks), lostEvery)
      // Node 2 is there all the time and never serves.
      const pair = new FakePair({ packets, delayMs: chooser(list, step), nodes: 3, absent: [1] })
      pair.run(joinTicks)
      pair.join(1)
      pair.run(100)
      pair.leave(1)
      pair.run(awayTicks)
      pair.join(1)
      pair.run(100)
      pair.switchOver(1)
      pair.run(serveTicks)
      pair.leave(0)
      pair.run(10)
      pair.join(0)
      pair.run(serveTicks)
      pair.switchOver(0)
      pair.run(20)
      pair.leave(0)
      pair.run(20)
      const reference = pair.nodes[2] ?? t.fail()
      for (const node of pair.everyNode) t.deepEqual(strangePackets(node, reference), [])
      // Each time it is back for good after half a second.
      const sent = byNumber(pair.nodes[1] ?? t.fail()).size
      t.true(sent > (100 + 2 * serveTicks) * members, `${sent} packets`)
    }),
    { numRuns: 12 },
  )
})

function withAnotherSsrc(packet: Packet): Packet {
  if (packet.port !== 20_006 || packet.atMs <= 4_000) return packet
  return { ...packet, bytes: packet.bytes.with(11, 0x99) }
}

/** Losses, a telephone event, and a terminal that goes on with another SSRC. */
function troubled(packets: readonly Packet[], lostEvery: number): Packet[] {
  const kept = packets.filter((packet, p) => packet.atMs < 200 || p % lostEvery !== 0)
  for (let n = 0; n < 40; n++) {
    const duration = Math.min(n, 20) * 160
    const payload = Uint8Array.of(5, n > 20 ? 0x8a : 10, duration >> 8, duration & 255)
    const event = { ssrc: 1, sequence: n, timestamp: 25_600, payload, payloadType: 101 }
    // The end comes once only, and may be lost.
    if (n <= 20 || (n === 21 && lostEvery % 2 === 0)) {
      kept.push({ port: 20_000, atMs: 3_200 + n * 20, bytes: rtp(event) })
    }
  }
  return kept.map(withAnotherSsrc).sort((a, b) => a.atMs - b.atMs)
}

test('a node that stood still for up to 200 ms makes up for it, with the packets that the other one sent', (t) => {
  const plan = fc.record({
    list: delaysMs,
    step: steps,
    who: fc.constantFrom(0, 1),
    runTicks: fc.integer({ min: 40, max: 80 }),
    stillTicks: fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 4 }),
  })
  fc.assert(
    fc.property(plan, ({ list, step, who, runTicks, stillTicks }) => {
      const pair = new FakePair({ packets: voicePackets(220), delayMs: chooser(list, step) })
      pair.run(runTicks)
      for (const ticks of stillTicks) {
        pair.standStill(who, ticks)
        pair.run(15)
      }
      const [one, two] = pair.nodes
      if (one == null || two == null) throw new Error('both run')
      t.deepEqual([...byNumber(two)], [...byNumber(one)])
      t.is(two.engine.coldLegs, 0)
    }),
    { numRuns: 20 },
  )
})

test('a shift that the peer hears of a quarter of a second late leaves every leg warm', (t) => {
  const ticks = 700
  // Slower than the switch by 3 parts in 1,000: some 10 ms in 170 ticks.
  const packets = voicePackets(ticks).map((packet) => ({ ...packet, atMs: packet.atMs * 1.003 }))
  const pair = new FakePair({ packets, delayMs: () => 0 })
  pair.run(60)
  const [primary, standby] = pair.nodes
  if (primary == null || standby == null) throw new Error('both run')
  const first = primary.maps.length
  let known = first
  for (let waited = 0; pair.tick < firstTick + ticks - 60; waited++) {
    pair.isCut = primary.maps.length > known && waited < 12
    if (!pair.isCut) {
      known = primary.maps.length
      waited = 0
    }
    pair.run(1)
    t.is(standby.engine.coldLegs, 0)
  }
  t.true(primary.maps.length > first + 3, 'there were shifts')
  t.deepEqual([...byNumber(standby)], [...byNumber(primary)])
})

test('voice and events of one terminal wait for each other no longer than a tick', (t) => {
  // Its index says when a leg is read to the end; here it is another one at each node.
  const [one, two] = [legRecord(0, { eventPayloadType: 101 }), legRecord(1)]
  const sent = [0, 5].map((others) => {
    const node = new FakeNode()
    node.engine.setRole('primary')
    const fillers = Array.from({ length: others }, (_, n) => legRecord(10 + n, { conferenceId: 2 }))
    node.order({ kind: 'conference-set', legs: [...fillers, one, two] })
    let sequence = 0
    node.run(80, (tick, phase) => {
      const k = tick - firstTick
      if (phase !== 0) return
      const voice = { ssrc: 9, sequence: sequence++, timestamp: k * 160, payload: payloadOf(k) }
      node.sockets.arrive(20_000, rtp(voice))
      if (k < 30 || k > 50) return
      const end = k === 50
      const event = { event: 5, end, volume: 10, duration: Math.min(k - 29, 20) * 160 }
      const payload = writeTelephoneEvent(event)
      const packet = { ssrc: 9, sequence: sequence++, timestamp: 4_800, payload, payloadType: 101 }
      node.sockets.arrive(20_000, rtp(packet))
    })
    return node.takeSent(20_002).map(({ bytes }) => Buffer.from(bytes).toString('hex'))
  })
  t.deepEqual(sent[1], sent[0])
})

test('a decision that the switch did not take is forgotten with the role', (t) => {
  const pair = new FakePair({ packets: voicePackets(60), delayMs: () => 0 })
  pair.run(2)
  pair.isCut = true
  pair.run(3)
  t.true((pair.nodes[0]?.maps.length ?? 0) > 0)
  pair.isCut = false
  pair.switchOver(1)
  pair.run(55)
  const [one, two] = pair.nodes
  t.deepEqual(one?.sockets.sent, two?.sockets.sent)
})

test('a standby that is told something too late lets the primary send alone for a while', (t) => {
  const node = new FakeNode()
  node.engine.setRole('standby')
  node.order({ kind: 'conference-set', legs: [legRecord(0), legRecord(1)] })
  node.run(10)
  t.is(node.takeSent(20_000).length, 10)
  node.order({
    kind: 'member-update',
    leg: legRecord(1, { gainDb: 3, controlTick: node.tick + 2 }),
  })
  node.run(10)
  t.is(node.takeSent(20_000).length, 10)
  node.order({
    kind: 'member-update',
    leg: legRecord(1, { gainDb: 6, controlTick: node.tick - 1 }),
  })
  // What was said meanwhile was received all the same: only frames that it shaped are others.
  node.run(5)
  t.is(node.takeSent(20_000).length, 0)
  node.run(30)
  t.is(node.takeSent(20_000).length, 30)
  const map = { ssrc: 1, timestamp: 0, tick: node.tick + 6, fromTick: node.tick + 6 }
  const inTime = legRecord(1, { gainDb: 6, controlTick: firstTick + 19, inputMaps: [map] })
  node.order({ kind: 'member-update', leg: inTime })
  node.run(10)
  t.is(node.takeSent(20_000).length, 10)
  // Packets of another stream are not kept before its map is known.
  const other = { ssrc: 2, timestamp: 0, tick: node.tick + 1, fromTick: node.tick + 1 }
  const late = { ...inTime, inputMaps: [map, other] }
  node.order({ kind: 'member-update', leg: late })
  node.run(10)
  t.is(node.takeSent(20_000).length, 0)
  // Nobody else sends: what it has is better than nothing.
  node.engine.setRole('primary')
  node.run(10)
  t.is(node.takeSent(20_000).length, 10)
})

test('a standby does not send a bridge of which it could not open a member', (t) => {
  const node = new FakeNode()
  node.engine.setRole('standby')
  node.sockets.busy.add(20_002)
  node.order({ kind: 'conference-set', legs: [legRecord(0), legRecord(1)] })
  node.run(10)
  node.takeSent(20_000)
  node.run(60)
  t.is(node.takeSent(20_000).length, 0)
  node.order({ kind: 'member-delete', mediaId: 'm1' })
  node.run(60)
  t.is(node.takeSent(20_000).length, 55)
})

test('a standby whose clock is not that of the primary, or has jumped, does not send', (t) => {
  const node = new FakeNode()
  node.engine.setRole('standby')
  node.engine.setClock(false, true)
  node.order({ kind: 'conference-set', legs: [legRecord(0), legRecord(1)] })
  node.run(30)
  t.is(node.takeSent(20_000).length, 0)
  node.engine.setClock(true, false)
  node.run(30)
  t.is(node.takeSent(20_000).length, 7)
  node.skip(5)
  node.run(30)
  t.is(node.takeSent(20_000).length, 6)
})

test('a standby that comes to running legs calls them cold, and sends from when it no longer does', (t) => {
  const node = new FakeNode()
  node.engine.setRole('standby')
  node.run(60)
  node.order({ kind: 'conference-set', legs: [legRecord(0), legRecord(1)] })
  node.run(1)
  t.is(node.engine.coldLegs, 2)
  let ticks = 0
  for (; node.engine.coldLegs > 0 && ticks < 100; ticks++) {
    t.deepEqual(node.sockets.sent, [], 'a cold leg is not sent')
    node.run(1)
  }
  t.is(node.engine.coldLegs, 0)
  node.run(2)
  t.true(node.sockets.sent.length >= 4)
})

test('legs of a call that begins are never cold', (t) => {
  const node = new FakeNode()
  node.engine.setRole('standby')
  const tick0 = node.tick + 5
  node.order({ kind: 'member-add', leg: legRecord(0, { tick0, controlTick: tick0 }) })
  node.order({ kind: 'member-add', leg: legRecord(1, { tick0, controlTick: tick0 }) })
  for (let k = 0; k < 40; k++) {
    t.is(node.engine.coldLegs, 0)
    node.run(1)
  }
})
