//! Calls over trunks (中继路由, S1.11, S1.125): out, in, the next way, and a take-over at every moment.
import { createHash } from 'node:crypto'
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { header, type SipRequest } from '../../src/wire/sip/message.ts'
import { uriText } from '../../src/wire/sip/write.ts'
import { type Phone, type Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'
import { allow, peerOf, route, sitePlan, trunk, trunkStage } from './trunk-stage.ts'

function userOf(request: SipRequest): string {
  return request.from.uri.user ?? ''
}

/** Calls of this peer that it has not answered. */
function invites(phone: Phone): SipRequest[] {
  return phone.inbox.flatMap((one) =>
    one.kind === 'request' && one.method === 'INVITE' ? [one] : [],
  )
}

function hangUp(stage: Stage, peer: Phone): void {
  stage.a.request('BYE')
  peer.respond(peer.asked('BYE'), 200)
  stage.pass(limits.releasedLingerMs + 40_000)
}

test('a call goes out with the numbers of the other system, and comes back to nothing', (t) => {
  const stage = trunkStage()
  const peer = peerOf(stage, 1)
  stage.a.call('70001')
  const invite = peer.asked('INVITE')
  t.is(uriText(invite.uri), 'sip:0001@10.0.2.1:5060')
  t.is(uriText(invite.to.uri), 'sip:0001@10.0.2.1:5060')
  t.is(userOf(invite), '3101')
  t.true((invite.maxForwards ?? 99) <= limits.trunkHopsMax)
  peer.respond(invite, 180)
  t.true(stage.a.heard(180))
  peer.respond(invite, 200, sdp(peer.endpoint))
  stage.a.ack(stage.a.told(200))
  t.true(peer.heard('ACK'))
  t.is(stage.core.trunkStates(0)[0]?.calls, 1)
  hangUp(stage, peer)
  t.is(stage.core.trunkStates(0)[0]?.calls, 0)
  t.is(stage.tables.conferenceResource.size, 0)
  t.is(stage.tables.wiredConference.size, 0)
  t.like(stage.records[0], { caller: '101', called: '70001', status: 200 })
})

test('5xx leads to the next trunk, and the caller hears nothing of it', (t) => {
  const stage = trunkStage()
  stage.a.call('70001')
  peerOf(stage, 1).respond(peerOf(stage, 1).asked('INVITE'), 503)
  const second = peerOf(stage, 2)
  t.is(uriText(second.asked('INVITE').uri), 'sip:70001@10.0.2.2:5080')
  t.is(userOf(second.asked('INVITE')), '101')
  t.false(stage.a.heard(181))
  second.respond(second.asked('INVITE'), 200, sdp(second.endpoint))
  stage.a.ack(stage.a.told(200))
  t.deepEqual(
    stage.core.trunkStates(0).map(({ calls }) => calls),
    [0, 1, 0],
  )
  hangUp(stage, second)
  t.is(stage.tables.conferenceResource.size, 0)
})

test('the last way that fails is what the caller is told', (t) => {
  const stage = trunkStage()
  stage.a.call('70001')
  peerOf(stage, 1).respond(peerOf(stage, 1).asked('INVITE'), 500)
  peerOf(stage, 2).respond(peerOf(stage, 2).asked('INVITE'), 502)
  t.true(stage.a.heard(502))
  stage.pass(40_000)
  t.is(stage.core.liveSessions, 0)
  t.is(stage.tables.conferenceResource.size, 0)
})

test('a refusal of the one who is called is his word, on whatever way', (t) => {
  for (const status of [486, 404, 603, 480]) {
    const stage = trunkStage()
    stage.a.call('70001')
    peerOf(stage, 1).respond(peerOf(stage, 1).asked('INVITE'), status)
    t.true(stage.a.heard(status))
    t.is(invites(peerOf(stage, 2)).length, 0)
  }
})

test('a system that says nothing is left for the next one, one that rings is not', (t) => {
  const silent = trunkStage()
  silent.a.call('70001')
  silent.pass(3_900)
  t.is(invites(peerOf(silent, 2)).length, 0)
  silent.pass(200)
  t.is(invites(peerOf(silent, 2)).length, 1)
  const late = peerOf(silent, 1)
  late.respond(late.asked('INVITE'), 100)
  t.true(late.heard('CANCEL'), 'its INVITE is cancelled as soon as it is heard of')
  const ringing = trunkStage()
  ringing.a.call('70001')
  peerOf(ringing, 1).respond(peerOf(ringing, 1).asked('INVITE'), 180)
  ringing.pass(30_000)
  t.is(invites(peerOf(ringing, 2)).length, 0)
})

test('a system that is silent is left by the node that has taken over, too', (t) => {
  const stage = trunkStage()
  stage.a.call('70001')
  stage.pass(1_000)
  stage.takeOver()
  stage.pass(4_100)
  const second = peerOf(stage, 2)
  t.is(invites(second).length, 1)
  second.respond(second.asked('INVITE'), 200, sdp(second.endpoint))
  stage.a.ack(stage.a.told(200))
  t.is(stage.core.trunkStates(0)[1]?.calls, 1)
  hangUp(stage, second)
  t.is(stage.tables.conferenceResource.size, 0)
})

test('a full trunk is passed over; when none is left the caller is told 503', (t) => {
  const stage = trunkStage()
  stage.a.call('70001')
  const first = peerOf(stage, 1)
  first.respond(first.asked('INVITE'), 200, sdp(first.endpoint))
  stage.a.ack(stage.a.told(200))
  stage.b.call('70002')
  t.is(invites(first).length, 1)
  t.is(invites(peerOf(stage, 2)).length, 1)
  const alone = trunkStage({ ...sitePlan, routes: [route('b', { trunks: ['b-1'] })] })
  alone.a.call('70001')
  alone.b.call('70002')
  t.true(alone.b.heard(503))
})

test('class of service: who has no right to the route is told 403', (t) => {
  const stage = trunkStage()
  stage.a.call('0123')
  t.true(stage.a.heard(403))
  allow(stage, '102', ['outside'])
  stage.b.call('0123')
  t.is(uriText(peerOf(stage, 3).asked('INVITE').uri), 'sip:0123@10.0.2.3:5060')
})

test('a call that is forwarded outside needs the right of who forwards it', (t) => {
  const stage = trunkStage()
  allow(stage, '101', ['outside'])
  changeProfile(stage, '102', { rights: { trunkClasses: [] }, forward: { always: '0123' } })
  stage.a.call('102')
  t.true(stage.a.heard(403))
  const other = trunkStage()
  changeProfile(other, '102', {
    rights: { trunkClasses: ['outside'] },
    forward: { always: '0123' },
  })
  other.a.call('102')
  t.is(invites(peerOf(other, 3)).length, 1)
})

test('a call that comes in has the numbers of this site and reaches its telephones', (t) => {
  const stage = trunkStage()
  const peer = peerOf(stage, 1)
  peer.call('3102')
  const invite = stage.b.asked('INVITE')
  t.is(userOf(invite), '7peer1')
  stage.b.respond(invite, 200, sdp(stage.b.endpoint))
  peer.ack(peer.told(200))
  t.is(stage.core.trunkStates(0)[0]?.calls, 1)
  peer.request('BYE')
  stage.b.respond(stage.b.asked('BYE'), 200)
  t.like(stage.records[0], { caller: '7peer1', called: '3102', status: 200 })
  t.is(stage.core.trunkStates(0)[0]?.calls, 0)
})

/** A call that says it comes from another number than that of its telephone. */
function callAs(phone: Phone, number: string, to: string, headers: string[] = []): void {
  Object.defineProperty(phone, 'number', { value: number, configurable: true })
  phone.call(to, sdp(phone.endpoint), headers)
}

test('who calls from outside has no rights of an account, whatever he says he is', (t) => {
  const stage = trunkStage()
  const peer = peerOf(stage, 3)
  callAs(peer, '101', '102', ['Priority: emergency'])
  const invite = stage.b.asked('INVITE')
  t.is(userOf(invite), 'far~101')
  t.is(header(invite, 'Priority'), 'normal')
  const [session] = stage.tables.wiredConference.values()
  t.is(session?.members[0]?.user, 'far~101')
})

test('an address that is no trunk is a stranger, and a trunk may not register or subscribe', (t) => {
  const stage = trunkStage()
  const stranger = peerOf(stage, 9)
  stranger.call('102')
  t.true(stranger.heard(401))
  for (const method of ['SUBSCRIBE', 'REGISTER']) {
    const peer = peerOf(trunkStage(), 3)
    peer.remoteUser = '102'
    peer.request(method, { headers: ['Event: dialog'] })
    t.false(peer.heard(200), method)
  }
})

test('what is dialled for a service is nothing for who calls from outside', (t) => {
  const stage = trunkStage()
  for (const digits of ['*78', '*37102', '*72102']) {
    const peer = peerOf(stage, 3)
    peer.call(digits)
    t.true(peer.heard(404), digits)
    peer.inbox.length = 0
  }
  t.is(stage.core.liveSessions, 0)
})

test('a call that comes in goes on to another system only by a class of its trunk', (t) => {
  const stage = trunkStage()
  const far = peerOf(stage, 3)
  far.call('70001')
  t.true(far.heard(403), 'a route without class is for the site')
  far.call('0123')
  t.true(far.heard(403))
  far.call('91')
  t.is(invites(peerOf(stage, 2)).length, 1)
  const back = {
    ...sitePlan,
    routes: [route('back', { pattern: '5.', trunks: ['far'], class: 'through' })],
  }
  const loop = trunkStage(back)
  peerOf(loop, 3).call('51')
  t.true(peerOf(loop, 3).heard(482), 'not back to where it came from')
})

test('a call between two systems that send it to each other ends', (t) => {
  const stage = trunkStage()
  const far = peerOf(stage, 3)
  far.request('OPTIONS')
  far.inbox.length = 0
  const text = far.sentText.replaceAll('OPTIONS', 'INVITE').replace('Forwards: 70', 'Forwards: 1')
  const body = sdp(far.endpoint)
  const invite = text
    .replace(/INVITE sip:[^ ]*/, 'INVITE sip:91@10.0.0.9')
    .replace(/Content-Length: 0\r\n\r\n$/, '')
  far.send(
    `${invite}Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  t.true(far.heard(483))
})

const probed = {
  ...sitePlan,
  trunks: sitePlan.trunks.map((one) =>
    one.name === 'b-1' ? { ...one, optionsSeconds: 30, responseSeconds: 2 } : one,
  ),
}

/** Answers, or does not answer, each probe for so long. */
function probe(stage: Stage, peer: Phone, ms: number, status: number | null): void {
  for (let left = ms; left > 0; left -= 500) {
    stage.pass(500)
    for (const message of peer.inbox.splice(0)) {
      const isProbe = message.kind === 'request' && message.method === 'OPTIONS'
      if (isProbe && status !== null) peer.respond(message, status)
    }
  }
}

test('a system that answers no probe is left out until it answers again', (t) => {
  const stage = trunkStage(probed)
  const peer = peerOf(stage, 1)
  const state = () => stage.core.trunkStates(stage.now.wallMs)[0]?.state
  t.is(state(), 'unknown')
  probe(stage, peer, 1_000, 200)
  t.is(state(), 'up')
  probe(stage, peer, 31_000, null)
  t.is(state(), 'up', 'one lost probe is no loss')
  probe(stage, peer, 6_000, null)
  t.is(state(), 'down')
  stage.a.call('70001')
  t.is(invites(peer).length, 0)
  t.is(invites(peerOf(stage, 2)).length, 1)
  probe(stage, peer, 35_000, 404)
  t.is(state(), 'up', 'whatever it answers, it is there')
  stage.b.call('70002')
  t.is(invites(peer).length, 1)
})

test('a new primary begins with what is known and asks anew, and a standby shows the same', (t) => {
  const stage = trunkStage(probed)
  const peer = peerOf(stage, 1)
  const state = () => stage.core.trunkStates(stage.now.wallMs)[0]?.state
  probe(stage, peer, 10_000, 503)
  t.is(state(), 'down')
  stage.takeOver()
  t.is(state(), 'down')
  stage.a.call('70001')
  t.is(invites(peer).length, 0)
  probe(stage, peer, 5_000, 200)
  t.is(state(), 'up')
  stage.b.call('70002')
  t.is(invites(peer).length, 1)
  stage.core.becomeStandby()
  t.is(state(), 'up')
  const sent = stage.sent
  stage.pass(60_000)
  t.is(stage.sent, sent, 'a standby asks nobody')
})

test('what is known of a trunk goes with the trunk', (t) => {
  const stage = trunkStage(probed)
  probe(stage, peerOf(stage, 1), 10_000, 200)
  t.is(stage.tables.position.size, 1)
  stage.core.setPlan({ ...probed, trunks: [] })
  stage.pass(1_000)
  t.is(stage.tables.position.size, 0)
})

test('the trunk of a gateway is there as long as it is registered', (t) => {
  const gateway = trunk('pstn', { peer: null, account: '900' })
  const plan = { ...sitePlan, trunks: [gateway], routes: [route('o', { trunks: ['pstn'] })] }
  const stage = trunkStage(plan)
  stage.a.call('7123')
  t.is(uriText(stage.phone('900').asked('INVITE').uri), 'sip:7123@10.0.1.00:5060')
  stage.tables.user.delete('900')
  stage.b.call('7123')
  t.true(stage.b.heard(503))
  const back = trunkStage(plan)
  callAs(back.phone('900'), '5551', '102')
  t.is(userOf(back.b.asked('INVITE')), '5551')
})

const md5 = (text: string) => createHash('md5').update(text).digest('hex')
const login = {
  user: 'tower',
  ha1Md5: md5('tower:vccs.test:secret'),
  ha1Sha256: '0'.repeat(64),
  peerRealm: 'b.example',
  peerHa1Md5: md5('tower:b.example:secret'),
  peerHa1Sha256: '0'.repeat(64),
}
const guarded = {
  ...sitePlan,
  trunks: [trunk('b-1', { trust: 'digest', login })],
  routes: [route('b', { trunks: ['b-1'] })],
}

test('a system that asks for a password gets it once, in the same dialog', (t) => {
  const stage = trunkStage(guarded)
  const peer = peerOf(stage, 1)
  stage.a.call('70001')
  const challenge = 'Proxy-Authenticate: Digest realm="b.example", nonce="n1", qop="auth"'
  const [first] = invites(peer)
  if (first === undefined) return t.fail()
  peer.respond(first, 407, '', [challenge])
  const [, second] = invites(peer)
  if (second === undefined) return t.fail()
  t.is(second.callId, first.callId)
  t.is(second.cseq.number, first.cseq.number + 1)
  const value = header(second, 'Proxy-Authorization') ?? ''
  const cnonce = /cnonce="([^"]*)"/.exec(value)?.[1] ?? ''
  const ha2 = md5(`INVITE:${uriText(second.uri)}`)
  const wanted = md5(`${login.peerHa1Md5}:n1:00000001:${cnonce}:auth:${ha2}`)
  t.true(value.includes(`response="${wanted}"`))
  peer.respond(second, 200, sdp(peer.endpoint))
  stage.a.ack(stage.a.told(200))
  t.is(stage.core.liveSessions, 1)
  const wrong = trunkStage(guarded)
  wrong.a.call('70001')
  for (const invite of [0, 1].map((at) => invites(peerOf(wrong, 1))[at])) {
    if (invite !== undefined) peerOf(wrong, 1).respond(invite, 407, '', [challenge])
  }
  peerOf(wrong, 1).respond(invites(peerOf(wrong, 1))[1] ?? t.fail(), 407, '', [challenge])
  t.is(invites(peerOf(wrong, 1)).length, 2)
  t.true(wrong.a.heard(480))
})

for (const takesOver of [false, true]) {
  const how = takesOver ? ', by the other node too' : ''
  test(`a call that is asked for longer after its password shows that with the next count${how}`, (t) => {
    const stage = trunkStage(guarded)
    const peer = peerOf(stage, 1)
    stage.a.call('70001')
    const challenge = 'Proxy-Authenticate: Digest realm="b.example", nonce="n2", qop="auth"'
    peer.respond(peer.asked('INVITE'), 407, '', [challenge])
    const shown = [peer.asked('INVITE')]
    for (const longer of ['2000', '3000']) {
      if (takesOver) stage.takeOver()
      peer.respond(peer.asked('INVITE'), 422, '', [`Min-SE: ${longer}`])
      shown.push(peer.asked('INVITE'))
    }
    const counts = shown.map(
      (one) => /nc=(\d+)/.exec(header(one, 'Proxy-Authorization') ?? '')?.[1],
    )
    t.deepEqual(counts, ['00000001', '00000002', '00000003'])
    for (const [index, one] of shown.entries()) t.true(isRight(one, counts[index]))
    t.is(header(peer.asked('INVITE'), 'Session-Expires'), '3000;refresher=uac')
    peer.respond(peer.asked('INVITE'), 200, sdp(peer.endpoint))
    t.regex(header(peer.asked('ACK'), 'Proxy-Authorization') ?? '', /nc=00000003/)
    stage.a.ack(stage.a.told(200))
    t.is(stage.core.liveSessions, 1)
  })
}

const asksAgain = 'Proxy-Authenticate: Digest realm="b.example", nonce="n2", qop="auth"'

/** A call over the guarded trunk that was never challenged up to here. */
function guardedCall(): { stage: Stage; peer: Phone } {
  const stage = trunkStage(guarded)
  const peer = peerOf(stage, 1)
  stage.a.call('70001')
  peer.respond(peer.asked('INVITE'), 200, sdp(peer.endpoint))
  stage.a.ack(stage.a.told(200))
  return { stage, peer }
}

function isRight(request: SipRequest, count = '00000001'): boolean {
  const value = header(request, 'Proxy-Authorization') ?? ''
  const cnonce = /cnonce="([^"]*)"/.exec(value)?.[1] ?? ''
  const ha2 = md5(`${request.method}:${uriText(request.uri)}`)
  const wanted = md5(`${login.peerHa1Md5}:n2:${count}:${cnonce}:auth:${ha2}`)
  return value.includes(`response="${wanted}"`)
}

for (const takesOver of [false, true]) {
  const how = takesOver ? ', the other node too' : ''
  test(`BYE, re-INVITE and INFO that are challenged are asked again with the password${how}`, (t) => {
    const { stage, peer } = guardedCall()
    const { a } = stage
    const challenge = (method: string): SipRequest => {
      const before = peer.asked(method)
      if (takesOver) stage.takeOver()
      peer.respond(before, 407, '', [asksAgain])
      const after = peer.asked(method)
      t.is(after.cseq.number, before.cseq.number + 1)
      t.is(after.body, before.body)
      t.true(isRight(after), method)
      return after
    }
    a.reinvite(sdp(a.endpoint, { direction: 'sendonly', version: 2 }))
    const held = challenge('INVITE')
    peer.respond(held, 200, sdp(peer.endpoint, { direction: 'recvonly', version: 2 }))
    t.true(header(peer.asked('ACK'), 'Proxy-Authorization') !== undefined, 'RFC 3261 22.1')
    a.ack(a.told(200))
    a.request('INFO', { body: 'x', headers: ['Content-Type: text/plain'] })
    peer.respond(challenge('INFO'), 200)
    t.is(a.told(200).cseq.method, 'INFO')
    a.request('BYE')
    peer.respond(challenge('BYE'), 200)
    stage.pass(limits.releasedLingerMs + 40_000)
    t.is(stage.tables.wiredConference.size, 0)
  })
}

test('a password that is not taken is shown once, and without one the challenge is the answer', (t) => {
  const { stage, peer } = guardedCall()
  stage.a.request('BYE')
  peer.respond(peer.asked('BYE'), 407, '', [asksAgain])
  const second = peer.asked('BYE')
  peer.respond(second, 407, '', [asksAgain])
  t.is(peer.asked('BYE').cseq.number, second.cseq.number)
  stage.pass(limits.releasedLingerMs + 40_000)
  t.is(stage.tables.wiredConference.size, 0)
  const other = guardedCall()
  other.stage.a.reinvite(sdp(other.stage.a.endpoint, { direction: 'sendonly', version: 2 }))
  const invite = other.peer.asked('INVITE')
  other.peer.respond(invite, 401, '', ['WWW-Authenticate: Digest realm="elsewhere", nonce="n"'])
  t.is(other.peer.asked('INVITE').cseq.number, invite.cseq.number)
  t.true(other.stage.a.heard(488))
})

test('a trunk that is to show a password is asked for it, and its address alone is nothing', (t) => {
  const stage = trunkStage(guarded)
  const peer = peerOf(stage, 1)
  peer.call('102')
  const challenge = header(peer.told(401), 'WWW-Authenticate') ?? ''
  t.is(invites(stage.b).length, 0)
  const nonces = peer.told(401).headers.filter(({ name }) => name === 'WWW-Authenticate')
  const value = nonces.find((one) => one.value.includes('MD5'))?.value ?? challenge
  const nonce = /nonce="([^"]*)"/.exec(value)?.[1] ?? ''
  const uri = 'sip:102@10.0.0.9'
  const answer = (secret: string) =>
    md5(`${md5(`tower:vccs.test:${secret}`)}:${nonce}:00000001:abc:auth:${md5(`INVITE:${uri}`)}`)
  const shown = (secret: string) =>
    `Authorization: Digest username="tower", realm="vccs.test", nonce="${nonce}", uri="${uri}", ` +
    `qop=auth, nc=00000001, cnonce="abc", algorithm=MD5, response="${answer(secret)}"`
  peer.call('102', sdp(peer.endpoint), [shown('wrong')])
  t.true(peer.heard(403))
  peer.call('102', sdp(peer.endpoint), [shown('secret')])
  t.is(invites(stage.b).length, 1)
})

/** Each step of a call that goes the second way. */
const steps: ((stage: Stage) => void)[] = [
  ({ a }) => a.call('70001'),
  (stage) => peerOf(stage, 1).respond(peerOf(stage, 1).asked('INVITE'), 503),
  (stage) => peerOf(stage, 2).respond(peerOf(stage, 2).asked('INVITE'), 180),
  (stage) => {
    const peer = peerOf(stage, 2)
    peer.respond(peer.asked('INVITE'), 200, sdp(peer.endpoint))
  },
  ({ a }) => a.ack(a.told(200)),
  ({ a }) => a.request('BYE'),
  (stage) => peerOf(stage, 2).respond(peerOf(stage, 2).asked('BYE'), 200),
]

test('a take-over after each step of a call that goes another way changes nothing of it', (t) => {
  const play = (takeOverAfter: number) => {
    const stage = trunkStage()
    for (const [index, step] of steps.entries()) {
      step(stage)
      if (index === takeOverAfter) stage.takeOver()
    }
    stage.pass(80_000)
    return stage
  }
  const plain = play(-1)
  for (const [index] of steps.entries()) {
    const stage = play(index)
    t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${index}`)
    t.is(stage.core.liveSessions, 0)
    t.is(stage.tables.conferenceResource.size, 0)
    t.is(stage.tables.wiredConference.size, 0)
    t.deepEqual(
      stage.core.trunkStates(0).map(({ calls }) => calls),
      [0, 0, 0],
    )
  }
})
