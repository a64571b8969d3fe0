//! Call forwarding (呼叫转移, S1.26; ED-137 sheet 5.11): unconditional, busy, not registered and no
//! answer, as the account has it, and at the call by a 3xx of the terminal. The steps are in the record
//! of the session, go to the terminal that rings as Diversion (RFC 5806) and History-Info (RFC 7044),
//! and hold through a take-over.

import { profileOf } from '../../tables/profile.ts'
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import { header, type SipResponse } from '../../wire/sip/message.ts'
import type { CoreEffect, Now } from '../effects.ts'
import type { Call } from '../wired/call.ts'
import type { Failed } from '../wired/events.ts'
import type { Exchange } from '../wired/exchange.ts'
import { lineState } from '../wired/line.ts'
import { refuse } from '../wired/refuse.ts'
import { calledAtMs, isPresent, isWaiting } from '../wired/sessions.ts'
import { dispatch, type SetUp } from '../wired/setup.ts'
import { causes } from '../xip/causes.ts'
import { ringsThrough, type Xip } from '../xip/xip.ts'
import {
  type DiversionReason,
  type ForwardChoice,
  type ForwardView,
  forwardFrom,
  forwardTo,
} from './forward-choice.ts'
import { sendOn } from './send-on.ts'
import type { Service } from './service.ts'
import { isOfSite } from './site-uri.ts'

const name = 'forward'

export const forwarding: Service = {
  name,
  invited,
  refused: onRefused,
  timer: onNoAnswer,
  changed: (exchange, { previous, next }, now) => {
    if (next !== null) watch(exchange, { previous, next }, now)
    return []
  },
  restore: (call) => watch(call.exchange, { previous: null, next: call.session }, call.now),
}

/** Asked when nothing else has taken the call. */
export const forwardingOfBusy: Service = { name: 'forward-busy', invited: foundBusy }

/** What of a call decides on its way. */
type Asked = Pick<Conference, 'priority' | 'received'>

export function viewOf(exchange: Exchange, { priority, received }: Asked, now: Now): ForwardView {
  const { phoneBook } = exchange.options.tables
  return {
    phoneBook: (number) => phoneBook.get(number),
    line: (entry) => lineState(exchange, entry, now),
    ringsThrough: ringsThrough(priority),
    former: received?.accounts ?? [],
    wallMs: now.wallMs,
  }
}

/** Before anything rings. What the call comes to may be of any kind: a group, a trunk. */
function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  // Whoever calls himself is told so, whatever he has set.
  if (xip.destinationUser === xip.sourceUser || xip.callType !== 'da-ida') return null
  if (isForHimAlone(xip)) return null
  const view = viewOf(exchange, xip, invitation.now)
  return goTo(work, forwardFrom(xip.destinationUser, xip.diversions, view))
}

/** An order to enter or to end the conversation of one man says nothing of who stands in for him. An
 * emergency call wants to be heard, and presses in where it comes to. */
function isForHimAlone({ urge, priority }: Xip): boolean {
  return urge === 'release' || (urge === 'intrude' && priority !== 'emergency')
}

/** A call that rings through has found the line busy, cannot press in, and has no place to wait: then
 * somebody else is better than nobody. */
function foundBusy(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  const { destinationUser: from, callType } = xip
  const entry = exchange.options.tables.phoneBook.get(from)
  const view = viewOf(exchange, xip, invitation.now)
  if (entry === undefined || callType !== 'da-ida' || !view.ringsThrough) return null
  if (from === xip.sourceUser || isForHimAlone(xip)) return null
  const { busy } = profileOf(entry).settings.forward
  if (busy === null || view.line(entry).kind !== 'busy') return null
  return goTo(work, forwardTo({ from, to: busy, reason: 'user-busy' }, xip.diversions, view))
}

function goTo(work: SetUp, choice: ForwardChoice): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  if (choice.kind === 'refused') {
    const headers = choice.status === 480 ? causes.doNotDisturb : []
    return refuse(exchange, invitation, choice.status, { headers })
  }
  const { number, diversions } = choice
  if (diversions.length === xip.diversions.length) return null
  return dispatch({ ...work, xip: { ...xip, destinationUser: number, diversions } })
}

/** The terminal refuses: it is busy, away, or names somebody else (302). A decline is the word of its
 * user, and ends the call. */
function onRefused(call: Call, { leg, status, response }: Failed): boolean {
  // A line that has another call is busy without a word: the call waits on for it.
  if (isWaiting(call.session) && status >= 400 && status < 600) return false
  const step = stepAfter(call, call.member(leg), { status, response })
  return step !== null && goOn(call, leg, { ...step, silent: false })
}

function stepAfter(
  call: Call,
  { user }: Member,
  { status, response }: Pick<Failed, 'status' | 'response'>,
): { to: string; reason: DiversionReason } | null {
  const entry = call.exchange.options.tables.phoneBook.get(user)
  if (entry === undefined) return null
  if (response !== null && status >= 300 && status < 400) return deflection(call, response)
  const { forward } = profileOf(entry).settings
  if ((status === 486 || status === 600) && forward.busy !== null) {
    return { to: forward.busy, reason: 'user-busy' }
  }
  const isAway = response === null || status === 480
  if (!isAway || forward.notRegistered === null) return null
  return { to: forward.notRegistered, reason: 'unavailable' }
}

/** Only numbers of this site: the terminal's wish opens no way to anywhere else. */
function deflection(call: Call, response: SipResponse) {
  const contact = response.contact === '*' ? undefined : response.contact[0]
  const uri = contact?.uri
  if (uri?.user == null || !isOfSite(call.exchange, uri, call.now.wallMs)) return null
  return { to: uri.user, reason: reasonIn(response) }
}

function reasonIn(response: SipResponse): DiversionReason {
  const said = /;\s*reason\s*=\s*"?([a-z-]+)"?/i.exec(header(response, 'Diversion') ?? '')?.[1]
  const known: readonly DiversionReason[] = ['unconditional', 'user-busy', 'no-answer']
  return known.find((reason) => reason === said?.toLowerCase()) ?? 'deflection'
}

/** Who stands in is busy or away just then: looked at again after so long. */
const retryMs = 1_000

/** The account has somebody for calls that it does not answer. Until he can be called, it rings on. */
function onNoAnswer(call: Call, leg: Leg): void {
  const { exchange, sessionId, now } = call
  const member = call.member(leg)
  const to = numberWithoutAnswer(exchange, call.session, member)
  if (call.session.state !== 'ringing' || !isPresent(member) || to === null) return
  if (goOn(call, leg, { to, reason: 'no-answer', silent: true })) return
  const timer = { sessionId, timer: 'service', service: name, leg } as const
  exchange.timers.start(timer, now.monotonicMs + retryMs)
}

/** @returns false when nobody else can be called; the call is as it was. */
function goOn(
  call: Call,
  leg: Leg,
  step: { to: string; reason: DiversionReason; silent: boolean },
): boolean {
  const { exchange, session, now } = call
  const view = viewOf(exchange, session, now)
  const { user: from } = call.member(leg)
  const choice = forwardTo({ ...step, from }, session.diversions ?? [], view)
  if (choice.kind !== 'here') return false
  const before = session.diversions
  call.change({ diversions: [...choice.diversions] })
  const { number } = choice
  const payer = choice.diversions.at(-1)?.from ?? from
  if (sendOn(call, leg, { number, payer, silent: step.silent })) {
    call.log('info', 'a call is forwarded', { from, to: number, reason: step.reason })
    return true
  }
  call.change({ diversions: before })
  return false
}

function numberWithoutAnswer(
  exchange: Exchange,
  { type }: Conference,
  { user, side }: Member,
): string | null {
  if (type !== 'ordinary' || side !== 'callee') return null
  const entry = exchange.options.tables.phoneBook.get(user)
  return entry === undefined ? null : profileOf(entry).settings.forward.noAnswer
}

/** Starts the clock of a terminal that begins to be called. */
function watch(
  exchange: Exchange,
  { previous, next }: { previous: Conference | null; next: Conference },
  now: Now,
): void {
  if (next.state !== 'ringing') return
  for (const member of next.members) {
    const leg = legOf(member)
    if (!isPresent(member) || previous?.members.some((one) => legOf(one) === leg)) continue
    if (numberWithoutAnswer(exchange, next, member) === null) continue
    const entry = exchange.options.tables.phoneBook.get(member.user)
    if (entry === undefined) continue
    const waitMs = profileOf(entry).line.noAnswerSeconds * 1_000
    const sinceMs = calledAtMs(next) ?? next.queued?.rungAtMs ?? now.wallMs
    const waitedMs = Math.min(Math.max(now.wallMs - sinceMs, 0), waitMs)
    const { sessionId } = next
    const timer = { sessionId, timer: 'service', service: name, leg } as const
    exchange.timers.start(timer, now.monotonicMs + waitMs - waitedMs)
  }
}
