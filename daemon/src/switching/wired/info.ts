//! INFO in a call (RFC 6086), passed through: what it carries concerns only the terminals.
import { header, type SipHeader, type SipMessage } from '../../wire/sip/message.ts'
import type { Call } from './call.ts'
import type { Failed, OpenedRequest } from './events.ts'
import { other } from './sessions.ts'

const passedHeaders = ['Content-Type', 'Content-Disposition', 'Info-Package'] as const

export function onInfo(call: Call, opened: OpenedRequest): void {
  const { side, id, request, pending } = opened
  const far = other(side)
  const isBusy = call.dialog(side).relayServer?.final === null
  if (isBusy || call.dialog(far).relayClient !== null) {
    const headers = [{ name: 'Retry-After', value: '1' }]
    call.refuse(opened, 500, { headers })
    return
  }
  call.accept(side, 'relayServer', { id, pending })
  const headers = headersOf(request)
  call.request(far, 'relayClient', { method: 'INFO', headers, body: request.body })
}

export function onInfoDone(call: Call, { side: far, status, response }: Failed): void {
  const near = other(far)
  call.close(far, 'relayClient')
  if (call.dialog(near).relayServer?.final !== null) return
  const headers = response === null ? [] : headersOf(response)
  call.respond(near, 'relayServer', status, { headers, body: response?.body ?? '' })
}

function headersOf(message: SipMessage): SipHeader[] {
  return passedHeaders.flatMap((name) => {
    const value = header(message, name)
    return value === undefined ? [] : [{ name, value }]
  })
}
