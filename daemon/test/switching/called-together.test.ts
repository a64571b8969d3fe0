//! Who rings when several are called, by a group or a conference: what its members have set for calls to
//! themselves.
import test from 'ava'
import { conferenceStage, dialIn, only, pickUp, progressTold, roster } from './conference-stage.ts'
import { type Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

/** 231 does not want to be disturbed, and the calls of 232 go to 242. */
function site(): Stage {
  const stage = conferenceStage()
  stage.addPhone('250', 'position')
  changeProfile(stage, '231', { settings: { doNotDisturb: true } })
  changeProfile(stage, '232', { forward: { always: '242' } })
  return stage
}

function ringing(stage: Stage, numbers: readonly string[]): string[] {
  return numbers.filter((number) => stage.phone(number).heard('INVITE'))
}

const several = ['231', '232', '233', '242']

test('a group does not ring where nobody wants to be disturbed, and follows no forwarding', (t) => {
  for (const number of ['800', '801']) {
    const stage = site()
    stage.phone('241').call(number)
    t.deepEqual(ringing(stage, several), ['232', '233'], number)
  }
})

test('an emergency call to a group rings at all of them, and so does an urgent one', (t) => {
  for (const priority of ['emergency', 'urgent']) {
    const stage = site()
    const caller = stage.phone('250')
    const headers = ['Subject: DA/IDA call', `Priority: ${priority}`]
    caller.call('800', sdp(caller.endpoint), headers)
    t.deepEqual(ringing(stage, several), ['231', '232', '233'], priority)
  }
})

test('a group of whom nobody wants to be disturbed: 480', (t) => {
  const stage = site()
  for (const number of ['231', '232', '233'])
    changeProfile(stage, number, { settings: { doNotDisturb: true } })
  stage.phone('241').call('800')
  t.deepEqual(ringing(stage, several), [])
  t.true(stage.phone('241').heard(480))
})

test('a call that is forwarded or transferred to a group disturbs nobody there who does not want it', (t) => {
  const forwarded = site()
  changeProfile(forwarded, '240', { forward: { busy: '800' } })
  forwarded.phone('241').call('240')
  forwarded.phone('240').respond(forwarded.phone('240').asked('INVITE'), 486)
  t.deepEqual(ringing(forwarded, several), ['232', '233'])

  const transferred = site()
  const [a, b] = [transferred.phone('241'), transferred.phone('240')]
  a.call('240')
  pickUp(transferred, '240')
  a.ack(a.told(200))
  b.request('REFER', { headers: ['Refer-To: <sip:800@10.0.0.9>'], cseq: 101 })
  t.deepEqual(ringing(transferred, several), ['232', '233'])
})

for (const takesOver of [false, true]) {
  const how = takesOver ? ', also of the other node' : ''
  test(`a preset conference calls nobody who does not want it, and follows no forwarding${how}`, (t) => {
    const stage = site()
    dialIn(stage, '241', '710')
    t.deepEqual(ringing(stage, several), ['232', '233'])
    t.like(only(stage).focus, { away: [{ user: '231', status: 480 }] })
    if (takesOver) stage.takeOver()
    // He is a member, and may come by himself.
    dialIn(stage, '231', '710')
    t.deepEqual(only(stage).focus?.away, [])
  })

  test(`whom a member or the operator adds is asked by the same rules${how}`, (t) => {
    const stage = site()
    dialIn(stage, '233', '700')
    const phone = stage.phone('233')
    const refer = (number: string) => {
      phone.request('REFER', { headers: [`Refer-To: <sip:${number}@10.0.0.9>`] })
      return progressTold(phone)
    }
    if (takesOver) stage.takeOver()
    t.regex(refer('231'), /^SIP\/2.0 480/)
    t.is(stage.order('700', { kind: 'add', user: '231' }), 'operation-failed')
    t.regex(refer('232'), /^SIP\/2.0 100/)
    t.deepEqual(ringing(stage, ['231', '232', '242']), ['232'])
    pickUp(stage, '232')
    t.deepEqual(roster(stage), ['233 talking', '232 talking'])
  })
}

test('a conference of an emergency call rings where nobody wants to be disturbed', (t) => {
  const stage = site()
  const caller = stage.phone('250')
  const headers = ['Subject: DA/IDA call', 'Priority: emergency']
  caller.call('710', sdp(caller.endpoint), headers)
  t.deepEqual(ringing(stage, several), ['231', '232', '233'])
})
