//! Session timers (RFC 4028) and UPDATE (RFC 3311) in whole calls, with take-overs between.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { parseSdp } from '../../src/wire/sdp.ts'
import { header } from '../../src/wire/sip/message.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'

const halfMs = (limits.sessionTimerS / 2) * 1_000
const knows = ['Supported: timer']

function talking(callerHeaders: string[] = [], calleeHeaders: string[] = []): Stage {
  const stage = new Stage()
  stage.a.call('102', undefined, callerHeaders)
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint), calleeHeaders)
  stage.a.ack(stage.a.told(200))
  for (const phone of [stage.a, stage.b]) phone.inbox.length = 0
  return stage
}

/** Answers every re-INVITE that has come, as it was asked. */
function answerRefresh(phone: Phone): void {
  phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint))
}

test('we refresh both dialogs of a call of telephones without session timers, again and again', (t) => {
  const stage = talking()
  for (let turn = 0; turn < 3; turn++) {
    stage.pass(halfMs - 1_000)
    t.false(stage.a.heard('INVITE') || stage.b.heard('INVITE'))
    stage.pass(2_000)
    for (const phone of [stage.a, stage.b]) {
      const refresh = phone.asked('INVITE')
      t.is(header(refresh, 'Session-Expires'), `${limits.sessionTimerS};refresher=uac`)
      t.is(header(refresh, 'Min-SE'), '90')
      answerRefresh(phone)
      t.true(phone.heard('ACK'))
      phone.inbox.length = 0
    }
  }
  t.is(stage.core.liveSessions, 1)
})

test('a refresh leaves the descriptions and the media as they are', (t) => {
  const stage = talking()
  const media = JSON.stringify([...stage.tables.wiredMedia.values()])
  stage.pass(halfMs + 1_000)
  const before = parseSdp(stage.a.asked('INVITE').body)
  for (const phone of [stage.a, stage.b]) answerRefresh(phone)
  t.is(JSON.stringify([...stage.tables.wiredMedia.values()]), media)
  t.is(before?.origin.version, before?.origin.sessionId)
})

test('a held call stays held by its refresh', (t) => {
  const stage = talking()
  stage.a.reinvite(sdp(stage.a.endpoint, { direction: 'sendonly', version: 2 }))
  const answer = (phone: Phone, direction: string) =>
    phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint, { direction, version: 2 }))
  answer(stage.b, 'recvonly')
  stage.a.ack(stage.a.told(200))
  for (const phone of [stage.a, stage.b]) phone.inbox.length = 0
  stage.pass(halfMs + 5_000)
  answer(stage.a, 'sendonly')
  answer(stage.b, 'recvonly')
  t.deepEqual(
    [...stage.tables.wiredConference.values()].map(({ state }) => state),
    ['hold'],
  )
})

test('a terminal that does not answer the refresh ends the call, and the other one is told', (t) => {
  const stage = talking()
  stage.pass(halfMs + 1_000)
  answerRefresh(stage.a)
  stage.pass(40_000)
  t.true(stage.a.heard('BYE'))
  t.is(stage.core.liveSessions, 0)
})

test('who wants to refresh does, and is waited for until shortly before the end', (t) => {
  const asked = 'Session-Expires: 300;refresher=uac'
  const stage = talking([...knows, asked], ['Session-Expires: 300;refresher=uas'])
  stage.pass(200_000)
  t.false(stage.a.heard('INVITE') || stage.b.heard('INVITE'))
  stage.a.request('UPDATE', { headers: [...knows, asked] })
  t.is(header(stage.a.told(200), 'Session-Expires'), '300;refresher=uac')
  t.is(header(stage.a.told(200), 'Require'), 'timer')
  stage.pass(67_000)
  t.is(stage.core.liveSessions, 1)
  stage.pass(2_000)
  t.true(stage.a.heard('BYE') && stage.b.heard('BYE'))
  t.is(stage.records[0]?.endedBy, 'switch')
})

test('the clocks of a session go on after a take-over, from the last refresh', (t) => {
  const stage = talking()
  stage.pass(halfMs - 10_000)
  stage.takeOver()
  stage.pass(9_000)
  t.false(stage.a.heard('INVITE'))
  stage.pass(2_000)
  t.true(stage.a.heard('INVITE') && stage.b.heard('INVITE'))
  stage.takeOver()
  for (const phone of [stage.a, stage.b]) answerRefresh(phone)
  t.true(stage.a.heard('ACK'))
  stage.pass(halfMs - 1_000)
  t.is(stage.core.liveSessions, 1)
})

test('a session that is too short for us is refused with 422, and one that is too short for the callee is asked for longer', (t) => {
  const stage = new Stage()
  stage.a.call('102', undefined, [...knows, 'Session-Expires: 60'])
  t.is(header(stage.a.told(422), 'Min-SE'), '90')
  t.false(stage.b.heard('INVITE'))
  const longer = new Stage()
  longer.a.call('102')
  longer.b.respond(longer.b.asked('INVITE'), 422, '', ['Min-SE: 3600'])
  const again = longer.b.asked('INVITE')
  t.is(header(again, 'Session-Expires'), '3600;refresher=uac')
  t.is(again.cseq.number, 2)
  longer.b.respond(again, 422, '', ['Min-SE: 3600'])
  t.true(longer.a.heard(422) || longer.a.heard(480))
  t.is(longer.core.liveSessions, 0)
})

test('a refresh that is too short for the terminal is sent again with the time that it wants', (t) => {
  const stage = talking()
  stage.pass(halfMs + 1_000)
  const refresh = stage.b.asked('INVITE')
  stage.b.respond(refresh, 422, '', ['Min-SE: 3000'])
  const again = stage.b.asked('INVITE')
  t.is(again.cseq.number, refresh.cseq.number + 1)
  t.regex(header(again, 'Session-Expires') ?? '', /^3000;/)
  stage.b.respond(again, 200, sdp(stage.b.endpoint), ['Session-Expires: 3000;refresher=uac'])
  t.true(stage.b.heard('ACK'))
  answerRefresh(stage.a)
  const seen = stage.b.inbox.length
  stage.pass(halfMs + 10_000)
  t.false(
    stage.b.inbox.slice(seen).some((one) => one.kind === 'request' && one.method === 'INVITE'),
  )
  t.is(stage.core.liveSessions, 1)
})

test('an UPDATE with an offer changes the call at once, and is answered', (t) => {
  const stage = talking()
  const offer = sdp(stage.a.endpoint, { direction: 'sendonly', version: 2 })
  stage.a.request('UPDATE', { body: offer })
  const answer = parseSdp(stage.a.told(200).body)
  t.is(answer?.audio?.direction, 'recvonly')
  t.false(stage.b.heard('INVITE'))
  const [session] = [...stage.tables.wiredConference.values()]
  t.is(session?.state, 'hold')
  stage.takeOver()
  stage.a.request('UPDATE', { body: sdp(stage.a.endpoint, { version: 3 }) })
  t.is([...stage.tables.wiredConference.values()][0]?.state, 'communicating')
})

test('an UPDATE that comes in the way of another offer is refused', (t) => {
  const stage = talking()
  stage.a.reinvite(sdp(stage.a.endpoint, { direction: 'sendonly', version: 2 }))
  stage.a.request('UPDATE', { body: sdp(stage.a.endpoint, { version: 3 }) })
  t.true(stage.a.heard(500))
  stage.b.request('UPDATE', { body: sdp(stage.b.endpoint, { version: 2 }), cseq: 101 })
  t.true(stage.b.heard(491))
  const early = new Stage()
  early.a.call('102')
  early.b.respond(early.b.asked('INVITE'), 180)
  early.a.remoteTag = early.a.told(180).to.parameters.get('tag') ?? ''
  early.a.request('UPDATE', { body: sdp(early.a.endpoint, { version: 2 }) })
  t.true(early.a.heard(500))
})

test('an UPDATE without voice that we can carry is refused, and changes nothing', (t) => {
  const stage = talking()
  const before = JSON.stringify([...stage.tables.wiredMedia.values()])
  stage.a.request('UPDATE', { body: sdp(stage.a.endpoint, { codecs: [18], version: 2 }) })
  t.true(stage.a.heard(488))
  t.is(JSON.stringify([...stage.tables.wiredMedia.values()]), before)
  t.is(stage.core.liveSessions, 1)
})
