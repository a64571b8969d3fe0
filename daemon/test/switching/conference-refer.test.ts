//! Members of a conference who call others in by REFER: a group, somebody behind another system, and what
//! cannot be a member.
import test from 'ava'
import {
  bridgesOf,
  conferenceStage,
  dialIn,
  hangUp,
  holdings,
  only,
  pickUp,
  progressTold,
  roster,
} from './conference-stage.ts'
import { type Stage, sdp } from './core-stage.ts'
import { peerOf } from './trunk-stage.ts'

/** Members who have not left. */
function present(stage: Stage): string[] {
  return roster(stage).filter((one) => !/releas/.test(one))
}

/** 231 and 232 are in 700, and 231 has asked for one more. */
function referring(number: string): { readonly stage: Stage; readonly told: () => string } {
  const stage = conferenceStage()
  for (const last of [1, 2]) peerOf(stage, last)
  dialIn(stage, '231', '700')
  dialIn(stage, '232', '700')
  const phone = stage.phone('231')
  const told = () => progressTold(phone)
  phone.request('REFER', { headers: [`Refer-To: <sip:${number}@10.0.0.9>`] })
  return { stage, told }
}

for (const takesOver of [false, true]) {
  const how = takesOver ? ', also of the other node' : ''
  test(`a member calls somebody outside into the conference, on the second way${how}`, (t) => {
    const { stage, told } = referring('6123')
    t.regex(told(), /^SIP\/2.0 100/)
    const [north, south] = [peerOf(stage, 1), peerOf(stage, 2)]
    // North says nothing in its time.
    if (takesOver) stage.takeOver()
    stage.pass(4_100)
    north.respond(north.asked('INVITE'), 100)
    if (takesOver) stage.takeOver()
    south.respond(south.asked('INVITE'), 180)
    t.regex(told(), /^SIP\/2.0 180/)
    south.respond(south.asked('INVITE'), 200, sdp(south.endpoint))
    t.regex(told(), /^SIP\/2.0 200/)
    t.deepEqual(present(stage), ['231 talking', '232 talking', '6123 talking'])
    t.is(bridgesOf(stage).size, 1)
    stage.pass(600)
    north.respond(north.asked('CANCEL'), 200)
    north.respond(north.asked('INVITE'), 487)
    t.is(only(stage).transfer, null)
    hangUp(south)
    t.deepEqual(present(stage), ['231 talking', '232 talking'])
    t.is(holdings(stage).legs, 2)
  })

  test(`of a group that a member calls in, the first who answers comes${how}`, (t) => {
    const { stage, told } = referring('800')
    t.regex(told(), /^SIP\/2.0 100/)
    // 231 and 232 are in already.
    t.true(stage.phone('233').heard('INVITE'))
    if (takesOver) stage.takeOver()
    pickUp(stage, '233')
    t.regex(told(), /^SIP\/2.0 200/)
    t.deepEqual(present(stage), ['231 talking', '232 talking', '233 talking'])
  })
}

test('a member calls nobody in who is at another system', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '240', '700')
  stage.phone('240').request('REFER', { headers: ['Refer-To: <sip:233@other.system>'] })
  t.true(stage.phone('240').heard(403))
  t.false(stage.phone('233').heard('INVITE'))
})

test('of a group that is called in, the last refusal counts, and who is late rings no more', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '240', '700')
  const phone = stage.phone('240')
  const told = () => progressTold(phone)
  const call = (number: string) => {
    phone.request('REFER', { headers: [`Refer-To: <sip:${number}@10.0.0.9>`] })
    t.regex(told(), /^SIP\/2.0 100/)
  }
  const refuse = (number: string, status: number) =>
    stage.phone(number).respond(stage.phone(number).asked('INVITE'), status)
  call('800')
  refuse('231', 603)
  t.deepEqual(present(stage), ['240 talking', '232 calling', '233 calling'])
  refuse('233', 180)
  t.regex(told(), /^SIP\/2.0 180/)
  pickUp(stage, '232')
  t.regex(told(), /^SIP\/2.0 200/)
  t.true(stage.phone('233').heard('CANCEL'))
  stage.phone('233').respond(stage.phone('233').asked('CANCEL'), 200)
  refuse('233', 487)
  t.deepEqual(present(stage), ['240 talking', '232 talking'])
  call('801')
  refuse('231', 486)
  pickUp(stage, '233')
  t.regex(told(), /^SIP\/2.0 200/)
  t.deepEqual(present(stage), ['240 talking', '232 talking', '233 talking'])
  for (const number of ['232', '233']) hangUp(stage.phone(number))
  call('801')
  pickUp(stage, '231')
  t.regex(told(), /^SIP\/2.0 200/)
  pickUp(stage, '232')
  t.deepEqual(present(stage), ['240 talking', '231 talking', '232 talking', '233 calling'])
  for (const number of ['231', '232']) hangUp(stage.phone(number))
  refuse('233', 486)
  call('800')
  for (const number of ['231', '232', '233']) refuse(number, 486)
  t.regex(told(), /^SIP\/2.0 486/)
  t.is(only(stage).transfer, null)
})

test('what cannot be a member is refused to who asks for it, by its reason', (t) => {
  const reasons = { '701': 403, '0123': 403, '*78': 403, '999': 404 }
  for (const [number, status] of Object.entries(reasons)) {
    const { stage, told } = referring(number)
    t.regex(told(), new RegExp(`^SIP/2.0 ${status} `), number)
    t.deepEqual(present(stage), ['231 talking', '232 talking'])
    t.is(only(stage).transfer, null)
  }
})

/** 231 has opened 700, and 232 and 233 are in it. */
function threeIn(): Stage {
  const stage = conferenceStage()
  for (const number of ['231', '232', '233']) dialIn(stage, number, '700')
  return stage
}

function asksToDrop(stage: Stage, from: string, number: string, more: string[] = []): void {
  const headers = [`Refer-To: <sip:${number}@10.0.0.9;method=BYE>`, ...more]
  stage.phone(from).request('REFER', { headers })
}

for (const takesOver of [false, true]) {
  const how = takesOver ? ', also of the other node' : ''
  test(`the owner drops a member, and somebody who still rings${how}`, (t) => {
    const stage = threeIn()
    const owner = stage.phone('231')
    const told = () => {
      const { body } = owner.asked('NOTIFY')
      if (takesOver) stage.takeOver()
      owner.respond(owner.asked('NOTIFY'), 200)
      return body.trim()
    }
    asksToDrop(stage, '231', '232')
    t.true(owner.heard(202))
    t.is(told(), 'SIP/2.0 200 OK')
    t.true(stage.phone('232').heard('BYE'))
    stage.phone('232').respond(stage.phone('232').asked('BYE'), 200)
    t.deepEqual(present(stage), ['231 talking', '233 talking'])
    t.like(only(stage).focus, { away: [{ user: '232', status: 200 }] })
    t.is(stage.order('700', { kind: 'add', user: '234' }), null)
    stage.phone('234').respond(stage.phone('234').asked('INVITE'), 180)
    asksToDrop(stage, '231', '234')
    t.is(told(), 'SIP/2.0 200 OK')
    stage.pass(600)
    t.true(stage.phone('234').heard('CANCEL'))
    t.deepEqual(present(stage), ['231 talking', '233 talking'])
    asksToDrop(stage, '231', '232')
    t.is(told(), 'SIP/2.0 404 Not Found', 'he is not there any more')
    t.is(only(stage).transfer, null)
    t.deepEqual(holdings(stage), { legs: 2, ports: 2, numbers: 1 })
  })
}

test('who is not the owner drops nobody: 403; nor does anybody in a call of two: 400', (t) => {
  const stage = threeIn()
  asksToDrop(stage, '232', '233')
  t.true(stage.phone('232').heard(403))
  t.false(stage.phone('233').heard('BYE'))
  const [a, b] = [stage.phone('235'), stage.phone('236')]
  a.call('236')
  pickUp(stage, '236')
  a.ack(a.told(200))
  asksToDrop(stage, '235', '236')
  t.true(a.heard(400))
  t.false(b.heard('BYE'))
})

test('an owner who only listens, and has locked his conference, drops members all the same', (t) => {
  const stage = conferenceStage()
  for (const number of ['239', '231', '232']) {
    if (number === '239') dialIn(stage, number, '710')
    else pickUp(stage, number)
  }
  t.is(stage.order('710', { kind: 'lock', locked: true }), null)
  asksToDrop(stage, '239', '231', ['Refer-Sub: false'])
  t.true(stage.phone('231').heard('BYE'))
  t.false(stage.phone('239').heard('NOTIFY'))
  t.is(only(stage).transfer, null)
})

test('the owner drops himself: he is told, and the others go on', (t) => {
  const stage = threeIn()
  asksToDrop(stage, '231', '231')
  const owner = stage.phone('231')
  t.is(owner.asked('NOTIFY').body, 'SIP/2.0 200 OK\r\n')
  owner.respond(owner.asked('NOTIFY'), 200)
  owner.respond(owner.asked('BYE'), 200)
  t.deepEqual(present(stage), ['232 talking', '233 talking'])
  t.is(only(stage).transfer, null)
})

test('a drop that leaves too few ends the conference', (t) => {
  const stage = conferenceStage()
  const [a, b] = [stage.phone('231'), stage.phone('232')]
  a.call('801')
  pickUp(stage, '232')
  a.ack(a.told(200))
  asksToDrop(stage, '231', '232')
  t.is(a.asked('NOTIFY').body, 'SIP/2.0 200 OK\r\n')
  for (const one of [a, b]) one.respond(one.asked('BYE'), 200)
  t.is(stage.core.liveSessions, 0)
  t.deepEqual(holdings(stage), { legs: 0, ports: 0, numbers: 0 })
})
