//! Units that outlived their supervisor. They served on while nobody supervised them; a new supervisor
//! ends them before it starts its own, pair first, so that it can hand over.
import { readFileBytes, removeFile } from '../platform/files.ts'
import type { Log } from '../platform/log.ts'
import { commandLine, signalProcess } from '../platform/process.ts'
import { type SupervisedUnit, unitNames } from './units.ts'

const patienceMs = 5_000
const lookMs = 20

export function pidFile(runDirectory: string, unit: SupervisedUnit): string {
  return `${runDirectory}/${unit}.pid`
}

/** The process of a pid file, if it still is that unit: process ids are used again. */
function survivor(path: string, unit: SupervisedUnit): number | null {
  const file = readFileBytes(path, 32)
  const pid = file.ok ? Number(new TextDecoder().decode(file.bytes)) : Number.NaN
  if (!Number.isSafeInteger(pid) || pid <= 1) return null
  const isUnit = commandLine(pid)?.some((one) => one.endsWith(`/daemon/src/${unit}.ts`))
  return isUnit === true ? pid : null
}

export async function endOldUnits(
  runDirectory: string,
  log: Log,
  wait: (ms: number) => Promise<void>,
): Promise<void> {
  for (const unit of unitNames) {
    const path = pidFile(runDirectory, unit)
    const pid = survivor(path, unit)
    if (pid !== null) {
      log.warn('a unit of a former supervisor is ended', { of: unit, unitPid: pid })
      signalProcess(pid, 'SIGTERM')
      for (let waited = 0; survivor(path, unit) !== null; waited += lookMs) {
        if (waited >= patienceMs) signalProcess(pid, 'SIGKILL')
        await wait(lookMs)
      }
    }
    removeFile(path)
  }
}
