//! Group calls: who rings, who has the call, and that a take-over in between changes nothing.
import test from 'ava'
import {
  conferenceStage,
  hangUp,
  holdings,
  nothing,
  only,
  pickUp,
  roster,
} from './conference-stage.ts'
import type { Stage } from './core-stage.ts'

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
