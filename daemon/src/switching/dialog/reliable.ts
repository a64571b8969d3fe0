//! Reliable provisional answers (RFC 3262), the rules: which answers are numbered, what waits for a PRACK,
//! and which PRACK it is. Pure; the state is in the record of the INVITE.
import type { Early, PendingServer } from '../../tables/dialog.ts'
import {
  header,
  type SipHeader,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../wire/sip/message.ts'
import { headerList, writeSip } from '../../wire/sip/write.ts'
import { tagOf } from './dialog.ts'

const option = '100rel'
/** RFC 3262 3: below 2^31. */
const rseqFirstMax = 0x7fff_0000

function lists(message: SipMessage, name: string): boolean {
  return headerList(message, name).some((one) => one.toLowerCase() === option)
}

/** The state of a new INVITE: who requires reliable answers gets them. Who only knows them gets them when
 * it has made an offer: else the first of them would have to carry ours, and its user might not be there
 * to answer it.
 * @returns null: its provisional answers are not reliable. */
export function reliableOf(request: SipRequest): PendingServer['reliable'] {
  if (request.method !== 'INVITE' || tagOf(request.to) !== null) return null
  const knows = lists(request, 'Supported') && request.body !== ''
  if (!lists(request, 'Require') && !knows) return null
  return { rseq: 0, open: null, described: false, waiting: [], isHeld: false }
}

/** The headers of a provisional answer that is numbered, and its number; null: it is not.
 * @param random32 for the first number (RFC 3262 3). */
export function numbered(
  { reliable, method }: PendingServer,
  status: number,
  random32: () => number,
): { readonly rseq: number; readonly headers: SipHeader[] } | null {
  if (method !== 'INVITE' || reliable === null || status <= 100 || status >= 200) return null
  const rseq = reliable.rseq === 0 ? 1 + (random32() % rseqFirstMax) : reliable.rseq + 1
  const headers = [
    { name: 'Require', value: option },
    { name: 'RSeq', value: String(rseq) },
  ]
  return { rseq, headers }
}

/** An answer that has to wait for the PRACK of the one before: the next provisional one, and a 2xx after
 * a description of ours that the caller may not know yet (RFC 3262 3). */
export function isKeptBack({ reliable }: PendingServer, status: number): boolean {
  if (reliable === null || reliable.open === null || status <= 100) return false
  const isDescribed = !reliable.open.endsWith('\r\n\r\n')
  return status < 200 || (status < 300 && isDescribed)
}

/** The record with one more provisional answer that waits. Of too many the newest counts. */
export function keptBack(pending: PendingServer, status: number, body: string): PendingServer {
  const { reliable } = pending
  if (reliable === null) return pending
  const waiting = [...reliable.waiting.slice(-3), { status, body }]
  return { ...pending, reliable: { ...reliable, waiting } }
}

/** True when the caller has this provisional answer for good, or will: a telephone may repeat what it says,
 * and a new primary hears it again. */
export function isSaidAlready(
  { reliable, provisional }: PendingServer,
  status: number,
  body: string,
): boolean {
  if (reliable === null || reliable.rseq === 0 || status >= 200) return false
  const described = reliable.described || reliable.waiting.some((one) => one.body !== '')
  const last = reliable.waiting.at(-1)?.status ?? provisional
  return status === last && (body === '' || described)
}

/** RAck (RFC 3262 7.2): `RSeq CSeq method`. */
function rackOf(request: SipRequest): { rseq: number; cseq: number; method: string } | null {
  const match = /^\s*(\d{1,10})\s+(\d{1,10})\s+([A-Za-z]{1,32})\s*$/.exec(
    header(request, 'RAck') ?? '',
  )
  if (match === null) return null
  const [, rseq, cseq, method = ''] = match
  return { rseq: Number(rseq), cseq: Number(cseq), method }
}

/** True when this PRACK is for the answer that waits for one. */
export function isPrackOf(request: SipRequest, pending: PendingServer | null): boolean {
  const rack = rackOf(request)
  const reliable = pending?.reliable ?? null
  if (rack === null || pending === null || reliable === null || reliable.open === null) return false
  const { rseq, cseq, method } = rack
  return method === 'INVITE' && cseq === pending.cseq && rseq === reliable.rseq
}

/** RSeq of a provisional answer that wants a PRACK, or null. */
export function rseqOf(response: SipResponse): number | null {
  const { status } = response
  if (status <= 100 || status >= 200 || !lists(response, 'Require')) return null
  const match = /^\s*(\d{1,10})\s*$/.exec(header(response, 'RSeq') ?? '')
  const rseq = Number(match?.[1] ?? 0)
  return rseq > 0 && rseq <= 0xffff_ffff ? rseq : null
}

/** What a reliable answer is in its early dialog: new, or one that came before, or after one that is lost
 * and comes again first (RFC 3262 4). */
export function isNext(early: Early | undefined, rseq: number): boolean {
  return early === undefined || early.rseq === 0 || rseq === early.rseq + 1
}

/** The record of a request after an answer of ours.
 * @param rseq of a numbered one. */
export function afterAnswer(
  pending: PendingServer,
  answer: SipResponse,
  rseq: number | null,
): PendingServer {
  const { status, body } = answer
  const { reliable } = pending
  const text = writeSip(answer)
  if (status >= 200 && reliable === null) return { ...pending, final: text }
  if (reliable === null) return { ...pending, provisional: status }
  if (status >= 200) {
    const isHeld = isKeptBack(pending, status)
    // The answer to what was offered comes, or came, in a PRACK.
    const answerInAck = pending.answerInAck && !reliable.described
    return { ...pending, final: text, answerInAck, reliable: { ...reliable, waiting: [], isHeld } }
  }
  const described = reliable.described || body !== ''
  const open = rseq === null ? reliable.open : text
  const next = { ...reliable, rseq: rseq ?? reliable.rseq, open, described }
  return { ...pending, provisional: status, reliable: next }
}
