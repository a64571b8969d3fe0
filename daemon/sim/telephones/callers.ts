//! The people at the telephones: whom they call, how long they talk, when they hold.

import type { Random } from '../world/random.ts'
import type { Timeline } from '../world/timeline.ts'
import type { Calls } from './calls.ts'
import type { PhoneEvent, Telephone } from './telephone.ts'

export interface Habits {
  /** Milliseconds between two calls of one telephone, on average. */
  readonly pauseMsMean: number
  readonly talkMsMean: number
  readonly holdMsMean: number
  readonly refuse: number
  readonly giveUp: number
}

/** Somebody who waits longer than this puts the handset down. */
const patienceMs = 40_000

export class Callers {
  readonly #phones: readonly Telephone[]
  readonly #calls: Calls
  readonly #timeline: Timeline
  readonly #random: Random
  habits: Habits
  /** No new calls, and nobody hangs up. */
  resting = false

  constructor(parts: {
    phones: readonly Telephone[]
    calls: Calls
    timeline: Timeline
    random: Random
    habits: Habits
  }) {
    this.#phones = parts.phones
    this.#calls = parts.calls
    this.#timeline = parts.timeline
    this.#random = parts.random
    this.habits = parts.habits
  }

  start(): void {
    for (const phone of this.#phones) this.#nextCall(phone)
  }

  /** One telephone calls another now. @returns false when one of them is busy. */
  place(from: Telephone, to: Telephone): boolean {
    if (!from.idle || !to.idle || from === to) return false
    const call = this.#calls.place(from.number, to.number)
    from.call(to.number, call)
    const giveUpMs = this.#random.chance(this.habits.giveUp)
      ? this.#random.between(500, 8_000)
      : patienceMs
    this.#timeline.after(giveUpMs, () => {
      if (this.#calls.ofPhone(from.number) === call) from.cancel()
    })
    return true
  }

  /** The handset is put down: nobody waits for the answer to a hold first (RFC 3261 15), nor rings on. */
  hangUp(phone: Telephone): void {
    phone.cancel()
    if (phone.leg?.state !== 'up') return
    this.#calls.touch(phone, true)
    phone.hangUp()
  }

  /** What a person does when the telephone rings or somebody has answered. */
  react(phone: Telephone, event: PhoneEvent): void {
    if (event === 'rings') this.#answer(phone)
    else if (event === 'answered') {
      this.#talk(phone)
      this.#holdNow(phone)
    } else if (event === 'hold-done' && phone.leg?.direction === 'sendonly') {
      this.#later(this.#random.exponential(this.habits.holdMsMean), phone, () => this.#hold(phone))
    }
  }

  #nextCall(phone: Telephone): void {
    this.#timeline.after(this.#random.exponential(this.habits.pauseMsMean), () => {
      if (!this.resting) this.place(phone, this.#random.pick(this.#phones))
      this.#nextCall(phone)
    })
  }

  #answer(phone: Telephone): void {
    const leg = phone.leg
    const refuses = !this.resting && this.#random.chance(this.habits.refuse)
    this.#timeline.after(this.#random.between(200, 6_000), () => {
      if (phone.leg !== leg) return
      if (refuses) phone.refuse()
      else phone.accept()
    })
  }

  #talk(phone: Telephone): void {
    const call = this.#calls.ofPhone(phone.number)
    const talkMs = 1_000 + this.#random.exponential(this.habits.talkMsMean)
    const ends = () => {
      if (call === null || this.#calls.ofPhone(phone.number) !== call) return
      const one = this.#random.chance(0.5) ? phone : this.#phone(call.callee)
      const isUp = one?.leg?.state === 'up'
      if (this.resting || !isUp || this.#calls.ofPhone(one.number) !== call) {
        this.#timeline.after(1_000, ends)
      } else this.hangUp(one)
    }
    this.#timeline.after(talkMs, ends)
  }

  #holdNow(phone: Telephone): void {
    this.#later(this.#random.exponential(this.habits.holdMsMean * 4), phone, () => {
      this.#hold(phone)
    })
  }

  #hold(phone: Telephone): void {
    if (!this.resting && phone.leg?.state === 'up' && !phone.leg.busy) {
      this.#calls.touch(phone, false)
      phone.hold()
    }
  }

  /** In the same call. */
  #later(inMs: number, phone: Telephone, run: () => void): void {
    const leg = phone.leg
    this.#timeline.after(inMs, () => {
      if (phone.leg === leg) run()
    })
  }

  #phone(number: string): Telephone | undefined {
    return this.#phones.find((phone) => phone.number === number)
  }
}
