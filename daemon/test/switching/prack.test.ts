//! Reliable provisional answers (RFC 3262), both ways: numbers, repetitions to the millisecond, what waits for
//! a PRACK, descriptions, and forks of a proxy. The whole calls, with a take-over after each step, are
//! among the scripts of core-calls.ts.
import test from 'ava'
import { mediaOf } from '../../src/switching/xip/media.ts'
import { header } from '../../src/wire/sip/message.ts'
import { prack, reliably } from './core-calls.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'
import { peerOf, sitePlan, trunk, trunkStage } from './trunk-stage.ts'

function reliableCall(option = 'Require: 100rel', body?: string): Stage {
  const stage = new Stage()
  stage.a.call('102', body ?? sdp(stage.a.endpoint), [option])
  return stage
}

function heard(phone: Phone, status: number): number {
  return phone.inbox.filter((one) => one.kind === 'response' && one.status === status).length
}

function rseq(phone: Phone, status: number): number {
  return Number(header(phone.told(status), 'RSeq'))
}

for (const option of ['Require: 100rel', 'Supported: 100rel']) {
  test(`${option}: 180 is numbered and repeated, doubling, until its PRACK`, (t) => {
    const stage = reliableCall(option)
    const { a, b } = stage
    b.respond(b.asked('INVITE'), 180)
    t.is(header(a.told(180), 'Require'), '100rel')
    t.true(rseq(a, 180) > 0 && rseq(a, 180) < 2 ** 31)
    const times: number[] = []
    for (let ms = 0; ms < 20_000; ms += 100) {
      const before = heard(a, 180)
      stage.pass(100)
      if (heard(a, 180) > before) times.push(ms + 100)
    }
    t.deepEqual(times, [500, 1_500, 3_500, 7_500, 15_500])
    prack(180)(stage)
    t.is(a.told(200).cseq.method, 'PRACK')
    const before = heard(a, 180)
    stage.pass(30_000)
    t.is(heard(a, 180), before)
  })
}

test('without a PRACK the INVITE is refused with a 5xx after 64*T1, also by the other node', (t) => {
  for (const takesOver of [false, true]) {
    const stage = reliableCall()
    const { a, b } = stage
    b.respond(b.asked('INVITE'), 180)
    if (takesOver) stage.takeOver()
    stage.pass(31_900)
    t.false(a.heard(504))
    stage.pass(200)
    t.true(a.heard(504))
    t.true(b.heard('CANCEL'))
    b.respond(b.asked('CANCEL'), 200)
    b.respond(b.asked('INVITE'), 487)
    stage.pass(45_000)
    t.is(stage.tables.wiredConference.size, 0)
    t.is(stage.tables.conferenceResource.size, 0)
  }
})

test('the next answer waits for the PRACK of the one before, with the next number', (t) => {
  const stage = reliableCall()
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 180)
  b.respond(b.asked('INVITE'), 182)
  b.respond(b.asked('INVITE'), 182)
  b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))
  const first = rseq(a, 180)
  t.false(a.heard(182))
  stage.takeOver()
  prack(180)(stage)
  t.is(rseq(a, 182), first + 1)
  t.false(a.heard(183))
  prack(182)(stage)
  t.is(rseq(a, 183), first + 2)
  t.not(mediaOf(a.told(183).body), null)
  t.is(heard(a, 182), 1, 'said twice, it says nothing new')
})

test('a PRACK of something else is answered 481 and changes nothing', (t) => {
  const stage = reliableCall()
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 180)
  const number = rseq(a, 180)
  a.remoteTag = a.told(180).to.parameters.get('tag') ?? ''
  for (const rack of [`${number + 1} 1 INVITE`, `${number} 2 INVITE`, `${number} 1 BYE`, 'x', '']) {
    a.inbox.length = 0
    a.request('PRACK', { headers: [`RAck: ${rack}`] })
    t.true(a.heard(481), rack)
  }
  a.inbox.length = 0
  a.request('PRACK', { headers: [`RAck: ${number} 1 INVITE`] })
  t.true(a.heard(200))
  a.inbox.length = 0
  a.request('PRACK', { headers: [`RAck: ${number} 1 INVITE`] })
  t.true(a.heard(481), 'there is none open any more')
})

test('a 200 after early media waits for the PRACK, over a take-over too, and has no second answer', (t) => {
  for (const takesOver of [false, true]) {
    const stage = reliableCall()
    const { a, b } = stage
    b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))
    b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
    t.true(b.heard('ACK'))
    if (takesOver) stage.takeOver()
    stage.pass(1_000)
    t.false(a.heard(200))
    t.true(heard(a, 183) >= 2)
    prack(183)(stage)
    const answer = a.told(200)
    t.is(answer.cseq.method, 'INVITE')
    t.is(answer.body, '')
    a.ack(answer)
    t.is(stage.tables.wiredMedia.size, 2)
    a.request('BYE')
    b.respond(b.asked('BYE'), 200)
    t.is(stage.core.liveSessions, 0)
  }
})

test('a 200 without early media does not wait, and ends the repetitions', (t) => {
  const stage = reliableCall()
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 180)
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  t.not(mediaOf(a.told(200).body), null)
  a.ack(a.told(200))
  stage.pass(40_000)
  t.is(heard(a, 180), 1)
  t.is(stage.core.liveSessions, 1)
})

test('a callee that hangs up before the held 200 has left: the caller is told BYE after its ACK', (t) => {
  const stage = reliableCall()
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  b.cseq = 100
  b.request('BYE')
  prack(183)(stage)
  a.ack(a.told(200))
  t.true(a.heard('BYE'))
  a.respond(a.asked('BYE'), 200)
  stage.pass(40_000)
  t.is(stage.tables.wiredConference.size, 0)
})

test('a held 200 whose PRACK never comes ends in a 5xx and a BYE to the callee', (t) => {
  const stage = reliableCall()
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  stage.pass(32_100)
  t.true(a.heard(504))
  t.false(a.heard(200))
  t.true(b.heard('BYE'))
  b.respond(b.asked('BYE'), 200)
  stage.pass(40_000)
  t.is(stage.tables.wiredConference.size, 0)
  t.is(stage.tables.conferenceResource.size, 0)
})

test('an INVITE without offer that requires reliable answers gets our offer in the first of them', (t) => {
  const stage = reliableCall('Require: 100rel', '')
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 180)
  t.not(mediaOf(a.told(180).body), null)
  prack(180)(stage)
  t.true(a.heard(488), 'the answer has to be in the PRACK')
  prack(180, sdp(a.endpoint))(stage)
  t.is(stage.tables.wiredMedia.size, 1)
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  t.is(a.told(200).body, '')
  a.ack(a.told(200))
  t.is(stage.tables.wiredMedia.size, 2)
})

test('who knows reliable answers and makes no offer gets ordinary ones', (t) => {
  const stage = reliableCall('Supported: 100rel', '')
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 180)
  t.is(header(a.told(180), 'RSeq'), undefined)
})

test('an offer in the PRACK is answered in its 200', (t) => {
  const stage = reliableCall()
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))
  prack(183, sdp(a.endpoint, { version: 2, port: 4_444 }))(stage)
  t.is(a.told(200).cseq.method, 'PRACK')
  t.not(mediaOf(a.told(200).body), null)
  const ports = [...stage.tables.wiredMedia.values()].map(({ remotePort }) => remotePort)
  t.true(ports.includes(4_444))
})

test('what requires something unknown is refused with its name', (t) => {
  const stage = reliableCall('Require: 100rel, hovercraft')
  t.is(header(stage.a.told(420), 'Unsupported'), 'hovercraft')
})

test('each reliable answer of the callee is acknowledged once, in order', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  t.regex(header(b.asked('INVITE'), 'Supported') ?? '', /100rel/)
  const pracks = () =>
    new Set(
      b.inbox.flatMap((one) =>
        one.kind === 'request' && one.method === 'PRACK' ? [header(one, 'RAck')] : [],
      ),
    )
  reliably(180, 5)(stage)
  t.deepEqual([...pracks()], ['5 1 INVITE'])
  t.is(b.asked('PRACK').to.parameters.get('tag'), b.localTag)
  reliably(180, 5)(stage)
  reliably(183, 7)(stage)
  t.is(pracks().size, 1, 'the same again, and one before which another is lost')
  t.false(a.heard(183))
  b.respond(b.asked('PRACK'), 200)
  stage.takeOver()
  reliably(183, 6, () => sdp(b.endpoint))(stage)
  t.deepEqual([...pracks()], ['5 1 INVITE', '6 1 INVITE'])
  t.not(mediaOf(a.told(183).body), null)
})

test('a PRACK of ours that died with its node is sent by the other one', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  stage.isMute = true
  reliably(180, 5)(stage)
  t.false(b.heard('PRACK'))
  stage.takeOver()
  stage.isMute = false
  stage.pass(600)
  t.is(header(b.asked('PRACK'), 'RAck'), '5 1 INVITE')
  const before = b.inbox.length
  b.respond(b.asked('PRACK'), 200)
  stage.pass(5_000)
  t.is(b.inbox.filter((one) => one.kind === 'request' && one.method === 'PRACK').length, before - 1)
})

for (const takesOver of [false, true]) {
  const how = takesOver ? ', the other node too' : ''
  test(`a PRACK that a trunk challenges is asked again, once, with the password${how}`, (t) => {
    const login = {
      ...{ user: 'tower', ha1Md5: 'a', ha1Sha256: 'b' },
      ...{ peerRealm: 'b.example', peerHa1Md5: 'c', peerHa1Sha256: 'd' },
    }
    const stage = trunkStage({ ...sitePlan, trunks: [trunk('b-1', { login })] })
    const peer = peerOf(stage, 1)
    const pracks = () =>
      peer.inbox.flatMap((one) => (one.kind === 'request' && one.method === 'PRACK' ? [one] : []))
    const challenge = 'Proxy-Authenticate: Digest realm="b.example", nonce="n1", qop="auth"'
    stage.a.call('70001')
    const more = ['Require: 100rel', 'RSeq: 5']
    peer.respond(peer.asked('INVITE'), 183, sdp(peer.endpoint), more)
    const [first = t.fail()] = pracks()
    if (takesOver) stage.takeOver()
    peer.respond(first, 407, '', [challenge])
    const again = pracks().at(-1) ?? t.fail()
    t.is(again.cseq.number, first.cseq.number + 1)
    t.is(header(again, 'RAck'), header(first, 'RAck'))
    t.is(again.to.parameters.get('tag'), first.to.parameters.get('tag'))
    t.regex(header(again, 'Proxy-Authorization') ?? '', /username="tower"/)
    const asked = pracks().length
    peer.respond(again, 407, '', [challenge])
    stage.pass(5_000)
    t.is(pracks().length, asked, 'a password that is not taken is shown once')
    peer.respond(peer.asked('INVITE'), 200)
    stage.a.ack(stage.a.told(200))
    stage.a.request('BYE')
    t.true(peer.asked('BYE').cseq.number > again.cseq.number)
    peer.respond(peer.asked('BYE'), 200)
    t.is(stage.core.liveSessions, 0)
  })
}

test('the telephones behind a forking proxy are early dialogs of their own', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  reliably(183, 5, () => sdp(b.endpoint, { port: 4_100 }))(stage)
  b.localTag = 'other'
  reliably(183, 9, () => sdp(b.endpoint, { port: 4_200 }))(stage)
  const pracks = b.inbox.filter((one) => one.kind === 'request' && one.method === 'PRACK')
  t.deepEqual(
    pracks.map((one) => one.to.parameters.get('tag')),
    ['tag102', 'other'],
  )
  t.true(pracks.every((one, index) => one.cseq.number === index + 2))
  const remote = () => [...stage.tables.wiredMedia.values()].map(({ remotePort }) => remotePort)
  t.true(remote().includes(4_100), 'the first that speaks is heard')
  t.false(remote().includes(4_200))
  b.respond(b.asked('INVITE'), 200)
  t.true(remote().includes(4_200), 'who answers is heard, as it has described itself')
  t.is(b.asked('ACK').to.parameters.get('tag'), 'other')
  a.ack(a.told(200))
  a.request('BYE')
  t.true(b.asked('BYE').cseq.number > Math.max(...pracks.map(({ cseq }) => cseq.number)))
  b.respond(b.asked('BYE'), 200)
  t.is(stage.core.liveSessions, 0)
})
