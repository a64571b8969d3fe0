//! SIP to XIP (S1.18-S1.24): an INVITE with its description as the structure that the services work
//! with, or the answer that refuses it. A message that does not conform changes nothing (S1.23).
import { limits } from '../../limits.ts'
import { type Endpoint, header, type SipRequest } from '../../wire/sip/message.ts'
import { headerList } from '../../wire/sip/write.ts'
import {
  callTypeOf,
  commonVersion,
  priorityOf,
  spoken,
  wg67CallTypeOf,
  wg67Reasons,
  wg67Versions,
} from './ed137.ts'
import { mediaOf } from './media.ts'
import type { CallType, Xip, XipMedia, XipRefusal } from './xip.ts'

type XipResult =
  | { readonly ok: true; readonly xip: Xip }
  | { readonly ok: false; readonly refusal: XipRefusal }

export function xipFromInvite(
  request: SipRequest,
  sessionId: string,
  sourceEnd: Endpoint,
): XipResult {
  const wg67 = wg67Versions(request)
  const named = callTypeOf(request)
  // ED-137 sheet 2.3, 5.1: a telephone without the header is let in.
  const isCommon = named === 'radio' || commonVersion(wg67, named ?? 'da-ida') !== null
  if (wg67.length > 0 && !isCommon) {
    return refused(501, 'no common WG67 version', wg67Reasons.versionNotImplemented)
  }
  // RFC 3261 20.1, RFC 4475 3.3.15: the answer would be of a type that the caller does not take.
  if (!takesSdp(request)) return refused(406, 'the caller does not accept SDP')
  const kind = serviceOf(request)
  if ('refusal' in kind) return { ok: false, refusal: kind.refusal }
  const media = offeredMedia(request)
  if (media !== null && 'refusal' in media) return { ok: false, refusal: media.refusal }
  return {
    ok: true,
    xip: {
      sessionId,
      sourceUser: request.from.uri.user ?? '',
      sourceEnd,
      destinationUser: request.uri.user ?? '',
      destinationEnd: null,
      subject: header(request, 'Subject')?.trim() ?? '',
      priority: kind.priority,
      callType: kind.callType,
      wg67Versions: spoken(wg67),
      media,
      urge: null,
      diversions: [],
      received: null,
    },
  }
}

function takesSdp(request: SipRequest): boolean {
  const accepted = headerList(request, 'Accept')
  if (accepted.length === 0) return true
  return accepted.some((range) => {
    const type = range.split(';')[0]?.trim().toLowerCase() ?? ''
    return ['application/sdp', 'application/*', '*/*'].includes(type)
  })
}

type Refused = { readonly refusal: XipRefusal }

/** S1.24: the Subject decides on the branch. In the wireless branch the switch is always the caller
 * (ED-137 sheet 2.1), so a radio INVITE to us finds no ground radio station: 400 with cause 2006. */
function serviceOf(
  request: SipRequest,
): { callType: CallType; priority: Xip['priority'] } | Refused {
  const callType = callTypeOf(request)
  const priority = priorityOf(request)
  if (callType === 'radio') {
    return refused(400, 'a radio session to the switch', wg67Reasons.accessModeMismatch)
  }
  if (callType === null) return refused(400, 'unknown Subject')
  const typed = wg67CallTypeOf(request)
  if (typed !== null && typed.callType !== callType) {
    return refused(400, 'WG67-CallType is not that of the Subject')
  }
  if (typed !== null && commonVersion([typed.version], callType) === null) {
    return refused(501, 'unknown version in WG67-CallType', wg67Reasons.versionNotImplemented)
  }
  if (priority === null) return refused(400, 'unknown Priority')
  if (callType === 'ia' && priority !== 'urgent') return refused(400, 'IA without priority urgent')
  return { callType, priority }
}

function offeredMedia(request: SipRequest): XipMedia | null | Refused {
  if (request.body === '') return null
  const type = header(request, 'Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/sdp') return refused(415, 'the body is no SDP')
  if (request.body.length > limits.sdpBytesMax) return refused(413, 'the description is too long')
  return mediaOf(request.body) ?? refused(488, 'no G.711 audio stream in the offer')
}

function refused(
  status: number,
  why: string,
  reason: string | null = null,
): { ok: false } & Refused {
  return { ok: false, refusal: { status, reason, why } }
}
