import test from 'ava'
import type { RecordItem } from '../../daemon/src/control/call-schema.ts'
import { judged } from '../e2e/matrix/records.ts'

const at = '2026-01-01T00:00:00.000Z'

function record(sessionId: string, caller: string, called: string): RecordItem {
  const party = { invitedAt: at, joinedAt: at, leftAt: at, rtp: null }
  return {
    ...{ sessionId, caller, called, type: 'ordinary', callType: '', subject: '', priority: '' },
    ...{ startedAt: at, answeredAt: at, endedAt: at, talkedMs: 0, endedBy: 'caller', status: 200 },
    ...{ reason: '', services: [], roles: [] },
    parties: [
      { ...party, leg: 'a', number: caller, side: 'caller' },
      { ...party, leg: 'b', number: called, side: 'callee' },
    ],
  }
}

/** One call that was seen, and one of another row that nobody saw. */
const seen = record('s1', '1101', '1102')
const brief = record('s2', '1201', '1202')
const due = [
  { key: '11', sessions: new Set(['s1']), brief: 0 },
  { key: '12', sessions: new Set<string>(), brief: 1 },
]
const counts = new Map([
  ['11', 1],
  ['12', 1],
])

test('a record of each call, the same on both nodes', (t) => {
  t.deepEqual(judged([seen, brief], [brief, seen], due), { counts, ids: ['s1', 's2'], faults: [] })
})

const phantom = record('s3', '1101', '1102')
const foreign = record('s3', '1101', '1202')
const cases: readonly [string, readonly RecordItem[], readonly RecordItem[], RegExp][] = [
  ['a call that was seen has none', [brief], [brief], /^row 11: none of s1$/],
  ['a call that nobody saw has none', [seen], [seen], /^row 12: 1 of calls that nobody saw/],
  ['one belongs to no call', [seen, brief, phantom], [seen, brief, phantom], /^row 11: 0 of .*s3/],
  ['one belongs to no row', [seen, brief, foreign], [seen, brief, foreign], /^of no row: s3/],
  ['a call has two', [seen, seen, brief], [seen, seen, brief], /^2 records of s1$/],
  ['one is on a alone', [seen, brief], [seen], /^only a has: s2/],
  ['one is on b alone', [seen, brief], [seen, brief, phantom], /^only b has: s3/],
  ['they differ', [seen, brief], [{ ...seen, status: 500 }, brief], /^only a has: s1.*200/],
]

for (const [what, a, b, said] of cases) {
  test(`told: ${what}`, (t) => {
    t.true(judged(a, b, due).faults.some((fault) => said.test(fault)))
  })
}
