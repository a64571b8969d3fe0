//! What the supervisor tells about its units: a small file in the run directory that it replaces at
//! every start and death, and that the switch reads for `vccs status`.
import { z } from 'zod'
import { readFileBytes } from '../platform/files.ts'
import { commandLine } from '../platform/process.ts'

const unitReportSchema = z.strictObject({
  supervisor: z.strictObject({ pid: z.int(), sinceWallMs: z.number() }),
  units: z.array(
    z.strictObject({
      unit: z.enum(['pair', 'switch', 'media']),
      /** Null: dead, waiting to be started again. */
      pid: z.int().nullable(),
      sinceWallMs: z.number(),
      restarts: z.int().min(0),
      /** Deaths in a row, none of which came after a life of some length. */
      quickDeaths: z.int().min(0),
      /** How the last one died, or why the supervisor ended it; empty: none did. */
      died: z.string(),
    }),
  ),
})
export type UnitReport = z.infer<typeof unitReportSchema>

const reportBytesMax = 16_384

export function unitReportPath(runDirectory: string): string {
  return `${runDirectory}/units.json`
}

/** Null when there is none, e.g. a unit that was started by hand. */
export function readUnitReport(runDirectory: string): UnitReport | null {
  const file = readFileBytes(unitReportPath(runDirectory), reportBytesMax)
  if (!file.ok) return null
  try {
    return unitReportSchema.parse(JSON.parse(new TextDecoder().decode(file.bytes)))
  } catch {
    return null
  }
}

/** The supervisor that wrote the report is still there. Its units serve on without it. */
export function isSupervised(report: UnitReport): boolean {
  return commandLine(report.supervisor.pid) !== null
}
