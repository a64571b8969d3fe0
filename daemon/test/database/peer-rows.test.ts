//! Questions to the peer's database, in virtual time.
import test from 'ava'
import { PeerRows } from '../../src/database/peer-rows.ts'

const offer = { op: 'offer', source: 'a' } as const
const settled = JSON.stringify({ op: 'settle' })
const atWork = JSON.stringify({ op: 'at-work' })
const settle = { op: 'settle', source: 'a', seq: 1, revision: 1 } as const

function make() {
  const sent: number[] = []
  const peer = new PeerRows((ref) => sent.push(ref), 7)
  return { peer, sent }
}

/** All that waits for a promise has run. */
const quiet = () => new Promise((resolve) => setImmediate(resolve))

test('a question is repeated until it is answered, and given up after three seconds', async (t) => {
  const { peer, sent } = make()
  const first = peer.ask(settle)
  await quiet()
  t.deepEqual(sent, [7])
  peer.advance(99)
  t.deepEqual(sent, [7])
  peer.advance(100)
  t.deepEqual(sent, [7, 7])
  peer.receive(7, settled, 120)
  t.deepEqual(await first, { op: 'settle' })
  const second = peer.ask(offer)
  await quiet()
  peer.advance(3_119)
  peer.advance(3_219)
  t.is(await second, null)
})

test('a peer that is at work is waited for, and asked less often; but not for ever', async (t) => {
  const { peer, sent } = make()
  const answer = peer.ask(settle)
  await quiet()
  for (let nowMs = 0; nowMs < 50_000; nowMs += 100) {
    peer.advance(nowMs)
    if (nowMs % 500 === 0) peer.receive(7, atWork, nowMs)
  }
  t.true(sent.length <= 101, `${sent.length}`)
  peer.receive(7, settled, 50_000)
  t.deepEqual(await answer, { op: 'settle' })
  const endless = peer.ask(settle)
  await quiet()
  let answered = false
  void endless.then(() => {
    answered = true
  })
  for (let nowMs = 50_000; nowMs < 109_000; nowMs += 500) {
    peer.advance(nowMs)
    peer.receive(8, atWork, nowMs)
  }
  await quiet()
  t.false(answered)
  peer.advance(110_000)
  t.is(await endless, null)
})
