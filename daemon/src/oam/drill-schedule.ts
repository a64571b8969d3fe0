//! When a scheduled drill is due. Pure: both times are Unix milliseconds of the wall clock.
import { drillDays } from './site-config-schema.ts'

export interface DrillTime {
  readonly name: string
  readonly weekday: (typeof drillDays)[number]
  /** `03:30`, UTC. */
  readonly time: string
  readonly enabled: boolean
}

const dayMs = 86_400_000
/** A node that was away or asleep at the time does not drill long after it. */
const lateMsMax = 60_000

/** @returns the first drill whose time is after `lastMs` and not after `nowMs`; null: none. */
export function dueDrill(
  times: readonly DrillTime[],
  lastMs: number,
  nowMs: number,
): DrillTime | null {
  const fromMs = Math.max(lastMs, nowMs - lateMsMax)
  const isDue = (one: DrillTime) => {
    const atMs = lastAt(one, nowMs)
    return atMs !== null && atMs > fromMs
  }
  return times.find(isDue) ?? null
}

/** @returns when the next drill is due, after `nowMs`; null: none is scheduled. */
export function nextDrillMs(times: readonly DrillTime[], nowMs: number): number | null {
  const all = times.flatMap((one) => {
    // A week from now, the last one before that is the last of its kind in that week.
    for (let day = 1; day <= 8; day += 1) {
      const atMs = lastAt(one, nowMs + day * dayMs)
      if (atMs !== null && atMs > nowMs) return [atMs]
    }
    return []
  })
  return all.length === 0 ? null : Math.min(...all)
}

/** Its time today or yesterday, whichever is the last that is not after `nowMs`; null: on neither day. */
function lastAt({ weekday, time, enabled }: DrillTime, nowMs: number): number | null {
  if (!enabled) return null
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  const midnightMs = Math.floor(nowMs / dayMs) * dayMs
  for (const dayStartMs of [midnightMs, midnightMs - dayMs]) {
    const atMs = dayStartMs + (hours * 60 + minutes) * 60_000
    if (atMs <= nowMs && isOn(weekday, dayStartMs)) return atMs
  }
  return null
}

/** drillDays: daily, monday, ... sunday; the first day of 1970 was a Thursday. */
function isOn(weekday: DrillTime['weekday'], dayStartMs: number): boolean {
  if (weekday === 'daily') return true
  const sinceMonday = (Math.floor(dayStartMs / dayMs) + 3) % 7
  return drillDays[sinceMonday + 1] === weekday
}
