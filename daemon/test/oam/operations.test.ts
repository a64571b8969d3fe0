//! What a node remembers: operations with their outcome, changes of the role, effects of a take-over.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { DecisionRecord } from '../../src/bus/messages.ts'
import {
  historyEntrySchema,
  type Merge,
  operationSchema,
} from '../../src/control/operation-schema.ts'
import { limits } from '../../src/limits.ts'
import { History } from '../../src/oam/history.ts'
import { readRecords, writeRecords } from '../../src/oam/kept-records.ts'
import { Operations, type Order } from '../../src/oam/operations.ts'
import { effectWatchMs, TakeOverWatch } from '../../src/oam/take-over-effect.ts'
import { KeptFile } from '../../src/platform/kept-file.ts'
import type { Dialog, PendingServer } from '../../src/tables/dialog.ts'
import { type Conference, conferenceSchema } from '../../src/tables/wired-conference.ts'

const t0 = Date.parse('2026-03-14T12:00:00.000Z')
const order: Order = { kind: 'switchover', operator: 'anna (root)', via: 'local', reason: 'PSU' }

/** `000001`, `000002`, ... */
function counter(): () => string {
  let next = 0
  return () => String(++next).padStart(6, '0')
}

test('an operation runs until it ends, and then stays as it ended', (t) => {
  const operations = new Operations('vccs-a', [], t0)
  const { id } = operations.begin(order, t0, counter())
  t.is(operations.get(id)?.state, 'running')
  t.is(operations.running('switchover')?.id, id)
  t.is(operations.running('drill'), null)
  t.not(operations.end(id, { state: 'done', detail: 'x', tookMs: 22 }, t0 + 30), null)
  t.is(operations.end(id, { state: 'failed', detail: 'y', tookMs: 1 }, t0 + 40), null)
  const ended = operations.get(id)
  t.deepEqual([ended?.state, ended?.detail, ended?.tookMs], ['done', 'x', 22])
  t.is(ended?.endedAt, new Date(t0 + 30).toISOString())
  t.is(operations.running('switchover'), null)
})

test('a number that is taken is not given again', (t) => {
  const operations = new Operations('vccs-a', [], t0)
  const first = operations.begin(order, t0, () => 'aaaaaa')
  const ids = ['aaaaaa', 'bbbbbb']
  const second = operations.begin(order, t0, () => ids.shift() ?? 'cccccc')
  t.deepEqual([first.id, second.id], ['aaaaaa', 'bbbbbb'])
})

test('what was running when the switch unit died is unknown afterwards, also by the file', (t) => {
  const before = new Operations('vccs-a', [], t0)
  const newId = counter()
  const done = before.begin(order, t0, newId)
  before.end(done.id, { state: 'done', detail: '', tookMs: 1 }, t0 + 1)
  const open = before.begin({ ...order, kind: 'drill' }, t0 + 2, newId)
  const text = writeRecords(before.list().reverse())
  const { records, unreadable } = readRecords(text, operationSchema)
  t.is(unreadable, 0)
  const after = new Operations('vccs-a', records, t0 + 5_000)
  t.deepEqual(
    after.list().map(({ id, state }) => [id, state]),
    [
      [open.id, 'unknown'],
      [done.id, 'done'],
    ],
  )
  t.regex(after.get(open.id)?.detail ?? '', /started anew/)
})

test('the oldest operation is forgotten first, and a broken line costs one record', (t) => {
  const operations = new Operations('vccs-a', [], t0)
  const newId = counter()
  for (let n = 0; n < limits.operationsKept + 5; n++) operations.begin(order, t0 + n, newId)
  t.is(operations.list().length, limits.operationsKept)
  t.is(operations.get('000005'), null)
  t.not(operations.get('000006'), null)
  const lines = writeRecords(operations.list()).split('\n')
  lines[3] = lines[3]?.slice(0, 40) ?? ''
  lines[4] = '{"id":"zz"}'
  const { records, unreadable } = readRecords(lines.join('\n'), operationSchema)
  t.is(unreadable, 2)
  t.is(records.length, limits.operationsKept - 2)
})

test('a copy of the peer is kept, and an older copy does not undo the end', (t) => {
  const peer = new Operations('vccs-b', [], t0)
  const { id } = peer.begin(order, t0, counter())
  const running = peer.get(id)
  const ended = peer.end(id, { state: 'done', detail: 'moved', tookMs: 20 }, t0 + 20)
  if (running === null || ended === null) return t.fail()
  const own = new Operations('vccs-a', [], t0)
  own.copy(running)
  t.is(own.get(id)?.state, 'running')
  own.copy(ended)
  own.copy(running)
  t.is(own.get(id)?.state, 'done')
  // Nobody else tells this node what became of its own.
  const mine = own.begin(order, t0 + 50, () => 'ffffff')
  own.copy({ ...mine, state: 'failed' })
  own.copy({ ...mine, node: 'vccs-b', state: 'failed' })
  t.is(own.get('ffffff')?.state, 'running')
})

test('what the peer tells late stands where it began, and the oldest is still forgotten first', (t) => {
  const peer = new Operations('vccs-b', [], t0)
  const late = ['dddddd', 'eeeeee'].map((id, n) => peer.begin(order, t0 + 10 * n, () => id))
  const own = new Operations('vccs-a', [], t0)
  const newId = counter()
  for (let n = 0; n < limits.operationsKept - 1; n++) own.begin(order, t0 + 5 + n, newId)
  for (const one of late.reverse()) own.copy(one)
  t.is(own.list()[limits.operationsKept - 7]?.id, 'eeeeee')
  t.is(own.list().length, limits.operationsKept)
  t.is(own.get('dddddd'), null, 'older than all that there is room for')
  t.not(own.get('000001'), null)
})

function decision(change: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    atMs: t0,
    rule: 'peer-lost',
    from: 'standby',
    to: 'primary',
    term: 17,
    because: 'nothing was heard for 500 ms',
    evidence: [],
    alternatives: [],
    ...change,
  }
}

function takeOver(sessions: Conference[], term = 18): TakeOverWatch {
  return new TakeOverWatch({ term, atMs: 1_000, sessions, answeredLate: 3 })
}

const merge: Merge = {
  ...{ side: 'took', ok: true, tookMs: 75, given: 3, users: 1, shiftTicks: 0 },
  ...{ adopted: 1, updated: 0, kept: 1, ended: 0, renumbered: 0, unreadable: 0 },
  ...{ closedCount: 60, closed: Array.from({ length: 60 }, sameTerminal) },
}

function sameTerminal(_: unknown, index: number) {
  return { sessionId: `s-${index}`, rule: 'same-terminal' }
}

test('history tells what became of the calls when two primaries met, also after a restart', (t) => {
  const history = new History('vccs-a', [])
  history.note([decision()], [])
  history.noteMerge(t0 + 5, 17, merge)
  history.noteMerge(t0 + 6, 18, { ...merge, side: 'gave', closedCount: 0, closed: [] })
  const { records, unreadable } = readRecords(writeRecords(history.list()), historyEntrySchema)
  t.is(unreadable, 0)
  const [change, took, gave] = records
  t.is(change?.merge, null)
  t.like(took, { rule: 'merge', from: 'primary', to: 'primary', term: 17, node: 'vccs-a' })
  t.like(took?.merge, { adopted: 1, kept: 1, closedCount: 60 })
  t.deepEqual(took?.merge?.closed.at(-1), { sessionId: 's-49', rule: 'same-terminal' })
  t.like(gave, { to: 'standby', term: 18 })
  // What the take-over of that term did is told with the change of the role.
  t.true(history.setEffect(17, takeOver([], 17).effect()))
  t.is(history.list()[1]?.effect, null)
})

test('a change of the role that an older version has kept has no merge', (t) => {
  const history = new History('vccs-a', [])
  history.note([decision()], [])
  const old = writeRecords(history.list()).replace(/,?"merge":null/, '')
  t.deepEqual(readRecords(old, historyEntrySchema).records, [...history.list()])
})

test('history takes each change of the role once, however often it is told, also after a restart', (t) => {
  const history = new History('vccs-a', [])
  const first = decision()
  const refused = decision({ from: 'primary', rule: 'switchover-refused', atMs: t0 + 1 })
  t.true(history.note([first, refused], []))
  t.false(history.note([first, refused], []))
  const { records } = readRecords(writeRecords(history.list()), historyEntrySchema)
  const later = new History('vccs-a', records)
  const second = decision({ atMs: t0 + 9, from: 'primary', to: 'standby', rule: 'handed-over' })
  t.true(later.note([first, second], []))
  t.deepEqual(
    later.list().map(({ at, to, term, operator }) => [at, to, term, operator]),
    [
      [new Date(t0).toISOString(), 'primary', 17, null],
      [new Date(t0 + 9).toISOString(), 'standby', 17, null],
    ],
  )
})

test('history joins an ordered change to its operation, on both nodes, and no other change', (t) => {
  const operations = new Operations('vccs-a', [], t0)
  const { id } = operations.begin({ ...order, reason: 'WO-1182' }, t0, counter())
  operations.end(id, { state: 'done', detail: '', tookMs: 20 }, t0 + 20)
  const list = operations.list()
  const own = new History('vccs-a', [])
  own.note([decision({ atMs: t0 + 10, from: 'primary', to: 'standby', rule: 'handed-over' })], list)
  const peer = new History('vccs-b', [])
  peer.note([decision({ atMs: t0 + 15, rule: 'handover', because: 'vccs-a hands over' })], list)
  for (const { operation, operator, reason } of [...own.list(), ...peer.list()]) {
    t.deepEqual([operation, operator, reason], [id, 'anna (root)', 'WO-1182'])
  }
  const chance = new History('vccs-b', [])
  chance.note([decision({ atMs: t0 + 15 }), decision({ atMs: t0 + 9_000, rule: 'handover' })], list)
  t.deepEqual(
    chance.list().map(({ operation }) => operation),
    [null, null],
  )
})

test('history is bounded, and the effect goes to the take-over of its term', (t) => {
  const history = new History('vccs-a', [])
  const many = Array.from({ length: limits.historyKept + 7 }, (_, n) =>
    decision({ atMs: t0 + n, term: n }),
  )
  history.note(many, [])
  t.is(history.list().length, limits.historyKept)
  t.is(history.list()[0]?.term, 7)
  const effect = takeOver([], 20).effect()
  t.true(history.setEffect(20, effect))
  t.false(history.setEffect(20, effect))
  t.false(history.setEffect(3, effect))
  t.deepEqual(history.entryOf(decision({ atMs: t0 + 20, term: 20 }))?.effect, effect)
  t.is(history.entryOf(decision({ atMs: t0 + 21, term: 21 }))?.effect, null)
})

function pending(change: Partial<PendingServer> = {}): PendingServer {
  return {
    method: 'BYE',
    via: [],
    from: '',
    to: '',
    callId: 'c',
    cseq: 2,
    recordRoute: [],
    source: { address: '10.0.0.1', port: 5060 },
    body: '',
    answerInAck: false,
    timer: null,
    reliable: null,
    provisional: 0,
    final: null,
    ...change,
  }
}

function session(
  sessionId: string,
  change: Partial<Conference> = {},
  pendingServer: PendingServer | null = null,
): Conference {
  const dialog: Dialog = {
    callId: sessionId,
    localTag: 'l',
    remoteTag: 'r',
    localUri: '',
    remoteUri: '',
    localSeq: 1,
    remoteSeq: 1,
    routeSet: [],
    remoteTarget: null,
    destination: { address: '10.0.0.1', port: 5060 },
    sdpSession: 1,
    sdpVersion: 1,
    localSdp: '',
    timer: null,
    early: null,
    remoteSdp: '',
    pendingServer,
    pendingClient: null,
    relayServer: null,
    relayClient: null,
  }
  const member = {
    user: '1',
    side: 'caller',
    state: 'talking',
    mediaId: 'm',
    localPort: 1,
  } as const
  return conferenceSchema.parse({
    sessionId,
    type: 'ordinary',
    state: 'communicating',
    startedAtMs: t0,
    answeredAtMs: t0,
    conferenceId: 1,
    callType: '',
    subject: '',
    priority: '',
    wg67Version: '',
    ended: null,
    members: [{ ...member, dialog }],
    ...change,
  })
}

const ended = (by: 'caller' | 'switch', status: number) => {
  return { state: 'released' as const, ended: { atMs: t0, status, by } }
}

test('a take-over keeps a call unless the switch itself ends it, or its record vanishes', (t) => {
  const calls = ['up', 'bye', 'lost', 'gone', 'unanswered', 'over'].map((id) =>
    session(id, id === 'over' ? ended('caller', 200) : {}),
  )
  const watch = takeOver(calls)
  watch.changed('bye', session('bye', ended('caller', 200)), 1_100)
  watch.changed('bye', null, 6_200)
  watch.changed('lost', session('lost', ended('switch', 500)), 1_200)
  watch.changed('lost', null, 6_300)
  watch.changed('gone', null, 1_300)
  watch.changed('unanswered', session('unanswered', ended('switch', 408)), 1_400)
  watch.changed('over', null, 1_500)
  watch.changed('new', session('new'), 1_600)
  watch.changed('new', null, 1_700)
  const { calls: all, kept, lost, complete } = watch.effect()
  t.deepEqual({ all, kept, lost, complete }, { all: 5, kept: 3, lost: 2, complete: false })
})

test('a request that the dead node left is answered late, and one that rings is not late', (t) => {
  const ringing = pending({ method: 'INVITE', provisional: 180 })
  const watch = takeOver([
    session('bye', {}, pending()),
    session('silent', {}, pending({ cseq: 9 })),
    session('rings', { state: 'ringing' }, ringing),
    session('trying', { state: 'ringing' }, pending({ method: 'INVITE', provisional: 100 })),
  ])
  t.is(watch.effect().sipOpen, 3)
  watch.changed(
    'bye',
    session('bye', ended('caller', 200), pending({ final: 'SIP/2.0 200' })),
    1_512,
  )
  watch.changed('trying', session('trying', { state: 'ringing' }, ringing), 1_020)
  watch.changed('rings', session('rings', {}, { ...ringing, final: 'SIP/2.0 200' }), 1_900)
  const { sipLate, sipLateMsMax, sipOpen, kept } = watch.effect()
  t.deepEqual([sipLate, sipLateMsMax, sipOpen, kept], [2, 512, 1, 4])
})

test('requests that were heard and never recorded are answered late, too', (t) => {
  const watch = takeOver([])
  watch.advance(1_500, 5)
  t.is(watch.effect().sipLate, 2)
  watch.advance(1_000 + effectWatchMs, 6)
  watch.advance(2_000 + effectWatchMs, 99)
  t.is(watch.effect().sipLate, 3)
})

test('the watch over a take-over ends, and what comes later changes nothing', (t) => {
  const watch = takeOver([session('a')])
  t.false(watch.advance(1_000 + effectWatchMs - 1, 3))
  t.true(watch.advance(1_000 + effectWatchMs, 3))
  t.false(watch.advance(1_000 + effectWatchMs + 1, 9))
  watch.changed('a', null, 99_000)
  t.deepEqual([watch.effect().kept, watch.effect().complete], [1, true])
})

test('a kept file holds the last wish, whole, and closed to others', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vccs-kept-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'history.jsonl')
  const errors: string[] = []
  const file = new KeptFile(path, (text) => errors.push(text))
  t.is(file.read(100), null)
  t.deepEqual(errors, [])
  const carriedOut: number[] = []
  for (const n of [1, 2, 3, 4]) {
    file.keep(() => {
      carriedOut.push(n)
      return `text ${n}\n`
    })
  }
  await file.settled()
  t.is(readFileSync(path, 'utf8'), 'text 4\n')
  t.deepEqual(carriedOut, [1, 4])
  t.is(file.read(100), 'text 4\n')
  t.is(file.read(3), null)
  t.regex(errors[0] ?? '', /longer than 3 bytes/)
})

test('a file that cannot be written is told, and the next wish tries again', async (t) => {
  const errors: string[] = []
  const file = new KeptFile('/nonexistent/history.jsonl', (text) => errors.push(text))
  file.keep(() => 'a')
  await file.settled()
  file.keep(() => 'b')
  await file.settled()
  t.is(errors.length, 2)
  t.regex(errors[0] ?? '', /ENOENT/)
})
