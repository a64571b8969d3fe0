//! SIP that only one of two nodes hears (reach mode `floating`).
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { Replicator, type ReplicatorOutput } from '../../src/replication/replicator.ts'
import { Tables } from '../../src/tables/tables.ts'

const key = new Uint8Array(32).fill(3)
const from = { address: '10.90.0.101', port: 5060 }

function node(digit: string): Replicator {
  return new Replicator({ tables: new Tables(), key, bootId: digit.repeat(16) })
}

function datagrams(outputs: readonly ReplicatorOutput[]): Uint8Array[] {
  return outputs.flatMap((one) => (one.kind === 'datagram' ? [one.bytes] : []))
}

function heard(outputs: readonly ReplicatorOutput[]) {
  return outputs.filter((one) => one.kind === 'heard')
}

test('what one node hears comes to the other one once, as it was, whatever their roles are', (t) => {
  const bytes = Uint8Array.from({ length: 700 }, (_, n) => (n * 7) & 0xff)
  const [a, b] = [node('a'), node('b')]
  const [out] = a.passOn(bytes, from)
  t.like(out, { kind: 'datagram', link: 'all' })
  const [datagram = new Uint8Array()] = datagrams(out === undefined ? [] : [out])
  const [first, ...more] = heard(b.receive(datagram, 0, 0))
  t.deepEqual(more, [])
  t.like(first, { kind: 'heard', ...from })
  t.deepEqual(first?.kind === 'heard' ? first.body : null, bytes)
  for (const link of [1, 2, 0]) t.deepEqual(heard(b.receive(datagram, link, 1)), [], 'once')
  const again = datagrams(a.passOn(bytes, from))
  t.is(heard(b.receive(again[0] ?? datagram, 0, 2)).length, 1, 'a repeated request is another one')
  t.deepEqual(heard(a.receive(datagram, 0, 3)), [], 'it does not come back')
})

test('what is longer than SIP may be is not passed on', (t) => {
  const a = node('a')
  t.deepEqual(a.passOn(new Uint8Array(limits.sipMessageBytesMax + 1), from), [])
  t.is(datagrams(a.passOn(new Uint8Array(limits.sipMessageBytesMax), from)).length, 1)
})
