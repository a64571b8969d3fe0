//! Calls set up per second by a switch process that has one core, alone and as the primary of a pair.
//! Everything else (sipp, media, the standby) runs on the other cores.
import type { Lab } from '../lab.ts'
import type { LabNode } from '../lab-node.ts'
import { callLab, type LoadFigures, runLoad } from './call-lab.ts'
import { cpuNs, offSubjectCore, pinToOtherCores, pinToSubjectCore } from './cores.ts'
import { type BenchContext, ratio, round } from './figures.ts'

/** The first rate that fails twice ends the series. */
const rates = [50, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1_000]
const directRates = [500, 1_000, 2_000, 3_000, 4_000]
const retransmissionShareMax = 0.01

interface Step extends LoadFigures {
  readonly isGood: boolean
  /** The other node serves now: a process of this one stood still for too long. */
  readonly hasChangedRoles: boolean
  /** Of the switch process, all threads. */
  readonly cpuUsPerCall: number
  readonly coreShare: number
}

interface Series {
  readonly callsPerSecond: number
  /** The least of all good rates: what other programs of the machine take is not in it. */
  readonly cpuUsPerCallMin: number
  readonly steps: readonly Step[]
}

export async function measureSetUp(context: BenchContext): Promise<object> {
  const alone = await inLab('one', context)
  const pair = await inLab('pair', context)
  const direct = alone.direct
  return {
    ...{ direct, alone: alone.series, pair: pair.series },
    ratios: {
      aloneToDirect: ratio(alone.series.callsPerSecond, direct),
      pairToAlone: ratio(pair.series.callsPerSecond, alone.series.callsPerSecond),
      cpuPairToAlone: ratio(pair.series.cpuUsPerCallMin, alone.series.cpuUsPerCallMin),
    },
  }
}

async function inLab(
  nodes: 'one' | 'pair',
  context: BenchContext,
): Promise<{ series: Series; direct: number }> {
  const lab = await callLab(nodes)
  try {
    return await offSubjectCore(async () => {
      const direct = nodes === 'one' ? await directCeiling(lab, context) : 0
      const what = nodes === 'one' ? 'one node alone' : 'primary of a pair'
      return { direct, series: await risingRates(lab, what, context) }
    })
  } finally {
    await lab.close()
  }
}

async function directCeiling(lab: Lab, { seconds, say }: BenchContext): Promise<number> {
  let best = 0
  for (const callsPerSecond of directRates) {
    const load = { callsPerSecond, calls: callsPerSecond * Math.min(seconds, 3) }
    const figures = await runLoad(lab, { ...load, by: 'direct' })
    if (!isGood(figures)) break
    best = callsPerSecond
  }
  say(`sipp to sipp without a switch: ${best} calls/s`)
  return best
}

interface Subject {
  readonly primary: LabNode
  /** Of its switch process. */
  readonly pid: number
}

/** The nodes that run: the primary, and its standby if there is one. */
async function runningNodes(primary: LabNode, lab: Lab): Promise<LabNode[]> {
  const { mode } = await primary.status()
  return mode === 'redundant (1+1)' ? [primary, lab.other(primary)] : [primary]
}

/** The switch process that serves gets the core; all other processes of the nodes leave it. */
async function separate(lab: Lab): Promise<Subject> {
  const primary = await lab.primary()
  const pids = await Promise.all(
    (await runningNodes(primary, lab)).map(async (node) => (await node.opinion()).units),
  )
  for (const { pid } of pids.flat()) if (pid !== null) pinToOtherCores(pid)
  const { units } = await primary.opinion()
  const pid = units.find((unit) => unit.unit === 'switch')?.pid
  if (pid === undefined || pid === null) throw new Error('the switch process is not known')
  pinToSubjectCore(pid)
  return { primary, pid }
}

async function risingRates(lab: Lab, what: string, context: BenchContext): Promise<Series> {
  let subject = await separate(lab)
  const steps: Step[] = []
  // The first calls run cold code.
  await runLoad(lab, { callsPerSecond: 50, calls: 200 })
  let failures = 0
  for (const rate of rates) {
    failures = 0
    while (failures < 2) {
      const step = await oneStep(lab, subject, { rate, seconds: context.seconds })
      steps.push(step)
      if (step.hasChangedRoles) subject = await separate(lab)
      context.say(`${what}: ${stepLine(step)}`)
      if (step.isGood) break
      failures += 1
    }
    if (failures === 2) break
  }
  const good = steps.filter((step) => step.isGood)
  return {
    callsPerSecond: Math.max(0, ...good.map((step) => step.callsPerSecond)),
    cpuUsPerCallMin: Math.min(...good.map((step) => step.cpuUsPerCall)),
    steps,
  }
}

interface StepOptions {
  readonly rate: number
  readonly seconds: number
}

async function oneStep(lab: Lab, subject: Subject, options: StepOptions): Promise<Step> {
  const { rate, seconds } = options
  const { primary, pid } = subject
  const before = cpuNs(pid)
  const figures = await runLoad(lab, { callsPerSecond: rate, calls: rate * seconds })
  const used = cpuNs(pid) - before
  const hasChangedRoles = (await lab.primary()) !== primary
  return {
    ...figures,
    wallMs: round(figures.wallMs),
    isGood: isGood(figures) && !hasChangedRoles,
    hasChangedRoles,
    cpuUsPerCall: round(used / 1_000 / figures.calls),
    coreShare: ratio(used / 1e6, figures.wallMs),
  }
}

function isGood({ calls, successful, failed, retransmissions, ...rest }: LoadFigures): boolean {
  // A load that takes much longer than planned did not run at its rate.
  const isInTime = rest.wallMs < ((calls / rest.callsPerSecond) * 1.1 + 2) * 1_000
  const isClean = failed === 0 && successful === calls
  return isClean && isInTime && retransmissions < calls * retransmissionShareMax
}

function stepLine(step: Step): string {
  const verdict = step.isGood ? 'good' : `NOT GOOD${step.hasChangedRoles ? ', take-over' : ''}`
  return (
    `${step.callsPerSecond} calls/s: ${step.failed} failed, ` +
    `${step.retransmissions} retransmissions, ${step.cpuUsPerCall} us CPU/call, ` +
    `${Math.round(step.coreShare * 100)} % of the core: ${verdict}`
  )
}
