//! Rates that rise until a subject on one core does not follow any more.
import type { LoadFigures } from './call-lab.ts'
import { type BenchContext, type ResponseTimes, ratio, responseTimes, round } from './figures.ts'

const retransmissionShareMax = 0.01

export interface RateSubject {
  readonly what: string
  /** One at this rate for so long. */
  load(perSecond: number, seconds: number): Promise<LoadFigures>
  /** Of its processes, all threads, so far. */
  cpuNs(): number
  /** Another process serves now than before; what follows is of that one. */
  hasMoved(): Promise<boolean>
}

interface Step extends Omit<LoadFigures, 'responseMs'> {
  readonly isGood: boolean
  /** The other node serves now: a process of this one stood still for too long. */
  readonly hasMoved: boolean
  readonly cpuUsEach: number
  readonly coreShare: number
  /** From the first request to its first answer that is no 100. */
  readonly answer: ResponseTimes
}

export interface Series {
  /** The highest good rate. */
  readonly perSecond: number
  /** The least of all good rates: what other programs of the machine take is not in it. */
  readonly cpuUsEachMin: number
  readonly steps: readonly Step[]
}

/** The first rate that fails twice ends the series. */
export async function risingRates(
  subject: RateSubject,
  rates: readonly number[],
  { seconds, say }: BenchContext,
): Promise<Series> {
  const steps: Step[] = []
  let failures = 0
  for (const rate of rates) {
    failures = 0
    while (failures < 2) {
      const step = await oneStep(subject, rate, seconds)
      steps.push(step)
      say(`${subject.what}: ${stepLine(step)}`)
      if (step.isGood) break
      failures += 1
    }
    if (failures === 2) break
  }
  const good = steps.filter((step) => step.isGood)
  return {
    perSecond: Math.max(0, ...good.map((step) => step.perSecond)),
    cpuUsEachMin: Math.min(...good.map((step) => step.cpuUsEach)),
    steps,
  }
}

export async function oneStep(
  subject: RateSubject,
  perSecond: number,
  seconds: number,
): Promise<Step> {
  const before = subject.cpuNs()
  const { responseMs, ...figures } = await subject.load(perSecond, seconds)
  const used = subject.cpuNs() - before
  const hasMoved = await subject.hasMoved()
  return {
    ...figures,
    wallMs: round(figures.wallMs),
    isGood: isGood(figures) && !hasMoved,
    hasMoved,
    cpuUsEach: round(used / 1_000 / figures.count),
    coreShare: ratio(used / 1e6, figures.wallMs),
    answer: responseTimes(responseMs),
  }
}

export function isGood(figures: Omit<LoadFigures, 'responseMs'>): boolean {
  const { count, perSecond, successful, failed, retransmissions, wallMs } = figures
  // A load that takes much longer than planned did not run at its rate.
  const isInTime = wallMs < ((count / perSecond) * 1.1 + 2) * 1_000
  const isClean = failed === 0 && successful === count
  return isClean && isInTime && retransmissions < count * retransmissionShareMax
}

function stepLine(step: Step): string {
  const verdict = step.isGood ? 'good' : `NOT GOOD${step.hasMoved ? ', take-over' : ''}`
  return (
    `${step.perSecond}/s: ${step.failed} failed, ${step.retransmissions} retransmissions, ` +
    `${step.dropped} datagrams dropped, ` +
    `${step.cpuUsEach} us CPU each, ${Math.round(step.coreShare * 100)} % of the core, ` +
    `answered after ${step.answer.p50Ms} / ${step.answer.p99Ms} ms (p50 / p99): ${verdict}`
  )
}
