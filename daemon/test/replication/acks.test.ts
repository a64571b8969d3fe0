//! An ACK confirms the very record that was sent: its version, its length and its content (S1.113).
import test from 'ava'
import { Sender } from '../../src/replication/sender.ts'
import { Tables } from '../../src/tables/tables.ts'
import type { User } from '../../src/tables/user.ts'
import { serialiseRecord } from '../../src/wire/sync-body.ts'
import type { RecordMark } from '../../src/wire/sync-frame-types.ts'
import { user } from './pair-simulation.ts'

function sending() {
  const tables = new Tables()
  const marks: RecordMark[] = []
  const sender = new Sender(tables, {
    serialise: serialiseRecord,
    encode: (body) => {
      if (body.kind === 'record') marks.push(body)
      return new Uint8Array(10)
    },
  })
  sender.start()
  const put = (cseq: number) => {
    const done = tables.table('user').put(user('u', cseq) as User)
    if (done.ok && done.value !== null) sender.changed(done.value.address)
    sender.advance(cseq)
    const mark = marks.at(-1)
    if (mark === undefined) throw new Error('nothing was sent')
    return mark
  }
  return { sender, put, flag: () => tables.table('user').flag(0) }
}

test('the ACK of an earlier version with the same content does not confirm the present one', (t) => {
  const { sender, put, flag } = sending()
  const first = put(1)
  put(2)
  const third = put(1)
  t.is(first.hash, third.hash)
  t.false(sender.acknowledged(first, 10), 'the standby may hold the second')
  t.is(flag(), 'SYNCED')
  t.true(sender.acknowledged(third, 11))
  t.is(flag(), 'NONE')
})

test('an ACK with another hash or another length confirms nothing', (t) => {
  const { sender, put, flag } = sending()
  const mark = put(1)
  t.false(sender.acknowledged({ ...mark, hash: '0'.repeat(32) }, 2))
  t.false(sender.acknowledged({ ...mark, length: mark.length + 1 }, 2))
  t.is(flag(), 'SYNCED')
  t.is(sender.counters.acksWrong, 2)
  t.true(sender.acknowledged(mark, 3))
})
