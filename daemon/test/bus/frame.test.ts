import test from 'ava'
import fc from 'fast-check'
import { BusFrameReader, encodeBusFrame, encodeBusFrames } from '../../src/bus/frame.ts'
import type { BusMessage } from '../../src/bus/messages.ts'

const response = fc.record({
  kind: fc.constant('media-response' as const),
  ref: fc.nat(),
  ok: fc.boolean(),
  detail: fc.string({ unit: 'grapheme' }),
})

/** What a reader gives from these bytes, which come in parts and whose place is used again after each. */
function read(bytes: Uint8Array, cuts: readonly number[]): BusMessage[] | string {
  const reader = new BusFrameReader()
  const messages: BusMessage[] = []
  let from = 0
  for (const to of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    const place = Buffer.from(bytes.subarray(from, Math.max(from, to)))
    const given = reader.push(place)
    place.fill(0xff)
    if (typeof given === 'string') return given
    messages.push(...given)
    from = Math.max(from, to)
  }
  return messages
}

test('messages that left in one write come whole and in order, wherever the stream is cut', (t) => {
  fc.assert(
    fc.property(fc.array(response, { maxLength: 6 }), fc.array(fc.nat(600)), (messages, cuts) => {
      const bytes = encodeBusFrames(messages)
      const inside = cuts.filter((cut) => cut < bytes.length)
      t.deepEqual(read(bytes, inside), messages)
      t.deepEqual(Buffer.concat(messages.map(encodeBusFrame)), Buffer.from(bytes))
    }),
  )
})

test('a frame of another version, too long, or with no message in it ends the stream', (t) => {
  const bytes = encodeBusFrame({ kind: 'media-response', ref: 1, ok: true, detail: '' })
  const otherVersion = Uint8Array.from(bytes, (byte, at) => (at === 4 ? byte + 1 : byte))
  t.is(read(otherVersion, []), 'version')
  t.is(read(Uint8Array.of(255, 255, 255, 255, bytes[4] ?? 0), []), 'too-long')
  t.is(read(Uint8Array.of(0, 0, 0, 2, bytes[4] ?? 0, 0x7b), []), 'not-json')
  t.is(read(Uint8Array.of(0, 0, 0, 3, bytes[4] ?? 0, 0x7b, 0x7d), []), 'not-a-message')
})
