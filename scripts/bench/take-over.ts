//! From `kill -9` of every process of the primary to the first SIP answer of the survivor, as a terminal
//! sees it: OPTIONS every 10 ms, and a capture on the interface of that terminal.
import { setTimeout as delay } from 'node:timers/promises'
import { sipMessages } from '../capture/sip-analysis.ts'
import { Lab } from '../lab.ts'
import { labUsers } from '../lab-site.ts'
import { percentile } from '../soak/bounds.ts'
import { type BenchContext, round, spread } from './figures.ts'

const kills = 10
const profiles = {
  default: { heartbeatMs: 100, missesMax: 5 },
  fast: { heartbeatMs: 20, missesMax: 3 },
} as const
const watchMs = 1_500

/** Both profiles of heartbeat. */
export async function measureTakeOver(context: BenchContext): Promise<object> {
  return {
    default: await measureProfile('default', context),
    fast: await measureProfile('fast', context),
  }
}

async function measureProfile(
  profile: keyof typeof profiles,
  { say }: BenchContext,
): Promise<object> {
  const heartbeat = profiles[profile]
  const lab = await Lab.start({ members: ['probe'], users: labUsers(1001, 2), heartbeat })
  const figures: number[] = []
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      const tookMs = await killOnce(lab, kill)
      figures.push(tookMs)
      say(`${profile}, kill ${kill + 1}: first answer of the survivor after ${tookMs} ms`)
    }
  } finally {
    await lab.close()
  }
  const [p50, p99] = [50, 99].map((share) => percentile(figures, share))
  return { ...spread(figures), p50, p99, each: figures }
}

async function killOnce(lab: Lab, kill: number): Promise<number> {
  const victim = await lab.inStep()
  const survivor = lab.other(victim)
  const capture = await lab.capture('probe')
  const probe = await lab.probe('probe')
  // Each kill at another place between two heartbeats.
  await delay(500 + 37 * kill)
  const { atMs } = victim.killAll()
  await delay(watchMs)
  await probe.stop()
  const mac = lab.network.mac(survivor.node)
  const answer = sipMessages(await capture.stop()).find(
    (message) =>
      message.timeMs >= atMs && message.status !== undefined && message.ethernetSource === mac,
  )
  if (answer === undefined) throw new Error(`the survivor did not answer in ${watchMs} ms`)
  await victim.start()
  return round(answer.timeMs - atMs)
}
