//! What the switch does about its memory: an alarm when it is low; before it is exhausted, and when the
//! peer can serve, the unit ends itself. pair then says goodbye at once, instead of a node that stands
//! still in collections of garbage; the unit comes back empty, as standby. Alone it goes on as long as
//! it can, and is then started anew from its journal.
import { limits } from '../limits.ts'
import { memoryUse } from '../platform/memory.ts'
import type { Alarms } from './alarms.ts'
import type { LogHub } from './log-hub.ts'
import { MemoryWatch } from './memory-watch.ts'

interface MemoryKeeperParts {
  /** Bound of the heap. */
  readonly heapMiB: number
  readonly alarms: Alarms
  readonly log: LogHub
  readonly peerCanServe: () => boolean
  /** Ends the process. */
  readonly giveUp: () => void
}

/** The alarm ends this far below the share at which it was raised. */
const calmShare = 0.05

export class MemoryKeeper {
  readonly #parts: MemoryKeeperParts
  readonly #watch = new MemoryWatch()

  constructor(parts: MemoryKeeperParts) {
    this.#parts = parts
  }

  /** To be called in every turn. */
  advance(nowMs: number): void {
    if (!this.#watch.isDue(nowMs)) return
    const use = memoryUse(this.#parts.heapMiB)
    const share = this.#watch.look(use)
    const { alarms, log, peerCanServe, giveUp } = this.#parts
    const detail = `${Math.round(share * 100)} % in use, heap of ${mebibytes(use.heapBytesMax)} MiB`
    if (share >= limits.memoryLowShare) alarms.raise('memory-low', 'switch', detail)
    else if (share < limits.memoryLowShare - calmShare) alarms.clear('memory-low', 'switch')
    if (share < limits.memoryFullShare || !peerCanServe()) return
    const heapMiB = mebibytes(use.heapBytes)
    log.error('the memory is nearly exhausted: this unit ends, and the peer serves', {
      heapMiB,
      processMiB: mebibytes(use.processBytes),
    })
    log.flush()
    giveUp()
  }
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1_048_576)
}
