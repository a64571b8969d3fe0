//! When the records of a primary are in its journal: as long as pair would not give its role to a peer that
//! has them, so that a switch unit that dies comes back with every call.
import test from 'ava'
import { loadJournal } from '../../src/replication/journal.ts'
import { Tables } from '../../src/tables/tables.ts'
import { keys, TwoEngines } from './two-engines.ts'

/** Live sessions that a new switch unit of node a would find. */
function kept({ a }: TwoEngines): number {
  const tables = new Tables()
  loadJournal(a.journal, tables, keys.sync)
  return tables.table('wired-conference').size
}

function talking(): TwoEngines {
  const pair = new TwoEngines()
  pair.join()
  pair.talk('101', '102')
  return pair
}

test('beside a peer that would serve there is no journal', (t) => {
  const pair = talking()
  t.is(pair.a.journal.read(), null)
})

for (const [why, peer] of [
  ['cannot serve, as it has just woken up or a unit of it is dead', { ready: false }],
  ['has every record, but pair has not heard that yet', { inStep: false }],
] as const) {
  test(`calls are in the journal while the peer ${why}`, (t) => {
    const pair = talking()
    pair.hears('a', true, peer)
    pair.pass(50)
    t.true(pair.a.engine.replicator.inStep(pair.nowMs), 'the records themselves are at the peer')
    t.is(kept(pair), 1)
    pair.talk('103', '104')
    t.is(kept(pair), 2)
    pair.hears('a', true)
    pair.pass(50)
    t.is(pair.a.journal.read(), null)
  })
}
