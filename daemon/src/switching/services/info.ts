//! INFO in a call (RFC 6086), passed through: what it carries concerns only the terminals, but for a digit
//! that a service takes.
import { limits } from '../../limits.ts'
import { header, type SipHeader, type SipMessage } from '../../wire/sip/message.ts'
import type { Call } from '../wired/call.ts'
import type { Failed, OpenedRequest } from '../wired/events.ts'
import { isSettingUp } from '../wired/sessions.ts'
import { takesInfoDigit } from './digits.ts'
import { isProbe, onProbed } from './probe.ts'

const passedHeaders = ['Content-Type', 'Content-Disposition', 'Info-Package'] as const
/** What is passed on lies in the record until it is answered, and must be readable from there. */
const valueLengthMax = 512

export function onInfo(call: Call, opened: OpenedRequest): void {
  if (takesInfoDigit(call, opened)) return
  const { leg, id, request, pending } = opened
  const far = call.far(leg)
  // Who transfers the call has left, and the one who comes has not answered.
  if (isSettingUp(call.member(far))) {
    call.refuse(opened, 480)
    return
  }
  const isBusy = call.dialog(leg).relayServer?.final === null
  if (isBusy || call.dialog(far).relayClient !== null) {
    const headers = [{ name: 'Retry-After', value: '1' }]
    call.refuse(opened, 500, { headers })
    return
  }
  if (!isPassable(request)) {
    call.refuse(opened, 513)
    return
  }
  call.accept(leg, 'relayServer', { id, pending })
  const headers = headersOf(request)
  call.request(far, 'relayClient', { method: 'INFO', headers, body: request.body })
}

export function onInfoDone(call: Call, failed: Failed): void {
  const { leg: far, status, response } = failed
  if (isProbe(call, far)) {
    onProbed(call, failed)
    return
  }
  const near = call.far(far)
  call.close(far, 'relayClient')
  if (call.dialog(near).relayServer?.final !== null) return
  if (response === null || !isPassable(response)) {
    call.respond(near, 'relayServer', response === null ? status : 502)
    return
  }
  call.respond(near, 'relayServer', status, {
    headers: headersOf(response),
    body: response.body,
  })
}

function isPassable(message: SipMessage): boolean {
  const isShort = headersOf(message).every(({ value }) => value.length <= valueLengthMax)
  return isShort && Buffer.byteLength(message.body) <= limits.sdpBytesMax
}

function headersOf(message: SipMessage): SipHeader[] {
  return passedHeaders.flatMap((name) => {
    const value = header(message, name)
    return value === undefined ? [] : [{ name, value }]
  })
}
