//! Cut links: one or two are an alarm and never a take-over; a healed pair has one primary.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import type { LinkName } from '../../scripts/net/netns.ts'
import { until } from '../../scripts/waiting.ts'

let lab: Lab

test.before(async () => {
  lab = await Lab.start({ members: ['p1'], users: labUsers(1001, 1) })
})

test.after.always(async () => {
  await lab?.close()
})

/** Twice the time after which a peer counts as lost. */
const observeMs = 1_000

function alarmed(links: readonly LinkName[]): Promise<unknown> {
  return until(
    async () => {
      const { alarms } = await (await lab.primary()).status()
      const subjects = alarms.map((alarm) => `${alarm.code} ${alarm.subject} ${alarm.detail}`)
      return links.every((link) => subjects.some((subject) => subject.includes(link)))
    },
    { what: `alarm for ${links.join(' and ')}` },
  )
}

const cuts: readonly (readonly LinkName[])[] = [
  ['net-a'],
  ['net-b'],
  ['private'],
  ['net-a', 'net-b'],
  ['net-a', 'private'],
  ['net-b', 'private'],
]

for (const links of cuts) {
  test.serial(`with ${links.join(' and ')} cut nothing moves and an alarm stands`, async (t) => {
    const primary = await lab.inStep()
    const { term } = await primary.opinion()
    for (const link of links) lab.network.cut(link)
    await alarmed(links)
    await delay(observeMs)
    t.is(await lab.primary(), primary)
    t.is((await primary.opinion()).term, term)
    for (const link of links) lab.network.heal(link)
    t.is(await lab.inStep(), primary)
  })
}

test.serial('an interface that goes down is a cut link too', async (t) => {
  const primary = await lab.inStep()
  lab.network.setDown(primary.node, 'net-b')
  await alarmed(['net-b'])
  t.is(await lab.primary(), primary)
  lab.network.setUp(primary.node, 'net-b')
  t.is(await lab.inStep(), primary)
})

test.serial(
  'with all links cut both serve, and when one heals exactly one stays primary',
  async (t) => {
    await lab.inStep()
    for (const link of lab.network.links) lab.network.cut(link)
    await until(
      async () => {
        const roles = await Promise.all([lab.a, lab.b].map((node) => node.opinion()))
        return roles.every((opinion) => opinion.role === 'primary')
      },
      { what: 'two primaries' },
    )
    // Nothing is known of the other one, but who it is.
    for (const node of [lab.a, lab.b]) {
      const other = await until(
        async () => {
          const found = (await node.status()).nodes.find(({ asked }) => asked === 'peer')
          return found?.role === null ? found : undefined
        },
        { what: `peer that ${node.name} does not hear` },
      )
      t.like(other, { name: lab.other(node).name, reachable: false })
    }
    lab.network.heal('private')
    await lab.primary()
    await lab.standby()
    for (const link of ['net-a', 'net-b'] as const) lab.network.heal(link)
    await lab.inStep()
  },
)
