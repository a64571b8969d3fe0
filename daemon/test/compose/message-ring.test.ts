//! The ring of SIP messages, beside a list that does the same: what is kept is what was put in last, whole.
import test from 'ava'
import fc from 'fast-check'
import { MessageRing } from '../../src/compose/message-ring.ts'

const limits = { messages: 7, bytes: 100 }
const messages = fc.array(
  fc.record({
    direction: fc.constantFrom('in' as const, 'out' as const),
    text: fc.string({ maxLength: 40, unit: 'grapheme' }),
    peer: fc.record({
      address: fc.constantFrom('10.0.0.1', '::1', '192.168.100.200'),
      port: fc.integer({ min: 1, max: 65_535 }),
    }),
    atMs: fc.double({ noNaN: true, min: 0 }),
  }),
  { maxLength: 60 },
)

test('a message is kept as it was until there is no room for a newer one, and none is kept in part', (t) => {
  fc.assert(
    fc.property(messages, (sent) => {
      const ring = new MessageRing(limits)
      const told: (typeof sent)[number][] = []
      for (const message of sent) {
        const bytes = Buffer.from(message.text)
        const size = bytes.length + message.peer.address.length
        ring.add(message.direction, bytes, message.peer, message.atMs)
        // Whoever gave the bytes may use their memory again.
        bytes.fill(0)
        if (size <= limits.bytes) told.push(message)
        t.is(ring.end, told.length)
        const kept = told.slice(ring.oldest)
        t.true(kept.length <= limits.messages)
        // The newest one is always there.
        if (size <= limits.bytes) t.deepEqual(ring.at(ring.end - 1), message)
        kept.forEach((one, index) => {
          t.deepEqual(ring.at(ring.oldest + index), one)
        })
        t.is(ring.at(ring.end), null)
        if (ring.oldest > 0) t.is(ring.at(ring.oldest - 1), null)
      }
    }),
    { seed: 7 },
  )
})

test('only as many are forgotten as the next one needs the room of', (t) => {
  const ring = new MessageRing({ messages: 100, bytes: 100 })
  const peer = { address: '::1', port: 5060 }
  const add = (length: number) => ring.add('in', Buffer.alloc(length - 3, 'x'), peer, 0)
  for (let count = 0; count < 10; count++) add(10)
  t.deepEqual([ring.oldest, ring.end], [0, 10])
  add(10)
  t.is(ring.oldest, 1)
  add(15)
  t.is(ring.oldest, 3)
  // It does not fit behind the last one, so that it begins at the front, and what stood behind is gone.
  add(90)
  t.deepEqual([ring.oldest, ring.end], [12, 13])
})

test('what is larger than the ring is not kept', (t) => {
  const ring = new MessageRing(limits)
  const peer = { address: '::1', port: 5060 }
  ring.add('in', Buffer.alloc(limits.bytes), peer, 0)
  ring.add('in', Buffer.alloc(1), { address: 'x'.repeat(99), port: 1 }, 0)
  t.deepEqual([ring.oldest, ring.end], [0, 1])
})
