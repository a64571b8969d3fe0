//! Both nodes served, and they meet again: the sessions of both go on (ADR 0001).
import test, { type ExecutionContext } from 'ava'
import type { MergeReport } from '../../src/compose/merge.ts'
import { sdp } from '../switching/core-stage.ts'
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

/** Both serve; every call of `a` began before, those of `b` are its own. */
function parted(): TwoEngines {
  const pair = new TwoEngines()
  pair.join()
  pair.talk('101', '102')
  pair.part()
  return pair
}

function statuses(pair: TwoEngines, number: string): (number | string)[] {
  return pair
    .phone(number)
    .inbox.map((message) => (message.kind === 'request' ? message.method : message.status))
}

test('a call that ended on one side is over on both, and nobody is told twice', (t) => {
  for (const loser of sides) {
    const pair = parted()
    pair.hangUp('101', '102')
    pair.pass(10_000)
    const before = statuses(pair, '102').length
    pair.heal(loser)
    pair.pass(5_000)
    t.is(statuses(pair, '102').length, before, loser)
    allIsFree(t, pair)
    t.is(pair.a.engine.core.liveSessions, 0)
  }
})

test('a call whose far terminal could not be told ends there when the halves meet', (t) => {
  for (const loser of sides) {
    const pair = new TwoEngines()
    pair.join()
    pair.talk('101', '201')
    pair.part()
    pair.phone('101').request('BYE')
    pair.pass(45_000)
    t.false(pair.phone('201').heard('BYE'))
    pair.heal(loser)
    t.true(pair.phone('201').heard('BYE'), loser)
    pair.phone('201').respond(pair.phone('201').asked('BYE'), 200)
    if (pair.phone('101').heard('BYE')) {
      pair.phone('101').respond(pair.phone('101').asked('BYE'), 481)
    }
    allIsFree(t, pair)
  }
})

test('who was not told of an end is remembered for the merge, and forgotten when both have all', (t) => {
  for (const loser of sides) {
    const pair = new TwoEngines()
    pair.join()
    pair.talk('101', '201')
    const [{ sessionId = '' } = {}] = pair.a.engine.tables.table('wired-conference').values()
    const told = (name: 'a' | 'b') =>
      pair[name].engine.core.gift({ ended: [sessionId], users: [] }).ended.get(sessionId)
    pair.part()
    pair.phone('101').request('BYE')
    pair.pass(45_000)
    t.is(told('a'), false)
    pair.heal(loser)
    for (const number of ['101', '201']) {
      const phone = pair.phone(number)
      if (phone.heard('BYE')) phone.respond(phone.asked('BYE'), 200)
    }
    allIsFree(t, pair)
    t.deepEqual(sides.map(told), [true, true], loser)
  }
})

test('a call that was held on one side is on hold after the merge, and can be resumed', (t) => {
  for (const loser of sides) {
    const pair = parted()
    const [one, other] = [pair.phone('101'), pair.phone('102')]
    one.reinvite(sdp(one.endpoint, { direction: 'sendonly', version: 2 }))
    pair.pass(50)
    other.respond(other.asked('INVITE'), 200, sdp(other.endpoint, { direction: 'recvonly' }))
    pair.pass(50)
    one.ack(one.told(200))
    pair.heal(loser)
    const states = sides.map((name) =>
      [...pair[name].engine.tables.table('wired-conference').values()].map(({ state }) => state),
    )
    t.deepEqual(states, [['hold'], ['hold']], loser)
    one.inbox.length = 0
    one.reinvite(sdp(one.endpoint, { version: 3 }))
    pair.pass(50)
    other.respond(other.asked('INVITE'), 200, sdp(other.endpoint, { version: 3 }))
    pair.pass(50)
    one.ack(one.told(200))
    pair.hangUp('101', '102')
    allIsFree(t, pair)
  }
})

test('a call that still rings at the node that lost is answered at the other one', (t) => {
  for (const loser of sides) {
    const pair = parted()
    const [from, to] = loser === 'a' ? ['103', '104'] : ['203', '204']
    const [caller, callee] = [pair.phone(from), pair.phone(to)]
    caller.call(to)
    pair.pass(50)
    callee.respond(callee.asked('INVITE'), 180)
    pair.pass(50)
    pair.heal(loser)
    callee.respond(callee.asked('INVITE'), 200, sdp(callee.endpoint))
    pair.pass(50)
    caller.ack(caller.told(200))
    pair.pass(50)
    const winner = loser === 'a' ? pair.b : pair.a
    t.is(winner.engine.core.liveSessions, 2, loser)
    t.is(winner.legs.size, 4)
    pair.hangUp(from, to)
    pair.hangUp('101', '102')
    allIsFree(t, pair)
  }
})

test('a BYE that comes before its session is answered when it is repeated, never with 481', (t) => {
  const pair = parted()
  pair.talk('201', '202')
  pair.split = false
  pair.setRole('b', 'standby', 3, 'give')
  pair.setRole('a', 'primary', 3, 'take')
  const caller = pair.phone('201')
  caller.request('BYE')
  pair.pass(20)
  t.false(caller.heard(481))
  pair.setPeers(true)
  pair.b.engine.pair.take({ kind: 'clock', offsetMs: 0, synchronised: true, shiftTicks: 0 })
  pair.pass(200)
  caller.inbox.length = 0
  caller.repeat()
  pair.pass(20)
  t.true(caller.heard(200))
  t.true((pair.a.engine.core.counters().dropped.merging ?? 0) > 0)
})

test('after the merge an unknown dialog is answered with 481 again', (t) => {
  const pair = parted()
  pair.heal('b')
  const caller = pair.phone('103')
  caller.callId = 'nobody-knows-it'
  caller.remoteTag = 'nor-this'
  caller.request('BYE')
  pair.pass(50)
  t.true(caller.heard(481))
})

test('a port on both sides: the older call is kept, the other is closed with a reason', (t) => {
  for (const loser of sides) {
    const pair = parted()
    pair.talk('103', '104')
    pair.pass(1_000)
    pair.talk('203', '204')
    takePortsOf(pair)
    pair.heal(loser)
    const winner = loser === 'a' ? pair.b : pair.a
    const [closed] = reportOf(winner).closed
    t.is(closed?.rule, 'same-port', loser)
    t.is(pair.a.engine.core.liveSessions, 2)
    for (const number of ['203', '204']) {
      const bye = pair.phone(number).asked('BYE')
      const reason = bye.headers.find(({ name }) => name === 'Reason')?.value ?? ''
      t.regex(reason, /same-port/)
      pair.phone(number).respond(bye, 200)
    }
    t.false(pair.phone('103').heard('BYE'))
    t.false(pair.phone('104').heard('BYE'))
    pair.pass(1_000)
    t.deepEqual(pair.different(), [])
    t.is(winner.legs.size, 4)
    t.is(pair[loser].legs.size, 4)
    pair.hangUp('103', '104')
    pair.hangUp('101', '102')
    allIsFree(t, pair)
  }
})

/** Puts the second call of `b` on the ports of the second call of `a`, as if the halves were used up. */
function takePortsOf({ a, b }: TwoEngines): void {
  const of = ({ engine }: Node, caller: string) =>
    [...engine.tables.table('wired-conference').values()].find(
      ({ members }) => members[0]?.user === caller,
    )
  const [mine, theirs] = [of(a, '103'), of(b, '203')]
  if (mine === undefined || theirs === undefined) throw new Error('both calls are there')
  const ports = mine.members.map(({ localPort }) => localPort)
  const { tables } = b.engine
  tables.table('wired-conference').put({
    ...theirs,
    members: theirs.members.map((member, index) => ({
      ...member,
      localPort: ports[index] ?? member.localPort,
    })),
  })
  for (const [index, member] of theirs.members.entries()) {
    const leg = tables.table('wired-media').get(member.mediaId)
    const localPort = ports[index]
    if (leg === undefined || localPort === undefined) throw new Error('the call has its legs')
    tables.table('wired-media').put({ ...leg, localPort })
    tables.table('conference-resource').delete(`port:${member.localPort}`)
    tables.table('conference-resource').put({
      resource: `port:${localPort}`,
      kind: 'port',
      number: localPort,
      sessionId: theirs.sessionId,
    })
  }
}

test('a terminal that is called on both sides keeps the older call', (t) => {
  const pair = parted()
  pair.split = false
  pair.talkOn('a', '103', '104')
  pair.pass(500)
  pair.talkOn('b', '203', '104')
  pair.heal('b')
  t.deepEqual(
    reportOf(pair.a).closed.map(({ rule }) => rule),
    ['same-terminal'],
  )
  t.is(pair.a.engine.core.liveSessions, 2)
  t.true(pair.phone('203').heard('BYE'))
  t.false(pair.phone('103').heard('BYE'))
})

test('ports and bridge numbers of the two nodes are different ones', (t) => {
  const pair = new TwoEngines()
  pair.join()
  // Nobody knows yet that all is cut.
  pair.cut = true
  pair.split = true
  pair.talk('101', '102')
  pair.part()
  pair.talk('201', '202')
  pair.heal('b')
  t.is(reportOf(pair.a).renumbered, 0)
  t.is(reportOf(pair.a).adopted, 1)
  t.is(pair.a.engine.core.liveSessions, 2)
})

test('the newer registration of a terminal counts', (t) => {
  for (const loser of sides) {
    const pair = parted()
    const register = (name: 'a' | 'b', port: number, registeredAtMs: number) => {
      const table = pair[name].engine.tables.table('user')
      const user = table.get('104')
      if (user !== undefined) {
        pair[name].engine.runner.run(() => {
          table.put({ ...user, port, registeredAtMs, callId: `at ${name}` })
          return []
        })
      }
    }
    register('a', 6001, 1_700_000_100_000)
    register('b', 6002, 1_700_000_200_000)
    pair.heal(loser)
    t.is(pair.a.engine.tables.table('user').get('104')?.port, 6002, loser)
    t.deepEqual(pair.different(), [])
  }
})

test('when the peer is lost again before it has the gift, both go on as before', (t) => {
  const pair = parted()
  pair.talk('201', '202')
  pair.setRole('b', 'standby', 3, 'give')
  pair.setRole('a', 'primary', 3, 'take')
  pair.setPeers(true)
  pair.cut = true
  pair.b.engine.pair.take({ kind: 'clock', offsetMs: 0, synchronised: true, shiftTicks: 5 })
  pair.pass(700)
  pair.setPeers(false)
  pair.setRole('b', 'primary', 4)
  t.is(pair.b.engine.core.liveSessions, 2)
  t.is(pair.b.legs.size, 4)
  pair.heal('b')
  t.is(pair.a.engine.core.liveSessions, 2)
  t.deepEqual(pair.different(), [])
  t.is(pair.a.legs.size, 4)
})
