//! What the decision knows, what can happen to it, and what it orders. Times are milliseconds of
//! CLOCK_MONOTONIC.
import type { AlarmChange } from '../alarms.ts'
import type { BusMessageOf, DecisionRecord, Role, TieBreak } from '../bus/messages.ts'
import type { ForeignHeartbeat } from '../wire/heartbeat.ts'
import type { Heartbeat } from '../wire/heartbeat-types.ts'
import type { Boots } from './boots.ts'
import type { ForeignPeer } from './foreign.ts'
import type { LinkHealth } from './links.ts'
import type { Pause } from './pause-count.ts'
import type { Proof } from './proof-of-life.ts'

export interface PairOptions {
  readonly node: string
  readonly links: readonly { readonly name: string; readonly own: string; readonly peer: string }[]
  readonly heartbeatMs: number
  readonly missesMax: number
  /** S1.73: who serves when nothing else tells the nodes apart. */
  readonly tieBreak: TieBreak
}

export type UnitName = 'switch' | 'media'

export interface OwnUnits {
  readonly switch: Proof
  readonly media: Proof
  readonly sessions: number
  readonly syncPending: number
  readonly inStep: boolean
  /** What this node served is not all with the peer. */
  readonly untold: boolean
  /** Units that died and are not back. */
  readonly died: readonly UnitName[]
}

/** The newest news of the peer. */
export interface PeerView {
  readonly node: string
  readonly bootId: string
  readonly role: Role
  readonly term: number
  readonly sessions: number
  readonly syncPending: number
  readonly inStep: boolean
  readonly ready: boolean
  readonly held: boolean
  readonly stoodIn: boolean
  readonly tieBreak: TieBreak
  readonly switch: Proof
  readonly media: Proof
}

/** A planned switchover or a failover on its way. */
export interface Operation {
  /** `flushing`, `handing`: here at the primary. `asking`: at the standby, which asked the primary. */
  readonly stage: 'flushing' | 'handing' | 'asking'
  readonly ref: number
  /** The peer asked for it: it wants to hear a refusal. */
  readonly forPeer: boolean
  readonly force: boolean
  readonly reason: string
  readonly startedAt: number
  readonly deadlineAt: number
  /** What the operator shall know although it was safe enough; empty: nothing. */
  readonly warning: string
}

/** This node offered its role in this term; a primary of a newer one is the answer. */
export interface Offer {
  readonly term: number
  /** Nobody takes it later. */
  readonly endsAt: number
}

/** What the switch has of a time as primary that this pair unit did not see: `unknown` until its first sign
 * of life; see `starting.ts`. */
type Inheritance = 'nothing' | 'unknown' | 'sessions'

export interface PairState {
  readonly options: PairOptions
  readonly role: Role
  readonly term: number
  /** When this role began. */
  readonly since: number
  /** When this node began to listen; a node that was suspended begins again. */
  readonly listenedFrom: number
  /** This process stood still: what waited for it in the kernel is old, so that it cannot
   * serve before it has listened anew. */
  readonly woken: boolean
  /** When the peer was heard for the first time, or again: its links have as long to be heard. */
  readonly companyFrom: number
  /** When heartbeats last left: what came since then shows no life to the peer. */
  readonly sentAt: number
  readonly boots: Boots
  readonly links: readonly LinkHealth[]
  readonly peer: PeerView | null
  readonly peerLost: boolean
  readonly own: OwnUnits
  readonly operation: Operation | null
  /** This node is primary because this boot of the peer gave the role up: its older heartbeats, still
   * in flight, are no claim. */
  readonly grantedBy: string | null
  readonly offer: Offer | null
  /** When this node last refused the role: the primary has undone then what it offered before. */
  readonly refusedAt: number
  /** Both were primary at the last heartbeat. */
  readonly conflict: boolean
  /** See `pause.ts`. */
  readonly pause: Pause
  /** The role was last at this node: a paused pair leaves it there. */
  readonly served: boolean
  readonly inherits: Inheritance
  /** Primary only because the peer was not heard, and it has not been met since. */
  readonly stoodIn: boolean
  /** Since when this primary cannot serve; null: it can. */
  readonly unfitFrom: number | null
  /** When the role of this node changed by itself, the newest last; see `damping.ts`. */
  readonly changes: readonly number[]
  readonly refusedName: boolean
  /** When this node last sent what it sends only now and then (`sendExtra`). */
  readonly extraAt: number
  /** A peer of an incompatible version; null: none was heard. */
  readonly foreign: ForeignPeer | null
  readonly stopped: boolean
  readonly alarms: readonly AlarmChange[]
  /** Datagrams dropped since start. */
  readonly dropped: { readonly replayed: number; readonly reflected: number }
}

/** An order or a word of the peer, and how old it can be at most. */
export interface Said {
  readonly kind: Heartbeat['kind']
  readonly ageMsMax: number
}

export type PairEvent =
  | {
      /** An authentic datagram of the peer. `answers`: the number of the recent send of ours that it
       * echoes, which only grows; zero: none that we remember. `ageMsMax`: since that send left, so that
       * the datagram is no older; infinite: unknown. */
      readonly kind: 'heard'
      readonly now: number
      readonly link: number
      readonly value: Heartbeat
      readonly answers: number
      readonly ageMsMax: number
    }
  /** An authentic datagram of a peer whose version is not ours. */
  | {
      readonly kind: 'heard-foreign'
      readonly now: number
      readonly link: number
      readonly value: ForeignHeartbeat
    }
  /** Send the periodic heartbeat. */
  | { readonly kind: 'period'; readonly now: number }
  /** Look at the time, several times a period. */
  | { readonly kind: 'check'; readonly now: number }
  | {
      readonly kind: 'unit-down'
      readonly now: number
      readonly unit: UnitName
      readonly detail: string
    }
  | {
      readonly kind: 'switch-alive'
      readonly now: number
      readonly counter: number
      readonly sessions: number
      readonly syncPending: number
      readonly inStep: boolean
      /** By default what is not in step. */
      readonly untold?: boolean | undefined
      readonly ready: boolean
      /** What the switch acts as. */
      readonly role: Role
    }
  | { readonly kind: 'media-alive'; readonly now: number; readonly counter: number }
  | {
      readonly kind: 'switchover'
      readonly now: number
      readonly ref: number
      readonly force: boolean
      readonly reason: string
    }
  | {
      readonly kind: 'flushed'
      readonly now: number
      readonly ref: number
      readonly ok: boolean
      readonly detail: string
    }
  /** The switch of the peer says that this boot of its pair unit died, and that it does not serve. */
  | { readonly kind: 'peer-pair-died'; readonly now: number; readonly bootId: string }
  /** An operator pauses (`on`) or resumes the pair. */
  | {
      readonly kind: 'pause'
      readonly now: number
      readonly ref: number
      readonly on: boolean
      readonly reason: string
    }
  /** This node stops; the peer serves. */
  | { readonly kind: 'stop'; readonly now: number }

/** What becomes of sessions that only one of the nodes has (ADR 0001). */
export type Merge = NonNullable<BusMessageOf<'role'>['merge']>

/** To be done in this order. */
export type PairEffect =
  /** `afterSwitch`: when the own switch no longer acts as primary (`farewell.ts`). */
  | {
      readonly kind: 'send'
      readonly heartbeat: Heartbeat['kind']
      readonly afterSwitch?: true
    }
  /** Role and term as they are then: one event may pass through two roles, and the units hear of both. */
  | {
      readonly kind: 'role'
      readonly role: Role
      readonly term: number
      readonly because: string
      readonly merge?: Merge
      readonly peerSends?: true
    }
  /** Keep term and ended boots over a restart. After the role: a slow disk must not delay it. */
  | { readonly kind: 'persist' }
  | { readonly kind: 'flush'; readonly ref: number }
  | {
      readonly kind: 'operation-result'
      readonly ref: number
      readonly ok: boolean
      readonly detail: string
      readonly tookMs: number
    }
  | { readonly kind: 'alarm'; readonly change: AlarmChange }
  /** `record.atMs` is the time of the event; the process puts the wall clock there. */
  | { readonly kind: 'decision'; readonly record: DecisionRecord }

export interface Step {
  readonly state: PairState
  readonly effects: readonly PairEffect[]
}
