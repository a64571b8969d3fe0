//! What the state of a directory means. Pure.
import type { AlarmCode } from '../alarms.ts'
import { limits } from '../limits.ts'
import type { DiskState } from '../platform/disk.ts'

export interface DiskVerdict {
  readonly code: Extract<AlarmCode, 'disk-low' | 'disk-full' | 'disk-failed'>
  readonly detail: string
}

/** Null: nothing is wrong. The shares are for small file systems, such as that of the run directory. */
export function judgeDisk(state: DiskState): DiskVerdict | null {
  const { freeBytes, totalBytes, failure } = state
  const free = `${mebibytes(freeBytes)} of ${mebibytes(totalBytes)} MiB are free`
  if (failure !== null && !failure.full) return { code: 'disk-failed', detail: failure.text }
  const fullBytes = Math.min(limits.diskFullBytes, totalBytes * limits.diskFullShare)
  if (failure !== null || freeBytes <= fullBytes) return { code: 'disk-full', detail: free }
  const lowBytes = Math.min(limits.diskLowBytes, totalBytes * limits.diskLowShare)
  return freeBytes <= lowBytes ? { code: 'disk-low', detail: free } : null
}

/** A disk that fails says so; one that hangs (a controller, a frozen file system, a lost server) never answers. */
export function hangingDisk(silentMs: number): DiskVerdict {
  return { code: 'disk-failed', detail: `no answer for ${(silentMs / 1_000).toFixed(0)} s` }
}

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1)
}

interface StepDownView {
  /** Directories for what must be kept (term, call records) that have failed in two looks in a row. */
  readonly lost: readonly string[]
  readonly isPrimary: boolean
  readonly peerReady: boolean
  readonly triedAtMs: number | null
  readonly nowMs: number
}

/** A primary that cannot keep what it must gives the role to a peer that can; alone it goes on. */
export function wantsToStepDown(view: StepDownView): boolean {
  if (view.lost.length === 0 || !view.isPrimary || !view.peerReady) return false
  return view.triedAtMs === null || view.nowMs - view.triedAtMs >= limits.diskStepDownMs
}
