//! A unit that dies again and again: it is restarted with growing pauses, an alarm says so, and the role
//! moves once.
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { type PhonePair, putDown, registerPhones, talk } from './call.ts'

const deaths = 5
let lab: Lab
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(1001, 2) })
  pair = await registerPhones(lab)
})

test.after.always(async () => {
  await lab?.close()
})

async function mediaPid(node: LabNode): Promise<number | undefined> {
  const media = (await node.opinion()).units.find(({ unit }) => unit === 'media')
  return media?.state === 'up' ? (media.pid ?? undefined) : undefined
}

test('the role moves once, however often a unit of one node dies', async (t) => {
  const victim = await lab.inStep()
  const survivor = lab.other(victim)
  const { term } = await victim.opinion()
  await talk(pair)
  for (let death = 0; death < deaths; death += 1) {
    const { pid } = await victim.killUnit('media')
    await until(
      async () => {
        const again = await mediaPid(victim)
        return again !== undefined && again !== pid
      },
      { what: `restart ${death + 1}` },
    )
  }
  await until(
    async () => {
      const { active } = await victim.ask('alarms', {})
      return active.some(({ code, subject }) => code === 'crash-loop' && subject === 'media')
    },
    { what: 'alarm crash-loop' },
  )
  t.like(await survivor.opinion(), { role: 'primary', term: (term ?? 0) + 1 })
  t.is((await survivor.opinion()).service?.calls, 1)
  t.is((await victim.opinion()).role, 'standby')
  const pauses = victim
    .wholeLog()
    .split('\n')
    .filter((line) => /"of":"media".*"text":"unit died"/.test(line))
    .map((line) => (JSON.parse(line) as { pauseMs: number }).pauseMs)
  t.deepEqual(pauses, [100, 200, 400, 800, 1_600])
  await until(
    async () => {
      const { active } = await victim.ask('alarms', {})
      return !active.some(({ code }) => code === 'crash-loop')
    },
    { what: 'end of the alarm after a life of some length' },
  )
  await lab.inStep()
  await putDown(pair.caller, pair)
})
