//! What the engine says while it may not trust what it knows.
import test from 'ava'
import { FakeNode, firstTick, legRecord, payloadOf, rtp } from './fake-node.ts'

const port = 20_000

/** Leg 0 speaks packet k at tick firstTick + k. */
function talk(node: FakeNode, ticks: number): void {
  node.run(ticks, (tick, phase) => {
    if (phase === 1) speak(node, tick - firstTick)
  })
}

function speak(node: FakeNode, k: number): void {
  const packet = { ssrc: 0xabc, sequence: k & 0xffff, timestamp: k * 160, payload: payloadOf(k) }
  node.sockets.arrive(port, rtp(packet))
}

function serving(more: Parameters<typeof legRecord>[1] = {}): FakeNode {
  const node = new FakeNode()
  node.engine.setRole('primary')
  node.order({ kind: 'member-add', leg: legRecord(0, more) })
  node.order({ kind: 'member-add', leg: legRecord(1, more) })
  talk(node, 60)
  node.takeSent(port)
  return node
}

test('without trust nothing leaves, neither voice nor reports, and it goes on afterwards', (t) => {
  const node = serving()
  node.sockets.sentControl.splice(0)
  node.engine.setTrust('none')
  talk(node, 600)
  t.deepEqual(node.takeSent(port), [])
  t.deepEqual(node.sockets.sentControl, [])
  node.engine.setTrust('full')
  talk(node, 10)
  t.is(node.takeSent(port).length, 10)
})

test('with twins only, a primary sends what both nodes send', (t) => {
  const twin = serving()
  twin.engine.setTrust('twins')
  talk(twin, 10)
  t.is(twin.takeSent(port).length, 10)
  const single = serving({ twin: false })
  single.engine.setTrust('twins')
  talk(single, 10)
  t.deepEqual(single.takeSent(port), [])
})

test('without trust nothing is decided for the peer', (t) => {
  const node = new FakeNode()
  node.engine.setRole('primary')
  node.order({ kind: 'member-add', leg: legRecord(0) })
  node.engine.setTrust('twins')
  talk(node, 30)
  t.deepEqual(node.maps, [])
  node.engine.setTrust('full')
  talk(node, 30)
  t.true(node.maps.length > 0)
})

test('what waited during a standstill is dropped, and the present is heard as before', (t) => {
  const standing = serving()
  const skipped = 500
  standing.skip(skipped)
  // The kernel kept what came first.
  for (let k = 60; k < 260; k += 1) speak(standing, k)
  standing.engine.dropWaiting()
  const maps = standing.maps.length
  standing.run(40, (tick, phase) => {
    if (phase === 1) speak(standing, tick - firstTick)
  })
  t.is(standing.maps.length, maps, 'the stream goes on where it would have been')
  t.is(standing.engine.counters.packetsLate, 0)
})
