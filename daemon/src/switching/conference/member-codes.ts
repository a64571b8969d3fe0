//! What a member dials in a conference: its owner locks it and silences the others, and everybody silences
//! himself. The digits are those of the site. What is dialled of a code is in the record of the member, as a
//! PIN is; a tone says whether it was done.
import { toneSet } from '../../tables/tone-sets.ts'
import { type Leg, legOf, type Seat } from '../../tables/wired-conference.ts'
import type { Plan } from '../plan.ts'
import { play } from '../services/call-tones.ts'
import type { Call } from '../wired/call.ts'
import { setLock, setSeat } from './order.ts'
import { isConnected } from './seat.ts'

interface Code {
  /** Only who owns the conference. */
  readonly isForOwner: boolean
  readonly run: (call: Call, leg: Leg) => void
}

const codes = {
  conferenceLock: { isForOwner: true, run: (call) => setLock(call, true) },
  conferenceLockOff: { isForOwner: true, run: (call) => setLock(call, false) },
  conferenceMuteAll: { isForOwner: true, run: (call, leg) => muteOthers(call, leg, true) },
  conferenceMuteAllOff: { isForOwner: true, run: (call, leg) => muteOthers(call, leg, false) },
  conferenceMute: { isForOwner: false, run: (call, leg) => muteSelf(call, leg, true) },
  conferenceMuteOff: { isForOwner: false, run: (call, leg) => muteSelf(call, leg, null) },
} satisfies Partial<Record<keyof Plan['features'], Code>>

const names = Object.keys(codes) as (keyof typeof codes)[]

/** @returns whether the digit belongs to a code, or ends what looked like one. */
export function onCodeDigit(call: Call, leg: Leg, digit: string): boolean {
  const { seat } = call.member(leg)
  if (seat === null || seat.room !== null) return false
  const dialled = keptOf(seat.digits, digit, call.exchange.plan)
  if (dialled === seat.digits) return false
  const { features } = call.exchange.plan
  const name = names.find((one) => features[one] === dialled)
  setDigits(call, leg, { seat, digits: name === undefined ? dialled : '' })
  if (name !== undefined) carryOut(call, leg, codes[name])
  return true
}

/** The longest end of what was dialled with which a code can begin. */
function keptOf(before: string, digit: string, { features }: Plan): string {
  const begins = (text: string) => names.some((name) => features[name]?.startsWith(text) === true)
  const whole = before + digit
  for (let from = 0; from < whole.length; from++) {
    if (begins(whole.slice(from))) return whole.slice(from)
  }
  return ''
}

function setDigits(
  call: Call,
  leg: Leg,
  { seat, digits }: { readonly seat: Seat; readonly digits: string },
): void {
  call.changeMember(leg, { seat: { ...seat, digits } })
}

function carryOut(call: Call, leg: Leg, { isForOwner, run }: Code): void {
  const isAllowed = !isForOwner || call.session.focus?.owner === call.member(leg).user
  if (isAllowed) run(call, leg)
  const set = toneSet(call.exchange.plan.tones)
  play(call, leg, isAllowed ? set.confirmation : set['wrong-operation'])
}

/** Those who are in. Who comes later is heard. */
function muteOthers(call: Call, owner: Leg, muted: boolean): void {
  for (const member of call.session.members) {
    const isIn = isConnected(member) && member.seat?.room === null
    if (isIn && legOf(member) !== owner) setSeat(call, member, { muted })
  }
}

function muteSelf(call: Call, leg: Leg, selfMuted: true | null): void {
  setSeat(call, call.member(leg), { selfMuted })
}
