//! What a soak leaves behind: one entry a run in `docs/scoreboard.json`, from which SCOREBOARD.md is made.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MachineFacts } from '../bench/machine.ts'
import type { FaultKind } from './faults.ts'
import type { HeartbeatFigures } from './heartbeat-meter.ts'
import type { CallCount } from './load.ts'
import type { FaultFindings } from './long-faults.ts'

export interface FaultResult {
  readonly kind: FaultKind
  /** Fault to the first SIP answer of the other node; null when it need not serve, or did not. */
  readonly takeOverMs: number | null
  /** Packets that no twin brought, of all held legs, until the next fault. */
  readonly framesLost: number
  /** Of those, lost while this machine ran: no standstill of its processors explains them. */
  readonly unexplained: number
  /** Longest pause between two packets of a leg. */
  readonly pauseMs: number
  /** Fault to the pair in step again. */
  readonly backMs: number
  /** Changes of the answering node that the fault does not explain. */
  readonly falseTakeOvers: number
  readonly findings?: FaultFindings
}

export type ProfileName = 'default' | 'fast'

/** Of whom a run is, when it is none of two nodes with terminals that hear both. */
type RunKind = 'single-terminals' | 'one-node' | 'flood'

export interface SoakRun {
  readonly kind?: RunKind
  readonly machine: MachineFacts
  readonly profile: ProfileName
  readonly legs: number
  /** Of those, members of one conference; absent in runs before there were conferences. */
  readonly conferenceLegs?: number
  readonly seconds: number
  /** New calls a second beside those that are held. */
  readonly comingPerSecond: number
  readonly faults: readonly FaultResult[]
  /** Packets of the held legs, without twins. */
  readonly frames: number
  readonly framesLost: number
  /** Frames that the capture has missed: they are neither lost nor seen. */
  readonly notCaptured: number
  /** Changes of the answering node in a run without faults. */
  readonly falseTakeOvers: number
  /** Of those, while a processor of this machine did not run for nearly the time that a silent peer is
   * waited for; absent in runs before this was looked at. */
  readonly stoodStill?: number
  readonly longestPauseMs: number
  readonly held: CallCount
  readonly coming: CallCount
  /** Why the run ended before its time. */
  readonly problem: string | null
  /** Ticks of the media unit that were late, of all, in a run of one node. */
  readonly ticks?: { readonly late: number; readonly all: number; readonly lateMsMax: number }
  readonly flood?: FloodFacts
  /** Of one node on one link, in a run without faults. */
  readonly heartbeats?: HeartbeatFigures
  /** The version that nodes are upgraded from and back to. */
  readonly upgradeFrom?: string
}

interface FloodFacts {
  readonly perSecond: number
  readonly memoryMiB: number
  readonly byeP99Ms: number | null
}

export interface SoakResults {
  readonly runs: readonly SoakRun[]
}

const file = join(import.meta.dirname, '../../docs/scoreboard.json')

export function readResults(): SoakResults {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SoakResults
  } catch {
    return { runs: [] }
  }
}

export function keepRun(run: SoakRun): SoakResults {
  const results = { runs: [...readResults().runs, run] }
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`)
  return results
}
