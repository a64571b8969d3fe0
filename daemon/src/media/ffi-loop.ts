//! The loop of the FFI back end: sleeps to an absolute time, reads what came, runs what is due. It never
//! returns, so that no work of the event loop (and no idle garbage collection) comes between ticks.
import type { FfiMemory } from './ffi-memory.ts'
import type { MediaUnit } from './unit.ts'

export function runFfiLoop(
  memory: FfiMemory,
  unit: MediaUnit,
  ends: readonly { poll(nowMs: number): void }[],
): never {
  for (;;) {
    memory.sleepUntil(unit.nextDueMs())
    const nowMs = memory.monotonicMs()
    for (const end of ends) end.poll(nowMs)
    unit.runDue()
  }
}
