//! What a transaction remembers when all that it still does is to meet repetitions. That takes 32 s over UDP, and
//! a busy switch ends hundreds of calls a second: with their messages, parsed, such transactions were nine tenths
//! of its heap, and what its garbage collector goes through again and again.
import type { NameAddress, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { writeSip } from '../../wire/sip/write.ts'
import type { Client } from './client.ts'
import type { InviteClient } from './invite-client.ts'
import type { Live, Names } from './live.ts'
import { tagOf } from './match.ts'

const nobody: NameAddress = {
  displayName: null,
  uri: {
    scheme: 'sip',
    user: null,
    host: 'forgotten.invalid',
    port: null,
    parameters: new Map(),
    headers: '',
  },
  parameters: new Map(),
}

const forgotten = {
  via: [],
  from: nobody,
  to: nobody,
  callId: '',
  cseq: { number: 0, method: '' },
  contact: [],
  route: [],
  recordRoute: [],
  maxForwards: null,
  headers: [],
  body: '',
}

/** In the place of a message that nobody will look at again. */
export const forgottenRequest: SipRequest = {
  ...forgotten,
  kind: 'request',
  method: '',
  uri: nobody.uri,
}
export const forgottenResponse: SipResponse = {
  ...forgotten,
  kind: 'response',
  status: 0,
  reason: '',
}

/** The text for the wire. A message that is sent again is not written again. */
export function textOf(live: Live, message: SipRequest | SipResponse): string {
  if (live.sent?.message === message) return live.sent.text
  const text = writeSip(message)
  live.sent = { message, text }
  return text
}

/** Of a text that was cut from a datagram, V8 keeps the datagram. This one stands alone. */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

/** Forgets what is not needed any more. To be called when the machine has done a step. */
export function settle(live: Live): void {
  const { machine, sent } = live
  switch (machine.role) {
    case 'invite-client':
      // In `completed` each repeated refusal gets an ACK that is made from the INVITE.
      if (machine.phase === 'accepted') forgetRequest(live, machine)
      return
    case 'client':
      if (machine.phase === 'completed') forgetRequest(live, machine)
      return
    case 'invite-server':
    case 'server': {
      const { last, phase } = machine
      if (phase === 'trying' || phase === 'proceeding' || last === null) return
      if (last !== forgottenResponse) {
        // A refused INVITE stays an object until its ACK; what rests is written anew (`room.ts`).
        const stays = machine.role === 'invite-server' && phase === 'completed'
        live.names = stays ? ownNames(namesIn(last)) : namesIn(last)
      }
      live.machine = { ...machine, last: forgottenResponse }
      if (phase !== 'completed') live.sent = null
      else if (sent?.message !== forgottenResponse) {
        live.sent = { message: forgottenResponse, text: textOf(live, last) }
      }
      return
    }
    case 'success-repeat':
  }
}

function forgetRequest(live: Live, machine: InviteClient | Client): void {
  if (machine.request === forgottenRequest) return
  live.names = namesIn(machine.request)
  live.machine = { ...machine, request: forgottenRequest }
  live.sent = null
}

function namesIn({ callId, cseq, from, to }: SipRequest | SipResponse): Names {
  return { callId, number: cseq.number, fromTag: tagOf(from), toTag: tagOf(to) }
}

function ownNames({ callId, number, fromTag, toTag }: Names): Names {
  return { callId: ownText(callId), number, fromTag: ownText(fromTag), toTag: ownText(toTag) }
}
