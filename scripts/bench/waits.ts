//! How long calls wait in a node that serves alone, at half of the goal of 400 calls a second on one core. For
//! longer than `peer` looks, as collections of the old part of the heap are rare and decide what the longest waits are.
import type { Lab } from '../lab.ts'
import { callLab, runLoad, serverPlace } from './call-lab.ts'
import { evenness, sumTimes } from './core-speed.ts'
import { offSubjectCore, pinHelpersToOtherCores, subjectCore } from './cores.ts'
import { dialDelays } from './dial-delay.ts'
import { type BenchContext, responseTimes, round } from './figures.ts'
import { oneStep } from './rates.ts'
import { stolenShare, undisturbed, watchStolenTime } from './stolen-time.ts'
import { SwitchSubject } from './switch-subject.ts'

const callsPerSecond = 200
/** The goal for the 99th hundredth. */
const goalMs = 10
/** V8 compiles for the first ten thousand of calls; the last of them come faster than what is measured. */
const warmUp = [
  { callsPerSecond: 150, calls: 2_400 },
  { callsPerSecond: 250, calls: 1_500 },
  { callsPerSecond: 350, calls: 6_000 },
] as const

/** Where V8's helper and the threads for files run: on the core of the thread that serves, or beside it. A node ties
 * none of them to a core. */
const arrangements = ['all threads on one core', 'helpers on the other core'] as const

export async function measureWaits({ seconds, say }: BenchContext): Promise<object> {
  const before = sumTimes()
  const lab = await callLab('one')
  try {
    return await offSubjectCore(async () => {
      const subject = await SwitchSubject.in(lab, 'one node alone', (perSecond, calls) =>
        runLoad(lab, { callsPerSecond: perSecond, calls }),
      )
      for (const load of warmUp) await runLoad(lab, load)
      const waits: Record<string, object> = {}
      for (const arrangement of arrangements) {
        if (arrangement !== arrangements[0]) pinHelpersToOtherCores(subject.pid)
        const found = await waitsOf(lab, subject, seconds)
        say(`${arrangement}, ${lineOf(found)}`)
        waits[arrangement] = found
      }
      const core = { before, after: sumTimes() }
      say(
        `the core: ${before.min} ms for a sum at best, ${evenness(before)} as fast before and ` +
          `${evenness(core.after)} after (best to median)`,
      )
      return { waits, goalMs, core }
    })
  } finally {
    await lab.close()
  }
}

async function waitsOf(lab: Lab, subject: SwitchSubject, seconds: number) {
  const { member, address } = await serverPlace(lab, 'switch')
  const capture = await lab.capture(member, 'udp port 5060')
  const stolenTime = watchStolenTime(subjectCore)
  const step = await oneStep(subject, callsPerSecond, seconds)
  const samples = stolenTime()
  const delays = dialDelays(await capture.stop(), address)
  const stolenOfAll = stolenShare(samples, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  return {
    ...step,
    waits: waitsIn(delays),
    ownWaits: waitsIn(undisturbed(delays, samples)),
    stolen: round(stolenOfAll * 100),
  }
}

function waitsIn(delays: readonly { readonly ms: number }[]) {
  const times = delays.map(({ ms }) => ms)
  return { ...responseTimes(times), late: times.filter((ms) => ms > goalMs).length }
}

function lineOf({ waits, ownWaits, ...step }: Awaited<ReturnType<typeof waitsOf>>): string {
  return (
    `${step.perSecond}/s: ${textOf(waits)}; while the host left the core alone: ${textOf(ownWaits)}; ` +
    `it took ${step.stolen} % of it; ${step.cpuUsEach} us CPU each; ` +
    `${step.failed} failed, ${step.retransmissions} retransmissions`
  )
}

function textOf({ p50Ms, p99Ms, maxMs, late, count }: ReturnType<typeof waitsIn>): string {
  return `${p50Ms} ms (p50), ${p99Ms} (p99), ${maxMs} at most, ${late} of ${count} over ${goalMs}`
}
