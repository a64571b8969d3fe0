//! REFER of a member to the focus (RFC 4579 5.5): it calls one more member, and tells by NOTIFY what becomes
//! of it. How far it is, is in the record of the session, as with a transfer.
import type { Leg } from '../../tables/wired-conference.ts'
import { ownContact } from '../dialog/dialog.ts'
import { setProgress } from '../services/refer-progress.ts'
import { referralOf } from '../services/refer-to.ts'
import type { Call } from '../wired/call.ts'
import type { OpenedRequest } from '../wired/events.ts'
import { invite } from './invite.ts'

export function onMemberRefer(call: Call, opened: OpenedRequest): void {
  const { leg, id, request, pending } = opened
  const referral = referralOf(request)
  const status = 'status' in referral ? referral.status : refusalOf(call, leg)
  const { focus } = call.session
  if ('status' in referral || status !== null || focus === null) {
    call.refuse(opened, status ?? 400)
    return
  }
  // A dialog of another session is no member that can be called.
  if (referral.replaces !== null) {
    call.refuse(opened, 400)
    return
  }
  const { isSilent, number } = referral
  call.accept(leg, 'relayServer', { id, pending })
  call.respond(leg, 'relayServer', 202, {
    contact: [ownContact(call.exchange.options, focus.number)],
    headers: isSilent ? [{ name: 'Refer-Sub', value: 'false' }] : [],
  })
  const startedAtMs = call.now.wallMs
  const progress = { referSeq: request.cseq.number, status: 100, told: 0, isSilent, startedAtMs }
  call.change({ transfer: { by: leg, target: null, also: null, ...progress } })
  const refused = invite(call, number)
  if (refused !== 0) {
    setProgress(call, refused)
    return
  }
  const target = call.session.members.at(-1)?.leg ?? null
  call.change({ transfer: { by: leg, target, also: null, ...progress } })
  setProgress(call, 100)
}

/** A locked conference is for its owner to open. */
function refusalOf(call: Call, leg: Leg): number | null {
  const { focus, transfer } = call.session
  const { user, seat } = call.member(leg)
  if (seat === null || seat.room !== null || !seat.mayTalk) return 403
  if (focus?.locked === true && focus.owner !== user) return 403
  if (transfer !== null) return 491
  return call.dialog(leg).relayServer?.final === null ? 500 : null
}

/** What became of one who was called: told to the member who has asked for it. */
export function referred(call: Call, leg: Leg, status: number): void {
  const { transfer } = call.session
  if (transfer === null || transfer.target !== leg) return
  if (status >= 200) call.change({ transfer: { ...transfer, target: null } })
  setProgress(call, status < 400 && status >= 300 ? 480 : status)
}
