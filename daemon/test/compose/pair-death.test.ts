//! The pair unit of a primary dies: its switch stops serving and tells the peer, whose pair unit decides.
import test from 'ava'
import type { BusMessage } from '../../src/bus/messages.ts'
import { heardPairDied, sayPairDied } from '../../src/compose/pair-death.ts'
import { type Node, TwoEngines } from './two-engines.ts'

/** What the switch of a node tells its pair unit, but its signs of life. */
function listen({ engine }: Node): BusMessage[] {
  const told: BusMessage[] = []
  const send = (message: BusMessage) => {
    if (message.kind !== 'switch-alive') told.push(message)
    return true
  }
  engine.pair.attach({ send, close: () => undefined, connected: true })
  return told
}

const boot = '0'.repeat(16)

test('a primary that loses its pair unit serves no longer, and then tells the peer which one died', (t) => {
  const two = new TwoEngines()
  two.join()
  two.talk('101', '102')
  const told = listen(two.b)
  two.a.engine.pair.lost('connection closed')
  t.is(two.a.engine.role, 'starting')
  t.deepEqual(told, [])
  two.pass(20)
  t.deepEqual(told, [{ kind: 'peer-pair-died', bootId: boot }])
  // Voice goes on: no leg was taken away.
  t.is(two.a.legs.size, 2)
  two.pass(2_000)
  t.is(told.length, 1, 'said once')
})

test('a standby that loses its pair unit says nothing, and a node alone goes on', (t) => {
  const two = new TwoEngines()
  two.join()
  const told = listen(two.a)
  two.b.engine.pair.lost('connection closed')
  two.pass(500)
  t.deepEqual(told, [])
  t.is(two.a.engine.role, 'primary')
  two.setPeers(false)
  two.a.engine.pair.lost('connection closed')
  two.pass(500)
  t.is(two.a.engine.role, 'primary')
})

test('only a whole word is heard', (t) => {
  t.is(heardPairDied(sayPairDied(boot)), boot)
  const others = ['', '{', '{"verb":"status"}', '{"verb":"pair-died"}', sayPairDied('x')]
  t.deepEqual(others.map(heardPairDied), [null, null, null, null, null])
})
