//! What a session remembers of itself, and which of two records of it counts.
import test from 'ava'
import fc from 'fast-check'
import {
  callRecordOf,
  compareRecords,
  interruptedRecord,
  recordText,
  withHistory,
  withReason,
  withRoleChange,
  withService,
  withStatistics,
} from '../../src/switching/call-record.ts'
import type { CallRecord } from '../../src/tables/call-record.ts'
import type { Conference } from '../../src/tables/wired-conference.ts'
import { callRecord } from '../compose/call-record-facts.ts'
import { sessionOf } from './merge-sessions.ts'

/** The better one first. */
const preferences: readonly (readonly [
  why: string,
  better: Partial<CallRecord>,
  worse: Partial<CallRecord>,
])[] = [
  ['an end that was seen', { endedBy: 'switch', answeredAtMs: null }, { endedBy: 'node' }],
  ['an answered call', { endedBy: 'switch' }, { endedBy: 'caller', answeredAtMs: null }],
  ['an end by a terminal', { endedBy: 'callee', endedAtMs: 9e12 }, { endedBy: 'switch' }],
  ['the earlier end', { endedAtMs: 5 }, { endedAtMs: 6 }],
  [
    'the later one of two ends that nobody saw',
    { endedBy: 'node', endedAtMs: 6 },
    { endedBy: 'node', endedAtMs: 5 },
  ],
  ['what says more', { services: ['hold'] }, {}],
]

for (const [why, better, worse] of preferences) {
  test(`of two records of one session ${why} counts`, (t) => {
    const [a, b] = [callRecord('s', better), callRecord('s', worse)]
    t.true(compareRecords(a, b) < 0)
    t.true(compareRecords(b, a) > 0)
  })
}

const anyRecord = fc
  .record({
    endedBy: fc.constantFrom(
      'caller' as const,
      'callee' as const,
      'switch' as const,
      'node' as const,
    ),
    answeredAtMs: fc.constantFrom(null, 1, 2),
    endedAtMs: fc.integer({ min: 3, max: 5 }),
    status: fc.constantFrom(200, 486),
    services: fc.constantFrom<string[]>([], ['hold'], ['transfer']),
  })
  .map((more) => callRecord('s', more))

test('which record counts is a total order: both nodes choose the same, in whatever order they learn', (t) => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 2, maxLength: 6 }),
      fc.infiniteStream(fc.nat()),
      (all, numbers) => {
        const choose = (some: readonly CallRecord[]) =>
          some.reduce((kept, next) => (compareRecords(next, kept) < 0 ? next : kept))
        const shuffled = all
          .map((record) => ({ record, at: numbers.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ record }) => record)
        t.is(recordText(choose(all)), recordText(choose(shuffled)))
      },
    ),
  )
})

test('the text of a record does not depend on the order of its keys', (t) => {
  const record = callRecord('s', { roles: [{ atMs: 1, term: 2 }] })
  const turned = Object.fromEntries(Object.entries(record).toReversed()) as CallRecord
  t.is(recordText({ ...turned, roles: [{ term: 2, atMs: 1 }] }), recordText(record))
})

const rtp = {
  packetsSent: 3_006,
  packetsReceived: 3_005,
  packetsLost: 1,
  packetsLate: 0,
  jitterMsMax: 4.2,
  farPacketsLost: 0,
}

function session(sessionId: string, more: Partial<Conference> = {}): Conference {
  const draft = { users: ['101', '102'], ports: [0, 2], number: 1, startedAtMs: 1_000 } as const
  return { ...sessionOf(sessionId, draft), ...more }
}

/** The session with both members in this state. */
function inState(one: Conference, state: 'ringing' | 'talking' | 'released'): Conference {
  return { ...one, members: one.members.map((member) => ({ ...member, state })) }
}

test('a session remembers when each leg was invited, could talk and left', (t) => {
  const set = inState(session('s', { state: 'ringing', answeredAtMs: null }), 'ringing')
  const ringing = withHistory(set, 1_000)
  const talking = withHistory(inState({ ...ringing, answeredAtMs: 3_000 }, 'talking'), 3_000)
  t.is(withHistory(talking, 4_000), talking, 'nothing is new: nothing is written')
  const ended = { atMs: 9_000, status: 200, by: 'caller' } as const
  const over = withHistory(inState({ ...talking, state: 'released', ended }, 'released'), 9_001)
  const [a, b] = callRecordOf(over)?.parties ?? []
  t.like(a, { leg: 'a', side: 'caller', invitedAtMs: 1_000, joinedAtMs: 3_000, leftAtMs: 9_000 })
  t.like(b, { leg: 'b', side: 'callee', invitedAtMs: 1_000, joinedAtMs: 3_000, leftAtMs: 9_000 })
})

test('a leg that is no more in the session stays in its record', (t) => {
  const talking = withHistory(inState(session('s'), 'talking'), 3_000)
  const alone = withHistory({ ...talking, members: talking.members.slice(0, 1) }, 5_000)
  t.deepEqual(
    alone.history?.parties.map(({ leg, leftAtMs }) => [leg, leftAtMs]),
    [
      ['a', null],
      ['b', 5_000],
    ],
  )
})

test('services, role changes, the reason and figures of the voice are in the record', (t) => {
  const held = withHistory({ ...inState(session('s'), 'talking'), state: 'hold' }, 3_000)
  const used = withService(withService(withService(held, 'transfer'), 'transfer'), 'hold')
  const changed = withRoleChange(withRoleChange(used, { atMs: 9e12, term: 4 }), {
    atMs: 9e12,
    term: 4,
  })
  const told = withStatistics(changed, 'b', rtp)
  const ended = { atMs: 9e12, status: 200, by: 'switch' } as const
  const over = { ...withReason(told, 'WG-67;cause=1001'), state: 'released', ended } as Conference
  const record = callRecordOf(over)
  t.deepEqual(record?.services, ['hold', 'transfer'])
  t.deepEqual(record?.roles, [{ atMs: 9e12, term: 4 }])
  t.is(record?.reason, 'WG-67;cause=1001')
  t.deepEqual(record?.parties[1]?.rtp, rtp)
})

test('the trunk of a leg is in the record, and a record without one is the text of a version before trunks', (t) => {
  const plain = withHistory(session('s'), 2_000)
  t.false(recordText(interruptedRecord(plain, 3_000)).includes('trunk'))
  const [first, second] = session('s').members
  if (first === undefined || second === undefined) return t.fail()
  const way = { name: 'north', route: 'out', ways: [], hops: 12, credentials: null }
  const over = { ...session('s'), members: [first, { ...second, trunk: way }] }
  const record = interruptedRecord(withHistory(over, 2_000), 3_000)
  t.deepEqual(
    record.parties.map(({ trunk }) => trunk),
    [undefined, 'north'],
  )
  // A version before trunks has them as a field that it does not know.
  const text = recordText(record)
  t.is(recordText(JSON.parse(text)), text)
})

test('a session that nobody knows any more ended when it was last seen, by a node', (t) => {
  const one = session('s')
  t.is(callRecordOf(one), null)
  const seenAtMs = one.startedAtMs + 500
  t.like(interruptedRecord(one, seenAtMs), { endedBy: 'node', endedAtMs: seenAtMs })
  t.is(interruptedRecord(one, 0).endedAtMs, one.startedAtMs, 'never before its beginning')
})
