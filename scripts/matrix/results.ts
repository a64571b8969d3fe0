//! What the test of the fail-over matrix leaves behind, and the copy of it that is kept in `docs/`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { MachineFacts } from '../bench/machine.ts'

export const matrixFaults = ['kill of the primary', 'switchover'] as const
export type MatrixFault = (typeof matrixFaults)[number]

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

/** Takes the last run of the test for the one that the documents show. */
export function keepLastRun(): MatrixRun {
  const text = readFileSync(lastRunFile, 'utf8')
  writeFileSync(keptFile, text)
  return JSON.parse(text) as MatrixRun
}

export function keptRun(): MatrixRun | null {
  try {
    return JSON.parse(readFileSync(keptFile, 'utf8')) as MatrixRun
  } catch {
    return null
  }
}
