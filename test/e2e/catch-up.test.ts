//! Death in the middle of a catch-up: of the node that catches up, and of the only one that has all.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'

/** Each has records in several tables: a catch-up takes a while. */
const accounts = 1_200
/** A catch-up that was over before the kill is no kill in a catch-up: another attempt. */
const attemptsMax = 4
let lab: Lab
let watch: SilentStandbyWatch
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(1001, accounts) })
  watch = await SilentStandbyWatch.start(lab)
  pair = await registerPhones(lab)
})

test.afterEach.always(async () => {
  await Promise.allSettled([pair?.caller.hangUp(), pair?.callee.hangUp()])
  await lab?.bothRun()
})

test.after.always(async () => {
  await lab?.close()
})

/** Starts the dead standby; resolves while it catches up, false when it was too quick. */
async function catchingUp(primary: LabNode, standby: LabNode): Promise<boolean> {
  const started = standby.start().catch(() => undefined)
  const isCatchingUp = await until(
    async () => {
      const { sync, peerSeen } = await primary.opinion()
      if (peerSeen?.inStep === true) return 'over'
      return (sync?.pending ?? 0) > 0 ? 'under way' : undefined
    },
    { what: 'catch-up', everyMs: 2 },
  )
  void started
  return isCatchingUp === 'under way'
}

async function records(node: LabNode): Promise<unknown> {
  return (await node.opinion()).sync?.tables
}

test.serial('a standby that dies while it catches up is complete the next time', async (t) => {
  const capture = await lab.capture('p1')
  await talk(pair)
  const primary = await lab.inStep()
  const standby = lab.other(primary)
  const fromMs = Date.now()
  let deaths = 0
  for (let attempt = 0; attempt < attemptsMax && deaths < 2; attempt += 1) {
    standby.killAll()
    await until(async () => (await primary.opinion()).alone, { what: 'alarm of the lost standby' })
    if (await catchingUp(primary, standby)) deaths += 1
  }
  t.true(deaths > 0)
  standby.killAll()
  await standby.start()
  t.is(await lab.inStep(), primary)
  t.deepEqual(await records(standby), await records(primary))
  const toMs = Date.now()
  await putDown(pair.caller, pair)
  const address = lab.network.address('p1')
  t.is(lostIn(await capture.stop(), address, { fromMs, toMs: toMs - 200 }), 0)
})

test.serial('when the only complete node dies, the other one serves what it has', async (t) => {
  const victim = await lab.inStep()
  const survivor = lab.other(victim)
  survivor.killAll()
  await until(async () => (await victim.opinion()).alone, { what: 'alarm of the lost standby' })
  t.true(await catchingUp(victim, survivor))
  const { atMs } = victim.killAll()
  watch.primaryIs(survivor, atMs)
  t.is(await lab.primary(), survivor)
  await lab.bothRun()
  t.deepEqual(await records(victim), await records(survivor))
  await talk(pair)
  await delay(500)
  await putDown(pair.callee, pair)
})

test.serial('a change that only the dead node had is on both when it is back', async (t) => {
  const changed = await lab.inStep()
  const survivor = lab.other(changed)
  const name = ['config', 'get', 'accounts.1003.name']
  const both = await changed.cli('config', 'set', 'accounts.1003.name', 'Ground')
  t.regex(both.output, /applied as r\d+ on both nodes/)
  t.is((await survivor.cli(...name)).output.trim(), 'Ground')
  survivor.killAll()
  await until(async () => (await changed.opinion()).alone, { what: 'alarm of the lost standby' })
  const alone = await changed.cli('config', 'set', 'accounts.1003.name', 'Tower')
  t.regex(alone.output, /applied as r\d+ on one node, as the other one is not there/)
  watch.primaryIs(survivor, changed.killAll().atMs)
  await survivor.start()
  t.is(await lab.primary(), survivor)
  t.is((await survivor.cli(...name)).output.trim(), 'Ground', 'it cannot know')
  await changed.start()
  t.is(await lab.inStep(), survivor)
  for (const node of [survivor, changed]) {
    t.is((await node.cli(...name)).output.trim(), 'Tower')
    t.is(
      (await node.opinion()).sync?.tables.find((one) => one.table === 'phone-book')?.records,
      accounts,
    )
  }
})

test.serial('the standby has sent no SIP in all of this', async (t) => {
  t.deepEqual((await watch.finish()).violations, [])
})
