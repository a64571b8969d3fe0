//! What the test of the fail-over matrix leaves behind, and the copy of it that is kept in `docs/`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { MachineFacts } from '../bench/machine.ts'

export const matrixFaults = ['kill of the primary', 'switchover'] as const
export type MatrixFault = (typeof matrixFaults)[number]

/** Rows are played in two sets: all of them at once are more than two processors carry. */
const matrixSets = ['usual', 'more'] as const
export type MatrixSet = (typeof matrixSets)[number]
export const setVariable = 'VCCS_MATRIX_SET'

/** The set that this run of the test plays. */
export function matrixSet(): MatrixSet {
  return matrixSets.find((set) => set === process.env[setVariable]) ?? 'usual'
}

/** One service in one state, through one fault. */
export interface MatrixCell {
  readonly service: string
  readonly state: string
  readonly fault: MatrixFault
  /** What the new primary had to do with it. */
  readonly outcome: string
  /** The new primary knew every member in its state. */
  readonly stood: boolean
  readonly completed: boolean
  readonly ended: boolean
  /** Every terminal heard somebody in the second before the end, or before its service was completed if there is
   * nothing to be heard then. */
  readonly audible: boolean
  /** Packets that were due to its terminals, from a second before the fault on. */
  readonly packetsDue: number
  /** Of those, packets that no node brought. */
  readonly packetsLost: number
  /** Call records of its calls, and as many as there should be. */
  readonly records: number
  readonly recordsDue: number
  /** What went wrong, for the reader; empty: nothing. */
  readonly problems: readonly string[]
}

export interface MatrixRun {
  readonly machine: MachineFacts
  readonly cells: readonly MatrixCell[]
  /** What was left on the nodes after each fault, and what is wrong with their call records. */
  readonly leftovers: Readonly<Record<MatrixFault, readonly string[]>>
}

const root = join(import.meta.dirname, '../..')
/** Written by each run of the test. */
export const lastRunFile = join(root, 'build/failover-matrix.json')
const keptFile = join(root, 'docs/failover-matrix.json')

export function writeRun(run: MatrixRun): void {
  mkdirSync(dirname(lastRunFile), { recursive: true })
  writeFileSync(lastRunFile, `${JSON.stringify(run, null, 1)}\n`)
}

export function lastRun(): MatrixRun {
  return JSON.parse(readFileSync(lastRunFile, 'utf8')) as MatrixRun
}

/** One run of all rows, from those of the sets. */
export function joined(runs: readonly [MatrixRun, ...MatrixRun[]]): MatrixRun {
  const cells = runs.flatMap((run) => run.cells)
  const left = matrixFaults.map((fault) => [fault, runs.flatMap((run) => run.leftovers[fault])])
  return {
    machine: runs[0].machine,
    cells: matrixFaults.flatMap((fault) => cells.filter((cell) => cell.fault === fault)),
    leftovers: Object.fromEntries(left),
  }
}

/** The run that the documents show. */
export function keepRun(run: MatrixRun): void {
  writeFileSync(keptFile, `${JSON.stringify(run, null, 1)}\n`)
}

export function keptRun(): MatrixRun | null {
  try {
    return JSON.parse(readFileSync(keptFile, 'utf8')) as MatrixRun
  } catch {
    return null
  }
}
