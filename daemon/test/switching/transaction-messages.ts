//! Builds the messages of the transaction and registrar tests through the real parser.

import type { Endpoint, SipMessage, SipRequest, SipResponse } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { response } from '../../src/wire/sip/write.ts'

export const phone: Endpoint = { address: '192.0.2.9', port: 5060 }
export const service: Endpoint = { address: '192.0.2.1', port: 5060 }

export interface RequestParts {
  readonly branch?: string
  readonly uri?: string
  readonly via?: string
  readonly fromTag?: string
  readonly toTag?: string
  readonly callId?: string
  readonly cseq?: number
  readonly maxForwards?: number
  /** More header lines. */
  readonly lines?: readonly string[]
}

export function parsed(text: string): SipMessage {
  const message = parseSip(Buffer.from(text))
  if (message.kind === 'malformed') throw new Error(message.why)
  return message
}

export function request(method: string, parts: RequestParts = {}): SipRequest {
  const branch = parts.branch ?? 'z9hG4bK-phone-1'
  const to = parts.toTag === undefined ? '' : `;tag=${parts.toTag}`
  const message = parsed(
    [
      `${method} ${parts.uri ?? 'sip:200@192.0.2.1'} SIP/2.0`,
      `Via: ${parts.via ?? `SIP/2.0/UDP 192.0.2.9:5060;branch=${branch}`}`,
      `Max-Forwards: ${parts.maxForwards ?? 70}`,
      `From: <sip:100@192.0.2.1>;tag=${parts.fromTag ?? 'f1'}`,
      `To: <sip:200@192.0.2.1>${to}`,
      `Call-ID: ${parts.callId ?? 'call-1'}`,
      `CSeq: ${parts.cseq ?? 1} ${method}`,
      ...(parts.lines ?? []),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  )
  if (message.kind !== 'request') throw new Error('a request was built')
  return message
}

/** An answer of the far side, with a To tag as it must have from 101 on. */
export function answer(to: SipRequest, status: number, toTag = 't1'): SipResponse {
  return response(to, status, status === 100 ? {} : { toTag })
}
