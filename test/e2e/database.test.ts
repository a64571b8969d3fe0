//! A damaged database: the node starts all the same, says so, and loses nothing that somebody has.
import { rmSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { type PhonePair, putDown, registerPhones, talk } from './call.ts'

let lab: Lab
let site: string

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(1001, 2) })
  site = await exported(await lab.primary())
})

test.after.always(async () => {
  await lab?.close()
})

async function exported(node: LabNode): Promise<string> {
  return (await node.ask('config.export', {})).text
}

function damage(node: LabNode): void {
  for (const log of ['-wal', '-shm']) rmSync(`${node.databaseFile}${log}`, { force: true })
  writeFileSync(node.databaseFile, 'This was a database once. '.repeat(1_000))
}

async function isTold(node: LabNode): Promise<boolean> {
  const { active } = await node.ask('alarms', {})
  return active.some((alarm) => alarm.code === 'database-recovered')
}

async function oneCall(): Promise<PhonePair> {
  const pair = await registerPhones(lab)
  await talk(pair)
  await putDown(pair.caller, pair)
  return pair
}

test.serial(
  'without a good copy the site comes from the peer, and serves alone later',
  async (t) => {
    const survivor = await lab.inStep()
    const victim = lab.other(survivor)
    victim.killAll()
    damage(victim)
    rmSync(`${victim.databaseFile}.good`, { force: true })
    await victim.start()
    t.is(await lab.inStep(), survivor)
    t.true(await isTold(victim))
    await until(async () => (await exported(victim)) === site, { what: 'site on the standby' })
    survivor.killAll()
    t.is(await lab.primary(), victim)
    const { caller, callee } = await oneCall()
    await Promise.all([caller.stop(), callee.stop()])
    await lab.bothRun()
  },
)

test.serial('with both databases damaged the pair starts from the last good copies', async (t) => {
  await lab.inStep()
  await Promise.all([lab.a.stop(), lab.b.stop()])
  for (const node of [lab.a, lab.b]) damage(node)
  await lab.bothRun()
  for (const node of [lab.a, lab.b]) {
    t.true(await isTold(node))
    t.is(await exported(node), site)
  }
  await oneCall()
})
