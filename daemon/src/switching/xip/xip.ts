//! XIP, the internal form of a session message (S1.18-S1.21): what the services work with instead of
//! SIP text. One structure for the request and for what the response fills in (S1.45).
import type { Diversion, Received } from '../../tables/diversion.ts'
import type { Direction } from '../../tables/wired-media.ts'
import type { Endpoint } from '../../wire/sip/message.ts'

/** ED-137 volume 2: what the Subject header asks for. */
export const callTypes = ['da-ida', 'ia', 'monitoring', 'gg-monitoring', 'ag-monitoring'] as const
export type CallType = (typeof callTypes)[number]

/** The caller hears, and is not heard (ED-137 sheet 5.5). */
export function isMonitoring(callType: string): boolean {
  return callType.endsWith('monitoring')
}

export const priorities = ['emergency', 'urgent', 'normal', 'non-urgent'] as const
export type Priority = (typeof priorities)[number]

/** 0: the most urgent. One that is not known, or none, is normal (RFC 3261 20.26). */
export function priorityRank(priority: string): number {
  const at = (priorities as readonly string[]).indexOf(priority)
  return at < 0 ? priorities.indexOf('normal') : at
}

/** It rings at who was called, whatever he has set (优先呼叫). */
export function ringsThrough(priority: string): boolean {
  return priority === 'emergency' || priority === 'urgent'
}

/** Intrusion (强插) and forced release (强拆). */
export type Urge = 'intrude' | 'release'

export type Codec = 'PCMA' | 'PCMU'

export interface XipCodec {
  readonly name: Codec
  readonly payloadType: number
}

/** The audio stream as one side describes it. */
export interface XipMedia {
  /** Null: on hold in the manner of RFC 2543 (0.0.0.0). */
  readonly address: string | null
  readonly port: number
  readonly type: 'audio'
  /** Those that we have, in the order of the other side. */
  readonly codecs: readonly XipCodec[]
  readonly ptimeMs: 10 | 20 | 30
  /** As the other side says it: `sendonly` means that it sends. */
  readonly direction: Direction
  readonly eventPayloadType: number | null
}

export interface Xip {
  readonly sessionId: string
  readonly sourceUser: string
  readonly sourceEnd: Endpoint
  readonly destinationUser: string
  /** Null until the registration of the destination is known. */
  readonly destinationEnd: Endpoint | null
  /** Subject and Priority as received, empty when absent. */
  readonly subject: string
  readonly priority: Priority
  readonly callType: CallType
  /** In the order of the caller; empty: an ordinary telephone. */
  readonly wg67Versions: readonly string[]
  /** Null: the caller made no offer. */
  readonly media: XipMedia | null
  /** It may enter the conversation of a busy destination, or end it, and wants to. */
  readonly urge: Urge | null
  /** How the call came to its destination from the one that was dialled. */
  readonly diversions: readonly Diversion[]
  /** How it came here, as another system says; null: it says nothing, or the caller is of this site. */
  readonly received: Received | null
}

/** Why a message is not let in, as the answer that says so. */
export interface XipRefusal {
  readonly status: number
  /** Value of a Reason header (RFC 3326), or null. */
  readonly reason: string | null
  /** For the log. */
  readonly why: string
}
