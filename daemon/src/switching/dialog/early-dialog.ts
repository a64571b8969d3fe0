//! The early dialogs of an INVITE of ours (RFC 3261 12.1): each To tag makes one, so that a leg has several
//! until a 2xx chooses one of them. Each has a CSeq, descriptions and a target of its own. Pure.
import { limits } from '../../limits.ts'
import type { Dialog, Early, PendingServer } from '../../tables/dialog.ts'
import type { SipMessage, SipRequest } from '../../wire/sip/message.ts'
import { parseNameAddress } from '../../wire/sip/write.ts'
import { refreshTarget, tagOf } from './dialog.ts'
import { isReadable } from './pending.ts'

const tagLengthMax = 128

export function earlyOf({ early }: Pick<Dialog, 'early'>, tag: string): Early | undefined {
  return early?.find((one) => one.tag === tag)
}

/** The one whose voice is heard: the first that has described itself. */
export function heardOf({ early }: Pick<Dialog, 'early'>): Early | undefined {
  return early?.find(({ sdp }) => sdp !== '')
}

/** True when there is a place for it, or it has one. */
export function hasPlace(dialog: Dialog, tag: string): boolean {
  if (tag === '' || tag.length > tagLengthMax) return false
  const isFull = (dialog.early?.length ?? 0) >= limits.earlyDialogsMax
  return !isFull || earlyOf(dialog, tag) !== undefined
}

/** The early dialogs with what is new of one of them; each stays in its place. */
export function withEarly(dialog: Dialog, tag: string, patch: Partial<Early>): Early[] {
  const others = dialog.early ?? []
  const known = earlyOf(dialog, tag)
  if (known !== undefined) {
    return others.map((one) => (one === known ? { ...one, ...patch } : one))
  }
  const fresh = { rseq: 0, sdp: '', prack: null, remoteSeq: null, localSdp: null, remote: null }
  return [...others, { tag, ...fresh, ...patch }]
}

/** True when a request belongs to the dialog. The answer that has made an early one may be lost, or have
 * said nothing that is kept: our tag and the open INVITE are enough. */
export function isOfDialog(dialog: Dialog, request: SipRequest): boolean {
  const tag = tagOf(request.from) ?? ''
  if (dialog.remoteTag !== null) return dialog.remoteTag === tag
  // RFC 3261 15: who is called ends an early dialog by the answer to its INVITE.
  if (request.method === 'BYE' || request.method === 'ACK') return false
  return dialog.pendingClient?.method === 'INVITE' && hasPlace(dialog, tag)
}

/** CSeq of the last request of the dialog that this one is of. */
export function remoteSeqOf(dialog: Dialog, request: SipRequest): number | null {
  if (dialog.remoteTag !== null) return dialog.remoteSeq
  return earlyOf(dialog, tagOf(request.from) ?? '')?.remoteSeq ?? null
}

/** What the dialog learns from a request that has got a place in it. */
export function counted(
  dialog: Dialog,
  { from, cseq }: Pick<PendingServer, 'from' | 'cseq'>,
): Partial<Dialog> {
  if (dialog.remoteTag !== null) return { remoteSeq: cseq }
  const address = parseNameAddress(from)
  const tag = address === null ? '' : (tagOf(address) ?? '')
  return { early: withEarly(dialog, tag, { remoteSeq: cseq }) }
}

/** The early dialog as one in which we can ask something.
 * @returns null: nothing has said where its terminal is. */
export function asDialog(dialog: Dialog, { tag, remote }: Early): Dialog | null {
  if (remote === null) return null
  const { target: remoteTarget, routeSet, destination } = remote
  return { ...dialog, remoteTag: tag, remoteTarget, routeSet, destination }
}

/** What a dialog says of the way of requests in it; null: more than a record holds. */
export function wayOf(dialog: Dialog): Early['remote'] {
  const { remoteTarget, routeSet, destination } = dialog
  if (remoteTarget === null || !isReadable(dialog)) return null
  return { target: remoteTarget, routeSet, destination }
}

/** The dialog with the Contact of a target refresh request (RFC 3261 12.2).
 * @returns null: it cannot be used. */
export function refreshedBy(dialog: Dialog, message: SipMessage): Partial<Dialog> | null {
  if (dialog.remoteTag !== null) {
    const refreshed = refreshTarget(dialog, message)
    const { remoteTarget, destination } = refreshed
    return isReadable(refreshed) ? { remoteTarget, destination } : null
  }
  const tag = tagOf(message.from) ?? ''
  const known = earlyOf(dialog, tag)
  const early = known === undefined ? null : asDialog(dialog, known)
  const refreshed = refreshTarget(early ?? dialog, message)
  if (!isReadable(refreshed)) return null
  // Without its route set the way is not known.
  return early === null ? {} : { early: withEarly(dialog, tag, { remote: wayOf(refreshed) }) }
}
