//! The answer to OPTIONS: RFC 3261 11.2.
import type { SipHeader, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { response } from '../../wire/sip/write.ts'
import { statelessTag } from '../transaction/stateless.ts'
import { allowEventsHeader, allowHeader, supportedHeader } from './capabilities.ts'

/** 200 with what the switch can do; `more` are headers of the caller (`WG67-Version`). */
export function answerOptions(request: SipRequest, more: readonly SipHeader[] = []): SipResponse {
  const headers = [
    allowHeader,
    { name: 'Accept', value: 'application/sdp' },
    { name: 'Accept-Encoding', value: 'identity' },
    { name: 'Accept-Language', value: 'en' },
    supportedHeader,
    allowEventsHeader,
    ...more,
  ]
  return response(request, 200, { toTag: statelessTag(request), headers })
}
