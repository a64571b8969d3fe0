//! The hold tone in the records of both nodes, whenever the primary dies.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { emptyPlan } from '../../src/switching/plan.ts'
import { mediaOf } from '../../src/switching/xip/media.ts'
import { toneSet } from '../../src/tables/tone-sets.ts'
import { scripts } from './core-calls.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'

const { hold } = toneSet(emptyPlan.tones)

function legs(stage: Stage) {
  const found = [...stage.tables.wiredMedia.values()]
  const one = (leg: string) => found.find(({ mediaId }) => mediaId.endsWith(`-${leg}`))
  return { a: one('a'), b: one('b') }
}

function talking(): Stage {
  const stage = new Stage()
  for (const step of scripts['answered, hung up by the caller']?.slice(0, 4) ?? []) step(stage)
  stage.pass(1_000)
  return stage
}

let version = 1

function ask(phone: Phone, direction: string): void {
  if (phone.cseq === 0) phone.cseq = 100
  version += 1
  phone.reinvite(sdp(phone.endpoint, { direction, version }))
}

/** The other terminal answers what it is offered, if it is asked. */
function agree(phone: Phone, direction: string): void {
  version += 1
  phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint, { direction, version }))
}

/** Holding and resuming, as far as `steps` go. */
function holding(stage: Stage, who: 'a' | 'b', wish: 'sendonly' | 'inactive') {
  const far = who === 'a' ? 'b' : 'a'
  return [
    () => ask(stage[who], wish),
    () => agree(stage[far], 'recvonly'),
    () => stage[who].ack(stage[who].told(200)),
    () => stage.pass(2_000),
    () => ask(stage[who], 'sendrecv'),
    () => agree(stage[far], 'sendrecv'),
    () => stage[who].ack(stage[who].told(200)),
  ]
}

for (const who of ['a', 'b'] as const) {
  for (const wish of ['sendonly', 'inactive'] as const) {
    const far = who === 'a' ? 'b' : 'a'
    test(`held by ${who} (${wish}), the other one hears the hold tone, whenever the primary dies`, (t) => {
      for (let death = -1; death < 7; death++) {
        const stage = talking()
        for (const [n, step] of holding(stage, who, wish).entries()) {
          step()
          if (n === 0) {
            const offer = mediaOf(stage[far].asked('INVITE').body)
            t.is(offer?.direction, 'sendonly', 'who is held goes on listening')
          }
          if (n === death) stage.takeOver()
          const { [who]: near, [far]: held } = legs(stage)
          t.is(near?.tone, null)
          const isHeld = n >= 1 && n < 5
          t.is(held?.tone?.name, isHeld ? 'hold' : undefined, `after step ${n}, death ${death}`)
          if (!isHeld) continue
          t.is(held?.direction, 'sendonly')
          t.like(held?.tone, { ...hold, untilTick: null })
          t.is(held?.tone?.fromTick, held?.controlTick)
        }
        t.is(legs(stage)[far]?.direction, 'sendrecv')
        stage[who].request('BYE')
        t.is(stage.tables.wiredMedia.size, 0)
      }
    })
  }
}

test('the hold tone begins a few ticks ahead and goes on unchanged at the other node', (t) => {
  const stage = talking()
  const steps = holding(stage, 'a', 'sendonly')
  for (const step of steps.slice(0, 2)) step()
  const before = legs(stage).b
  t.is(before?.tone?.fromTick, Math.floor(stage.now.tick) + limits.decisionLeadTicks)
  stage.takeOver()
  stage.pass(500)
  t.deepEqual(legs(stage).b, before)
})

test('both hold: who holds hears no tone of the other, and each end of it is found again', (t) => {
  const stage = talking()
  for (const step of holding(stage, 'a', 'sendonly').slice(0, 3)) step()
  ask(stage.b, 'inactive')
  agree(stage.a, 'inactive')
  stage.b.ack(stage.b.told(200))
  // Both are held now: each leg has the tone, and nothing is sent to either.
  t.deepEqual([legs(stage).a?.direction, legs(stage).b?.direction], ['inactive', 'inactive'])
  ask(stage.a, 'sendrecv')
  agree(stage.b, 'sendonly')
  stage.a.ack(stage.a.told(200))
  t.is(legs(stage).b?.tone, null)
  t.is(legs(stage).a?.tone?.name, 'hold')
})
