//! A call as one telephone has it: its dialog, and how far it is.
import type { SipRequest } from '../../src/wire/sip/message.ts'
import type { Call } from './calls.ts'

export interface Leg {
  readonly callId: string
  readonly localTag: string
  remoteTag: string
  /** Address of the other side as it stands in From or To. */
  readonly remoteUser: string
  target: string
  cseq: number
  state: 'calling' | 'ringing' | 'accepted' | 'up' | 'ending'
  readonly outgoing: boolean
  /** Key of the server transaction of the INVITE that is open or was answered last. */
  serverKey: string | null
  invite: SipRequest | null
  inviteBranch: string
  /** Nobody waits for an answer any more. */
  givenUp: boolean
  /** CANCEL has left. */
  cancelled: boolean
  /** ACK texts of 2xx by CSeq. */
  readonly acks: Map<number, string>
  direction: 'sendrecv' | 'sendonly'
  sdpVersion: number
  busy: boolean
  call: Call | null
}

export function newLeg(
  parts: Pick<Leg, 'callId' | 'localTag' | 'remoteUser' | 'target' | 'outgoing'>,
): Leg {
  return {
    ...parts,
    remoteTag: '',
    cseq: 0,
    state: 'calling',
    serverKey: null,
    invite: null,
    inviteBranch: '',
    givenUp: false,
    cancelled: false,
    acks: new Map(),
    direction: 'sendrecv',
    sdpVersion: 1,
    busy: false,
    call: null,
  }
}
