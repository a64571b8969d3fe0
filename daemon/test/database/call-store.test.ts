//! The file of call records: one a session, the right one, found by what it says, and bounded.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type CallQuery, CallStore } from '../../src/database/call-store.ts'
import { compareRecords, completedBy, recordText } from '../../src/switching/call-record.ts'
import { callRecord } from '../compose/call-record-facts.ts'

const rules = { compare: compareRecords, completedBy, text: recordText }

function directoryOf(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-calls-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function open(path: string): Promise<CallStore> {
  return (await CallStore.open(path, rules, 1)).store
}

const all: CallQuery = { oldestFirst: true, limit: 100 }

async function ids(store: CallStore, query: Partial<CallQuery> = {}): Promise<string[]> {
  return (await store.find({ ...all, ...query })).map(({ sessionId }) => sessionId)
}

test('a session has one record: the one that counts, whatever came first, over a restart', async (t) => {
  const path = join(directoryOf(t), 'calls.db')
  const [better, worse] = [callRecord('s'), callRecord('s', { endedBy: 'switch', endedAtMs: 5 })]
  const store = await open(path)
  const batch = { live: [], seenAtMs: 1 }
  await store.store({ ...batch, ended: [worse, better, worse] })
  await store.store({ ...batch, ended: [worse] })
  t.is(await store.adopt([better]), 0)
  await store.close()
  const again = await open(path)
  t.deepEqual(await again.find(all), [better])
  t.is(again.count, 1)
  await again.close()
})

test('a session that was alive when both nodes went has its record, ended when last seen', async (t) => {
  const store = await open(join(directoryOf(t), 'calls.db'))
  const live = callRecord('s', { endedBy: 'node', endedAtMs: 50 })
  await store.store({ ended: [], live: [live, callRecord('u', { endedBy: 'node' })], seenAtMs: 50 })
  await store.store({ ended: [callRecord('u')], live: [], seenAtMs: 70 })
  t.is(await store.settle(() => true), 0)
  t.is(await store.settle(() => false), 1)
  t.is(await store.settle(() => false), 0)
  t.deepEqual(await store.get(['s', 'u', 'x']), [{ ...live, endedAtMs: 70 }, callRecord('u')])
  await store.store({ ended: [], live: [live], seenAtMs: 80 })
  t.is(await store.settle(() => false), 0, 'what has a record does not live')
  await store.close()
})

test('an answer that only this node saw is in the record that another one made', async (t) => {
  const store = await open(join(directoryOf(t), 'calls.db'))
  const alive = callRecord('s', { endedBy: 'node' })
  await store.store({ ended: [], live: [alive], seenAtMs: 1 })
  const unanswered = callRecord('s', { answeredAtMs: null, status: 487 })
  t.is(await store.adopt([unanswered]), 1)
  t.deepEqual(await store.get(['s']), [callRecord('s')])
  t.is(await store.adopt([unanswered]), 0)
  await store.close()
})

test('records are found by end, party, kind, cause and answer, in pages', async (t) => {
  const store = await open(join(directoryOf(t), 'calls.db'))
  const party = { leg: 'c', side: 'callee', invitedAtMs: 1, joinedAtMs: null, leftAtMs: 2 } as const
  const ended = [
    callRecord('a', { endedAtMs: 100, services: ['hold'] }),
    callRecord('b', { endedAtMs: 200, answeredAtMs: null, status: 486, called: '103' }),
    callRecord('c', { endedAtMs: 300, type: 'preset', reason: 'WG-67;cause=1001;text="forced"' }),
    callRecord('d', {
      endedAtMs: 300,
      parties: [{ ...party, number: '1030', rtp: null, trunk: 'North' }],
    }),
  ]
  await store.store({ ended, live: [], seenAtMs: 1 })
  t.deepEqual(await ids(store, { oldestFirst: false }), ['d', 'c', 'b', 'a'])
  t.deepEqual(await ids(store, { sinceMs: 200, untilMs: 300 }), ['b'])
  t.deepEqual(await ids(store, { party: '103' }), ['b'])
  t.deepEqual(await ids(store, { party: '1030' }), ['d'])
  t.deepEqual(await ids(store, { party: '10' }), [])
  t.deepEqual(await ids(store, { kind: 'PRESET' }), ['c'])
  t.deepEqual(await ids(store, { kind: 'hold' }), ['a'])
  t.deepEqual(await ids(store, { kind: 'north' }), ['d'])
  t.deepEqual(await ids(store, { cause: '486' }), ['b'])
  t.deepEqual(await ids(store, { cause: 'wg-67;cause=1001' }), ['c'])
  t.deepEqual(await ids(store, { answered: false }), ['b'])
  const seen: string[] = []
  for (let after: CallQuery['after']; ; ) {
    const [record] = await store.find({ ...all, limit: 1, after })
    if (record === undefined) break
    seen.push(record.sessionId)
    after = record
  }
  t.deepEqual(seen, ['a', 'b', 'c', 'd'])
  t.deepEqual(await store.findById('c', 5), [ended[2]])
  t.deepEqual(await store.findById("c' OR 1=1 --", 5), [])
  await store.close()
})

test('of too many the oldest go, by number and by size, and it is known up to when', async (t) => {
  const store = await open(join(directoryOf(t), 'calls.db'))
  const ended = Array.from({ length: 300 }, (_one, index) => {
    return callRecord(`s${1_000 + index}`, { startedAtMs: index, endedAtMs: 1_000 + index })
  })
  await store.store({ ended, live: [], seenAtMs: 1 })
  t.deepEqual(await store.prune(300), { removed: 0, untilMs: 0 })
  const { removed, untilMs } = await store.prune(200)
  t.deepEqual([removed, untilMs, store.count], [104, 103, 196])
  t.is(await store.removedUntilMs(), 103)
  t.deepEqual(await ids(store, { limit: 1 }), ['s1104'])
  const size = recordText(ended[0] ?? callRecord('s')).length
  await store.prune(200, 100 * size)
  t.true(store.count <= 100 && store.count > 80)
  await store.close()
})

test('a damaged file is moved aside and begins empty; one that cannot be used is an error', async (t) => {
  const directory = directoryOf(t)
  const path = join(directory, 'calls.db')
  writeFileSync(path, 'this is no database at all, but it is long enough to look at'.repeat(99))
  const { store, fault } = await CallStore.open(path, rules, 1)
  t.regex(fault ?? '', /begins empty/)
  t.true(readdirSync(directory).some((name) => name.startsWith('calls.db.damaged-')))
  await store.store({ ended: [callRecord('s')], live: [], seenAtMs: 1 })
  t.is(store.count, 1)
  await store.close()
  await t.throwsAsync(CallStore.open(join(directory, 'missing', 'calls.db'), rules, 1))
})

test('records of a file add what is missing, and change nothing that is known or alive', async (t) => {
  const store = await open(join(directoryOf(t), 'calls.db'))
  const known = callRecord('known', { endedBy: 'switch', endedAtMs: 99 })
  const alive = callRecord('alive', { endedBy: 'node' })
  await store.store({ ended: [known], live: [alive], seenAtMs: 1 })
  const given = ['known', 'alive', 'new', 'new'].map((id) => callRecord(id))
  t.is(await store.add(given, true), 1)
  t.deepEqual(await ids(store), ['known'])
  t.is(await store.add(given, false), 1)
  t.deepEqual(await store.get(['known', 'alive', 'new']), [known, callRecord('new')])
  t.is(await store.add(given, false), 0)
  await store.close()
})
