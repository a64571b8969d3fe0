//! Disks that fill up or hang while a call stands, and a database file that is removed under a running primary.
//! Logs, database, state and run directory of each node are on a small disk of its own.
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { noSmallDisk } from '../../scripts/net/small-disk.ts'
import { until } from '../../scripts/waiting.ts'
import { holesIn, lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'

const diskBytes = 16 * 1_048_576
const obstacle = noSmallDisk()
let lab: Lab
let pair: PhonePair

/** A test of this file; where no disk can be mounted it says so. */
function onSmallDisks(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  if (obstacle === null) test.serial(title, run)
  else test.serial.skip(`${title} (cannot run here: ${obstacle})`, run)
}

test.before(async () => {
  if (obstacle !== null) return
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(1001, 2), diskBytes })
  pair = await registerPhones(lab)
})

test.afterEach.always(async () => {
  await Promise.allSettled([pair?.caller.hangUp(), pair?.callee.hangUp()])
})

test.after.always(async () => {
  wake()
  await lab?.close()
  for (const end of wakened) closeSync(end)
})

async function alarmsOf(node: LabNode): Promise<string[]> {
  const { active } = await node.ask('alarms', {})
  return active.map(({ code, subject }) => `${code} ${subject}`)
}

/** Waits until the node has this alarm, or has it no more. */
async function alarm(node: LabNode, name: string, standing = true): Promise<void> {
  const what = `${standing ? 'alarm' : 'end of alarm'} ${name} at ${node.name}`
  await until(async () => (await alarmsOf(node)).includes(name) === standing, { what })
}

/** Files that whoever writes them waits for, as on a disk that does not answer: pipes that nobody reads. */
function hang(directory: string, names: readonly string[]): () => void {
  const pipes = names.map((name) => join(directory, name))
  execFileSync('mkfifo', pipes)
  return () => {
    const ends = pipes.map((path) => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))
    for (const path of pipes) rmSync(path, { force: true })
    wakened.push(...ends)
  }
}

/** Open until the end: who writes to a pipe that is closed dies of it. */
const wakened: number[] = []
let wake = () => {}

/** A call stands while a trouble makes the primary hand over, and the caller misses none of its packets. */
async function handsOver(
  t: ExecutionContext,
  trouble: (victim: LabNode) => Promise<void>,
): Promise<LabNode> {
  const victim = await lab.inStep()
  const survivor = lab.other(victim)
  await talk(pair)
  const phone = await lab.capture('p1')
  await delay(500)
  const fromMs = Date.now()
  await trouble(victim)
  await until(async () => (await survivor.opinion()).role === 'primary', { what: 'handover' })
  await until(async () => (await victim.opinion()).role === 'standby', { what: 'standby' })
  const toMs = Date.now()
  const packets = await phone.stop()
  const address = lab.network.address('p1')
  t.is(lostIn(packets, address, { fromMs, toMs: toMs - 200 }), 0, holesIn(packets, address, fromMs))
  const { decisions } = await survivor.ask('why', {})
  t.true(decisions.some(({ rule, to }) => rule === 'handover' && to === 'primary'))
  await putDown(pair.callee, pair)
  return victim
}

onSmallDisks('a primary whose disk hangs hands over, and its calls go on', async (t) => {
  const kept = ['pair-term.json', 'history.jsonl', 'operations.jsonl'].map((name) => `${name}.new`)
  const victim = await handsOver(t, async (primary) => {
    wake = hang(join(lab.directory, primary.node, 'state'), ['.vccs-probe', ...kept])
    await alarm(primary, 'disk-failed state')
  })
  wake()
  wake = () => {}
  await alarm(victim, 'disk-failed state', false)
  await lab.inStep()
})

onSmallDisks('a primary whose disk fills up hands over, and its calls go on', async (t) => {
  await handsOver(t, async (victim) => {
    victim.disk?.fill(diskBytes * 0.05)
    await alarm(victim, 'disk-low state')
    t.is((await victim.opinion()).role, 'primary')
    victim.disk?.fill(0)
    await alarm(victim, 'disk-full state')
    await alarm(victim, 'disk-full database')
  })
})

onSmallDisks('with both disks full the role stays, and calls are set up and ended', async (t) => {
  const primary = await lab.primary()
  const { term } = await primary.opinion()
  for (const node of [lab.a, lab.b]) node.disk?.fill(0)
  for (const node of [lab.a, lab.b]) await alarm(node, 'disk-full database')
  await talk(pair)
  // Longer than the looks after which a node with a better peer hands over.
  await delay(7_000)
  await putDown(pair.caller, pair)
  t.like(await primary.opinion(), { role: 'primary', term })
})

onSmallDisks('alone with a full disk a node goes on', async (t) => {
  const alone = await lab.primary()
  lab.other(alone).killAll()
  await until(async () => (await alone.opinion()).alone, { what: 'a node alone' })
  t.true((await alarmsOf(alone)).includes('disk-full state'))
  await talk(pair)
  await putDown(pair.callee, pair)
  t.is((await alone.opinion()).role, 'primary')
})

onSmallDisks('space that is back ends the alarms, and what waited is kept', async (t) => {
  for (const node of [lab.a, lab.b]) node.disk?.free()
  const node = await lab.primary()
  for (const name of ['disk-full state', 'disk-full database']) await alarm(node, name, false)
  await alarm(node, 'database-failed call-records', false)
  await lab.bothRun()
  t.pass()
})

onSmallDisks(
  'a database that is removed under a running primary is an alarm, and no more',
  async (t) => {
    const primary = await lab.primary()
    await talk(pair)
    rmSync(primary.databaseFile)
    await alarm(primary, 'database-gone file')
    t.is((await primary.opinion()).role, 'primary')
    await putDown(pair.callee, pair)
  },
)
