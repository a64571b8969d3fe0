//! A call as one handset has it: its dialog, how far it is, and the texts that are said in it.
import type { SipRequest } from '../../src/wire/sip/message.ts'
import { nameAddressText, viaText } from '../../src/wire/sip/write.ts'
import { sipText, viaLine } from '../telephones/sip-texts.ts'
import { service } from './site.ts'

export interface Talk {
  readonly callId: string
  readonly localTag: string
  remoteTag: string
  /** Address of the other side as it stands in From or To. */
  readonly remoteUser: string
  target: string
  cseq: number
  state: 'calling' | 'ringing' | 'up' | 'ending' | 'over'
  readonly outgoing: boolean
  /** The INVITE of the other side that was answered last, and the key of its transaction. */
  invite: SipRequest | null
  serverKey: string | null
  /** Of its first INVITE: a CANCEL has the same. */
  inviteBranch: string
  inviteSeq: number
  /** ACK texts of 2xx by CSeq. */
  readonly acks: Map<number, string>
  direction: 'sendrecv' | 'sendonly'
  sdpVersion: number
  /** A re-INVITE or UPDATE of its own is open. */
  busy: boolean
  /** Its INVITE had no offer: the ACK has the answer. */
  isLate: boolean
  /** Seconds of the session timer that this side refreshes; 0: none. */
  refreshS: number
  /** What the switch says is a conference. */
  isFocus: boolean
}

export function newTalk(
  parts: Pick<Talk, 'callId' | 'localTag' | 'remoteUser' | 'target' | 'outgoing'>,
): Talk {
  return {
    ...parts,
    remoteTag: '',
    cseq: 0,
    state: 'calling',
    invite: null,
    serverKey: null,
    inviteBranch: '',
    inviteSeq: 0,
    acks: new Map(),
    direction: 'sendrecv',
    sdpVersion: 1,
    busy: false,
    isLate: false,
    refreshS: 0,
    isFocus: false,
  }
}

interface Speaker {
  readonly number: string
  readonly address: string
}

interface Parts {
  readonly branch: string
  readonly cseq: number
  readonly body?: string
  /** Further header lines. */
  readonly more?: readonly string[]
  /** Without the tag of the other side, to its number: a CANCEL. */
  readonly isPlain?: boolean
}

function hostOf(number: string, address: string): string {
  return number.startsWith('far') ? address : service
}

export function requestText({ number, address }: Speaker, talk: Talk, said: Request): string {
  const { method, branch, cseq, body = '', more = [], isPlain = false } = said
  const uri = isPlain ? `sip:${talk.remoteUser}@${service}` : talk.target
  const tag = isPlain || talk.remoteTag === '' ? '' : `;tag=${talk.remoteTag}`
  const isTyped = more.some((line) => line.startsWith('Content-Type'))
  const from = number.startsWith('far') ? `3${number.slice(3)}000` : number
  const lines = [
    `${method} ${uri} SIP/2.0`,
    viaLine(address, branch),
    'Max-Forwards: 70',
    `From: <sip:${from}@${hostOf(number, address)}>;tag=${talk.localTag}`,
    `To: <sip:${talk.remoteUser}@${service}>${tag}`,
    `Call-ID: ${talk.callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:${number}@${address}:5060>`,
    ...more,
    ...(body === '' || isTyped ? [] : ['Content-Type: application/sdp']),
  ]
  return sipText(lines, body)
}

export interface Request extends Parts {
  readonly method: string
}

interface Answer {
  readonly status: number
  readonly tag: string
  readonly body?: string
  readonly more?: readonly string[]
}

export function answerText(
  { number, address }: Speaker,
  request: SipRequest,
  said: Answer,
): string {
  const { status, tag, body = '', more = [] } = said
  const to = nameAddressText(request.to)
  const lines = [
    `SIP/2.0 ${status} Said`,
    ...request.via.map((via) => `Via: ${viaText(via)}`),
    `From: ${nameAddressText(request.from)}`,
    `To: ${request.to.parameters.has('tag') ? to : `${to};tag=${tag}`}`,
    `Call-ID: ${request.callId}`,
    `CSeq: ${request.cseq.number} ${request.cseq.method}`,
    ...(more.some((line) => line.startsWith('Contact'))
      ? []
      : [`Contact: <sip:${number}@${address}:5060>`]),
    ...more,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
  ]
  return sipText(lines, body)
}
