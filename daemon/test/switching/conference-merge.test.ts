//! A conference that two primaries served while they were apart (ADR 0001): its members are together again.
import test from 'ava'
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

const body = [
  'v=0',
  'o=- 1 1 IN IP4 10.0.1.40',
  's=-',
  'c=IN IP4 10.0.1.40',
  't=0 0',
  'm=audio 4000 RTP/AVP 8',
  '',
].join('\r\n')
