//! A control request is done at most once, and whoever repeats it hears the answer given before.
import test from 'ava'
import { PeerChannel } from '../../src/replication/peer-channel.ts'

const here = 'a'.repeat(16)
const there = 'b'.repeat(16)
const request = (ref: number, body = 'x', bootId = there) => ({ bootId, ref, body: here + body })

test('a repeated question is not done again: before the answer it is silent, then it hears it again', (t) => {
  const channel = new PeerChannel(here)
  t.deepEqual(channel.request(request(7, 'release')), {
    output: { kind: 'peer-request', boot: there, ref: 7, body: 'release' },
  })
  t.deepEqual(channel.request(request(7, 'release')), {})
  const answer = { kind: 'response', ref: 7, body: '+done' }
  t.deepEqual(channel.answer(there, 7, 'done'), answer)
  t.is(channel.answer(there, 7, 'done again'), null)
  for (let copy = 0; copy < 3; copy++) {
    t.deepEqual(channel.request(request(7, 'release')), { reply: answer })
  }
})

test('a question so old that its answer is kept no longer is not done again either', (t) => {
  const channel = new PeerChannel(here)
  for (let ref = 1; ref <= 100; ref++) {
    t.truthy(channel.request(request(ref)).output)
    channel.answer(there, ref, `${ref}`)
  }
  t.deepEqual(channel.request(request(1)), {})
  t.deepEqual(channel.request(request(100)), {
    reply: { kind: 'response', ref: 100, body: '+100' },
  })
})

test('the questions of another boot of the peer are counted anew, those meant for another are not done', (t) => {
  const channel = new PeerChannel(here)
  t.truthy(channel.request(request(9)).output)
  t.truthy(channel.request(request(9, 'x', 'c'.repeat(16))).output)
  t.is(channel.answer(there, 9, 'late'), null)
  const { reply, output } = channel.request({ bootId: there, ref: 10, body: `${'d'.repeat(16)}x` })
  t.deepEqual(reply, { kind: 'response', ref: 10, body: '?' })
  t.is(output, undefined)
})
