//! Conferences of the core: how members come, go, hold and are asked for a PIN, and that a take-over in
//! each of these states changes nothing for them.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import {
  bridgesOf,
  conferenceStage,
  dialIn,
  hangUp,
  holdings,
  memberOf,
  nothing,
  only,
  pickUp,
  presetMembers,
  progressTold,
  roster,
} from './conference-stage.ts'
import { type Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

test('meet-me: who dials the number is in at once, and twelve are in one bridge', (t) => {
  const stage = conferenceStage()
  const phones = [...presetMembers, '241', '242']
  for (const phone of phones) dialIn(stage, phone, '700')
  t.is(only(stage).type, 'preset')
  t.deepEqual(
    roster(stage),
    phones.map((phone) => `${phone} talking`),
  )
  t.is(bridgesOf(stage).size, 1)
  t.deepEqual(holdings(stage), { legs: 12, ports: 12, numbers: 1 })
  const contact = stage.phone('235').told(200).contact
  t.true(contact !== '*' && contact[0]?.parameters.has('isfocus'))
  t.is(contact === '*' ? '' : contact[0]?.uri.user, '700')
})

test('a BYE leaves the others alone; the last one ends the conference, and nothing is left over', (t) => {
  const stage = conferenceStage()
  for (const phone of ['231', '232', '233']) dialIn(stage, phone, '700')
  const before = stage.sent
  hangUp(stage.phone('231'))
  t.is(stage.phone('231').told(200).cseq.method, 'BYE')
  t.is(stage.sent, before + 1)
  t.deepEqual(holdings(stage), { legs: 2, ports: 2, numbers: 1 })
  stage.pass(6_000)
  t.deepEqual(roster(stage), ['232 talking', '233 talking'])
  hangUp(stage.phone('233'))
  hangUp(stage.phone('232'))
  t.deepEqual(holdings(stage), nothing)
  t.like(stage.records, [{ caller: '231', called: '700', status: 200, endedBy: 'caller' }])
  stage.pass(10_000)
  t.is(stage.tables.wiredConference.size, 0)
})

test('a member who comes back has another leg; one that calls again takes its own place', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '231', '700')
  dialIn(stage, '232', '700')
  const first = memberOf(stage, '232')?.leg
  hangUp(stage.phone('232'))
  dialIn(stage, '232', '700')
  t.not(memberOf(stage, '232')?.leg, first)
  const phone = stage.phone('232')
  phone.callId = 'none'
  phone.localTag = 'restarted'
  phone.remoteTag = ''
  phone.remoteUser = '700'
  phone.target = 'sip:700@10.0.0.9'
  const body = sdp(phone.endpoint)
  phone.callId = 'restarted'
  phone.request('INVITE', { body })
  phone.ack(phone.told(200))
  t.deepEqual(holdings(stage), { legs: 2, ports: 2, numbers: 1 })
  t.true(phone.heard('BYE'))
})

test('hold is between the member and the focus: the others hear nothing of it', (t) => {
  const stage = conferenceStage()
  for (const phone of ['231', '232', '233']) dialIn(stage, phone, '700')
  const phone = stage.phone('232')
  const sent = stage.sent
  phone.reinvite(sdp(phone.endpoint, { direction: 'sendonly', version: 2 }))
  phone.ack(phone.told(200))
  t.is(memberOf(stage, '232')?.state, 'hold')
  t.is(stage.sent, sent + 2, '100 and 200, both to the member itself')
  t.regex(phone.told(200).body, /a=recvonly/)
  const leg = stage.tables.wiredMedia.get(memberOf(stage, '232')?.mediaId ?? '')
  t.is(leg?.direction, 'recvonly')
  phone.reinvite('')
  phone.ack(phone.told(200), sdp(phone.endpoint, { version: 3 }))
  t.is(memberOf(stage, '232')?.state, 'talking')
  t.is(only(stage).state, 'communicating')
})

test('preset: the first call has all others called; who does not answer can come later', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '241', '710')
  for (const phone of presetMembers) {
    t.is(stage.phone(phone).asked('INVITE').from.uri.user, '710')
  }
  for (const phone of presetMembers.slice(0, 8)) pickUp(stage, phone)
  stage.phone('239').respond(stage.phone('239').asked('INVITE'), 486)
  t.is(holdings(stage).legs, 9)
  stage.pass(31_000)
  t.true(stage.phone('240').heard('INVITE'))
  t.like(only(stage).focus, {
    away: [
      { user: '239', status: 486 },
      { user: '240', status: 408 },
    ],
  })
  t.deepEqual(holdings(stage), { legs: 9, ports: 9, numbers: 1 })
  dialIn(stage, '239', '710')
  t.is(holdings(stage).legs, 10)
  t.deepEqual(
    only(stage).focus?.away.map(({ user }) => user),
    ['240'],
  )
  t.regex(stage.phone('239').told(200).body, /a=sendonly/, 'it only listens')
  const leg = stage.tables.wiredMedia.get(memberOf(stage, '238')?.mediaId ?? '')
  t.is(leg?.gainDb, -6)
})

test('preset: when the only one who is there goes, those who still ring are not called any more', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '241', '710')
  const ringing = stage.phone('231')
  ringing.respond(ringing.asked('INVITE'), 180)
  hangUp(stage.phone('241'))
  t.true(ringing.heard('CANCEL'))
  t.deepEqual(holdings(stage), nothing)
})

test('a preset conference calls nobody who talks, is away, or is not registered', (t) => {
  const stage = conferenceStage()
  stage.phone('231').call('242')
  stage.tables.user.delete('232')
  dialIn(stage, '241', '710')
  t.false(stage.phone('231').heard('INVITE'))
  t.false(stage.phone('232').heard('INVITE'))
  const session = [...stage.tables.wiredConference.values()].find(({ focus }) => focus !== null)
  t.like(session?.focus, {
    away: [
      { user: '231', status: 486 },
      { user: '232', status: 480 },
    ],
  })
})

test('the PIN comes by INFO or with the voice; until it is right the caller is apart', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '240', '701')
  dialIn(stage, '231', '701')
  t.is(bridgesOf(stage).size, 2, 'the planned member is in, the other one apart')
  t.deepEqual(holdings(stage), { legs: 2, ports: 2, numbers: 2 })
  const phone = stage.phone('231')
  for (const digit of ['4', '7']) {
    const headers = ['Content-Type: application/dtmf-relay']
    phone.request('INFO', { body: `Signal=${digit}\r\nDuration=160\r\n`, headers })
    t.is(phone.told(200).cseq.method, 'INFO')
  }
  const { mediaId } = memberOf(stage, '231') ?? { mediaId: '' }
  for (const digit of ['1', '1', '#']) stage.digit(mediaId, digit)
  t.is(bridgesOf(stage).size, 1)
  t.deepEqual(holdings(stage), { legs: 2, ports: 2, numbers: 1 })
})

/** Takes the numbers of bridges, but for so many. */
function useUpBridges(stage: Stage, left: number): void {
  const { conferenceResource } = stage.tables
  let free = limits.sessionsMax
  for (const { kind } of conferenceResource.values()) if (kind === 'conference') free -= 1
  for (let number = 1; free > left; number += 1) {
    const resource = `conference:${number}`
    if (conferenceResource.get(resource) !== undefined) continue
    conferenceResource.put({ resource, kind: 'conference', number, sessionId: 'others' })
    free -= 1
  }
}

test('without a bridge to ask for the PIN in, nobody gets in unasked', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '240', '701')
  useUpBridges(stage, 0)
  stage.phone('231').call('701')
  t.true(stage.phone('231').heard(503))
  t.deepEqual(roster(stage), ['240 talking'])
  const opening = conferenceStage()
  useUpBridges(opening, 1)
  opening.phone('231').call('701')
  t.true(opening.phone('231').heard(503), 'the only bridge that is left is that of the conference')
  t.is(opening.core.liveSessions, 0)
  useUpBridges(opening, 1)
  dialIn(opening, '240', '701')
  t.deepEqual(roster(opening), ['240 talking'], 'who is not asked needs one')
})

test('without a bridge to ask for the PIN in, nobody gets in by the word of another one', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '240', '701')
  const [a, b] = [stage.phone('231'), stage.phone('232')]
  a.call('232')
  pickUp(stage, '232')
  a.ack(a.told(200))
  useUpBridges(stage, 0)
  a.request('REFER', { headers: ['Refer-To: <sip:701@10.0.0.9>'] })
  t.regex(a.asked('NOTIFY').body, /^SIP\/2.0 503/)
  t.false(a.heard('BYE') || b.heard('BYE'))
  const [conference] = [...stage.tables.wiredConference.values()].filter(({ focus }) => focus)
  t.deepEqual(
    conference?.members.map(({ user }) => user),
    ['240'],
  )
})

test('three wrong PINs, or none in time, end the call of that caller alone', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '240', '701')
  dialIn(stage, '231', '701')
  dialIn(stage, '232', '701')
  const { mediaId } = memberOf(stage, '231') ?? { mediaId: '' }
  for (let n = 0; n < 3; n++) for (const digit of '123#') stage.digit(mediaId, digit)
  t.true(stage.phone('231').heard('BYE'))
  t.false(stage.phone('232').heard('BYE'))
  stage.pass(31_000)
  t.true(stage.phone('232').heard('BYE'))
  t.false(stage.phone('240').heard('BYE'))
  t.deepEqual(holdings(stage), { legs: 1, ports: 1, numbers: 1 })
})

test('a locked conference lets in whom its plan names, and no more than it has seats', (t) => {
  const stage = conferenceStage()
  stage.phone('241').call('720')
  t.true(stage.phone('241').heard(603))
  dialIn(stage, '231', '720')
  dialIn(stage, '232', '720')
  stage.phone('233').call('720')
  t.true(stage.phone('233').heard(486))
})

test('an answer that cannot be used, and one that never comes to an ACK, cost only that member', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '241', '710')
  const bad = stage.phone('231')
  bad.respond(bad.asked('INVITE'), 200, 'v=0')
  t.true(bad.heard('BYE'))
  const silent = stage.phone('242')
  silent.call('710')
  stage.pass(33_000)
  t.false(stage.phone('241').heard('BYE'))
  t.deepEqual(holdings(stage), { legs: 1, ports: 1, numbers: 1 })
})

type Step = (stage: Stage) => void
const story: readonly Step[] = [
  (stage) => stage.phone('241').call('710'),
  (stage) => stage.phone('241').ack(stage.phone('241').told(200)),
  (stage) => stage.phone('231').respond(stage.phone('231').asked('INVITE'), 180),
  (stage) => pickUp(stage, '232'),
  (stage) => pickUp(stage, '231'),
  (stage) => stage.phone('233').respond(stage.phone('233').asked('INVITE'), 486),
  (stage) => stage.phone('242').call('710'),
  (stage) => stage.phone('242').ack(stage.phone('242').told(200)),
  (stage) => {
    const one = stage.phone('232')
    one.cseq = 100
    one.reinvite(sdp(one.endpoint, { direction: 'inactive', version: 2 }))
  },
  (stage) => stage.phone('232').ack(stage.phone('232').told(200)),
  (stage) => hangUp(stage.phone('241')),
  (stage) => pickUp(stage, '234'),
  (stage) => stage.pass(32_000),
  (stage) => hangUp(stage.phone('232')),
  (stage) => hangUp(stage.phone('231')),
  (stage) => hangUp(stage.phone('234')),
]

/** The same, whatever node it is: voice of who is in, and what is held. */
function picture(stage: Stage) {
  const session = [...stage.tables.wiredConference.values()].find(({ focus }) => focus !== null)
  return {
    members: session?.members
      .filter(({ state }) => state !== 'released')
      .map(({ user, state, localPort }) => `${user} ${state} ${localPort}`),
    away: session?.focus?.away.map(({ user, status }) => `${user} ${status}`),
    holdings: holdings(stage),
  }
}

test('a take-over after each step of a conference: it goes on as if there had been none', (t) => {
  const run = (deathAt: number) => {
    const stage = conferenceStage()
    for (const [at, step] of story.entries()) {
      step(stage)
      if (at === deathAt) stage.takeOver()
    }
    const before = picture(stage)
    hangUp(stage.phone('242'))
    stage.pass(80_000)
    return { before, after: picture(stage), sessions: stage.tables.wiredConference.size }
  }
  const undisturbed = run(-1)
  t.deepEqual(undisturbed.after.holdings, nothing)
  t.is(undisturbed.sessions, 0)
  for (let deathAt = 0; deathAt < story.length; deathAt++) {
    const disturbed = run(deathAt)
    t.deepEqual(disturbed.before.members, undisturbed.before.members, `death at ${deathAt}`)
    t.deepEqual(disturbed.before.holdings, undisturbed.before.holdings, `death at ${deathAt}`)
    t.deepEqual(disturbed.after.holdings, nothing)
    t.is(disturbed.sessions, 0, `death at ${deathAt}`)
  }
})

function talkingOnPhones(stage: Stage): string {
  const [a, b] = [stage.phone('231'), stage.phone('232')]
  a.call('232')
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  a.ack(a.told(200))
  return only(stage).sessionId
}

/** Answers each re-INVITE of the focus. */
function agree(stage: Stage, phones: readonly string[]): void {
  for (const number of phones) {
    const phone = stage.phone(number)
    phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint, { version: 2 }))
  }
}

test('a call of two becomes a conference: the same legs, told by isfocus, and one member more', (t) => {
  const stage = conferenceStage()
  const sessionId = talkingOnPhones(stage)
  const legs = [...stage.tables.wiredMedia.values()]
  t.is(stage.order(sessionId, { kind: 'add', user: '233' }), null)
  const contact = stage.phone('231').asked('INVITE').contact
  t.true(contact !== '*' && contact[0]?.parameters.has('isfocus'))
  agree(stage, ['231', '232'])
  pickUp(stage, '233')
  t.deepEqual(roster(stage), ['231 talking', '232 talking', '233 talking'])
  t.is(only(stage).type, 'temporary')
  t.is(bridgesOf(stage).size, 1)
  for (const { mediaId, ssrc, localPort, seq0, tick0 } of legs) {
    t.like(stage.tables.wiredMedia.get(mediaId), { ssrc, localPort, seq0, tick0 })
  }
  stage.takeOver()
  hangUp(stage.phone('232'))
  t.is(holdings(stage).legs, 2)
  hangUp(stage.phone('231'))
  t.true(stage.phone('233').heard('BYE'), 'one alone is no conference')
  t.deepEqual(holdings(stage), nothing)
})

test('a call of two to which nobody can be added is the call that it was', (t) => {
  const full = (stage: Stage) => {
    for (let port = 20_000; port < 20_080; port += 2) {
      const resource = `port:${port}`
      if (stage.tables.conferenceResource.get(resource) !== undefined) continue
      stage.tables.conferenceResource.put({ resource, kind: 'port', number: port, sessionId: 'x' })
    }
  }
  const cases: [string, (stage: Stage) => void][] = [
    ['999', () => {}],
    ['118', () => {}],
    ['104', () => {}],
    ['232', () => {}],
    ['233', full],
  ]
  for (const [user, prepare] of cases) {
    const stage = conferenceStage()
    const sessionId = talkingOnPhones(stage)
    prepare(stage)
    const before = stage.tables.wiredConference.get(sessionId)
    for (const one of stage.phones.values()) one.inbox.length = 0
    t.is(stage.order(sessionId, { kind: 'add', user }), 'operation-failed', user)
    t.deepEqual(stage.tables.wiredConference.get(sessionId), before)
    // It is transferred as any call of two.
    const [a, c] = [stage.phone('231'), stage.phone('242')]
    t.false(a.heard('INVITE') || stage.phone('232').heard('INVITE'), user)
    if (user === '233') continue
    a.request('REFER', { headers: ['Refer-To: <sip:242@10.0.0.9>'] })
    c.respond(c.asked('INVITE'), 200, sdp(c.endpoint))
    t.true(a.heard('BYE'), user)
  }
})

test('a held call becomes a conference in which who was held speaks again', (t) => {
  const stage = conferenceStage()
  const sessionId = talkingOnPhones(stage)
  const [a, b] = [stage.phone('231'), stage.phone('232')]
  a.reinvite(sdp(a.endpoint, { direction: 'sendonly', version: 2 }))
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { direction: 'recvonly', version: 2 }))
  a.ack(a.told(200))
  t.is(only(stage).state, 'hold')
  t.is(stage.order(sessionId, { kind: 'add', user: '233' }), null)
  agree(stage, ['232'])
  pickUp(stage, '233')
  const legOfUser = (user: string) =>
    stage.tables.wiredMedia.get(memberOf(stage, user)?.mediaId ?? '')
  t.deepEqual(roster(stage), ['231 hold', '232 talking', '233 talking'])
  t.is(legOfUser('232')?.direction, 'sendrecv')
  t.is(legOfUser('232')?.tone?.name, 'conference-join', 'the hold tone is over')
  t.like(legOfUser('231'), { direction: 'recvonly' })
})

test('orders: drop, mute, weight, lock and end; each at once, and in the records', (t) => {
  const stage = conferenceStage()
  for (const phone of ['231', '232', '233']) dialIn(stage, phone, '700')
  const legOfUser = (user: string) =>
    stage.tables.wiredMedia.get(memberOf(stage, user)?.mediaId ?? '')
  t.is(stage.order('700', { kind: 'mute', user: '232', muted: true }), null)
  t.like(legOfUser('232'), { muted: true, direction: 'sendrecv' })
  t.is(stage.order('700', { kind: 'gain', user: '233', gainDb: -12 }), null)
  t.like(legOfUser('233'), { gainDb: -12 })
  stage.takeOver()
  t.is(stage.order('700', { kind: 'mute', user: '232', muted: false }), null)
  t.like(legOfUser('232'), { muted: null })
  t.is(stage.order('700', { kind: 'lock', locked: true }), null)
  stage.phone('234').call('700')
  t.true(stage.phone('234').heard(603))
  t.is(stage.order('700', { kind: 'drop', user: '233' }), null)
  t.true(stage.phone('233').heard('BYE'))
  t.is(holdings(stage).legs, 2)
  t.is(stage.order('700', { kind: 'drop', user: '233' }), 'not-found')
  t.is(stage.order('799', { kind: 'end' }), 'not-found')
  t.is(stage.order('700', { kind: 'add', user: '999' }), 'operation-failed')
  t.is(stage.order('700', { kind: 'end' }), null)
  t.deepEqual(holdings(stage), nothing)
})

test('who did not come to a preset conference is called again by an order', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '241', '710')
  pickUp(stage, '231')
  stage.phone('240').respond(stage.phone('240').asked('INVITE'), 480)
  t.is(stage.order('710', { kind: 'add', user: '240' }), null)
  pickUp(stage, '240')
  t.is(memberOf(stage, '240')?.state, 'talking')
})

test('INVITE with Join: who may intrude comes into a call, and everybody else does not', (t) => {
  const stage = conferenceStage()
  stage.addPhone('250', 'position')
  talkingOnPhones(stage)
  const { dialog } = only(stage).members[0] ?? { dialog: null }
  const tags = `to-tag=${dialog?.localTag};from-tag=${dialog?.remoteTag}`
  const body = sdp(stage.phone('250').endpoint)
  const join = (from: string, value: string) =>
    stage.phone(from).call('232', body, [`Join: ${value}`])
  join('233', `${dialog?.callId};${tags}`)
  t.true(stage.phone('233').heard(403))
  join('250', `${dialog?.callId};to-tag=none;from-tag=none`)
  t.true(stage.phone('250').heard(481))
  changeProfile(stage, '231', { rights: { beIntruded: false } })
  join('250', `${dialog?.callId};${tags}`)
  t.true(stage.phone('250').heard(403), 'one of the two is not to be intruded')
  changeProfile(stage, '231', { rights: { beIntruded: true } })
  stage.phone('250').inbox.length = 0
  stage.phone('250').localTag = 'again'
  stage.phone('250').callId = 'again'
  stage.phone('250').remoteTag = ''
  stage.phone('250').target = 'sip:232@10.0.0.9'
  stage.phone('250').request('INVITE', { body, headers: [`Join: ${dialog?.callId};${tags}`] })
  stage.phone('250').ack(stage.phone('250').told(200))
  agree(stage, ['231', '232'])
  t.deepEqual(roster(stage), ['231 talking', '232 talking', '250 talking'])
  t.is(bridgesOf(stage).size, 1)
})

test('REFER of a member calls one more, and NOTIFY tells how it went, also over a take-over', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '231', '700')
  dialIn(stage, '232', '700')
  const phone = stage.phone('231')
  const told = () => progressTold(phone)
  phone.request('REFER', { headers: ['Refer-To: <sip:233@10.0.0.9>'] })
  t.true(phone.heard(202))
  t.regex(told(), /^SIP\/2.0 100/)
  stage.takeOver()
  pickUp(stage, '233')
  t.regex(told(), /^SIP\/2.0 200/)
  t.deepEqual(roster(stage), ['231 talking', '232 talking', '233 talking'])
  phone.request('REFER', { headers: ['Refer-To: <sip:234@10.0.0.9>'] })
  told()
  stage.phone('234').respond(stage.phone('234').asked('INVITE'), 486)
  t.regex(told(), /^SIP\/2.0 486/)
  phone.request('REFER', { headers: ['Refer-To: <sip:999@10.0.0.9>'] })
  t.regex(told(), /^SIP\/2.0 404/)
  t.is(only(stage).transfer, null)
  t.is(holdings(stage).legs, 3)
})
