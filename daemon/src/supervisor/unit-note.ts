//! What a supervisor writes down of each unit, so that the next one finds it: its process, and what it
//! was started with. Two small files a unit in the run directory: `NAME.pid` for people and tools, and
//! `NAME.unit` with all of it.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { NodeConfig } from '../oam/node-config.ts'
import { readFileBytes, readSystemFile, removeFile, replaceFile } from '../platform/files.ts'
import {
  commandLine,
  identifyProcess,
  type ProcessIdentity,
  userOfProcess,
} from '../platform/process.ts'

export const unitNames = ['pair', 'switch', 'media'] as const
export type SupervisedUnit = (typeof unitNames)[number]

const noteSchema = z.strictObject({
  pid: z.int().min(2),
  /** See `ProcessIdentity`. */
  startTicks: z.string(),
  /** See `originOf`. */
  origin: z.string(),
})

const noteBytesMax = 1_024

export interface UnitPlace {
  readonly runDirectory: string
  readonly unit: SupervisedUnit
}

/** What units are started with. One that was started with something else cannot go on under a supervisor
 * that has this: another version of the program, another node file, another start of the machine. */
export function originOf(version: string, configPath: string, config: NodeConfig): string {
  const machineBoot = readSystemFile('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  const all = JSON.stringify([machineBoot, process.version, version, configPath, config])
  return createHash('sha256').update(all).digest('hex').slice(0, 32)
}

/** Not kept over a loss of power: no process is either, and a slow disk must not hold up the start of a
 * unit. Throws when it cannot be written. */
export function writeUnitNote(place: UnitPlace, pid: number, origin: string): void {
  replaceFile(path(place, 'pid'), `${pid}\n`, 0o640)
  const identity = identifyProcess(pid)
  if (identity === null) return
  const note: z.infer<typeof noteSchema> = { ...identity, origin }
  replaceFile(path(place, 'unit'), JSON.stringify(note), 0o640)
}

export function removeUnitNote(place: UnitPlace): void {
  removeFile(path(place, 'unit'))
  removeFile(path(place, 'pid'))
}

/** A living unit of a former supervisor. */
interface FormerUnit {
  readonly identity: ProcessIdentity
  /** It was started with what this supervisor would start it with. */
  readonly mayStay: boolean
}

/** Null: it is dead, or what has its number now is somebody else's. */
export function findFormerUnit(place: UnitPlace, origin: string): FormerUnit | null {
  const note = readNote(place)
  const pid = note?.pid ?? readPid(place)
  if (pid === null || !isUnit(pid, place.unit)) return null
  const identity = identifyProcess(pid)
  if (identity === null) return null
  // Without a note nobody knows what it was started with, and it may be one that was given the number.
  if (note === null) return { identity, mayStay: false }
  if (note.startTicks !== identity.startTicks) return null
  return { identity, mayStay: note.origin === origin }
}

/** Only a process of our own user that runs the program of that unit is ever signalled. */
function isUnit(pid: number, unit: SupervisedUnit): boolean {
  const runsIt = commandLine(pid)?.some((one) => one.endsWith(`/daemon/src/${unit}.ts`))
  return runsIt === true && userOfProcess(pid) === process.geteuid?.()
}

function readNote(place: UnitPlace): z.infer<typeof noteSchema> | null {
  const file = readFileBytes(path(place, 'unit'), noteBytesMax)
  if (!file.ok) return null
  try {
    return noteSchema.parse(JSON.parse(new TextDecoder().decode(file.bytes)))
  } catch {
    return null
  }
}

function readPid(place: UnitPlace): number | null {
  const file = readFileBytes(path(place, 'pid'), 32)
  const pid = file.ok ? Number(new TextDecoder().decode(file.bytes)) : Number.NaN
  return Number.isSafeInteger(pid) && pid > 1 ? pid : null
}

function path({ runDirectory, unit }: UnitPlace, kind: 'pid' | 'unit'): string {
  return `${runDirectory}/${unit}.${kind}`
}
