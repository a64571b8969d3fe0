//! One live transaction of any role, and the one place that knows all five tables.
import type { Endpoint, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { type Client, type ClientEvent, stepClient } from './client.ts'
import { type InviteClient, type InviteClientEvent, stepInviteClient } from './invite-client.ts'
import { type InviteServer, type InviteServerEvent, stepInviteServer } from './invite-server.ts'
import type { Step } from './machine.ts'
import { tagOf } from './match.ts'
import type { Room } from './room.ts'
import { type Server, type ServerEvent, stepServer } from './server.ts'
import { type SuccessRepeat, type SuccessRepeatEvent, stepSuccessRepeat } from './success-repeat.ts'
import type { Timer } from './timer-queue.ts'
import type { TimerName } from './timers.ts'

export type Machine = InviteClient | InviteServer | Client | Server | SuccessRepeat
export type MachineEvent =
  | InviteClientEvent
  | InviteServerEvent
  | ClientEvent
  | ServerEvent
  | SuccessRepeatEvent

/** What tells that another message belongs to a transaction. */
export interface Names {
  readonly callId: string
  readonly number: number
  readonly fromTag: string
  /** Of the last answer, in a server transaction. */
  readonly toTag: string
}

export interface Live {
  readonly id: string
  /** Where it is found. */
  readonly room: Room
  machine: Machine
  /** Where its messages go. */
  readonly to: Endpoint
  readonly timers: Map<TimerName, Timer>
  /** The message that was sent last, if it may be sent again, and its text. */
  sent: { readonly message: SipRequest | SipResponse; readonly text: string } | null
  /** Instead of its messages, which the machine does not need any more (`settled.ts`); null: it has them. */
  names: Names | null
  /** Its user is the layer itself (CANCEL, both directions): nothing is raised. */
  readonly quiet: boolean
  /** Header Reason of its CANCEL (RFC 3326), once it is to be cancelled. */
  cancelReason?: string | null
  /** When it ends, if nothing but repetitions can come until then; null: its own clocks run. */
  readonly restsUntilMs: number | null
}

/** Gives the event to the table of the role. The layer gives each role only its own events. */
export function stepMachine(machine: Machine, event: MachineEvent): Step<Machine> {
  switch (machine.role) {
    case 'invite-client':
      return stepInviteClient(machine, event as InviteClientEvent)
    case 'invite-server':
      return stepInviteServer(machine, event as InviteServerEvent)
    case 'client':
      return stepClient(machine, event as ClientEvent)
    case 'server':
      return stepServer(machine, event as ServerEvent)
    case 'success-repeat':
      return stepSuccessRepeat(machine, event as SuccessRepeatEvent)
  }
}

/** What a response from the network is to its client transaction. */
export function responseEvent(machine: Machine, response: SipResponse): MachineEvent {
  if (response.status < 200) return { kind: 'provisional', response }
  if (machine.role === 'client') return { kind: 'final', response }
  return { kind: response.status < 300 ? 'success' : 'failure', response }
}

/** What a response of the user is to its server transaction. */
export function respondEvent(machine: Machine, response: SipResponse): MachineEvent {
  if (response.status < 200) return { kind: 'respond-provisional', response }
  if (machine.role === 'server') return { kind: 'respond-final', response }
  return { kind: response.status < 300 ? 'respond-success' : 'respond-failure', response }
}

/** The To tag of the last answer, when it is the INVITE that an ACK can mean. */
export function answeredTag({ machine, names }: Live): string | null {
  if (machine.role !== 'invite-server') return null
  return names === null ? tagOf(machine.last.to) : names.toTag
}

/** The INVITE of a client transaction, or null. */
export function inviteOf(machine: Machine): SipRequest | null {
  return machine.role === 'invite-client' ? machine.request : null
}

/** A response has the names of its request, and a CANCEL those of its INVITE (RFC 3261 8.2.6.2, 9.1). The
 * branch alone would let a message in that belongs to another dialog. */
export function isOfRequest(live: Live | undefined, message: SipRequest | SipResponse): boolean {
  const own = live === undefined ? null : namesOf(live)
  if (own === null) return true
  const { callId, cseq, from } = message
  return callId === own.callId && cseq.number === own.number && tagOf(from) === own.fromTag
}

function namesOf({ machine, names }: Live): Omit<Names, 'toTag'> | null {
  if (names !== null) return names
  const message = messageOf(machine)
  if (message === null) return null
  const { callId, cseq, from } = message
  return { callId, number: cseq.number, fromTag: tagOf(from) }
}

function messageOf(machine: Machine): SipRequest | SipResponse | null {
  switch (machine.role) {
    case 'invite-client':
    case 'client':
      return machine.request
    case 'invite-server':
    case 'server':
      return machine.last
    case 'success-repeat':
      return machine.response
  }
}

/** An INVITE that was answered with a final refusal. */
export function isRefused(machine: Machine): boolean {
  if (machine.role !== 'invite-server') return false
  return machine.phase === 'completed' || machine.phase === 'confirmed'
}
