//! The figures of the media process (`bench/media.ts`), and rtpengine under the same load in the same
//! run.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { canPin } from './cores.ts'
import { type BenchContext, ratio } from './figures.ts'
import { measureRtpengine, type PeerFigures } from './rtpengine.ts'
import { measureTones } from './tone-cost.ts'

const legCounts = [100, 500, 1_000]
const goalNs = 5_000

interface Cost {
  readonly legs: number
  readonly members: number
  readonly nsPerLegTick: number
  readonly nsKernelFloor: number
  readonly ticksLate: number
  readonly ticks: number
  readonly tickLateMsMax: number
  readonly gaps: number
}

interface MediaFigures {
  readonly backend: string
  readonly cost: readonly Cost[]
  readonly relayed: Cost
  readonly garbage: Cost
  readonly delay: { readonly meanMs: number; readonly p95Ms: number; readonly maxMs: number }
}

export async function measureMedia({ seconds, say }: BenchContext): Promise<object> {
  if (!canPin) throw new Error('this benchmark needs two cores: one for the load, one for media')
  say(`our media process: about ${expectedMs(seconds) / 1_000} seconds of silence`)
  const media = await runMedia(seconds)
  for (const figures of media.cost) say(costLine(figures))
  const peer = await measureRtpengine(legCounts, seconds, say)
  return {
    ...{ goalNsPerLegTick: goalNs, media, rtpengine: peer },
    ratios: peer === null ? null : ratios(media, peer),
    relay: relay(media, say),
    lateness: lateness(media, say),
    mixerDelay: mixerDelay(media, say),
    tones: measureTones(say),
  }
}

/** Six costs, one with a relay and one with garbage, each with its floor; then the delay. */
function expectedMs(seconds: number): number {
  return ((seconds + 16) * 8 + 30) * 1_000
}

async function runMedia(seconds: number): Promise<MediaFigures> {
  const script = join(import.meta.dirname, 'media.ts')
  const args = [script, '--seconds', String(seconds), '--legs', legCounts.join(',')]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 2 * expectedMs(seconds),
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`bench/media.ts ended with code ${code}`)
  return JSON.parse(text) as MediaFigures
}

function costLine({ legs, members, nsPerLegTick, nsKernelFloor, gaps }: Cost): string {
  return (
    `${legs} legs in conferences of ${members}: ${nsPerLegTick} ns per leg and tick, ` +
    `${ratio(nsPerLegTick, nsKernelFloor)} times the kernel (${nsKernelFloor} ns); ` +
    `${gaps} packets missing`
  )
}

/** Above 1: rtpengine needs more. It relays calls of two, and does not mix. */
function ratios(media: MediaFigures, peer: readonly PeerFigures[]): object[] {
  return media.cost.flatMap(({ legs, members, nsPerLegTick, nsKernelFloor }) => {
    const same = peer.find((figures) => figures.legs === legs)
    if (same === undefined) return []
    const rtpengineToVccs = ratio(same.nsPerLegTick, nsPerLegTick)
    // The machine may have been slower for one of the two: each in units of the kernel's own work.
    const inFloors = ratio(same.nsPerLegTick / same.nsKernelFloor, nsPerLegTick / nsKernelFloor)
    return [{ legs, members, rtpengineToVccs, inFloors }]
  })
}

function lateness(media: MediaFigures, say: BenchContext['say']): object {
  const { garbage } = media
  const quiet = media.cost.find(
    ({ legs, members }) => legs === garbage.legs && members === garbage.members,
  )
  const of = ({ ticks, ticksLate, tickLateMsMax }: Cost) => ({ ticks, ticksLate, tickLateMsMax })
  say(
    `late ticks with garbage collection on the same core: ${garbage.ticksLate} of ` +
      `${garbage.ticks} (worst ${garbage.tickLateMsMax} ms), without: ${quiet?.ticksLate} of ` +
      `${quiet?.ticks} (worst ${quiet?.tickLateMsMax} ms)`,
  )
  return {
    withGarbage: of(garbage),
    without: quiet === undefined ? null : of(quiet),
    ratioOfWorst: quiet === undefined ? null : ratio(garbage.tickLateMsMax, quiet.tickLateMsMax),
  }
}

/** What it costs to pass on all that is heard to the other node. */
function relay({ relayed, cost }: MediaFigures, say: BenchContext['say']): object | null {
  const { legs, members, nsPerLegTick } = relayed
  const plain = cost.find((one) => one.legs === legs && one.members === members)
  if (plain === undefined) return null
  const ns = nsPerLegTick - plain.nsPerLegTick
  const share = ratio(nsPerLegTick, plain.nsPerLegTick)
  say(`relay of what ${legs} legs hear, on three links: ${ns} ns per leg and tick, ${share} times`)
  return { legs, members, nsPerLegTick, nsOfRelay: ns, relayedToPlain: share }
}

function mixerDelay({ delay }: MediaFigures, say: BenchContext['say']): object {
  const { meanMs, p95Ms, maxMs } = delay
  const [mean, p95, max] = [meanMs, p95Ms, maxMs].map((ms) => ms.toFixed(1))
  say(`delay from talker to listener: mean ${mean} ms, p95 ${p95} ms, max ${max} ms`)
  return delay
}
