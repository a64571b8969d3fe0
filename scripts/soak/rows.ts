//! Rows of SCOREBOARD.md: sums over the faults of a series of runs. Pure.
import { bound95, percentile } from './bounds.ts'
import { type FaultKind, faults } from './faults.ts'
import type { FaultResult, ProfileName, SoakResults, SoakRun } from './results.ts'

export interface Series {
  readonly commit: string
  readonly runs: readonly SoakRun[]
  readonly faults: readonly FaultResult[]
}

/** Runs of the newest commit that has such. */
export function series(results: SoakResults, of: (run: SoakRun) => boolean): Series | null {
  const chosen = results.runs.filter(of)
  const commit = chosen.at(-1)?.machine.commit
  if (commit === undefined) return null
  const runs = chosen.filter(({ machine }) => machine.commit === commit)
  return { commit, runs, faults: runs.flatMap((run) => run.faults) }
}

export const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
export const count = (value: number) => value.toLocaleString('en-US')
export const percent = (share: number) => `${(share * 100).toPrecision(2)} %`

export interface Row {
  readonly id: string
  readonly fault: string
  readonly result: string
  readonly trials: string
  readonly bound: string
  readonly target: string
  readonly others: string
}

export const notRun = { result: 'not run', trials: '0', bound: '-' }

function distribution(timesMs: readonly number[]): string {
  const at = (share: number) => percentile(timesMs, share)
  return `p50 ${at(50)} ms, p99 ${at(99)} ms, max ${at(100)} ms`
}

export function lossRow(
  found: Series | null,
  kinds: readonly FaultKind[],
  row: Omit<Row, 'result' | 'trials' | 'bound'>,
): Row {
  const here = found?.faults.filter(({ kind }) => kinds.includes(kind)) ?? []
  if (found === null || here.length === 0) return { ...row, ...notRun }
  const withLoss = here.filter(({ framesLost }) => framesLost > 0).length
  const unexplained = here.filter((one) => one.unexplained > 0).length
  const lost = sum(here.map(({ framesLost }) => framesLost))
  const pauses = here.map(({ pauseMs }) => pauseMs)
  const longest = distribution(pauses)
  const clean = `${count(lost)} frames lost in ${withLoss} faults; longest pause of a leg, of each fault: ${longest}`
  const machine =
    withLoss === 0 ? '' : `; in ${withLoss - unexplained} of them this machine stood still`
  return {
    ...row,
    result: clean + machine,
    trials: `${here.length}`,
    bound: `a fault with loss: < ${percent(bound95(withLoss, here.length))}`,
  }
}

export function takeOverRow(
  found: Series | null,
  kinds: readonly FaultKind[],
  row: Omit<Row, 'result' | 'trials' | 'bound'>,
): Row {
  const here = found?.faults.filter(({ kind }) => kinds.includes(kind)) ?? []
  const times = here.flatMap(({ takeOverMs }) => (takeOverMs === null ? [] : [takeOverMs]))
  if (times.length === 0) return { ...row, ...notRun }
  const result = distribution(times)
  const missing = here.length - times.length
  const none = missing === 0 ? '' : `; none seen in ${missing}`
  return { ...row, result: result + none, trials: `${times.length}`, bound: '-' }
}

/** Two nodes, terminals that hear both, and faults of the usual mixture or none. */
export function isPlain(run: SoakRun, profile: ProfileName): boolean {
  const isUsual = run.faults.every(({ kind }) => faults[kind].share > 0)
  return run.profile === profile && run.kind === undefined && isUsual
}
