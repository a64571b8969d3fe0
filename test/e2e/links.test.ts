//! Cut links: one or two are an alarm and never a take-over; a healed pair has one primary.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
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

async function isHeld(node: LabNode): Promise<boolean> {
  const { active } = await node.ask('alarms', {})
  return active.some(({ code }) => code === 'role-held')
}

async function bothHeld(): Promise<boolean> {
  return (await Promise.all([lab.a, lab.b].map(isHeld))).every((held) => held)
}

async function bothServe(): Promise<boolean> {
  const opinions = await Promise.all([lab.a, lab.b].map((node) => node.opinion()))
  return opinions.every(({ role }) => role === 'primary')
}

/** All links are cut for longer than a peer is missed. @returns who serves when they are healed */
async function flap(duringCut: () => Promise<void> = async () => {}): Promise<LabNode> {
  for (const link of lab.network.links) lab.network.cut(link)
  await until(bothServe, { what: 'two primaries' })
  await duringCut()
  for (const link of lab.network.links) lab.network.heal(link)
  await lab.standby()
  return lab.primary()
}

test.serial(
  'links that flap for longer than a peer is missed: the role is held, with an alarm at both nodes',
  async (t) => {
    await lab.inStep()
    // The first cut may move the role, the second one of a minute does not.
    await flap()
    const holder = await flap()
    await until(bothHeld, { what: 'the alarm at both nodes' })
    for (let more = 0; more < 2; more += 1) {
      const still = await flap(async () => {
        t.true(await bothHeld(), 'also while nothing is heard')
      })
      t.is(still, holder)
      t.true(await bothHeld())
    }
  },
)
