//! Units that outlived their supervisor: they served on while nobody supervised them. A new supervisor
//! goes on with those that were started with what it would start them with; it ends the others before it
//! starts its own, pair first, so that it can hand over.
import type { Log } from '../platform/log.ts'
import { isRunning, type ProcessIdentity, signalProcess } from '../platform/process.ts'
import {
  findFormerUnit,
  removeUnitNote,
  type SupervisedUnit,
  type UnitPlace,
  unitNames,
} from './unit-note.ts'

const patienceMs = 5_000
const lookMs = 20

interface FormerUnits {
  readonly runDirectory: string
  /** See `originOf`. */
  readonly origin: string
  readonly log: Log
  readonly wait: (ms: number) => Promise<void>
}

/** @returns the units that go on. */
export async function sortFormerUnits(
  former: FormerUnits,
): Promise<ReadonlyMap<SupervisedUnit, ProcessIdentity>> {
  const { runDirectory, origin, log } = former
  const adopted = new Map<SupervisedUnit, ProcessIdentity>()
  for (const unit of unitNames) {
    const place: UnitPlace = { runDirectory, unit }
    const found = findFormerUnit(place, origin)
    if (found?.mayStay === true) {
      adopted.set(unit, found.identity)
      continue
    }
    if (found !== null) {
      log.warn('a unit of a former supervisor is ended', { of: unit, unitPid: found.identity.pid })
      await end(found.identity, former.wait)
    }
    removeUnitNote(place)
  }
  return adopted
}

async function end(identity: ProcessIdentity, wait: FormerUnits['wait']): Promise<void> {
  signalProcess(identity.pid, 'SIGTERM')
  for (let waitedMs = 0; isRunning(identity); waitedMs += lookMs) {
    if (waitedMs >= patienceMs) signalProcess(identity.pid, 'SIGKILL')
    await wait(lookMs)
  }
}
