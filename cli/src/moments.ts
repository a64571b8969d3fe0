//! Moments as people type them: `2h` (ago), `2026-03-14`, `2026-03-14T12:30Z`.
import { CliFailure } from './failure.ts'

const unitsMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Throws `usage`. @returns ISO 8601 UTC. */
export function momentOf(flag: string, text: string, nowMs: number): string {
  const ago = /^(\d{1,6})([smhd])$/.exec(text)
  if (ago !== null)
    return new Date(nowMs - Number(ago[1]) * (unitsMs[ago[2] ?? ''] ?? 0)).toISOString()
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text)
  const isTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/.test(text)
  const hasZone = /(Z|[+-]\d\d:\d\d)$/.test(text)
  const ms =
    isDate || isTime
      ? Date.parse(isDate || hasZone ? text.replace(' ', 'T') : `${text.replace(' ', 'T')}Z`)
      : Number.NaN
  if (!Number.isNaN(ms)) return new Date(ms).toISOString()
  const next = `Give e.g. --${flag} 2h, --${flag} 2026-03-14 or --${flag} 2026-03-14T12:30Z (UTC).`
  throw new CliFailure('usage', `--${flag} ${text}: not a moment`, next)
}
