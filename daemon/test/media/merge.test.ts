//! Two primaries meet (ADR 0001): which node sends the voice of a call while it changes hands.
import test from 'ava'
import { FakeNode, firstTick, legRecord } from './fake-node.ts'

const single = legRecord(0, { twin: false })
const twin = legRecord(1)

function counts(node: FakeNode): number[] {
  return [20_000, 20_002].map((port) => node.takeSent(port).length)
}

function served(): FakeNode {
  const node = new FakeNode()
  node.engine.setRole('primary')
  node.order({ kind: 'conference-set', legs: [single, twin] })
  node.run(50)
  counts(node)
  return node
}

test('who lost goes on with a leg without twin until all legs are named again', (t) => {
  const node = served()
  node.engine.setRole('standby')
  node.engine.setMerge('give', false)
  node.run(10)
  t.deepEqual(counts(node), [10, 10])
  node.order({ kind: 'conference-set', legs: [single, twin] })
  node.engine.endGiving()
  node.run(10)
  t.deepEqual(counts(node), [0, 10])
})

test('a winner that never says that it has it does not make two senders for ever', (t) => {
  const node = served()
  node.engine.setRole('standby')
  node.engine.setMerge('give', false)
  node.run(300)
  t.deepEqual(counts(node), [199, 300])
})

test('a standby that has given nothing up sends no leg without twin', (t) => {
  const node = served()
  node.engine.setRole('standby')
  node.engine.setMerge(null, false)
  node.run(10)
  t.deepEqual(counts(node), [0, 10])
})

/** A primary that is given the calls of its peer, which began long ago. */
function given(more: object = {}): FakeNode {
  const node = new FakeNode()
  node.engine.setRole('primary')
  node.run(100)
  node.engine.setMerge('take', false)
  node.order({ kind: 'conference-set', legs: [single, legRecord(1, more)] })
  return node
}

test('who stays primary leaves an adopted leg to the peer until it knows as much', (t) => {
  const node = given()
  node.run(23)
  t.deepEqual(counts(node), [23, 0])
  node.run(10)
  t.deepEqual(counts(node), [10, 10])
})

test('when the peer is lost meanwhile it sends at once', (t) => {
  const node = given()
  node.run(5)
  node.engine.setMerge(null, true)
  node.run(5)
  t.deepEqual(counts(node), [10, 5])
})

test('a leg that moves to another bridge for it is sent by both', (t) => {
  const node = given({ controlTick: firstTick + 106 })
  node.run(10)
  t.deepEqual(counts(node), [10, 10])
})

test('a new call of the winner is sent from its first tick on', (t) => {
  const node = given({ tick0: firstTick + 106, controlTick: firstTick + 106 })
  node.run(16)
  t.deepEqual(counts(node), [16, 10])
})
