//! Where a call goes that its destination has forwarded (呼叫转移): one step after the other, until
//! somebody takes it himself. Pure; the rules against chains and loops are here.

import { limits } from '../../limits.ts'
import type { Diversion } from '../../tables/diversion.ts'
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { profileOf } from '../../tables/profile.ts'
import type { LineState } from '../wired/line.ts'

export type DiversionReason = Diversion['reason']

/** What the steps are chosen from. */
export interface ForwardView {
  phoneBook(number: string): PhoneBookEntry | undefined
  line(entry: PhoneBookEntry): LineState
  /** An emergency or urgent call rings at who was called, whatever he has set, as long as he is there
   * (优先呼叫). */
  readonly ringsThrough: boolean
  /** Accounts that have sent the call on before, by the word of the system that it came from. */
  readonly former: readonly string[]
  /** Unix milliseconds. */
  readonly wallMs: number
}

export type ForwardChoice =
  /** The number takes its calls; `diversions` are all steps to it. */
  | { readonly kind: 'here'; readonly number: string; readonly diversions: readonly Diversion[] }
  | { readonly kind: 'refused'; readonly status: number }

/** @param number who would get the call now.
 * @param diversions the steps that it has made already. */
export function forwardFrom(
  number: string,
  diversions: readonly Diversion[],
  view: ForwardView,
): ForwardChoice {
  const step = stepFrom(number, view)
  if (step === null) return { kind: 'here', number, diversions }
  if ('status' in step) return { kind: 'refused', status: step.status }
  return forwardTo({ from: number, ...step }, diversions, view)
}

/** One step that something else has asked for: no answer, a 302. */
export function forwardTo(
  step: { readonly from: string; readonly to: string; readonly reason: DiversionReason },
  diversions: readonly Diversion[],
  view: ForwardView,
): ForwardChoice {
  // ED-137 sheet 5.11: a call does not come to anybody twice.
  const isFormer = view.former.includes(step.from) || view.former.includes(step.to)
  const isAgain = step.to === step.from || diversions.some(({ from }) => from === step.to)
  const isLoop = isFormer || isAgain
  if (isLoop || diversions.length >= limits.diversionsMax) return { kind: 'refused', status: 482 }
  return forwardFrom(step.to, [...diversions, { ...step, atMs: view.wallMs }], view)
}

type Step = { readonly to: string; readonly reason: DiversionReason } | { readonly status: number }

/** Null: the number takes the call, or something else than an account does. */
function stepFrom(number: string, view: ForwardView): Step | null {
  const entry = view.phoneBook(number)
  if (entry === undefined) return null
  const { doNotDisturb, forward } = profileOf(entry).settings
  const line = view.line(entry)
  // Nobody would hear it ring where nobody is.
  if (view.ringsThrough && line.kind !== 'not-registered') return null
  if (forward.always !== null) return { to: forward.always, reason: 'unconditional' }
  if (doNotDisturb && !view.ringsThrough) {
    return forward.busy === null ? { status: 480 } : { to: forward.busy, reason: 'do-not-disturb' }
  }
  if (line.kind === 'not-registered' && forward.notRegistered !== null) {
    return { to: forward.notRegistered, reason: 'unavailable' }
  }
  if (line.kind === 'busy' && forward.busy !== null) {
    return { to: forward.busy, reason: 'user-busy' }
  }
  return null
}
