//! The bounds in time that the pair promises, each beside its goal. `make test` judges the order of what
//! happens and no milliseconds, as a busy machine stretches them.
import { setTimeout as delay } from 'node:timers/promises'
import { limits } from '../../daemon/src/limits.ts'
import { LiveCapture } from '../capture/live-capture.ts'
import { Lab, sipPort } from '../lab.ts'
import type { LabNode } from '../lab-node.ts'
import { labUsers } from '../lab-site.ts'
import { lanInterface, serviceAddress } from '../net/netns.ts'
import { AnswerMeter } from '../soak/answer-meter.ts'
import { percentile } from '../soak/bounds.ts'
import { until } from '../waiting.ts'
import { type BenchContext, round } from './figures.ts'

interface Figure {
  readonly goalMs: number
  readonly count: number
  readonly p50Ms: number
  readonly maxMs: number
  readonly isMet: boolean
}

const units = ['switch', 'media', 'pair'] as const
const times = { death: 4, hang: 2, switchover: 5, undone: 2, merge: 5, alone: 3 } as const
/** The pair looks for signs of life for so long, and its word needs as long as a heartbeat. */
const hangGoalMs = limits.proofMsMin + 100
const settleMs = 1_000

export async function measureBounds({ say }: BenchContext): Promise<object> {
  const lab = await Lab.start({ members: ['probe'], users: labUsers(1001, 1) })
  const figures: Record<string, Figure> = {}
  const tell = (name: string, goalMs: number, values: readonly number[]) => {
    const at = (share: number) => round(percentile(values, share) ?? Number.NaN)
    const figure = { goalMs, count: values.length, p50Ms: at(50), maxMs: at(100) }
    figures[name] = { ...figure, isMet: figure.maxMs <= goalMs }
    const verdict = figure.maxMs <= goalMs ? 'met' : 'NOT MET'
    say(`${name}: p50 ${figure.p50Ms} ms, max ${figure.maxMs} ms (goal ${goalMs} ms, ${verdict})`)
  }
  try {
    const watch = await Watch.start(lab)
    for (const unit of units) {
      const deaths = await repeat(times.death, () => death(lab, watch, unit))
      tell(
        `death of ${unit}, to the role`,
        100,
        deaths.map(({ roleMs }) => roleMs),
      )
      tell(
        `death of ${unit}, to the first SIP answer`,
        200,
        deaths.map(({ sipMs }) => sipMs),
      )
    }
    for (const unit of units) {
      const hangs = await repeat(times.hang, () => hang(lab, watch, unit))
      tell(
        `${unit} stands still, to the role`,
        hangGoalMs,
        hangs.map(({ roleMs }) => roleMs),
      )
    }
    tell('planned switchover, done', 1_000, await repeat(times.switchover, () => switchover(lab)))
    tell('switchover that cannot be, undone', 1_000, await repeat(times.undone, () => undone(lab)))
    tell('all links healed, to one primary', 200, await repeat(times.merge, () => merge(lab)))
    // The other node is dead from here on.
    tell('alone, a killed switch answers again', 2_000, await alone(lab, watch))
    await watch.stop()
    return figures
  } finally {
    await lab.close()
  }
}

async function repeat<T>(count: number, once: () => Promise<T>): Promise<T[]> {
  const found: T[] = []
  for (let turn = 0; turn < count; turn += 1) {
    // Each at another place between two heartbeats.
    await delay(settleMs + 37 * turn)
    found.push(await once())
  }
  return found
}

/** A terminal that asks every 10 ms, and what answers it. */
class Watch {
  readonly answers = new AnswerMeter()
  readonly #stops: (() => Promise<unknown>)[] = []

  static async start(lab: Lab): Promise<Watch> {
    const watch = new Watch()
    const capture = await LiveCapture.start({
      ...{ programs: lab.programs, namespace: lab.network.namespace('probe') },
      ...{
        device: lanInterface,
        filter: `udp and src host ${serviceAddress} and src port ${sipPort}`,
      },
      onFrame: (timeMs, bytes) => watch.answers.frame(timeMs, bytes),
    })
    const probe = await lab.probe('probe')
    watch.#stops.push(
      () => probe.stop(),
      () => capture.stop(),
    )
    return watch
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop()
  }
}

interface Moved {
  /** From the fault to the decision of the other node, by its own record. */
  readonly roleMs: number
  readonly sipMs: number
}

async function moved(lab: Lab, watch: Watch, { from, atMs }: { from: LabNode; atMs: number }) {
  const successor = lab.other(from)
  await until(async () => (await successor.opinion()).role === 'primary', { what: 'take-over' })
  const { term } = await successor.opinion()
  const { decisions } = await successor.ask('why', {})
  const taken = decisions.find((one) => one.to === 'primary' && one.term === term)
  await delay(settleMs)
  const mac = lab.network.mac(successor.node)
  const sipMs = (watch.answers.firstOf(mac, atMs) ?? Number.POSITIVE_INFINITY) - atMs
  return { roleMs: Date.parse(taken?.at ?? '') - atMs, sipMs }
}

async function death(lab: Lab, watch: Watch, unit: (typeof units)[number]): Promise<Moved> {
  const primary = await lab.inStep()
  const { atMs } = await primary.killUnit(unit)
  return moved(lab, watch, { from: primary, atMs })
}

async function hang(lab: Lab, watch: Watch, unit: (typeof units)[number]): Promise<Moved> {
  const primary = await lab.inStep()
  const { atMs, pid } = await primary.stopUnit(unit)
  const found = await moved(lab, watch, { from: primary, atMs })
  const isNew = async () =>
    (await primary.opinion()).units.some((one) => one.unit === unit && one.pid !== pid)
  await until(isNew, { what: `new ${unit}` })
  return found
}

async function switchover(lab: Lab): Promise<number> {
  const primary = await lab.inStep()
  const beganMs = performance.now()
  const order = { dryRun: false, reason: 'bench', force: false }
  const { done, detail } = await primary.ask('switchover', order)
  if (!done) throw new Error(`switchover: ${detail}`)
  return performance.now() - beganMs
}

/** The pair unit of the other node stands still, which nobody knows yet: the order cannot be carried out. */
async function undone(lab: Lab): Promise<number> {
  const primary = await lab.inStep()
  const { wake } = await lab.other(primary).stopUnit('pair')
  const beganMs = performance.now()
  const order = { dryRun: false, reason: 'bench', force: false }
  const answer = await primary.ask('switchover', order).catch((error: Error) => error.message)
  const tookMs = performance.now() - beganMs
  wake()
  if (typeof answer !== 'string' && answer.done) throw new Error('who stood still took the role')
  // What was said to it meanwhile waits in its sockets.
  await delay(settleMs)
  const { role } = await primary.opinion()
  if (role !== 'primary') throw new Error(`undone, but ${primary.name} is ${role}: ${answer}`)
  return tookMs
}

async function merge(lab: Lab): Promise<number> {
  await lab.inStep()
  const { links } = lab.network
  for (const link of links) lab.network.cut(link)
  const primaries = async () => {
    const both = await Promise.all([lab.a.opinion(), lab.b.opinion()])
    return both.filter(({ role }) => role === 'primary').length
  }
  await until(async () => (await primaries()) === 2, { what: 'two primaries' })
  await delay(settleMs)
  const [first, ...rest] = links
  const healingMs = Date.now()
  if (first !== undefined) lab.network.heal(first)
  const healedMs = Date.now()
  for (const link of rest) lab.network.heal(link)
  const primary = await lab.inStep()
  const lines = lab.other(primary).wholeLog().split('\n')
  const gaveUp = lines
    .filter((line) => /"unit":"pair".*"text":"role"/.test(line))
    .map((line) => Date.parse((JSON.parse(line) as { time: string }).time))
    .find((atMs) => atMs >= healingMs)
  return Math.max(0, (gaveUp ?? Number.POSITIVE_INFINITY) - healedMs)
}

async function alone(lab: Lab, { answers }: Watch): Promise<number[]> {
  const primary = await lab.inStep()
  lab.other(primary).killAll()
  await until(async () => (await primary.opinion()).alone, { what: 'a node alone' })
  return repeat(times.alone, async () => {
    const { atMs, pid } = await primary.killUnit('switch')
    await until(
      async () => {
        const { role, units: now } = await primary.opinion()
        const found = now.find((one) => one.unit === 'switch')
        return role === 'primary' && found?.state === 'up' && found.pid !== pid
      },
      { what: 'new switch' },
    )
    await delay(settleMs)
    return answers.longestSilenceMs(atMs - 100, Date.now())
  })
}
