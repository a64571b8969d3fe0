//! Load without faults on a machine that schedules its processes late: does the standby ever take over a
//! primary that lives? For the fast profile (S1.64 with 20 ms x 3), where a pause counts.
import { nodeNames, type UnitKind } from './node/host.ts'
import type { Plan } from './plan.ts'
import { Random } from './world/random.ts'
import { World } from './world/world.ts'

/** Pauses come independently of each other; most are short, and none is longer than the bound. */
interface Scheduling {
  readonly everyMsMean: number
  readonly pauseMsMean: number
  readonly pauseMsMax: number
}

/** The pair unit runs before all others if it may (SCHED_FIFO). The others collect garbage and share
 * their cores with the busy rest of the machine. */
function schedulingOf(unit: UnitKind, pauseMsMax: number): Scheduling {
  if (unit === 'pair') return { everyMsMean: 1_000, pauseMsMean: 2, pauseMsMax }
  return { everyMsMean: 500, pauseMsMean: 5, pauseMsMax: 150 }
}

const startMs = 10_000

interface LoadOutcome {
  readonly simulatedMs: number
  readonly events: number
  /** Changes of the role after the start: none is wanted. */
  readonly falseTakeOvers: number
  readonly pauses: number
  readonly longestMs: number
  readonly answered: number
  readonly lost: number
}

interface LoadOptions {
  readonly hours: number
  /** Longest pause of a pair unit, in milliseconds. */
  readonly pauseMsMax: number
}

export function runLoad(plan: Plan, { hours, pauseMsMax }: LoadOptions): LoadOutcome {
  const world = new World(plan)
  const counts = { pauses: 0, longestMs: 0, roles: 0 }
  world.watcher = {
    sentSip: () => undefined,
    changed: () => undefined,
    losing: () => undefined,
    callChanged: () => undefined,
    noted: (_node, text, fields) => {
      if (text === 'decision' && fields.from !== fields.to) counts.roles++
    },
  }
  world.start()
  world.timeline.runTo(startMs)
  counts.roles = 0
  const random = new Random(`load ${plan.seed}`)
  for (const name of nodeNames) {
    for (const unit of ['pair', 'switch', 'media'] as const) {
      const scheduling = schedulingOf(unit, pauseMsMax)
      const pause = () => {
        const ms = Math.min(random.exponential(scheduling.pauseMsMean), scheduling.pauseMsMax)
        // Now and then the longest that there is.
        const forMs = random.chance(0.01) ? scheduling.pauseMsMax : ms
        world[name][unit].process.freeze(forMs)
        counts.pauses++
        if (unit === 'pair') counts.longestMs = Math.max(counts.longestMs, forMs)
        world.timeline.after(random.exponential(scheduling.everyMsMean), pause)
      }
      pause()
    }
  }
  world.timeline.runTo(hours * 3_600_000)
  const { answered, lost } = world.calls.counts
  return {
    simulatedMs: world.timeline.nowMs,
    events: world.timeline.events,
    falseTakeOvers: counts.roles,
    pauses: counts.pauses,
    longestMs: counts.longestMs,
    answered,
    lost,
  }
}
