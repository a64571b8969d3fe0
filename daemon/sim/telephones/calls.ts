//! What the telephones saw of their calls, and which of it must not have happened. A call that both ends
//! hold is lost when the switch ends it or does not know it, unless its records were on no node that
//! lived: such a call is excused, and counted.
import type { PhoneEvent, Telephone } from './telephone.ts'

export interface Call {
  readonly id: number
  readonly caller: string
  readonly callee: string
  readonly placedAtMs: number
  /** The caller has its 200. */
  answeredAtMs: number | null
  /** The callee has its ACK. */
  confirmedAtMs: number | null
  /** Those who hung up or gave up. */
  readonly endedBy: Set<string>
  /** Both telephones are done with it. */
  endedAtMs: number | null
  /** Last time that one of the ends asked for something. */
  touchedAtMs: number
  /** Why it may be lost. */
  excuse: string | null
  /** How it was lost. */
  lost: string | null
  refusal: string | null
}

interface CallOutlets {
  nowMs(): number
  note(text: string): void
  lost(call: Call, how: string): void
  /** Both ends have it, or it ended. */
  changed(call: Call): void
}

export class Calls {
  readonly all: Call[] = []
  readonly #out: CallOutlets
  readonly #ofPhone = new Map<string, Call>()
  readonly #open = new Set<Call>()
  readonly counts = { placed: 0, answered: 0, refused: 0, cancelled: 0, lost: 0, excused: 0 }
  readonly refusals = new Map<string, number>()

  constructor(outlets: CallOutlets) {
    this.#out = outlets
  }

  /** Established on both ends and wanted by both. */
  get live(): Call[] {
    return this.open.filter(isLive)
  }

  get open(): Call[] {
    return [...this.#open]
  }

  ofPhone(number: string): Call | null {
    return this.#ofPhone.get(number) ?? null
  }

  place(caller: string, callee: string): Call {
    const nowMs = this.#out.nowMs()
    const call: Call = {
      id: ++this.counts.placed,
      caller,
      callee,
      placedAtMs: nowMs,
      answeredAtMs: null,
      confirmedAtMs: null,
      endedBy: new Set(),
      endedAtMs: null,
      touchedAtMs: nowMs,
      excuse: null,
      lost: null,
      refusal: null,
    }
    this.all.push(call)
    this.#open.add(call)
    this.#ofPhone.set(caller, call)
    this.#out.note(`call ${call.id}: ${caller} calls ${callee}`)
    return call
  }

  /** A telephone asks for something: hold, the end. */
  touch(phone: Telephone, ends: boolean): void {
    const call = this.#ofPhone.get(phone.number)
    if (call === undefined) return
    call.touchedAtMs = this.#out.nowMs()
    if (ends) {
      call.endedBy.add(phone.number)
      this.#out.changed(call)
    }
    this.#out.note(`call ${call.id}: ${phone.number} ${ends ? 'hangs up' : 'holds or resumes'}`)
  }

  excuse(call: Call, why: string): void {
    if (call.excuse !== null) return
    call.excuse = why
    this.#out.note(`call ${call.id} is excused: ${why}`)
  }

  /** It may not be lost any more. */
  demand(call: Call, why: string): void {
    call.excuse = null
    this.#out.note(`call ${call.id} is excused no longer: ${why}`)
  }

  event(phone: Telephone, event: PhoneEvent, detail: string): void {
    if (event === 'rings') this.#bind(phone, detail)
    const call = this.#ofPhone.get(phone.number)
    this.#out.note(`call ${call?.id ?? '-'}: ${phone.number} ${event} ${detail}`)
    if (call === undefined) return
    switch (event) {
      case 'answered': {
        call.answeredAtMs = this.#out.nowMs()
        this.counts.answered++
        this.#out.changed(call)
        return
      }
      case 'confirmed': {
        call.confirmedAtMs = this.#out.nowMs()
        this.#out.changed(call)
        return
      }
      case 'switch-bye': {
        if (call.endedBy.size === 0 && call.answeredAtMs !== null) this.#lose(call, phone, 'BYE')
        this.#leave(phone, call)
        return
      }
      case 'broken': {
        const other = [...call.endedBy].some((number) => number !== phone.number)
        if (!other && call.answeredAtMs !== null) this.#lose(call, phone, detail)
        if (phone.leg?.state === 'ending') this.#leave(phone, call)
        return
      }
      case 'refused':
      case 'cancelled': {
        if (phone.number === call.caller) this.#refused(call, event, detail)
        this.#leave(phone, call)
        return
      }
      case 'bye-done':
        this.#leave(phone, call)
    }
  }

  /** Old calls are of no more use. */
  forgetBefore(atMs: number): void {
    const kept = this.all.filter((call) => call.endedAtMs === null || call.endedAtMs >= atMs)
    this.all.splice(0, this.all.length, ...kept)
  }

  #bind(phone: Telephone, caller: string): void {
    const call = this.#ofPhone.get(caller)
    if (call !== undefined && call.callee === phone.number && call.endedAtMs === null) {
      this.#ofPhone.set(phone.number, call)
    } else this.#ofPhone.delete(phone.number)
  }

  #refused(call: Call, event: PhoneEvent, detail: string): void {
    if (event === 'cancelled') this.counts.cancelled++
    else this.counts.refused++
    call.refusal = detail
    this.refusals.set(detail, (this.refusals.get(detail) ?? 0) + 1)
    call.endedBy.add(call.caller)
    this.#out.changed(call)
  }

  #lose(call: Call, phone: Telephone, how: string): void {
    if (call.lost !== null) return
    call.lost = `${phone.number}: ${how}`
    call.endedBy.add('the switch')
    if (call.excuse !== null) this.counts.excused++
    else {
      this.counts.lost++
      this.#out.lost(call, call.lost)
    }
    this.#out.changed(call)
  }

  #leave(phone: Telephone, call: Call): void {
    this.#ofPhone.delete(phone.number)
    const other = phone.number === call.caller ? call.callee : call.caller
    if (this.#ofPhone.get(other) === call) return
    call.endedAtMs = this.#out.nowMs()
    this.#open.delete(call)
    this.#out.changed(call)
  }
}

export function isLive(call: Call): boolean {
  return call.answeredAtMs !== null && call.confirmedAtMs !== null && call.endedBy.size === 0
}
