//! Commands, events, reports and hostile packets on the engine in virtual time.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { parseRtcp, writeRtcp } from '../../src/wire/rtcp.ts'
import { parseTelephoneEvent, writeTelephoneEvent } from '../../src/wire/telephone-event.ts'
import { FakeNode, firstTick, legRecord, parsed, payloadOf, rtp } from './fake-node.ts'

test('each command is answered, and the bridge ends with its last member', (t) => {
  const node = new FakeNode()
  t.true(node.order({ kind: 'conference-create', conferenceId: 1 })?.ok)
  t.true(node.order({ kind: 'member-add', leg: legRecord(0) })?.ok)
  t.true(node.order({ kind: 'member-add', leg: legRecord(1) })?.ok)
  t.true(node.order({ kind: 'member-delete', mediaId: 'm0' })?.ok)
  t.is(node.engine.counters.conferences, 1)
  t.true(node.order({ kind: 'member-delete', mediaId: 'm1' })?.ok)
  t.is(node.engine.counters.conferences, 0)
  t.is(node.sockets.ends.size, 0)
  const ended = node.messages.filter((message) => message.kind === 'conference-ended')
  t.deepEqual(ended, [{ kind: 'conference-ended', conferenceId: 1 }])
  t.true(node.order({ kind: 'member-delete', mediaId: 'm1' })?.ok)
})

test('conference-destroy frees all ports', (t) => {
  const node = new FakeNode()
  for (const n of [0, 1, 2]) node.order({ kind: 'member-add', leg: legRecord(n) })
  t.true(node.order({ kind: 'conference-destroy', conferenceId: 1 })?.ok)
  t.is(node.sockets.ends.size, 0)
  t.is(node.engine.counters.legs, 0)
})

test('a port that another process still holds is tried again; then the leg is refused', (t) => {
  const node = new FakeNode()
  node.sockets.busy.add(20_000).add(20_002)
  t.is(node.order({ kind: 'member-add', leg: legRecord(0) }), undefined)
  t.is(node.order({ kind: 'member-add', leg: legRecord(1) }), undefined)
  node.run(3)
  node.sockets.busy.delete(20_000)
  node.run(1)
  t.deepEqual(
    node.responses.map(({ ref, ok }) => ({ ref, ok })),
    [{ ref: 1, ok: true }],
  )
  node.run(10)
  t.deepEqual(node.responses.at(-1), {
    kind: 'media-response',
    ref: 2,
    ok: false,
    detail: 'port 20002: is in use',
  })
  t.is(node.engine.counters.legs, 1)
})

test('conference-set removes, adds and changes; what is equal goes on untouched', (t) => {
  const node = new FakeNode()
  node.engine.setRole('primary')
  node.order({ kind: 'conference-set', legs: [0, 1, 2].map((n) => legRecord(n)) })
  node.run(10)
  const kept = node.engine.legs.get('m1')
  const legs = [legRecord(1), legRecord(2, { gainDb: 3 }), legRecord(3)]
  t.true(node.order({ kind: 'conference-set', legs })?.ok)
  node.run(10)
  t.deepEqual([...node.engine.legs.keys()].sort(), ['m1', 'm2', 'm3'])
  t.is(node.engine.legs.get('m1'), kept)
  t.is(node.engine.legs.get('m2')?.record.gainDb, 3)
  const sequences = node.takeSent(20_002).map((sent) => parsed(sent).sequence)
  t.deepEqual(
    sequences,
    Array.from({ length: 20 }, (_, k) => 100 + k),
  )
  t.true(node.order({ kind: 'conference-set', legs: [] })?.ok)
  t.is(node.engine.counters.conferences, 0)
})

test('a conference takes as many members as the limit says, and no more', (t) => {
  const node = new FakeNode()
  node.engine.setRole('primary')
  const legs = Array.from({ length: limits.membersPerSessionMax }, (_, n) => legRecord(n))
  t.is(node.order({ kind: 'conference-set', legs }), undefined, 'ports open in portions')
  t.false(node.order({ kind: 'member-add', leg: legRecord(500) })?.ok)
  node.run(4)
  t.deepEqual(
    node.responses.map(({ ref, ok }) => ({ ref, ok })),
    [
      { ref: 2, ok: false },
      { ref: 1, ok: true },
    ],
  )
  const before = node.engine.counters.packetsSent
  node.run(2)
  t.is(node.engine.counters.packetsSent, before + 2 * legs.length)
})

test('memory of an ended leg is used again, clean', (t) => {
  const node = new FakeNode()
  node.engine.setRole('primary')
  for (let round = 0; round < 20; round++) {
    const [a, b] = [legRecord(round), legRecord(100 + round)]
    node.order({ kind: 'member-add', leg: a })
    node.order({ kind: 'member-add', leg: b })
    node.run(12, (tick, phase) => {
      if (phase !== 1) return
      const voice = { ssrc: 5, sequence: 0, timestamp: (tick - firstTick) * 160 }
      node.sockets.arrive(a.localPort, rtp({ ...voice, payload: payloadOf(tick) }))
    })
    const first = parsed(node.takeSent(b.localPort)[0] ?? t.fail())
    t.deepEqual(first.payload, new Uint8Array(160).fill(0xd5))
    node.order({ kind: 'conference-destroy', conferenceId: 1 })
  }
  t.is(node.engine.counters.legs, 0)
})

test('a telephone event goes to the other member of a call in its own time line, once, with its end', (t) => {
  const node = new FakeNode()
  node.engine.setRole('primary')
  node.order({ kind: 'member-add', leg: legRecord(0, { eventPayloadType: 101 }) })
  node.order({ kind: 'member-add', leg: legRecord(1, { eventPayloadType: 96 }) })
  // A third one that only listens.
  node.order({ kind: 'member-add', leg: legRecord(2, { muted: true }) })
  let sequence = 0
  node.run(50, (tick, phase) => {
    const k = tick - firstTick
    if (phase !== 1) return
    const common = { ssrc: 9, sequence: sequence++ }
    if (k < 20 || k > 26) {
      const voice = { ...common, timestamp: k * 160, payload: payloadOf(k) }
      node.sockets.arrive(20_000, rtp(voice))
      return
    }
    // Five updates of which one is lost, then the end three times in all.
    if (k === 22) return
    const duration = Math.min(k - 19, 5) * 160
    const payload = writeTelephoneEvent({ event: 7, end: k >= 24, volume: 10, duration })
    const packet = { ...common, timestamp: 20 * 160, payload, payloadType: 101, marker: k === 20 }
    node.sockets.arrive(20_000, rtp(packet))
  })
  const heard = node.takeSent(20_002).map(parsed)
  const events = heard.filter((packet) => packet.payloadType === 96)
  t.deepEqual(
    events.map((packet) => packet.sequence),
    [124, 125, 126, 127, 128, 129, 130],
  )
  t.true(events.every((packet) => packet.timestamp === 5_000 + 24 * 160))
  t.deepEqual(
    events.map((packet) => packet.marker),
    events.map((_, n) => n === 0),
  )
  const decoded = events.map((packet) => parseTelephoneEvent(packet.payload))
  t.deepEqual(
    decoded.map((event) => event?.duration),
    [160, 320, 480, 640, 800, 800, 800],
  )
  t.deepEqual(
    decoded.map((event) => event?.end),
    [false, false, false, false, true, true, true],
  )
  t.true(decoded.every((event) => event?.event === 7 && event.volume === 10))
  // The third member has not negotiated events and hears silence instead.
  const third = node.takeSent(20_004).map(parsed)
  t.true(third.every((packet) => packet.payloadType === 8))
  t.deepEqual(third[26]?.payload, new Uint8Array(160).fill(0xd5))
  t.deepEqual(
    heard.map((packet) => packet.sequence),
    heard.map((_, n) => 100 + n),
  )
})

test('the primary reports every five seconds, the standby never', (t) => {
  const node = new FakeNode()
  node.order({ kind: 'member-add', leg: legRecord(0) })
  node.engine.setRole('standby')
  node.run(500)
  t.is(node.sockets.sentControl.length, 0)
  node.engine.setRole('primary')
  node.run(500, (tick, phase) => {
    if (phase !== 1 || tick % 10 === 0) return
    const k = tick - firstTick
    node.sockets.arrive(
      20_000,
      rtp({ ssrc: 5, sequence: k, timestamp: k * 160, payload: payloadOf(k) }),
    )
  })
  t.is(node.sockets.sentControl.length, 2)
  const sent = node.sockets.sentControl[1]
  const [report, description] = parseRtcp(sent?.bytes ?? new Uint8Array()) ?? []
  if (report?.kind !== 'sender-report') return t.fail()
  t.is(report.ssrc, 0x1000)
  t.is(report.packets, (sent?.slot ?? 0) / 4 - firstTick + 0.75)
  t.is(report.blocks[0]?.ssrc, 5)
  t.is(report.blocks[0]?.fractionLost, Math.floor(256 / 10))
  t.deepEqual(description, {
    kind: 'source-description',
    chunks: [{ ssrc: 0x1000, cname: 'vccs-20000-4096' }],
  })
  node.order({ kind: 'member-delete', mediaId: 'm0' })
  const last = parseRtcp(node.sockets.sentControl.at(-1)?.bytes ?? new Uint8Array())
  t.is(last?.at(-1)?.kind, 'goodbye')
})

test('RTCP of the terminal is read, and anything else on that port is counted', (t) => {
  const node = new FakeNode()
  node.order({ kind: 'member-add', leg: legRecord(0) })
  const block = {
    ssrc: 0x1000,
    fractionLost: 3,
    packetsLost: 12,
    highestSequence: 0,
    jitter: 0,
    lastSenderReport: 0,
    delaySinceLastSenderReport: 0,
  }
  node.sockets.arrive(20_001, writeRtcp([{ kind: 'receiver-report', ssrc: 5, blocks: [block] }]))
  node.sockets.arrive(20_001, Uint8Array.of(1, 2, 3))
  node.run(51)
  t.is(node.engine.legs.get('m0')?.peerReport.packetsLost, 12)
  t.is(node.engine.counters.packetsRefused, 1)
  // It has counted the copies of both nodes.
  const twice = { ...block, packetsLost: -400 }
  node.sockets.arrive(20_001, writeRtcp([{ kind: 'receiver-report', ssrc: 5, blocks: [twice] }]))
  node.run(51)
  t.is(node.engine.legs.get('m0')?.peerReport.packetsLost, 0)
})

test('no packet breaks the engine or stops the voice of the others', (t) => {
  const node = new FakeNode()
  node.engine.setRole('primary')
  const event = { eventPayloadType: 101 }
  for (const n of [0, 1, 2]) node.order({ kind: 'member-add', leg: legRecord(n, event) })
  const header = fc.tuple(
    fc.constantFrom(0x80, 0x90, 0xa0, 0xb0, 0x8f, 0x40, 0xff),
    fc.constantFrom(8, 0, 101, 0x88, 13, 127),
    fc.uint8Array({ minLength: 10, maxLength: 10 }),
    fc.uint8Array({ maxLength: 500 }),
  )
  const junk = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    header.map(([first, second, middle, rest]) => Uint8Array.of(first, second, ...middle, ...rest)),
    // Well formed, anywhere in sequence and time.
    fc
      .tuple(fc.nat(0xffff), fc.nat(0xffff_ffff), fc.nat(3), fc.nat(7))
      .map(([sequence, timestamp, ssrc, cells]) =>
        rtp({ sequence, timestamp, ssrc, payload: payloadOf(sequence, cells * 80) }),
      ),
  )
  fc.assert(
    fc.property(fc.array(junk, { maxLength: 30 }), (packets) => {
      const before = node.engine.counters.packetsSent
      for (const packet of packets) {
        node.sockets.arrive(20_000, packet)
        node.sockets.arrive(20_001, packet)
      }
      node.run(5)
      t.is(node.engine.counters.packetsSent, before + 15)
      node.sockets.sent.length = 0
    }),
    { numRuns: 100 },
  )
  node.run(3)
  const sequences = node.takeSent(20_002).map((sent) => parsed(sent).sequence)
  t.deepEqual(
    sequences,
    [3, 2, 1].map((back) => (100 + node.tick - firstTick - back) & 0xffff),
  )
})
