//! The lease of the role in the hands of the switch: asks pair when it has run out, and says when what
//! a primary does may leave (ADR 0015).
import type { BusMessageOf } from '../bus/messages.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import type { Clock } from '../platform/clock.ts'
import type { LogHub } from './log-hub.ts'
import { RoleLease } from './role-lease.ts'

interface RoleDoubtParts {
  readonly config: NodeConfig
  readonly clock: Clock
  readonly log: LogHub
  readonly isPrimary: () => boolean
  /** Gives a sign of life now, and `lease.asked` its counter. */
  readonly proveLife: (nowMs: number) => void
  /** The role is sure again after a doubt. */
  readonly confirmed: () => void
}

/** What waits beyond it is left to its repetition. */
const keptMax = 1_000

export class RoleDoubt {
  readonly lease: RoleLease
  readonly #parts: RoleDoubtParts
  #inDoubt = false
  #kept: (() => void)[] = []

  constructor(parts: RoleDoubtParts) {
    const { heartbeatMs, missesMax } = parts.config.pair
    this.#parts = parts
    this.lease = new RoleLease(heartbeatMs * missesMax)
  }

  /** Only what a primary does needs the lease. */
  mayAct(): boolean {
    const { clock, log, isPrimary, proveLife } = this.#parts
    if (!isPrimary()) {
      this.#kept = []
      return true
    }
    const nowMs = clock.monotonicMs()
    const holds = this.lease.holds(nowMs)
    if (this.lease.mustAsk) proveLife(nowMs)
    if (!holds && !this.#inDoubt) {
      this.#inDoubt = true
      log.warn('the role is in doubt: nothing is sent until pair confirms it')
    }
    return holds
  }

  /** At once, or in its order when the role is sure again; not at all when it is gone. In a fast profile a busy
   * loop has doubts several times a second: what waited for a repetition each time came seconds late. */
  whenSure(action: () => void): void {
    if (this.mayAct()) action()
    else if (this.#kept.length < keptMax) this.#kept.push(action)
  }

  take(message: BusMessageOf<'lease'>): void {
    const { clock, log, proveLife, confirmed } = this.#parts
    const nowMs = clock.monotonicMs()
    this.lease.renew(message, nowMs)
    if (this.lease.mustAsk) proveLife(nowMs)
    if (!this.lease.holds(nowMs) || !this.#inDoubt) return
    this.#inDoubt = false
    log.info('the role is confirmed')
    const kept = this.#kept
    this.#kept = []
    for (const action of kept) action()
    confirmed()
  }
}
