//! The flood of `bench/flood.ts` as a run of the soak.
import { flood } from '../bench/flood.ts'
import { machineFacts } from '../bench/machine.ts'
import type { SoakRun } from './results.ts'

interface FloodRunOptions {
  readonly seconds: number
  readonly legs: number
  /** Messages of the attacker. */
  readonly perSecond: number
  readonly say: (text: string) => void
}

const comingPerSecond = 5

export async function floodRun(options: FloodRunOptions): Promise<SoakRun> {
  const { seconds, legs, perSecond, say } = options
  const heldCalls = Math.floor(legs / 2)
  const found = await flood({ seconds, perSecond, heldCalls, comingPerSecond })
  const { filtered, queueFull } = found
  say(
    `${found.perSecond} messages/s were sent; the kernels dropped ${filtered.a} and ${filtered.b} ` +
      `before the queue, ${queueFull.a} and ${queueFull.b} as it was full`,
  )
  const { frames, framesLost, longestPauseMs, held, coming, byeP99Ms, memoryMiB } = found
  return {
    ...{ kind: 'flood', machine: machineFacts(), profile: 'default', faults: [] },
    ...{ legs, seconds, comingPerSecond, frames, framesLost, held, coming },
    longestPauseMs: Math.round(longestPauseMs),
    ...{ notCaptured: 0, falseTakeOvers: found.hasChangedRoles ? 1 : 0, problem: null },
    flood: {
      perSecond: found.perSecond,
      memoryMiB: Math.max(memoryMiB.a, memoryMiB.b),
      byeP99Ms,
    },
  }
}
