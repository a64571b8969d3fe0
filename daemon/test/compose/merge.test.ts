//! Both nodes served, and they meet again: the sessions of both go on (ADR 0001).
import test, { type ExecutionContext } from 'ava'
import type { MergeReport } from '../../src/compose/merge.ts'
import { type Node, TwoEngines } from './two-engines.ts'

const sides = ['a', 'b'] as const
const calls = [
  ['101', '102'],
  ['103', '104'],
  ['201', '202'],
  ['203', '204'],
] as const

function reportOf({ engine }: Node): MergeReport {
  const { report } = engine.merger
  if (report === null) throw new Error('no merge')
  return report
}

function allIsFree(t: ExecutionContext, pair: TwoEngines): void {
  pair.pass(40_000)
  for (const name of sides) {
    const { tables } = pair[name].engine
    t.is(tables.table('wired-conference').size, 0, name)
    t.is(tables.table('wired-media').size, 0, name)
    t.is(tables.table('conference-resource').size, 0, name)
    t.is(pair[name].legs.size, 0, name)
  }
  t.deepEqual(pair.different(), [])
}

for (const loser of sides) {
  for (const shiftTicks of [0, 7, -450]) {
    test(`${loser} loses, its clock ${shiftTicks} ticks off: all calls of both go on`, (t) => {
      const pair = new TwoEngines()
      pair.join()
      pair.talk('101', '102')
      pair.part()
      pair.talk('103', '104')
      pair.talk('201', '202')
      pair.talk('203', '204')
      const told = pair[loser].orders.length
      pair.heal(loser, shiftTicks)
      const winner = loser === 'a' ? pair.b : pair.a
      t.deepEqual(pair.different(), [])
      t.is(winner.engine.core.liveSessions, 4)
      t.is(pair[loser].engine.core.liveSessions, 4)
      const since = pair[loser].orders.slice(told)
      const deleted = since.filter(({ kind }) => kind === 'member-delete')
      t.deepEqual(deleted, [])
      t.is(pair[loser].legs.size, 8)
      t.is(winner.legs.size, 8)
      t.true(reportOf(winner).ok)
      t.deepEqual(reportOf(winner).closed, [])
      t.is(reportOf(pair[loser]).shiftTicks, shiftTicks)
      for (const [from, to] of calls) pair.hangUp(from, to)
      t.is(winner.engine.core.liveSessions, 0)
      allIsFree(t, pair)
    })
  }
}
