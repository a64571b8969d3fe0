//! The names and numbers of a new session. Both nodes make the same from the same INVITE, so that an
//! INVITE that is repeated to the other node becomes the same session there; nobody else can tell
//! them beforehand.
import { createHmac } from 'node:crypto'
import type { SipRequest } from '../../wire/sip/message.ts'
import { tagOf } from '../dialog/dialog.ts'

export interface SessionNames {
  readonly sessionId: string
  readonly callerTag: string
  readonly calleeTag: string
  /** The part of the Call-ID of the callee's leg before the `@`. */
  readonly calleeCallId: string
  /** Session numbers of the origin lines (RFC 4566 5.2). */
  readonly callerSdp: number
  readonly calleeSdp: number
}

export function namesOf({ callId, from, cseq }: SipRequest, secret: Uint8Array): SessionNames {
  const text = `session\n${callId}\n${tagOf(from)}\n${cseq.number}`
  const digest = createHmac('sha512', secret).update(text).digest('hex')
  return {
    sessionId: digest.slice(0, 24),
    callerTag: digest.slice(24, 44),
    calleeTag: digest.slice(44, 64),
    calleeCallId: digest.slice(64, 96),
    callerSdp: Number.parseInt(digest.slice(96, 104), 16),
    calleeSdp: Number.parseInt(digest.slice(104, 112), 16),
  }
}
