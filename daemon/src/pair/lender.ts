//! Lends the role to the units of this node for as long as the peer cannot have missed the node: from
//! the last heartbeat that left, for the patience of the peer (ADR 0015). A unit that stood still finds
//! its lease run out, and asks before it acts.
import type { BusMessage } from '../bus/messages.ts'
import type { PairEvent, UnitName } from './state.ts'

interface LenderOutlets {
  toSwitch(message: BusMessage): void
  toMedia(message: BusMessage): void
  toSupervisor(message: BusMessage): void
}

export class Lender {
  readonly #patienceMs: number
  readonly #out: LenderOutlets
  #sentAt: number | null = null
  /** Newest sign of life of each unit. */
  readonly #echo: Record<UnitName, number> = { switch: 0, media: 0 }

  /** @param patienceMs silence after which the peer takes over. */
  constructor(patienceMs: number, outlets: LenderOutlets) {
    this.#patienceMs = patienceMs
    this.#out = outlets
  }

  /** Heartbeats leave now. */
  sending(now: number): void {
    this.#sentAt = now
  }

  /** To be called when they have left: a lease begins before the peer can have heard them. */
  lend(): void {
    this.#tell('switch')
    this.#tell('media')
    // It gives no sign of life; its claim on a service address that floats ends by the clock.
    const { untilMs } = this
    if (untilMs === null) return
    this.#out.toSupervisor({ kind: 'lease', untilMs, echo: 0 })
  }

  /** When what was lent last ends; null: nothing was lent. */
  get untilMs(): number | null {
    return this.#sentAt === null ? null : this.#sentAt + this.#patienceMs
  }

  /** Answers a sign of life, after all that it has led to. */
  note(event: PairEvent): void {
    if (event.kind === 'unit-down') this.#echo[event.unit] = 0
    if (event.kind !== 'switch-alive' && event.kind !== 'media-alive') return
    const unit = event.kind === 'switch-alive' ? 'switch' : 'media'
    this.#echo[unit] = event.counter
    this.#tell(unit)
  }

  #tell(unit: UnitName): void {
    const { untilMs } = this
    if (untilMs === null) return
    const message: BusMessage = { kind: 'lease', untilMs, echo: this.#echo[unit] }
    if (unit === 'switch') this.#out.toSwitch(message)
    else this.#out.toMedia(message)
  }
}
