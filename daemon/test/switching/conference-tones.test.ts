//! What the members of a conference hear of its coming and going, and who is asked for a PIN.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { toneSet } from '../../src/tables/tone-sets.ts'
import {
  conferenceStage,
  dialIn,
  hangUp,
  memberOf,
  pickUp,
  plan,
  presetMembers,
} from './conference-stage.ts'
import { type Stage, sdp } from './core-stage.ts'

const set = toneSet(plan.tones)

function toneOf(stage: Stage, user: string) {
  return stage.tables.wiredMedia.get(memberOf(stage, user)?.mediaId ?? '')?.tone ?? null
}

function names(stage: Stage, ...users: string[]) {
  return users.map((user) => toneOf(stage, user)?.name ?? null)
}

test('who is in hears the same tone at the same tick when somebody comes and goes, over a take-over at any step', (t) => {
  for (let death = -1; death < 4; death++) {
    const stage = conferenceStage()
    const dies = (n: number) => (n === death ? stage.takeOver() : undefined)
    dialIn(stage, '231', '700')
    t.deepEqual(names(stage, '231'), [null], 'nobody is there to hear the first one')
    dies(0)
    stage.pass(1_000)
    dialIn(stage, '232', '700')
    t.like(toneOf(stage, '231'), { ...set['conference-join'], untilTick: null })
    t.deepEqual(toneOf(stage, '232'), toneOf(stage, '231'))
    const first = toneOf(stage, '231')?.fromTick
    t.is(first, Math.floor(stage.now.tick) + limits.decisionLeadTicks)
    dies(1)
    stage.pass(1_000)
    dialIn(stage, '233', '700')
    t.deepEqual(names(stage, '231', '232', '233'), Array(3).fill('conference-join'))
    t.true((toneOf(stage, '231')?.fromTick ?? 0) > (first ?? 0), 'it is heard again')
    dies(2)
    stage.pass(1_000)
    hangUp(stage.phone('233'))
    t.deepEqual(names(stage, '231', '232'), ['conference-leave', 'conference-leave'])
    dies(3)
    t.like(toneOf(stage, '231'), set['conference-leave'])
  }
})

test('of two who come at once one tone is heard; hold and a change of the weight are none', (t) => {
  const stage = conferenceStage()
  for (const user of ['231', '232']) dialIn(stage, user, '700')
  const first = toneOf(stage, '231')
  stage.pass(60)
  dialIn(stage, '233', '700')
  t.deepEqual(toneOf(stage, '231'), first)
  t.deepEqual(names(stage, '233'), ['conference-join'])
  stage.pass(1_000)
  const phone = stage.phone('232')
  phone.reinvite(sdp(phone.endpoint, { direction: 'sendonly', version: 2 }))
  phone.ack(phone.told(200))
  t.deepEqual(toneOf(stage, '231'), first)
})

test('a site can do without, and a large conference has no tones', (t) => {
  const quiet = conferenceStage()
  quiet.core.setPlan({ ...plan, conferenceTones: false })
  for (const user of ['231', '232']) dialIn(quiet, user, '700')
  hangUp(quiet.phone('232'))
  t.deepEqual(names(quiet, '231'), [null])

  const large = conferenceStage()
  large.core.setPlan({
    ...plan,
    conferences: plan.conferences.map((one) => ({ ...one, membersMax: 32 })),
  })
  const extra = Array.from({ length: 10 }, (_, n) => String(251 + n))
  for (const user of extra) large.addPhone(user, 'telephone')
  const all = [...presetMembers, '241', '242', ...extra]
  for (const user of all.slice(0, limits.conferenceToneMembersMax)) {
    dialIn(large, user, '700')
    large.pass(500)
  }
  const before = toneOf(large, '231')
  dialIn(large, all[limits.conferenceToneMembersMax] ?? '', '700')
  t.deepEqual(toneOf(large, '231'), before)
})

test('a member who was called comes with a tone, one who does not answer without', (t) => {
  const stage = conferenceStage()
  dialIn(stage, '241', '710')
  pickUp(stage, '231')
  t.deepEqual(names(stage, '241', '231', '232'), ['conference-join', 'conference-join', null])
  const { fromTick } = toneOf(stage, '241') ?? { fromTick: 0 }
  stage.pass(1_000)
  const busy = stage.phone('232')
  busy.respond(busy.asked('INVITE'), 486)
  t.is(toneOf(stage, '241')?.fromTick, fromTick)
})

for (const takesOver of [false, true]) {
  const how = takesOver ? ', also of the other node' : ''
  test(`who is asked for a PIN hears the dial tone, then whether it was wrong, then that he is in${how}`, (t) => {
    const stage = conferenceStage()
    const dies = () => (takesOver ? stage.takeOver() : undefined)
    dialIn(stage, '240', '701')
    dialIn(stage, '231', '701')
    t.deepEqual(
      names(stage, '240', '231'),
      [null, 'dial'],
      'it waits apart, and nobody hears of it',
    )
    dies()
    const { mediaId } = memberOf(stage, '231') ?? { mediaId: '' }
    stage.digit(mediaId, '1')
    t.deepEqual(names(stage, '231'), [null])
    stage.digit(mediaId, '*')
    t.deepEqual(names(stage, '231'), ['dial'])
    for (const digit of '12#') stage.digit(mediaId, digit)
    t.like(toneOf(stage, '231'), { ...set['wrong-operation'], untilTick: null })
    dies()
    stage.pass(1_000)
    for (const digit of '4711#') stage.digit(mediaId, digit)
    t.deepEqual(names(stage, '240', '231'), ['conference-join', 'conference-join'])
    t.deepEqual(toneOf(stage, '240'), toneOf(stage, '231'))
  })
}

test('who brings its description with the ACK hears the dial tone from then on', (t) => {
  const stage = conferenceStage()
  const phone = stage.phone('231')
  phone.call('701', '')
  t.deepEqual(names(stage, '231'), [null])
  phone.ack(phone.told(200), sdp(phone.endpoint))
  t.deepEqual(names(stage, '231'), ['dial'])
})
