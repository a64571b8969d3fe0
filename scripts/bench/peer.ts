//! Our switch beside Kamailio of Debian, in one run, on one core each: calls and registrations a second, and
//! how long a caller waits for the first sign of the called telephone. Kamailio is a proxy: it passes messages
//! on, with its records of telephones in memory; it makes no ports, moves no voice and has no standby.
import type { Lab } from '../lab.ts'
import {
  callLab,
  type LoadFigures,
  proxyLab,
  runLoad,
  runRegistrations,
  serverPlace,
} from './call-lab.ts'
import { cpuNs, offSubjectCore, onSubjectCore } from './cores.ts'
import { dialDelays } from './dial-delay.ts'
import { type BenchContext, type ResponseTimes, ratio, responseTimes } from './figures.ts'
import { oneStep, type RateSubject, risingRates, type Series } from './rates.ts'
import { SwitchSubject } from './switch-subject.ts'

const rates = {
  switch: {
    calls: [100, 150, 200, 250, 300, 350, 400, 450, 500, 600],
    registrations: [1_000, 1_500, 2_000, 2_500],
  },
  proxy: { calls: [800, 1_200, 1_600, 2_000, 2_500], registrations: [2_000, 3_000, 4_000] },
} as const
/** How many answers the figures of half load stand on: enough that a hundredth of them is a dozen. */
const halfLoadCalls = 1_200
/** The code of a call that V8 runs often is compiled anew, by and by, for the first thousands of calls. */
const warmUp = {
  switch: {
    calls: { perSecond: 150, count: 3_000 },
    registrations: { perSecond: 300, count: 1_500 },
  },
  proxy: { calls: { perSecond: 100, count: 300 }, registrations: { perSecond: 100, count: 300 } },
} as const

type By = 'switch' | 'proxy'
type Measured = Awaited<ReturnType<typeof measure>>

export async function measurePeer(context: BenchContext): Promise<object> {
  const shorter = { ...context, seconds: Math.min(context.seconds, 3) }
  const alone = await switchIn('one', shorter)
  const pair = await switchIn('pair', shorter)
  const kamailio = await kamailioIn(shorter)
  const direct = alone.direct
  const beside = (ours: Measured) => ({
    calls: ratio(ours.calls.perSecond, kamailio.calls.perSecond),
    registrations: ratio(ours.registrations.perSecond, kamailio.registrations.perSecond),
    cpuOfCall: ratio(ours.calls.cpuUsEachMin, kamailio.calls.cpuUsEachMin),
  })
  const ratios = { aloneToKamailio: beside(alone), pairToKamailio: beside(pair) }
  context.say(JSON.stringify(ratios))
  return { direct, alone, pair, kamailio, ratios }
}

async function switchIn(nodes: 'one' | 'pair', context: BenchContext) {
  const lab = await callLab(nodes)
  try {
    return await offSubjectCore(async () => {
      const what = nodes === 'one' ? 'one node alone' : 'primary of a pair'
      const direct = await runLoad(lab, { callsPerSecond: 100, calls: 300, by: 'direct' })
      const subjects = {
        calls: await SwitchSubject.in(lab, `${what}, calls`, (callsPerSecond, calls) =>
          runLoad(lab, { callsPerSecond, calls }),
        ),
        registrations: await SwitchSubject.in(lab, `${what}, registrations`, (perSecond, count) =>
          runRegistrations(lab, { perSecond, count }),
        ),
      }
      return { direct: answersOf(direct), ...(await measure(lab, 'switch', subjects, context)) }
    })
  } finally {
    await lab.close()
  }
}

async function kamailioIn(context: BenchContext): Promise<Measured> {
  const { lab, proxy } = await proxyLab(onSubjectCore)
  try {
    return await offSubjectCore(() => {
      const common = {
        cpuNs: () => proxy.pids().reduce((sum, pid) => sum + cpuNs(pid), 0),
        hasMoved: () => Promise.resolve(false),
      }
      const by = 'proxy'
      const subjects = {
        calls: {
          ...{ ...common, what: 'Kamailio, calls' },
          load: (callsPerSecond: number, seconds: number) =>
            runLoad(lab, { callsPerSecond, calls: callsPerSecond * seconds, by }),
        },
        registrations: {
          ...{ ...common, what: 'Kamailio, registrations' },
          load: (perSecond: number, seconds: number) =>
            runRegistrations(lab, { perSecond, count: perSecond * seconds, by }),
        },
      }
      return measure(lab, by, subjects, context)
    })
  } finally {
    await lab.close()
  }
}

interface Subjects {
  readonly calls: RateSubject
  readonly registrations: RateSubject
}

async function measure(lab: Lab, by: By, subjects: Subjects, context: BenchContext) {
  // The first ones run cold code.
  const { perSecond, count } = warmUp[by].calls
  await runLoad(lab, { callsPerSecond: perSecond, calls: count, by })
  await runRegistrations(lab, { ...warmUp[by].registrations, by })
  const calls: Series = await risingRates(subjects.calls, rates[by].calls, context)
  const registrations: Series = await risingRates(
    subjects.registrations,
    rates[by].registrations,
    context,
  )
  const half = Math.round(calls.perSecond / 2)
  if (half === 0) return { calls, registrations, dialDelay: null }
  const halfLoad = await atHalfLoad(lab, by, { subject: subjects.calls, perSecond: half })
  const { answer, delay, retransmissions, dropped } = halfLoad
  context.say(
    `${subjects.calls.what}, at half of its load (${half}/s): waits in it ${timesText(delay)}, ` +
      `INVITE to 180 with both sippes ${timesText(answer)}, of ${delay.count}; ` +
      `${retransmissions} retransmissions, ${dropped} datagrams dropped`,
  )
  return { calls, registrations, dialDelay: halfLoad }
}

/** The post-dial delay: what of it is the server's, from a capture, and all of it, as sipp says. */
async function atHalfLoad(
  lab: Lab,
  by: By,
  { subject, perSecond }: { readonly subject: RateSubject; readonly perSecond: number },
) {
  const { member, address } = await serverPlace(lab, by)
  const capture = await lab.capture(member, 'udp port 5060')
  const step = await oneStep(subject, perSecond, Math.ceil(halfLoadCalls / perSecond))
  const delays = dialDelays(await capture.stop(), address)
  return { ...step, delay: responseTimes(delays.map(({ ms }) => ms)) }
}

function timesText({ p50Ms, p99Ms, maxMs }: ResponseTimes): string {
  return `${p50Ms} ms (p50), ${p99Ms} (p99), ${maxMs} at most`
}

function answersOf({ responseMs }: LoadFigures): {
  readonly p50Ms: number
  readonly p99Ms: number
} {
  const sorted = responseMs.toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}
