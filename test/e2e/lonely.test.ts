//! Deaths for which no announcement and no standby help: the pair unit's, and a crash of the switch
//! while the other node is dead.
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { type PhonePair, putDown, registerPhones, talk } from './call.ts'

let lab: Lab
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(1001, 2) })
  pair = await registerPhones(lab)
})

test.after.always(async () => {
  await lab?.close()
})

test.serial(
  'a primary whose pair unit dies stops serving, and its peer takes the calls',
  async (t) => {
    const victim = await lab.inStep()
    const survivor = lab.other(victim)
    await talk(pair)
    await victim.killUnit('pair')
    await until(async () => (await survivor.opinion()).role === 'primary', { what: 'take-over' })
    await lab.inStep()
    t.is((await victim.opinion()).role, 'standby')
    t.is((await survivor.opinion()).service?.calls, 1)
    await putDown(pair.caller, pair)
  },
)

test.serial(
  'alone, a switch that crashes goes on with its call, which can be put down',
  async (t) => {
    const alone = await lab.inStep()
    await talk(pair)
    lab.other(alone).killAll()
    await until(async () => (await alone.opinion()).alone, { what: 'a node alone' })
    await alone.killUnit('switch')
    const opinion = await until(
      async () => {
        const now = await alone.opinion().catch(() => undefined)
        return now?.role === 'primary' && now.media?.legs === 2 ? now : undefined
      },
      { what: 'the switch with its call again', msMax: 15_000 },
    )
    t.is(opinion.service?.calls, 1)
    t.true(opinion.alone)
    await putDown(pair.callee, pair)
  },
)
