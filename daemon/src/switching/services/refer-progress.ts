//! What becomes of a REFER, told to who has sent it: NOTIFY in the dialog of the call, with the status line of
//! the target (RFC 3515 2.4.4, 2.4.5). One at a time; what comes meanwhile is told once, by the newest.
import type { Leg } from '../../tables/wired-conference.ts'
import { header } from '../../wire/sip/message.ts'
import { reasonPhrase } from '../../wire/sip/write.ts'
import { ownContact } from '../dialog/dialog.ts'
import type { Call } from '../wired/call.ts'
import type { Failed, OpenedRequest } from '../wired/events.ts'
import { isPresent } from '../wired/sessions.ts'

/** Longer than any transfer rings. */
const referSeconds = 120

/** The target is so far; from 200 on it is the end. */
export function setProgress(call: Call, status: number): void {
  const { transfer } = call.session
  if (transfer === null) return
  call.change({ transfer: { ...transfer, status } })
  tell(call)
}

/** The leg takes part. */
export function isHere(call: Call, leg: Leg): boolean {
  return call.has(leg) && isPresent(call.member(leg))
}

/** Tells what is new, once the NOTIFY before is answered. */
export function tell(call: Call): void {
  const { transfer } = call.session
  if (transfer === null) return
  const { by, status, told, isSilent, referSeq } = transfer
  const hears = !isSilent && isHere(call, by)
  if (!hears || status === told) {
    if (status >= 200 && transfer.target === null) call.change({ transfer: null })
    return
  }
  if (call.dialog(by).relayClient !== null) return
  const state = status < 200 ? `active;expires=${referSeconds}` : 'terminated;reason=noresource'
  call.change({ transfer: { ...transfer, told: status } })
  call.request(by, 'relayClient', {
    method: 'NOTIFY',
    headers: [
      // RFC 3515 2.4.6: which REFER is meant.
      { name: 'Event', value: `refer;id=${referSeq}` },
      { name: 'Subscription-State', value: state },
      { name: 'Content-Type', value: 'message/sipfrag;version=2.0' },
    ],
    body: `SIP/2.0 ${status} ${reasonPhrase(status)}\r\n`,
  })
}

/** An answer to a NOTIFY. Who does not know of it (any more) is told nothing more. */
export function onNotified(call: Call, { leg, status }: Failed): void {
  call.close(leg, 'relayClient')
  const { transfer } = call.session
  if (transfer === null || transfer.by !== leg) return
  const isDeaf = status === 481 || status === 408 || status === 405 || status === 489
  if (isDeaf) call.change({ transfer: { ...transfer, isSilent: true } })
  tell(call)
}

/** SUBSCRIBE in the dialog of a call: only what a REFER has begun is refreshed or ended there (RFC 6665
 * 4.5.2). */
export function onReferSubscribe(call: Call, opened: OpenedRequest): void {
  const { leg, id, request, pending } = opened
  const [event = ''] = (header(request, 'Event') ?? '').split(';')
  if (event.trim().toLowerCase() !== 'refer') {
    call.refuse(opened, 403)
    return
  }
  const { transfer } = call.session
  const isOpen = call.dialog(leg).relayServer?.final === null
  if (transfer === null || transfer.by !== leg || isOpen) {
    call.refuse(opened, isOpen ? 500 : 481)
    return
  }
  const isEnd = header(request, 'Expires')?.trim() === '0'
  call.accept(leg, 'relayServer', { id, pending })
  call.respond(leg, 'relayServer', 200, {
    contact: [ownContact(call.exchange.options, call.member(call.far(leg)).user)],
    headers: [{ name: 'Expires', value: isEnd ? '0' : String(referSeconds) }],
  })
  if (isEnd) call.change({ transfer: { ...transfer, isSilent: true } })
}
