//! How long calls wait in a node that serves alone, at half of the goal of 400 calls a second on one core. For
//! longer than `peer` looks, as collections of the old part of the heap are rare and decide what the longest waits are.
import type { Lab } from '../lab.ts'
import { callLab, runLoad, serverPlace } from './call-lab.ts'
import { evenness, sumTimes } from './core-speed.ts'
import { offSubjectCore, pinHelpersToOtherCores } from './cores.ts'
import { dialDelays } from './dial-delay.ts'
import { type BenchContext, responseTimes } from './figures.ts'
import { oneStep } from './rates.ts'
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
  const step = await oneStep(subject, callsPerSecond, seconds)
  const delays = dialDelays(await capture.stop(), address)
  const late = delays.filter((ms) => ms > goalMs).length
  return { ...step, waits: responseTimes(delays), late }
}

function lineOf({ waits, late, ...step }: Awaited<ReturnType<typeof waitsOf>>): string {
  return (
    `${step.perSecond}/s: ${waits.p50Ms} ms (p50), ${waits.p99Ms} (p99), ` +
    `${waits.maxMs} at most, ${late} of ${waits.count} over ${goalMs}; ${step.cpuUsEach} us CPU each; ` +
    `${step.failed} failed, ${step.retransmissions} retransmissions`
  )
}
