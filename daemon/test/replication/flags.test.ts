//! Every cell of the flag machine, against the source's sentences (S1.98-S1.102).
import test from 'ava'
import {
  type FlagEvent,
  flagEvents,
  flagTransitions,
  nextFlag,
} from '../../src/replication/flags.ts'
import { type Flag, flags } from '../../src/tables/flag.ts'

const expected: Record<FlagEvent, [Flag, Flag, Flag, Flag]> = {
  // from:          NONE     DIRTY     HASHED    SYNCED
  change: ['DIRTY', 'DIRTY', 'DIRTY', 'DIRTY'],
  serialise: ['NONE', 'HASHED', 'HASHED', 'SYNCED'],
  send: ['NONE', 'DIRTY', 'SYNCED', 'SYNCED'],
  'ack-right': ['NONE', 'DIRTY', 'NONE', 'NONE'],
  'ack-wrong': ['NONE', 'DIRTY', 'HASHED', 'SYNCED'],
  timeout: ['NONE', 'DIRTY', 'HASHED', 'HASHED'],
  'peer-lost': ['NONE', 'DIRTY', 'DIRTY', 'DIRTY'],
  'request-all': ['DIRTY', 'DIRTY', 'DIRTY', 'DIRTY'],
  release: ['NONE', 'NONE', 'NONE', 'NONE'],
}

for (const event of flagEvents) {
  for (const [index, from] of flags.entries()) {
    test(`${from} + ${event} = ${expected[event][index]}`, (t) => {
      t.is(nextFlag(from, event), expected[event][index] as Flag)
    })
  }
}

test('the table has a row for each flag and a cell for each event, and no more', (t) => {
  t.deepEqual(Object.keys(flagTransitions), [...flags])
  for (const row of Object.values(flagTransitions)) t.deepEqual(Object.keys(row), [...flagEvents])
})

test('one synchronisation goes NONE, DIRTY, HASHED, SYNCED, NONE', (t) => {
  let flag: Flag = 'NONE'
  const path = (['change', 'serialise', 'send', 'ack-right'] as const).map((event) => {
    flag = nextFlag(flag, event)
    return flag
  })
  t.deepEqual(path, ['DIRTY', 'HASHED', 'SYNCED', 'NONE'])
})
