//! What the host of a virtual machine takes of a core: time in which the core had work and did not run
//! (`steal` in /proc/stat). A figure in milliseconds of such a moment is the host's.
import { readFileSync } from 'node:fs'

interface Sample {
  readonly atMs: number
  /** Since the machine started. */
  readonly stolenMs: number
}

const periodMs = 250
/** A core that the host took away has a backlog for about so long. */
const backlogMs = 1_000
/** What the host may have taken of the core then: about one tick of its counter a second. */
const stolenShareMax = 0.015
/** Of the counters in /proc/stat (USER_HZ). */
const tickMs = 10
/** Position of `steal` behind the name of the core. */
const stealField = 8

/** Begins to look at it. @returns ends that, and gives what was seen. */
export function watchStolenTime(core: number): () => readonly Sample[] {
  const samples: Sample[] = []
  const take = () => {
    const stolenMs = stolenOf(readFileSync('/proc/stat', 'utf8'), core)
    samples.push({ atMs: Date.now(), stolenMs })
  }
  take()
  const timer = setInterval(take, periodMs)
  return () => {
    clearInterval(timer)
    take()
    return samples
  }
}

/** Those of which the host had taken next to nothing, neither while they lasted nor in the second before. */
export function undisturbed<T extends { readonly atMs: number; readonly ms: number }>(
  spans: readonly T[],
  samples: readonly Sample[],
): T[] {
  return spans.filter(({ atMs, ms }) => {
    return stolenShare(samples, atMs - backlogMs, atMs + ms) <= stolenShareMax
  })
}

/** Milliseconds, from the text of /proc/stat. */
export function stolenOf(stat: string, core: number): number {
  const line = stat.split('\n').find((one) => one.startsWith(`cpu${core} `)) ?? ''
  return Number(line.split(' ')[stealField] ?? 0) * tickMs
}

/** Share of the time from one moment to the other, by the samples around them. */
export function stolenShare(samples: readonly Sample[], fromMs: number, toMs: number): number {
  const first = samples.findLast(({ atMs }) => atMs <= fromMs) ?? samples[0]
  const last = samples.find(({ atMs }) => atMs >= toMs) ?? samples.at(-1)
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
  return (last.stolenMs - first.stolenMs) / (last.atMs - first.atMs)
}
