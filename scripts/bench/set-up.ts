//! Calls set up per second by a switch process that has one core, alone and as the primary of a pair.
//! Everything else (sipp, media, the standby) runs on the other cores.
import type { Lab } from '../lab.ts'
import { callLab, runLoad } from './call-lab.ts'
import { offSubjectCore } from './cores.ts'
import { type BenchContext, ratio } from './figures.ts'
import { isGood, risingRates, type Series } from './rates.ts'
import { SwitchSubject } from './switch-subject.ts'

const rates = [50, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1_000]
const directRates = [500, 1_000, 2_000, 3_000, 4_000]

export async function measureSetUp(context: BenchContext): Promise<object> {
  const alone = await inLab('one', context)
  const pair = await inLab('pair', context)
  const direct = alone.direct
  return {
    ...{ direct, alone: alone.series, pair: pair.series },
    ratios: {
      aloneToDirect: ratio(alone.series.perSecond, direct),
      pairToAlone: ratio(pair.series.perSecond, alone.series.perSecond),
      cpuPairToAlone: ratio(pair.series.cpuUsEachMin, alone.series.cpuUsEachMin),
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
      const subject = await SwitchSubject.in(lab, what, (callsPerSecond, calls) =>
        runLoad(lab, { callsPerSecond, calls }),
      )
      // The first calls run cold code.
      await runLoad(lab, { callsPerSecond: 50, calls: 200 })
      return { direct, series: await risingRates(subject, rates, context) }
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
