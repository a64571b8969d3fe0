//! The units of this node for `vccs status`, and the alarm of one that died.

import { limits } from '../limits.ts'
import type { AlarmReport } from '../oam/alarm-list.ts'
import type { UnitState } from '../oam/status.ts'
import { isSupervised, readUnitReport } from '../oam/unit-report.ts'

interface UnitsSeen {
  readonly runDirectory: string
  readonly mediaConnected: boolean
  readonly pairConnected: boolean
  readonly startedWallMs: number
}

/** A restart is shown as an alarm for this long. */
const restartShownMs = 300_000

/** A unit counts as up when it is connected, whatever the supervisor last wrote. */
export function unitStates(seen: UnitsSeen): UnitState[] {
  const report = readUnitReport(seen.runDirectory)
  const connected = { switch: true, media: seen.mediaConnected, pair: seen.pairConnected }
  const supervisor: UnitState = {
    unit: 'supervisor',
    state: report === null ? 'unknown' : isSupervised(report) ? 'up' : 'down',
    pid: report?.supervisor.pid ?? null,
    sinceWallMs: report?.supervisor.sinceWallMs ?? null,
    restarts: 0,
  }
  const units = (['switch', 'media', 'pair'] as const).map((unit): UnitState => {
    const told = report?.units.find((one) => one.unit === unit)
    return {
      unit,
      state: connected[unit] ? 'up' : 'down',
      pid: unit === 'switch' ? process.pid : (told?.pid ?? null),
      sinceWallMs: told?.sinceWallMs ?? seen.startedWallMs,
      restarts: told?.restarts ?? 0,
    }
  })
  return [supervisor, ...units]
}

/** Units that were started again lately, and a supervisor that is gone. */
export function restartAlarms(runDirectory: string, nowWallMs: number): AlarmReport[] {
  const report = readUnitReport(runDirectory)
  const unsupervised = report === null || isSupervised(report) ? [] : [report.supervisor]
  const lost = unsupervised.map(({ pid }) => ({
    code: 'supervisor-lost' as const,
    subject: 'supervisor',
    detail: `process ${pid} is gone`,
  }))
  const restarted = (report?.units ?? [])
    .filter(({ restarts, sinceWallMs }) => restarts > 0 && nowWallMs - sinceWallMs < restartShownMs)
    .map(({ unit, restarts, died }) => ({
      code: 'unit-restarted' as const,
      subject: unit,
      detail: `${died}; ${restarts} ${restarts === 1 ? 'restart' : 'restarts'} of it since vccsd started`,
    }))
  const looping = (report?.units ?? [])
    .filter(({ quickDeaths }) => quickDeaths >= limits.crashLoopDeaths)
    .map(({ unit, quickDeaths, died }) => ({
      code: 'crash-loop' as const,
      subject: unit,
      detail: `${quickDeaths} deaths in a row, the last: ${died}`,
    }))
  return [...lost, ...restarted, ...looping]
}
