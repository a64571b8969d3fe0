//! Digits that a terminal dials by telephone events: each told once, whatever the network does to its
//! packets; and what of them the other members hear.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { DigitWatch } from '../../src/media/digits.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import { FakeNode, firstTick, legRecord, parsed, rtp } from './fake-node.ts'

interface EventPacket {
  readonly atTick: number
  readonly bytes: Uint8Array
}

/** One digit as a telephone sends it: a packet each tick for `ticks`, then the end three times. */
function dial(event: number, startTick: number, ticks = 5): EventPacket[] {
  const timestamp = (startTick - firstTick) * 160
  return Array.from({ length: ticks + 3 }, (_, n) => {
    const duration = Math.min(n + 1, ticks) * 160
    const payload = Uint8Array.of(event, n >= ticks ? 0x8a : 10, duration >> 8, duration & 255)
    const sequence = (startTick - firstTick + n) & 0xffff
    const packet = { ssrc: 1, sequence, timestamp, payload, payloadType: 101 }
    return { atTick: startTick + n, bytes: rtp(packet) }
  })
}

function play(node: FakeNode, ticks: number, packets: readonly EventPacket[]): void {
  node.run(ticks, (tick, phase) => {
    if (phase !== 0) return
    for (const { atTick, bytes } of packets) if (atTick === tick) node.sockets.arrive(20_000, bytes)
  })
}

function bridge(legs: readonly WiredMedia[], role: 'primary' | 'standby' = 'primary'): FakeNode {
  const node = new FakeNode()
  node.engine.setRole(role)
  node.order({ kind: 'conference-set', legs: [...legs] })
  return node
}

function digitsOf(node: FakeNode) {
  return node.messages.filter((message) => message.kind === 'digit')
}

const speaker = legRecord(0, { eventPayloadType: 101 })

test('each digit is told once by both nodes, with the same mark, although packets are lost, doubled and late', (t) => {
  const trouble = fc.record({
    digits: fc.array(fc.integer({ min: 0, max: 16 }), { minLength: 1, maxLength: 12 }),
    /** What becomes of a packet at each node: so many copies, so many ticks late. */
    fates: fc.array(
      fc.record({ copies: fc.integer({ min: 0, max: 3 }), late: fc.integer({ min: 0, max: 4 }) }),
      { minLength: 3, maxLength: 40 },
    ),
  })
  fc.assert(
    fc.property(trouble, ({ digits, fates }) => {
      const sent = digits.flatMap((event, n) => dial(event, firstTick + 5 + n * 14))
      const nodes = (['primary', 'standby'] as const).map((role, n) => {
        const node = bridge([speaker, legRecord(1, { eventPayloadType: 101 })], role)
        const packets = sent.flatMap((packet, p) => {
          const { copies, late } = fates[(p * (n + 1) + n) % fates.length] ?? { copies: 1, late: 0 }
          // One packet of each event comes, its first or any other.
          const kept = p % 8 === (p >> 3) % 8 ? Math.max(1, copies) : copies
          return Array.from({ length: kept }, (_, copy) => ({
            ...packet,
            atTick: packet.atTick + late + copy,
          }))
        })
        play(node, 30 + digits.length * 14, packets)
        return node
      })
      const said = nodes.map((node) => digitsOf(node).map(({ digit, mark }) => `${digit} ${mark}`))
      t.deepEqual(said[0], said[1])
      const expected = digits.map((event) => '0123456789*#ABCD!'[event])
      t.deepEqual(
        said[0]?.map((text) => text[0]),
        expected,
      )
      t.is(new Set(said[0]).size, digits.length)
    }),
    { numRuns: 60 },
  )
})

test('a digit is told with its first packet, also when its leg is muted or not heard', (t) => {
  for (const more of [{}, { muted: true }, { direction: 'sendonly' as const }]) {
    const node = bridge([{ ...speaker, ...more }])
    play(node, 6, dial(11, firstTick + 5))
    t.like(digitsOf(node), [{ mediaId: 'm0', digit: '#', tick: firstTick + 5 }])
  }
})

test('a long key is one digit, in its segments too; a new stream may repeat time stamps', (t) => {
  const watch = new DigitWatch()
  const event = { ssrc: 1, timestamp: 4_000_000_000, event: 5, ended: false }
  t.is(watch.take(event, 1), '5')
  const segment = { ...event, timestamp: (event.timestamp + 0xffff) >>> 0 }
  t.is(watch.take(segment, 400), null)
  t.is(watch.take({ ...segment, ended: true }, 420), null)
  t.is(watch.take({ ...segment, timestamp: (segment.timestamp + 0xffff) >>> 0 }, 900), '5')
  t.is(watch.take({ ...event, ssrc: 2, timestamp: 7 }, 950), '5')
  t.is(watch.take({ ...segment, ended: true }, 951), null, 'late, of the stream before')
  // A telephone that moves its time stamp with each packet.
  for (const n of [1, 2, 3])
    t.is(watch.take({ ...event, ssrc: 2, timestamp: 7 + n * 160 }, 952), null)
  t.is(watch.take({ ...event, ssrc: 2, event: 32, timestamp: 9_999 }, 990), null, 'no digit')
})

test('whoever dials without end is told only so many digits a second', (t) => {
  const watch = new DigitWatch()
  let told = 0
  for (let n = 0; n < 5_000; n++) {
    const event = { ssrc: n, timestamp: n * 1_000, event: n % 10, ended: true }
    if (watch.take(event, Math.floor(n / 10)) !== null) told++
  }
  t.is(told, 10 * limits.digitsPerSecondMax)
})

test('in a call the other member hears the digit as an event, in a conference nobody does', (t) => {
  const eventsAt = (node: FakeNode, port: number) =>
    node.takeSent(port).filter((sent) => parsed(sent).payloadType === 101).length
  for (const count of [2, 3, 4]) {
    const legs = Array.from({ length: count }, (_, n) => legRecord(n, { eventPayloadType: 101 }))
    const node = bridge(legs)
    const map = { ssrc: 1, timestamp: 0, tick: firstTick, fromTick: firstTick }
    node.order({ kind: 'member-update', leg: { ...speaker, inputMaps: [map] } })
    play(node, 40, dial(3, firstTick + 5))
    t.is(digitsOf(node).length, 1)
    for (let n = 1; n < count; n++) t.is(eventsAt(node, 20_000 + 2 * n) > 0, count === 2)
  }
  // Who only listens does not make a conference of a call.
  const legs = [0, 1, 2].map((n) => legRecord(n, { eventPayloadType: 101, muted: n === 2 }))
  const monitored = bridge(legs)
  const map = { ssrc: 1, timestamp: 0, tick: firstTick, fromTick: firstTick }
  monitored.order({ kind: 'member-update', leg: { ...speaker, inputMaps: [map], muted: false } })
  play(monitored, 40, dial(3, firstTick + 5))
  t.true(eventsAt(monitored, 20_002) > 0)
})
