//! Bad links between the nodes, through a relay that loses, delays, doubles, turns round and breaks what it
//! carries: at most one move of the role, none without need, and the call hears nothing of it.
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Capture } from '../../scripts/capture/capture.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'

/** Many times that after which a peer counts as lost. */
const badMs = 8_000
const calmMs = 1_500
let lab: Lab
let pair: PhonePair
let captures: readonly Capture[]
let fromMs: number

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(1001, 2), relayed: true })
  pair = await registerPhones(lab)
  captures = await Promise.all([lab.capture('p1'), lab.capture('p2')])
  await talk(pair)
  await lab.inStep()
  await delay(calmMs)
  fromMs = Date.now()
})

test.afterEach.always(async () => {
  await lab?.impair.heal(lab.network.links)
  await lab?.inStep()
})

test.after.always(async () => {
  await lab?.close()
})

/** What a move of the role would change. */
async function place(): Promise<{ primary: LabNode; term: number }> {
  const primary = await lab.inStep()
  return { primary, term: (await primary.opinion()).term ?? Number.NaN }
}

async function nothingMoved(t: ExecutionContext, before: { primary: LabNode; term: number }) {
  t.is(await lab.primary(), before.primary)
  t.is((await before.primary.opinion()).term, before.term)
}

test.serial(
  'a third lost, a third doubled, out of order and up to 200 ms late: nothing moves',
  async (t) => {
    const before = await place()
    const impairment = {
      lossPercent: 30,
      duplicatePercent: 30,
      reorderPercent: 20,
      jitterMs: 200,
    }
    await lab.impair.set({ links: lab.network.links, impairment })
    await delay(badMs)
    await nothingMoved(t, before)
    const counters = Object.values(await lab.impair.counters())
    t.true(counters.every(({ lost, duplicated }) => lost > 0 && duplicated > 0))
  },
)

test.serial(
  'links that break every third datagram: none of it is believed, and nothing moves',
  async (t) => {
    const before = await place()
    await lab.impair.set({ links: lab.network.links, impairment: { corruptPercent: 33 } })
    await until(async () => /forged heartbeats/.test(`${lab.a.log()}${lab.b.log()}`), {
      what: 'word of broken heartbeats',
    })
    await delay(badMs / 2)
    await nothingMoved(t, before)
    const counters = Object.values(await lab.impair.counters())
    t.true(counters.every(({ corrupted }) => corrupted > 0))
  },
)

test.serial('links that come and go faster than a peer is missed: nothing moves', async (t) => {
  const before = await place()
  const { links } = lab.network
  for (let flap = 0; flap < 12; flap += 1) {
    await lab.impair.set({ links, impairment: { lossPercent: 100 } })
    await delay(150)
    await lab.impair.heal(links)
    await delay(350)
  }
  await nothingMoved(t, before)
})

test.serial(
  'a standby that hears nobody although it is heard: one move, and it stays so',
  async (t) => {
    const { primary, term } = await place()
    const standby = lab.other(primary)
    const direction = primary.node === 'a' ? 'a-b' : 'b-a'
    await lab.impair.set({ links: lab.network.links, direction, impairment: { lossPercent: 100 } })
    await until(async () => (await standby.opinion()).role === 'primary', { what: 'take-over' })
    await until(async () => (await primary.opinion()).role !== 'primary', { what: 'step back' })
    await delay(badMs / 2)
    t.is((await standby.opinion()).role, 'primary')
    t.not((await primary.opinion()).role, 'primary')
    t.is((await standby.opinion()).term, term + 1)
    await lab.impair.heal(lab.network.links)
    t.is(await lab.inStep(), standby)
    t.is((await standby.opinion()).term, term + 1)
  },
)

test.serial('two dead links and a bad third one: an alarm, and nothing moves', async (t) => {
  const before = await place()
  const [bad, ...dead] = lab.network.links
  await lab.impair.set({ links: dead, impairment: { lossPercent: 100 } })
  if (bad !== undefined) {
    const impairment = { lossPercent: 10, duplicatePercent: 20, jitterMs: 60 }
    await lab.impair.set({ links: [bad], impairment })
  }
  await until(
    async () => (await before.primary.status()).alarms.some(({ code }) => code === 'links-down'),
    { what: 'the graver alarm' },
  )
  await delay(badMs / 2)
  await nothingMoved(t, before)
})

test.serial('the call has lost no packet in all of this, and can be put down', async (t) => {
  const toMs = Date.now()
  await putDown(pair.caller, pair)
  for (const [index, member] of (['p1', 'p2'] as const).entries()) {
    const packets = (await captures[index]?.stop()) ?? []
    t.is(lostIn(packets, lab.network.address(member), { fromMs, toMs: toMs - 200 }), 0)
  }
})
