//! Alarms, the tail of the log, the lists for people, and the what-if question.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { AlarmList } from '../../src/oam/alarm-list.ts'
import { consequence, parseQuestion, type Situation, suppose } from '../../src/oam/explain.ts'
import { LogTail } from '../../src/oam/log-tail.ts'
import { countCalls, listCalls, listUsers } from '../../src/oam/session-lists.ts'
import type { User } from '../../src/tables/user.ts'
import type { Conference } from '../../src/tables/wired-conference.ts'

const change = (active: boolean, subject = 'net-b', detail = '') =>
  ({ code: 'link-down', subject, active, detail }) as const

test('an alarm is raised once, keeps its time, and moves to the history when it ends', (t) => {
  const list = new AlarmList()
  t.like(list.apply(change(true), 1_000), { code: 'link-down', clearedAt: null })
  t.is(list.apply(change(true, 'net-b', 'still'), 2_000), null)
  t.like(list.active()[0], { raisedAt: '1970-01-01T00:00:01.000Z', detail: 'still' })
  t.like(list.apply(change(false), 3_000), { clearedAt: '1970-01-01T00:00:03.000Z' })
  t.is(list.apply(change(false), 4_000), null)
  t.deepEqual(list.active(), [])
  t.is(list.history().length, 1)
})

test('the most severe alarm comes first', (t) => {
  const list = new AlarmList()
  list.apply(change(true), 1)
  list.apply({ code: 'peer-lost', subject: '', active: true, detail: '' }, 2)
  t.deepEqual(
    list.active().map(({ code }) => code),
    ['peer-lost', 'link-down'],
  )
})

test('a whole list of one source ends what it does not name, and nothing of others', (t) => {
  const list = new AlarmList()
  list.apply(change(true, 'of the switch'), 1)
  const report = (subject: string) => ({ code: 'link-down', subject, detail: '' })
  t.is(list.reconcile('pair', [report('net-a'), report('net-b')], 2).length, 2)
  const changes = list.reconcile('pair', [report('net-b')], 3)
  t.deepEqual(
    changes.map(({ subject, clearedAt }) => [subject, clearedAt !== null]),
    [['net-a', true]],
  )
  t.deepEqual(
    list
      .active()
      .map(({ subject }) => subject)
      .sort(),
    ['net-b', 'of the switch'],
  )
  t.deepEqual(
    list.reconcile('pair', [{ code: 'of-a-newer-version', subject: '', detail: '' }], 4).length,
    1,
  )
})

test('alarms and their history are bounded', (t) => {
  const list = new AlarmList()
  for (let i = 0; i < limits.alarmsKept + 50; i += 1) list.apply(change(true, String(i)), i)
  t.is(list.active().length, limits.alarmsKept)
  for (let i = 0; i < limits.alarmsKept; i += 1) list.apply(change(false, String(i)), i)
  list.apply(change(true), 9)
  list.apply(change(false), 10)
  t.is(list.history().length, limits.alarmsKept)
  t.is(list.history()[0]?.subject, 'net-b')
})

const entry = (text: string, level: 'debug' | 'info' | 'warn' = 'info') => ({
  level,
  unit: 'switch',
  text,
  fields: {},
})

test('the tail gives the newest lines that fit, oldest first', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('debug', 'info', 'warn' as const), { maxLength: 30 }),
      fc.nat(10),
      fc.nat(30),
      (levels, lines, after) => {
        const tail = new LogTail(8)
        levels.forEach((level, index) => {
          tail.push(entry(String(index), level as 'info'), index)
        })
        const expected = levels
          .map((level, index) => ({ level, sequence: index + 1 }))
          .slice(-8)
          .filter(({ level, sequence }) => level !== 'debug' && sequence > after)
        const found = tail.last({ lines, level: 'info', after }).map(({ sequence }) => sequence)
        t.deepEqual(found, lines === 0 ? [] : expected.slice(-lines).map((one) => one.sequence))
      },
    ),
  )
})

test('a follower gets lines of its level until it ends', (t) => {
  const tail = new LogTail()
  const seen: string[] = []
  const end = tail.follow('warn', ({ text }) => seen.push(text))
  tail.push(entry('a'), 0)
  tail.push(entry('b', 'warn'), 0)
  end()
  tail.push(entry('c', 'warn'), 0)
  t.deepEqual(seen, ['b'])
})

test('fields of every kind become plain values', (t) => {
  const loop: { self?: unknown } = {}
  loop.self = loop
  const fields = {
    n: 1,
    nan: Number.NaN,
    e: new Error('no'),
    o: { a: 1 },
    none: undefined,
    loop,
    big: 1n,
  }
  const line = new LogTail().push({ ...entry('x'), fields }, 0)
  t.deepEqual(line.fields, {
    n: 1,
    nan: 'NaN',
    e: 'no',
    o: '{"a":1}',
    loop: '(not shown: it refers to itself)',
    big: '1',
  })
})

const call = (sessionId: string, state: string, startedAtMs: number) =>
  ({
    ...{ sessionId, state, startedAtMs, answeredAtMs: null, type: 'ordinary', conferenceId: 1 },
    ...{ callType: 'DA/IDA', subject: '', priority: 'normal', wg67Version: '' },
    members: [
      { user: '1001', side: 'caller' },
      { user: '1002', side: 'callee' },
    ],
    ...{ callBack: null, attendant: null },
  }) as unknown as Conference

test('calls are listed oldest first, without those that are over', (t) => {
  const calls = [call('b', 'hold', 2), call('a', 'ringing', 1), call('c', 'released', 0)]
  t.deepEqual(
    listCalls(calls).map(({ sessionId, caller, callee }) => [sessionId, caller, callee]),
    [
      ['a', '1001', '1002'],
      ['b', '1001', '1002'],
    ],
  )
  t.deepEqual(countCalls(calls), { calls: 2, ringing: 1, held: 1 })
})

test('a call with the switch, and a call back that waits, name who is meant', (t) => {
  const alone = { ...call('a', 'communicating', 1), attendant: { kind: 'monitoring', number: '7' } }
  const wish = { ...call('b', 'idle', 2), members: [], callBack: { asker: '8', number: '9' } }
  const listed = listCalls([alone, wish] as unknown as Conference[])
  t.deepEqual(
    listed.map(({ state, caller, callee }) => [state, caller, callee]),
    [
      ['communicating', '1001', '7'],
      ['idle', '8', '9'],
    ],
  )
  t.is(countCalls([wish] as unknown as Conference[]).calls, 0)
})

test('every account is listed once; an expired registration is offline', (t) => {
  const user = (name: string, expiresAtMs: number) =>
    ({
      ...{ user: name, type: 'telephone', status: 'online', contact: 'sip:x', address: '10.0.0.1' },
      ...{ port: 5060, registeredAtMs: 0, expiresAtMs, callId: '', cseq: 1 },
    }) as User
  const accounts = ['1010', '1002', '1001'].map((name) => ({ user: name, type: 'telephone' }))
  const listed = listUsers([user('1001', 2_000), user('1002', 500)], accounts, 1_000)
  t.deepEqual(
    listed.map((one) => [one.user, one.status, one.address]),
    [
      ['1001', 'online', '10.0.0.1'],
      ['1002', 'offline', null],
      ['1010', 'offline', null],
    ],
  )
})

const all = ['net-a', 'net-b', 'private']
const situation: Situation = {
  node: 'vccs-a',
  role: 'primary',
  alone: false,
  paused: false,
  links: all.map((name) => ({ name, up: true })),
  own: { switchAlive: true, mediaAlive: true },
  peer: { role: 'standby', alive: true, ready: true, switchAlive: true, mediaAlive: true },
}

const questions: readonly (readonly [text: string, down: string[], heard: boolean])[] = [
  ['net-b down', ['net-b'], true],
  ['NET-A down and net-b cut', ['net-a', 'net-b'], true],
  ['net-b down, private down', ['net-b', 'private'], true],
  ['net-a and the link private are silent', ['net-a', 'private'], true],
  ['only private up', ['net-a', 'net-b'], true],
  ['only net-a', ['net-b', 'private'], true],
  ['all links down', all, false],
  ['net-a, net-b & private killed', all, false],
  ['paused, peer dead', [], false],
  ['peer dead', [], false],
  ['vccs-b dies', [], false],
  ['peer media dead', [], true],
  ['switch dead', [], true],
]
for (const [text, down, heard] of questions) {
  test(`what if ${text}`, (t) => {
    const parsed = parseQuestion(text, situation, 'vccs-b')
    if (!parsed.ok) return t.fail(parsed.failure.detail)
    const after = suppose(situation, parsed.value)
    t.deepEqual(
      after.links.filter(({ up }) => !up).map(({ name }) => name),
      down,
    )
    t.is(after.peer?.alive, heard)
    t.regex(consequence(situation, after, 500), heard ? /still be heard/ : /not be heard/)
  })
}

test('a unit that is supposed dead is dead in the picture, on the right node', (t) => {
  const parsed = parseQuestion('peer switch dead, media dead', situation, null)
  const after = parsed.ok ? suppose(situation, parsed.value) : situation
  t.deepEqual(after.own, { switchAlive: true, mediaAlive: false })
  t.is(after.peer?.switchAlive, false)
})

test('a pause can be supposed, and that it ends', (t) => {
  const paused = (text: string, from: Situation) => {
    const parsed = parseQuestion(text, from, 'vccs-b')
    return parsed.ok ? suppose(from, parsed.value).paused : null
  }
  t.true(paused('paused', situation))
  t.true(paused('net-b down and paused', situation))
  t.false(paused('peer dead', situation))
  t.false(paused('not paused, peer dead', { ...situation, paused: true }))
})

test('the death of the node that is asked is a question for the other one', (t) => {
  for (const text of ['vccs-a dead', 'this node dies']) {
    const parsed = parseQuestion(text, situation, 'vccs-b')
    t.regex(parsed.ok ? '' : parsed.failure.detail, /ask vccs-b with `vccs why --node peer/)
  }
})

test('a question that is not understood names what there is', (t) => {
  for (const text of [
    '',
    'net-c down',
    'net-b sideways',
    'will it rain',
    'only',
    'only net-c up',
  ]) {
    const parsed = parseQuestion(text, situation, null)
    t.is(parsed.ok ? '' : parsed.failure.code, 'question-unknown')
  }
  const parsed = parseQuestion('net-c down', situation, null)
  t.regex(parsed.ok ? '' : parsed.failure.detail, /links: net-a, net-b, private/)
})
