//! A conference that two primaries served while they were apart (ADR 0001): its members are together again.
import test from 'ava'
import { header } from '../../src/wire/sip/message.ts'
import {
  conferenceStage,
  dialIn,
  hangUp,
  holdings,
  nothing,
  only,
  roster,
} from './conference-stage.ts'
import type { Stage } from './core-stage.ts'

/** Two nodes with the same records, both primary. */
function apart(): { own: Stage; given: Stage } {
  const own = conferenceStage('lower')
  const given = conferenceStage('upper')
  for (const phone of ['231', '232', '233']) dialIn(own, phone, '700')
  given.takeOverWith(own.copyOfTables())
  for (const phone of ['231', '232', '233']) {
    const { callId, localTag, remoteTag, remoteUser, target, cseq } = own.phone(phone)
    Object.assign(given.phone(phone), { callId, localTag, remoteTag, remoteUser, target, cseq })
  }
  return { own, given }
}

test('who came or left at either node has come or left, and the others talk on', (t) => {
  const { own, given } = apart()
  dialIn(own, '234', '700')
  hangUp(own.phone('232'))
  dialIn(given, '235', '700')
  dialIn(given, '236', '700')
  hangUp(given.phone('231'))
  own.adopt(given)
  const present = roster(own).filter((one) => !one.includes('releas'))
  t.deepEqual(present, ['233 talking', '234 talking', '235 talking', '236 talking'])
  t.deepEqual(holdings(own), { legs: 4, ports: 4, numbers: 1 })
  t.is(new Set(only(own).members.map(({ leg }) => leg)).size, only(own).members.length)
  for (const phone of ['233', '234', '235', '236']) t.false(own.phone(phone).heard('BYE'))
  const bridges = [...own.tables.wiredMedia.values()].filter(({ endTick }) => endTick === null)
  t.is(new Set(bridges.map(({ conferenceId }) => conferenceId)).size, 1)
  const joined = given.phone('235')
  Object.assign(own.phone('235'), {
    ...{ callId: joined.callId, localTag: joined.localTag, remoteTag: joined.remoteTag },
    ...{ remoteUser: joined.remoteUser, target: joined.target, cseq: joined.cseq },
  })
  own.phone('235').branch = 50
  hangUp(own.phone('235'))
  t.true(own.phone('235').heard(200))
  t.is(holdings(own).legs, 3)
  own.takeOver()
  own.order('700', { kind: 'end' })
  t.deepEqual(holdings(own), nothing)
})

test('one who rings at the node that gives is in when it answers at the other', (t) => {
  const { own, given } = apart()
  t.is(given.order('700', { kind: 'add', user: '240' }), null)
  own.adopt(given)
  const phone = own.phone('240')
  phone.inbox.push(given.phone('240').asked('INVITE'))
  phone.respond(phone.asked('INVITE'), 200, body)
  t.true(roster(own).includes('240 talking'))
})

/** Each node has opened the conference by itself; 240 has dialled in at both. */
function openedTwice(): { own: Stage; given: Stage } {
  const own = conferenceStage('lower')
  const given = conferenceStage('upper')
  for (const phone of ['231', '232', '240']) dialIn(own, phone, '700')
  own.pass(1_000)
  given.pass(2_000)
  for (const phone of ['233', '234', '240']) {
    // Another call of the same telephone.
    given.phone(phone).cseq = 40
    dialIn(given, phone, '700')
  }
  return { own, given }
}

test('a conference that each node opened is one: the older session, with the members of both', (t) => {
  for (const swapped of [false, true]) {
    const both = openedTwice()
    const [own, given] = swapped ? [both.given, both.own] : [both.own, both.given]
    const older = only(both.own).sessionId
    own.adopt(given)
    own.pass(5_000)
    t.is(only(own).sessionId, older)
    const present = roster(own).filter((one) => one.includes('talking'))
    t.deepEqual(
      present.sort(),
      ['231', '232', '233', '234', '240'].map((one) => `${one} talking`),
    )
    for (const phone of ['231', '232', '233', '234']) t.false(own.phone(phone).heard('BYE'), phone)
    // One of the two calls of 240 is over.
    t.true(own.phone('240').heard('BYE'))
    own.pass(80_000)
    t.deepEqual(holdings(own), { legs: 5, ports: 5, numbers: 1 })
    t.is(new Set([...own.tables.wiredMedia.values()].map((leg) => leg.conferenceId)).size, 1)
    t.is(own.core.liveSessions, 1)
    own.takeOver()
    own.order('700', { kind: 'end' })
    t.deepEqual(holdings(own), nothing)
  }
})

test('members who do not fit into the conference are told so', (t) => {
  const own = conferenceStage('lower')
  const given = conferenceStage('upper')
  for (const phone of ['231', '232']) dialIn(own, phone, '720')
  given.pass(1_000)
  dialIn(given, '233', '720')
  own.adopt(given)
  t.deepEqual(
    roster(own).filter((one) => one.includes('talking')),
    ['231 talking', '232 talking'],
  )
  t.regex(header(own.phone('233').asked('BYE'), 'Reason') ?? '', /same-conference/)
})

test('a take-over in the moment in which two sessions become one leaves each member in one', (t) => {
  const { own, given } = openedTwice()
  own.adopt(given)
  const after = own.copyOfTables()
  // The record of the session that was left did not come any more.
  for (const session of given.tables.wiredConference.values()) after.wiredConference.put(session)
  own.takeOverWith(after)
  own.pass(2_000)
  t.is(only(own).focus?.number, '700')
  const users = roster(own).filter((one) => one.includes('talking'))
  t.is(new Set(users).size, users.length)
  t.is(users.length, 5)
})

const body = [
  'v=0',
  'o=- 1 1 IN IP4 10.0.1.40',
  's=-',
  'c=IN IP4 10.0.1.40',
  't=0 0',
  'm=audio 4000 RTP/AVP 8',
  '',
].join('\r\n')
