//! The names and numbers of a new session and of its legs. Both nodes make the same from the same
//! INVITE, so that an INVITE that is repeated to the other node becomes the same session there; nobody
//! else can tell them beforehand.

import type { Leg } from '../../tables/wired-conference.ts'
import { keyedHash } from '../../wire/keyed-hash.ts'
import type { SipRequest } from '../../wire/sip/message.ts'
import { tagOf } from '../dialog/dialog.ts'

/** Of the dialog that an INVITE opens. */
export interface CallerNames {
  readonly callerTag: string
  /** Session number of the origin line (RFC 4566 5.2). */
  readonly callerSdp: number
}

/** Of a dialog that we open. */
export interface LegNames {
  readonly tag: string
  /** The part of the Call-ID before the `@`. */
  readonly callId: string
  readonly sdp: number
}

export interface SessionNames extends CallerNames {
  readonly sessionId: string
  /** Of the second leg. */
  readonly callee: LegNames
}

export function namesOf({ callId, from, cseq }: SipRequest, secret: Uint8Array): SessionNames {
  const text = `session\n${callId}\n${tagOf(from)}\n${cseq.number}`
  const digest = keyedHash('sha512', secret).update(text).digest('hex')
  return {
    sessionId: digest.slice(0, 24),
    callerTag: digest.slice(24, 44),
    callee: {
      tag: digest.slice(44, 64),
      callId: digest.slice(64, 96),
      sdp: Number.parseInt(digest.slice(104, 112), 16),
    },
    callerSdp: Number.parseInt(digest.slice(96, 104), 16),
  }
}

/** Of a leg that joins later. */
export function legNamesOf(sessionId: string, leg: Leg, secret: Uint8Array): LegNames {
  const text = `leg\n${sessionId}\n${leg}`
  const digest = keyedHash('sha512', secret).update(text).digest('hex')
  return {
    tag: digest.slice(0, 20),
    callId: digest.slice(20, 52),
    sdp: Number.parseInt(digest.slice(52, 60), 16),
  }
}
