//! What the pair costs and how long it takes: a record to the standby and back, a planned switchover, an
//! empty standby that catches up with thousands of records while calls go on, and two primaries that meet.
import { setTimeout as delay } from 'node:timers/promises'
import { LiveCapture } from '../capture/live-capture.ts'
import type { Lab } from '../lab.ts'
import type { LabNode } from '../lab-node.ts'
import { percentile } from '../soak/bounds.ts'
import { until } from '../waiting.ts'
import { callLab, runLoad } from './call-lab.ts'
import { type BenchContext, round } from './figures.ts'
import { applyLargeSite } from './large-site.ts'

const callsPerSecond = 10
const switchovers = 5
const catchUps = 3
const meetings = 3
const everyMs = 10

export async function measurePair(context: BenchContext): Promise<object> {
  const lab = await callLab('pair')
  try {
    const { say } = context
    // With the records of those that call, more than 10,000.
    const site = await applyLargeSite(lab, context)
    const roundTrip = await measureRoundTrip(lab, context)
    say(`record to its ACK: ${JSON.stringify(roundTrip)}`)
    const switchover = await measureSwitchovers(lab)
    say(`planned switchover: ${JSON.stringify(switchover)}`)
    const catchUp = await measureCatchUps(lab)
    say(`catch-up: ${JSON.stringify(catchUp)}`)
    const meeting = await repeated(meetings, () => meet(lab))
    say(`two primaries, first link healed to one primary: ${JSON.stringify(meeting)}`)
    return { site, roundTrip, switchover, catchUp, meeting }
  } finally {
    await lab.close()
  }
}

function figuresOf(values: readonly number[]) {
  const at = (share: number) => round(percentile(values, share) ?? Number.NaN)
  return { count: values.length, p50Ms: at(50), p99Ms: at(99), maxMs: at(100) }
}

async function repeated(count: number, once: () => Promise<number>) {
  const values: number[] = []
  for (let turn = 0; turn < count; turn += 1) values.push(await once())
  return figuresOf(values)
}

const syncPort = 5701
/** Of a sync frame in an Ethernet frame: see docs/protocols.md. */
const payloadAt = 42
const kinds = { record: 0, ack: 1 } as const

/** Both on the primary's interfaces, so that one clock measures. */
async function measureRoundTrip(lab: Lab, { seconds }: BenchContext) {
  const primary = await lab.inStep()
  const sent = new Map<string, number>()
  const trips: number[] = []
  const onFrame = (timeMs: number, bytes: Buffer) => {
    if (bytes.length < payloadAt + 40) return
    const kind = bytes[payloadAt + 5]
    const record = `${bytes[payloadAt + 7]} ${bytes.toString('hex', payloadAt + 32, payloadAt + 40)}`
    const sentMs = sent.get(record)
    if (kind === kinds.record && sentMs === undefined) sent.set(record, timeMs)
    if (kind !== kinds.ack || sentMs === undefined) return
    trips.push(timeMs - sentMs)
    sent.delete(record)
  }
  const captures = await Promise.all(
    lab.network.links.map((device) =>
      LiveCapture.start({
        ...{ programs: lab.programs, namespace: lab.network.namespace(primary.node), device },
        ...{ filter: `udp port ${syncPort}`, onFrame },
      }),
    ),
  )
  await runLoad(lab, { calls: callsPerSecond * seconds, callsPerSecond, holdMs: 500 })
  for (const capture of captures) await capture.stop()
  return figuresOf(trips)
}

/** From the order to its answer, and of that the time in which the role moved, by the word of the node. */
async function measureSwitchovers(lab: Lab) {
  const answered: number[] = []
  const moved: number[] = []
  for (let turn = 0; turn < switchovers; turn += 1) {
    const primary = await lab.inStep()
    const beganMs = performance.now()
    const order = { dryRun: false, reason: 'bench', force: false }
    const { done, detail, tookMs } = await primary.ask('switchover', order)
    if (!done || tookMs === null) throw new Error(`switchover: ${detail}`)
    answered.push(performance.now() - beganMs)
    moved.push(tookMs)
  }
  return { answered: figuresOf(answered), moved: figuresOf(moved) }
}

async function measureCatchUps(lab: Lab) {
  const seconds = 60
  const load = runLoad(lab, { calls: callsPerSecond * seconds, callsPerSecond, holdMs: 500 })
  const values: number[] = []
  let records = 0
  for (let turn = 0; turn < catchUps; turn += 1) {
    const primary = await lab.inStep()
    const standby = lab.other(primary)
    standby.killAll()
    const started = standby.start()
    await until(async () => (await standby.opinion()).role === 'standby' && knows(standby), {
      what: 'role of the standby',
      everyMs,
    })
    const beganMs = performance.now()
    await until(async () => (await standby.opinion()).sync?.inStep === true, {
      what: 'standby in step',
      everyMs,
    })
    values.push(performance.now() - beganMs)
    await started
    const tables = (await standby.opinion()).sync?.tables ?? []
    records = tables.reduce((sum, table) => sum + table.records, 0)
  }
  const { failed } = await load
  return { ...figuresOf(values), records, callsFailed: failed, callsPerSecond }
}

/** Its switch has answered, so that it can ask for the records. */
async function knows(node: LabNode): Promise<boolean> {
  return (await node.opinion()).sync !== null
}

async function meet(lab: Lab): Promise<number> {
  await lab.inStep()
  const { network } = lab
  const nodes = [lab.a, lab.b]
  const primaries = async () => {
    const opinions = await Promise.all(nodes.map((node) => node.opinion()))
    return opinions.filter(({ role }) => role === 'primary').length
  }
  for (const link of network.links) network.cut(link)
  await until(async () => (await primaries()) === 2, { what: 'two primaries' })
  await delay(1_000)
  const [first, ...rest] = network.links
  if (first === undefined) throw new Error('a lab has links')
  network.heal(first)
  const beganMs = performance.now()
  await until(async () => (await primaries()) === 1, { what: 'one primary', everyMs })
  const tookMs = performance.now() - beganMs
  for (const link of rest) network.heal(link)
  return tookMs
}
