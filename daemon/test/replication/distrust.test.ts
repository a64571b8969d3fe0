//! What a standby does not believe although it is authentic: records under another name, an end of the
//! asking before everything is here, an invitation that was heard before. And what a primary does not: an
//! earlier asking of the standby that follows.
import test from 'ava'
import type { User } from '../../src/tables/user.ts'
import { serialiseRecord } from '../../src/wire/sync-body.ts'
import { decodeSyncFrame, encodeSyncFrame } from '../../src/wire/sync-frame.ts'
import type { SyncBody, SyncFrame } from '../../src/wire/sync-frame-types.ts'
import { simulationKey } from './frames.ts'
import { PairSimulation, type Side, user } from './pair-simulation.ts'

function sentBy(pair: PairSimulation, side: Side): SyncFrame[] {
  return pair.captured
    .filter(({ from }) => from === side)
    .map(({ bytes }) => decodeSyncFrame(bytes, simulationKey))
    .filter((frame) => typeof frame !== 'string' && frame.kind !== 'unknown') as SyncFrame[]
}

/** The primary says this, with a number of our choice. */
function say(pair: PairSimulation, body: SyncBody, sequence: number): void {
  const bootId = sentBy(pair, pair.a)[0]?.bootId ?? 'a'.repeat(16)
  const bytes = encodeSyncFrame({ bootId, term: 1, sequence, ...body }, simulationKey)
  if (bytes === 'too-long') throw new Error('the frame is too long')
  pair.deliver(pair.a, bytes, {})
  pair.run(1)
}

function following(): PairSimulation {
  const pair = new PairSimulation()
  pair.join()
  pair.change(pair.a, (tables) => tables.table('user').put(user('1001') as User))
  pair.run(50)
  return pair
}

const recordOf = (slot: number, key: string, name: string): SyncBody => {
  const { body, hash } = serialiseRecord(user(name))
  const address = { table: 'user', slot } as const
  return { kind: 'record', key, body, address, version: 1, length: body.length, hash }
}

test('a record whose key is not its own is no record', (t) => {
  const pair = following()
  const users = pair.b.tables.table('user')
  say(pair, recordOf(7, '1002', '1003'), 1_000)
  t.is(users.size, 1)
  t.is(pair.b.replicator.status(pair.nowMs).received.invalid, 1)
  say(pair, recordOf(7, '1003', '1003'), 1_001)
  t.true(users.has('1003'), 'with its own it is one')
})

test('a standby that was named more than it has is not in step and asks again', (t) => {
  const pair = new PairSimulation()
  pair.act(pair.b, () => pair.b.replicator.setRole('standby', 1, pair.nowMs))
  pair.act(pair.b, () => pair.b.replicator.setPeer(true, pair.nowMs))
  const askings = () =>
    sentBy(pair, pair.b).flatMap((one) => (one.kind === 'request-all' ? [one.ref] : []))
  const [first = 0] = askings()
  say(pair, { kind: 'all-sent', ref: first, count: 1 }, 1)
  t.false(pair.b.replicator.inStep(pair.nowMs))
  const second = askings().at(-1) ?? 0
  t.not(second, first)
  say(pair, recordOf(0, '1001', '1001'), 2)
  say(pair, { kind: 'all-sent', ref: second, count: 1 }, 3)
  t.true(pair.b.replicator.inStep(pair.nowMs))
  t.deepEqual([...pair.b.tables.table('user').keys()], ['1001'])
})

test('an invitation to ask that was heard before does nothing, a new one does', (t) => {
  const pair = following()
  const asked = () => sentBy(pair, pair.b).filter(({ kind }) => kind === 'request-all').length
  const before = asked()
  say(pair, { kind: 'all-sent', ref: 0, count: 0 }, 0)
  t.is(asked(), before)
  t.true(pair.b.replicator.inStep(pair.nowMs))
  say(pair, { kind: 'all-sent', ref: 0, count: 0 }, 1_000)
  t.is(asked(), before + 1)
})

test('an earlier asking of the standby that follows, heard again, changes nothing and sends nothing', (t) => {
  const pair = following()
  const first = pair.captured.find(({ from, bytes }) => {
    const frame = decodeSyncFrame(bytes, simulationKey)
    return from === pair.b && typeof frame !== 'string' && frame.kind === 'request-all'
  })
  pair.act(pair.b, () => pair.b.replicator.reinit(pair.nowMs) ?? undefined)
  t.true(pair.runUntil(() => pair.settled(), 5_000))
  const records = () => sentBy(pair, pair.a).filter(({ kind }) => kind === 'record').length
  const before = records()
  pair.a.outputs.length = 0
  pair.deliver(pair.b, first?.bytes ?? new Uint8Array(0), {})
  pair.run(50)
  t.is(pair.a.replicator.status(pair.nowMs).refused.replayed, 1)
  t.is(records(), before)
  t.deepEqual(
    pair.a.outputs.filter(({ kind }) => kind === 'in-step'),
    [],
    'the standby is in step all the time',
  )
})
