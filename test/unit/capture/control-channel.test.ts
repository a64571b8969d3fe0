//! Netstrings of the phones' control port arrive in pieces of any size.
import test from 'ava'
import { NetstringReader, netstring } from '../../../scripts/phones/control-channel.ts'

test('netstrings are read whole, however the stream is cut', (t) => {
  const stream = Buffer.from(['{"a":1}', 'ä', ''].map(netstring).join(''))
  for (let size = 1; size <= stream.length; size += 1) {
    const reader = new NetstringReader()
    const texts: string[] = []
    for (let at = 0; at < stream.length; at += size) {
      texts.push(...reader.push(stream.subarray(at, at + size)))
    }
    t.deepEqual(texts, ['{"a":1}', 'ä', ''])
  }
})
