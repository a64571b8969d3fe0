//! Group calls: who rings, who has the call, and that a take-over in between changes nothing.
import test from 'ava'
import { header } from '../../src/wire/sip/message.ts'
import {
  conferenceStage,
  hangUp,
  holdings,
  nothing,
  only,
  pickUp,
  roster,
} from './conference-stage.ts'
import { type Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

const members = ['231', '232', '233']

function present(stage: Stage): string[] {
  return roster(stage).filter((one) => !one.includes('releas'))
}

for (const death of ['no death', 'before', 'between']) {
  const die = (stage: Stage, when: string) => {
    if (death === when) stage.takeOver()
  }

  test(`first: all ring, one answers and has the call, the others ring no more; ${death}`, (t) => {
    const stage = conferenceStage()
    const caller = stage.phone('241')
    caller.call('800')
    for (const number of members) {
      const phone = stage.phone(number)
      t.is(phone.asked('INVITE').from.uri.user, '241')
      phone.respond(phone.asked('INVITE'), 180)
    }
    t.is(caller.inbox.filter((one) => one.kind === 'response' && one.status === 180).length, 1)
    t.deepEqual(holdings(stage), { legs: 0, ports: 4, numbers: 1 })
    die(stage, 'before')
    pickUp(stage, '232')
    die(stage, 'between')
    caller.ack(caller.told(200))
    stage.pass(600)
    t.true(stage.phone('231').heard('CANCEL') && stage.phone('233').heard('CANCEL'))
    t.is(only(stage).type, 'ordinary')
    t.deepEqual(present(stage), ['241 talking', '232 talking'])
    t.deepEqual(holdings(stage), { legs: 2, ports: 2, numbers: 1 })
    for (const number of ['231', '233']) {
      const phone = stage.phone(number)
      phone.respond(phone.asked('CANCEL'), 200)
      phone.respond(phone.asked('INVITE'), 487)
    }
    hangUp(stage.phone('232'))
    caller.respond(caller.asked('BYE'), 200)
    t.deepEqual(holdings(stage), nothing)
    t.like(stage.records[0], { caller: '241', called: '800', status: 200, endedBy: 'callee' })
    stage.pass(80_000)
    t.is(stage.tables.wiredConference.size, 0)
  })

  test(`all: who answers joins, the caller with the first; ${death}`, (t) => {
    const stage = conferenceStage()
    const caller = stage.phone('241')
    caller.call('801')
    die(stage, 'before')
    pickUp(stage, '233')
    const contact = caller.told(200).contact
    t.true(contact !== '*' && contact[0]?.parameters.has('isfocus'))
    die(stage, 'between')
    caller.ack(caller.told(200))
    pickUp(stage, '231')
    t.deepEqual(roster(stage), ['241 talking', '231 talking', '232 calling', '233 talking'])
    stage.pass(31_000)
    t.deepEqual(present(stage), ['241 talking', '231 talking', '233 talking'])
    hangUp(stage.phone('231'))
    hangUp(caller)
    t.true(stage.phone('233').heard('BYE'))
    t.deepEqual(holdings(stage), nothing)
  })
}

/** 232 and 242 pick up the calls of each other. */
function pickUpStage(): Stage {
  const stage = conferenceStage()
  for (const number of ['232', '242']) {
    changeProfile(stage, number, { line: { pickupGroup: 'tower' } })
  }
  return stage
}

const pickUps: Readonly<Record<string, (stage: Stage) => void>> = {
  'the digits of the group': (stage) => stage.phone('242').call('*8'),
  'the digits and the number of who rings': (stage) => stage.phone('242').call('**232'),
  'the digits and the number of the group call': (stage) => {
    const { called } = only(stage).history ?? { called: '' }
    stage.phone('242').call(`**${called}`)
  },
  'Replaces, early only': (stage) => {
    const { callId, from } = stage.phone('232').asked('INVITE')
    const value = `${callId};to-tag=${from.parameters.get('tag')};from-tag=0;early-only`
    const one = stage.phone('242')
    one.call('232', sdp(one.endpoint), [`Replaces: ${value}`, 'Require: replaces'])
  },
}

for (const [how, pick] of Object.entries(pickUps)) {
  for (const death of ['no death', 'before', 'between']) {
    const die = (stage: Stage, when: string) => {
      if (death === when) stage.takeOver()
    }

    test(`first: picked up by ${how}, the others ring no more; ${death}`, (t) => {
      const stage = pickUpStage()
      const [caller, picker] = [stage.phone('241'), stage.phone('242')]
      caller.call('800')
      const rung = stage.phone('232')
      rung.respond(rung.asked('INVITE'), 180)
      die(stage, 'before')
      pick(stage)
      die(stage, 'between')
      picker.ack(picker.told(200))
      caller.ack(caller.told(200))
      stage.pass(600)
      for (const number of members) {
        const phone = stage.phone(number)
        if (!phone.heard('CANCEL')) phone.respond(phone.asked('INVITE'), 180)
        t.regex(header(phone.asked('CANCEL'), 'Reason') ?? '', /cause=200/)
        phone.respond(phone.asked('CANCEL'), 200)
        phone.respond(phone.asked('INVITE'), 487)
      }
      t.is(only(stage).type, 'ordinary')
      t.deepEqual(present(stage), ['241 talking', '242 talking'])
      t.deepEqual(holdings(stage), { legs: 2, ports: 2, numbers: 1 })
      stage.pass(30_000)
      for (const one of [caller, picker]) {
        if (one.heard('OPTIONS')) one.respond(one.asked('OPTIONS'), 200)
      }
      hangUp(caller)
      picker.respond(picker.asked('BYE'), 200)
      t.deepEqual(holdings(stage), nothing)
      t.like(stage.records[0], { caller: '241', called: '800', services: ['group', 'pickup'] })
    })

    test(`all: picked up by ${how}, who is in, and the others join; ${death}`, (t) => {
      const stage = pickUpStage()
      const [caller, picker] = [stage.phone('241'), stage.phone('242')]
      caller.call('801')
      const rung = stage.phone('232')
      rung.respond(rung.asked('INVITE'), 180)
      die(stage, 'before')
      pick(stage)
      die(stage, 'between')
      for (const one of [picker, caller]) {
        const { contact } = one.told(200)
        t.true(contact !== '*' && contact[0]?.parameters.has('isfocus'))
        one.ack(one.told(200))
      }
      stage.pass(600)
      t.true(rung.heard('CANCEL'))
      rung.respond(rung.asked('CANCEL'), 200)
      rung.respond(rung.asked('INVITE'), 487)
      t.deepEqual(present(stage), ['241 talking', '231 calling', '233 calling', '242 talking'])
      pickUp(stage, '233')
      stage.pass(31_000)
      t.deepEqual(present(stage), ['241 talking', '233 talking', '242 talking'])
      for (const number of ['233', '242', '241']) hangUp(stage.phone(number))
      t.deepEqual(holdings(stage), nothing)
    })
  }
}

test('a member of the group who picks up for another one rings no more himself', (t) => {
  for (const number of ['800', '801']) {
    const stage = pickUpStage()
    stage.phone('241').call(number)
    const picker = stage.phone('232')
    picker.respond(picker.asked('INVITE'), 180)
    const entry = stage.tables.phoneBook.get('242')
    if (entry === undefined) throw new Error('no account')
    stage.tables.phoneBook.put({ ...entry, number: '231' })
    picker.call('*8')
    t.true(picker.heard(200), number)
    t.true(picker.heard('CANCEL'), number)
    t.is(present(stage).filter((one) => one.startsWith('232')).length, 1, number)
  }
})

test('a group call is not picked up by strangers to it, and there is nothing after its answer', (t) => {
  const stage = pickUpStage()
  const ask = (from: string, number: string) => {
    const phone = stage.phone(from)
    phone.call(number)
    return phone.inbox.findLast((one) => one.kind === 'response' && one.status >= 300)
  }
  t.like(ask('242', '**800'), { status: 480 }, 'nobody calls it')
  stage.phone('241').call('800')
  t.like(ask('240', '*8'), { status: 480 })
  t.like(ask('240', '**800'), { status: 403 })
  t.like(ask('242', '**801'), { status: 480 })
  pickUp(stage, '231')
  t.like(ask('242', '*8'), { status: 480 })
  t.deepEqual(present(stage), ['241 talking', '231 talking'])
})

test('nobody answers: 408 after the time of the group, also when the primary died meanwhile', (t) => {
  const stage = conferenceStage()
  stage.phone('241').call('800')
  stage.pass(10_000)
  stage.takeOver()
  stage.pass(11_000)
  t.true(stage.phone('241').heard(408))
  t.deepEqual(holdings(stage), nothing)
})

test('all refuse, all are busy, one is away: the caller is told, and nothing is held', (t) => {
  const stage = conferenceStage()
  stage.phone('233').call('242')
  stage.tables.user.delete('232')
  stage.phone('241').call('800')
  t.false(stage.phone('232').heard('INVITE') || stage.phone('233').heard('INVITE'))
  stage.phone('231').respond(stage.phone('231').asked('INVITE'), 603)
  t.true(stage.phone('241').heard(603))
  stage.phone('231').call('101')
  stage.phone('240').call('800')
  t.true(stage.phone('240').heard(486))
})

test('CANCEL of the caller ends the ringing of all', (t) => {
  const stage = conferenceStage()
  const caller = stage.phone('241')
  caller.call('800')
  for (const number of members)
    stage.phone(number).respond(stage.phone(number).asked('INVITE'), 180)
  caller.request('CANCEL', { cseq: caller.cseq })
  t.true(caller.heard(487))
  t.true(members.every((number) => stage.phone(number).heard('CANCEL')))
  t.deepEqual(holdings(stage), nothing)
})

test('an answer without voice wins nothing: the others ring on', (t) => {
  const stage = conferenceStage()
  stage.phone('241').call('800')
  stage.phone('231').respond(stage.phone('231').asked('INVITE'), 200, 'v=0')
  t.true(stage.phone('231').heard('BYE'))
  pickUp(stage, '232')
  t.deepEqual(present(stage), ['241 talking', '232 talking'])
})
