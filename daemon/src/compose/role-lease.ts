//! How long the switch may act on what pair said of the role (ADR 0015). A process that stood still wakes
//! up with an old belief and an unread queue; it acts again when pair has answered a sign of life that
//! was given after it woke, because then everything said before has been read. Pure: time is an argument.
import type { BusMessageOf, Role } from '../bus/messages.ts'

/** Alone, a pause of the loop up to this is no standstill, also in a fast profile. */
const aloneMsMin = 500

export class RoleLease {
  readonly #patienceMs: number
  #untilMs = Number.NEGATIVE_INFINITY
  #alone = false
  #isPrimary = false
  /** When the loop last came round. */
  #turnAtMs = Number.NEGATIVE_INFINITY
  #inDoubt = true
  /** Sign of life that pair has to answer; null: none was given since the doubt began. */
  #askedWith: number | null = null
  #answered = false

  /** @param patienceMs silence after which the peer takes over. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** What pair said of the role. A new primary is in doubt until pair has answered a sign of life: what
   * pair said next may lie unread behind it, when both stood still and the peer serves. */
  role({ alone, role }: { readonly alone: boolean; readonly role: Role }): void {
    this.#alone = alone
    if (role === 'primary' && !this.#isPrimary) this.#doubt()
    this.#isPrimary = role === 'primary'
  }

  /** The loop came round.
   * @param nowMs CLOCK_MONOTONIC, as everywhere here. */
  turn(nowMs: number): void {
    this.holds(nowMs)
    this.#turnAtMs = nowMs
  }

  /** False: what this node knows of its role may be over. */
  holds(nowMs: number): boolean {
    if (!this.#inDoubt && nowMs >= this.#untilMs && !this.#goesOnAlone(nowMs)) {
      this.#doubt()
    }
    return !this.#inDoubt
  }

  #doubt(): void {
    this.#inDoubt = true
    this.#askedWith = null
    this.#answered = false
  }

  /** A sign of life is to be given now. */
  get mustAsk(): boolean {
    return this.#inDoubt && this.#askedWith === null
  }

  /** A sign of life left, with this counter. */
  asked(counter: number): void {
    if (this.mustAsk) this.#askedWith = counter
  }

  renew({ untilMs, echo }: BusMessageOf<'lease'>, nowMs: number): void {
    // Those that waited unread while this process stood still come first: they end no doubt.
    this.holds(nowMs)
    this.#untilMs = Math.max(this.#untilMs, untilMs)
    if (!this.#inDoubt) return
    if (this.#askedWith !== null && echo >= this.#askedWith) this.#answered = true
    if (this.#answered && nowMs < this.#untilMs) this.#inDoubt = false
  }

  /** Nobody else served when pair last spoke: a pair unit that is dead or hangs is no reason to fall
   * silent, unless this process has stood still as well. */
  #goesOnAlone(nowMs: number): boolean {
    const patienceMs = Math.max(this.#patienceMs, aloneMsMin)
    return this.#alone && nowMs - this.#turnAtMs < patienceMs
  }
}
