//! Instantaneous access and monitoring between systems (ED-137 volume 2): out over a trunk and in from one, with
//! their headers, their direction and their rights.
import test from 'ava'
import { mediaOf } from '../../src/switching/xip/media.ts'
import type { Profile } from '../../src/tables/profile.ts'
import { header, type SipMessage } from '../../src/wire/sip/message.ts'
import { uriText } from '../../src/wire/sip/write.ts'
import { type Phone, type Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'
import { peerOf, sitePlan, trunkStage } from './trunk-stage.ts'

const ia = ['Subject: IA call', 'Priority: urgent', 'WG67-Version: phone.01, phone.add03.02']
const monitoring = ['Subject: G/G monitoring', 'Priority: non-urgent', 'WG67-Version: phone.02']

function give(stage: Stage, number: string, rights: Partial<Profile['rights']>): void {
  changeProfile(stage, number, { rights })
}

/** `b-1` may monitor. */
function monitoredStage(monitor: boolean): Stage {
  const trunks = sitePlan.trunks.map((one) => (one.name === 'b-1' ? { ...one, monitor } : one))
  const stage = trunkStage({ ...sitePlan, trunks })
  give(stage, '102', { beMonitored: true })
  return stage
}

function directionOf(message: SipMessage): string | undefined {
  return mediaOf(message.body)?.direction
}

function callAs(phone: Phone, to: string, [direction, headers]: [string, string[]]): void {
  phone.call(to, sdp(phone.endpoint, { direction }), headers)
}

test('instantaneous access goes out over a trunk with its headers, half duplex, and is answered at once', (t) => {
  const stage = trunkStage()
  const peer = peerOf(stage, 1)
  callAs(stage.a, '70001', ['sendonly', ia])
  const invite = peer.asked('INVITE')
  t.is(uriText(invite.uri), 'sip:0001@10.0.2.1:5060')
  t.is(header(invite, 'Subject'), 'IA call')
  t.is(header(invite, 'Priority'), 'urgent')
  t.is(header(invite, 'WG67-Version'), 'phone.01, phone.add03.02')
  t.is(header(invite, 'WG67-CallType'), 'phone.add03.02;ia call')
  t.is(header(invite, 'Answer-Mode'), 'Auto')
  t.is(directionOf(invite), 'sendonly')
  peer.respond(invite, 200, sdp(peer.endpoint, { direction: 'recvonly' }))
  t.is(directionOf(stage.a.told(200)), 'recvonly')
  stage.a.ack(stage.a.told(200))
  stage.takeOver()
  stage.a.request('BYE')
  t.true(peer.heard('BYE'))
})

test('instantaneous access by dialling goes out, too, and the next way is tried in the same manner', (t) => {
  const stage = trunkStage()
  stage.a.call('*3470001')
  const first = peerOf(stage, 1)
  t.is(header(first.asked('INVITE'), 'Subject'), 'IA call')
  first.respond(first.asked('INVITE'), 503)
  const second = peerOf(stage, 2).asked('INVITE')
  t.is(header(second, 'Subject'), 'IA call')
  t.is(header(second, 'Priority'), 'urgent')
})

test('a new instantaneous access call to a number outside takes the place of the old one', (t) => {
  const stage = trunkStage()
  const peer = peerOf(stage, 2)
  const plan = { ...sitePlan, routes: sitePlan.routes.map((one) => ({ ...one, trunks: ['b-2'] })) }
  stage.core.setPlan(plan)
  callAs(stage.a, '70001', ['sendonly', ia])
  peer.respond(peer.asked('INVITE'), 200, sdp(peer.endpoint, { direction: 'recvonly' }))
  stage.a.ack(stage.a.told(200))
  peer.inbox.length = 0
  callAs(stage.a, '70001', ['sendonly', ia])
  t.true(peer.heard('BYE') && peer.heard('INVITE'))
  t.is(stage.core.liveSessions, 1)
})

test('the class of a route holds for every type of call', (t) => {
  for (const call of [ia, monitoring]) {
    const stage = trunkStage()
    give(stage, '101', { monitor: true })
    callAs(stage.a, '0123', ['recvonly', call])
    t.true(stage.a.heard(403))
    give(stage, '102', { monitor: true, trunkClasses: ['outside'] })
    callAs(stage.b, '0123', ['recvonly', call])
    t.true(peerOf(stage, 3).heard('INVITE'))
  }
})

test('who may monitor does so over a trunk, and hears only; who may not is refused', (t) => {
  const stage = trunkStage()
  const peer = peerOf(stage, 1)
  callAs(stage.a, '70001', ['recvonly', monitoring])
  t.true(stage.a.heard(403))
  t.false(peer.heard('INVITE'))
  give(stage, '102', { monitor: true })
  callAs(stage.b, '70001', ['recvonly', monitoring])
  const invite = peer.asked('INVITE')
  t.is(header(invite, 'Subject'), 'G/G monitoring')
  t.is(header(invite, 'WG67-CallType'), 'phone.02;g/g monitoring')
  t.is(directionOf(invite), 'recvonly')
  peer.respond(invite, 200, sdp(peer.endpoint, { direction: 'sendonly' }))
  t.is(directionOf(stage.b.told(200)), 'sendonly')
})

test('monitoring in from a trunk needs the right of the trunk, and that of who is heard', (t) => {
  const refused = monitoredStage(false)
  callAs(peerOf(refused, 1), '3102', ['recvonly', monitoring])
  t.true(peerOf(refused, 1).heard(403))
  t.false(refused.b.heard('INVITE'))
  const stage = monitoredStage(true)
  const peer = peerOf(stage, 1)
  callAs(peer, '3102', ['recvonly', monitoring])
  const invite = stage.b.asked('INVITE')
  t.is(header(invite, 'Subject'), 'G/G monitoring')
  t.is(directionOf(invite), 'recvonly')
  stage.b.respond(invite, 200, sdp(stage.b.endpoint, { direction: 'sendonly' }))
  t.is(directionOf(peer.told(200)), 'sendonly')
  const protectedOne = monitoredStage(true)
  give(protectedOne, '102', { beMonitored: false })
  callAs(peerOf(protectedOne, 1), '3102', ['recvonly', monitoring])
  t.true(peerOf(protectedOne, 1).heard(403))
  const other = monitoredStage(true)
  callAs(peerOf(other, 2), '102', ['recvonly', monitoring])
  t.true(peerOf(other, 2).heard(403), 'the right is that of one trunk')
})

test('from one system to another: instantaneous access by the class, monitoring also by the right', (t) => {
  for (const [call, monitor, status] of [
    [ia, false, null],
    [monitoring, true, null],
    [monitoring, false, 403],
  ] as const) {
    const trunks = sitePlan.trunks.map((one) => (one.name === 'far' ? { ...one, monitor } : one))
    const stage = trunkStage({ ...sitePlan, trunks })
    callAs(peerOf(stage, 3), '9123', ['recvonly', [...call]])
    t.is(peerOf(stage, 2).heard('INVITE'), status === null)
    if (status !== null) t.true(peerOf(stage, 3).heard(status))
  }
})

test('groups and conferences have telephone calls only', (t) => {
  const stage = trunkStage({
    ...sitePlan,
    groups: [
      { name: 'g', displayName: '', number: '800', mode: 'first', noAnswerSeconds: 9, members: [] },
    ],
  })
  callAs(stage.a, '800', ['sendonly', ia])
  t.true(stage.a.heard(404))
})
