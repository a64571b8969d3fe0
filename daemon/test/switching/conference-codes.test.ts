//! What members of a conference dial in it: who opened it locks it and silences the others, and everybody
//! silences himself.
import test from 'ava'
import { conferenceStage, dialIn, memberOf, only, pickUp, plan } from './conference-stage.ts'
import { Stage } from './core-stage.ts'

/** 231 has opened 700, and 232 and 233 are in it. */
function threeIn(stage = conferenceStage()): Stage {
  for (const number of ['231', '232', '233']) dialIn(stage, number, '700')
  // The tones of those who have come are over.
  stage.pass(5_000)
  return stage
}

function legOf(stage: Stage, number: string) {
  return stage.tables.wiredMedia.get(memberOf(stage, number)?.mediaId ?? '')
}

/** In the voice. @param takesOver after each digit */
function dials(stage: Stage, number: string, digits: string, takesOver = false): void {
  for (const digit of digits) {
    stage.digit(memberOf(stage, number)?.mediaId ?? '', digit)
    if (takesOver) stage.takeOver()
  }
}

function dialsByInfo(stage: Stage, number: string, digits: string): void {
  for (const digit of digits) {
    const headers = ['Content-Type: application/dtmf-relay']
    stage.phone(number).request('INFO', { body: `Signal=${digit}\r\nDuration=160\r\n`, headers })
  }
}

function silenced(stage: Stage): string[] {
  return ['231', '232', '233'].filter((number) => legOf(stage, number)?.muted === true)
}

for (const takesOver of [false, true]) {
  const how = takesOver ? ', with a take-over after each digit' : ''

  test(`who has opened it locks and opens the conference${how}`, (t) => {
    const stage = threeIn()
    dials(stage, '231', '*41', takesOver)
    t.is(legOf(stage, '231')?.tone?.name, 'confirmation')
    t.is(legOf(stage, '232')?.tone?.name === 'confirmation', false)
    stage.phone('234').call('700')
    t.true(stage.phone('234').heard(603))
    dials(stage, '231', '*42', takesOver)
    dialIn(stage, '235', '700')
    t.is(only(stage).members.at(-1)?.user, '235')
  })

  test(`he silences all others, and lets them speak again${how}`, (t) => {
    const stage = threeIn()
    dials(stage, '231', '*43', takesOver)
    t.deepEqual(silenced(stage), ['232', '233'])
    // What the owner says stands over what a member wants.
    dials(stage, '232', '*46', takesOver)
    t.deepEqual(silenced(stage), ['232', '233'])
    dials(stage, '231', '*44', takesOver)
    t.deepEqual(silenced(stage), [])
  })

  test(`everybody silences himself, and stays so when all may speak again${how}`, (t) => {
    const stage = threeIn()
    dials(stage, '233', '*45', takesOver)
    t.deepEqual(silenced(stage), ['233'])
    t.is(legOf(stage, '233')?.tone?.name, 'confirmation')
    dials(stage, '231', '*43*44', takesOver)
    t.deepEqual(silenced(stage), ['233'])
    dialsByInfo(stage, '233', '*46')
    t.is(stage.phone('233').told(200).cseq.method, 'INFO')
    t.deepEqual(silenced(stage), [])
  })
}

test('who is still asked for the PIN is not silenced with the others', (t) => {
  const stage = conferenceStage()
  for (const number of ['240', '231', '232']) dialIn(stage, number, '701')
  dials(stage, '231', '4711#')
  dials(stage, '240', '*43')
  t.true(legOf(stage, '231')?.muted)
  dials(stage, '232', '4711#')
  t.is(legOf(stage, '232')?.muted, null)
})

test('of others the codes of the owner are refused by a tone, and do nothing', (t) => {
  for (const code of ['*41', '*42', '*43', '*44']) {
    const stage = threeIn()
    const before = stage.tables.wiredConference.get(only(stage).sessionId)?.focus
    dials(stage, '232', code)
    t.is(legOf(stage, '232')?.tone?.name, 'wrong-operation', code)
    t.deepEqual(only(stage).focus, before, code)
    t.deepEqual(silenced(stage), [], code)
  }
})

test('other digits mean nothing: they change no record, and a code may follow them', (t) => {
  const stage = threeIn()
  const before = only(stage)
  dials(stage, '231', '5#12')
  t.is(only(stage), before, 'nothing is written')
  dials(stage, '231', '*4')
  t.not(only(stage), before, 'the other node knows what was dialled')
  dials(stage, '231', '9')
  t.deepEqual(memberOf(stage, '231')?.seat?.digits, '')
  t.false(only(stage).focus?.locked)
  dials(stage, '231', '**4*41')
  t.true(only(stage).focus?.locked)
})

test('who is asked for the PIN dials no codes, and a call of two has none', (t) => {
  const asked = conferenceStage()
  dialIn(asked, '240', '701')
  dialIn(asked, '231', '701')
  dials(asked, '231', '*45')
  t.is(memberOf(asked, '231')?.seat?.digits, '45', 'a PIN that begins so')
  t.is(memberOf(asked, '231')?.seat?.selfMuted, null)
  const two = conferenceStage()
  two.phone('231').call('232')
  pickUp(two, '232')
  two.phone('231').ack(two.phone('231').told(200))
  dials(two, '231', '*45')
  t.deepEqual(silenced(two), [])
})

test('the digits are those of the site, and each code can be switched off', (t) => {
  const features = { ...plan.features, conferenceLock: '#1', conferenceMute: null }
  const stage = new Stage({ plan: { ...plan, features }, lastPort: 20_079 })
  for (const number of ['231', '232', '233']) stage.addPhone(number, 'telephone')
  threeIn(stage)
  dials(stage, '231', '*41*45')
  t.false(only(stage).focus?.locked)
  t.deepEqual(silenced(stage), [])
  dials(stage, '231', '#1')
  t.true(only(stage).focus?.locked)
})
