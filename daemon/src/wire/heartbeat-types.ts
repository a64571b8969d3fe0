//! The values in a heartbeat datagram (DESIGN section 5.4). Times in milliseconds of the sender's
//! pair clock.
import type { Role, TieBreak } from '../bus/messages.ts'

export interface Heartbeat {
  /** `goodbye`: a unit of the sender died or it stops; the peer serves at once. `handover`: planned
   * switchover, the sender is standby from now on; `take` asks the peer's primary to hand over,
   * `take-forced` also when that is not safe. `refused` answers `take` and `handover`. */
  readonly kind: 'heartbeat' | 'goodbye' | 'handover' | 'take' | 'refused' | 'take-forced'
  /** Node name, at most 32 bytes of ASCII. */
  readonly node: string
  /** Hex, 16 digits; new at every start of the pair unit. */
  readonly bootId: string
  /** Grows with each datagram of this boot on any link (no replay). */
  readonly sequence: number
  readonly link: number
  readonly role: Role
  readonly alone: boolean
  readonly term: number
  readonly sessions: number
  readonly syncPending: number
  readonly inStep: boolean
  readonly ready: boolean
  /** Proof of life: counters of the switch's loop and of the media pacer. */
  readonly switchCounter: number
  readonly mediaCounter: number
  /** Clock exchange: when this was sent; the newest datagram heard of the peer on this link: its
   * `sentAt`, and when it came. Zero: none. */
  readonly sentAt: number
  readonly echoSentAt: number
  readonly echoReceivedAt: number
  /** Bit per link: the sender hears the peer on it. */
  readonly linksHeard: number
  /** The sender has changed its role too often and holds it (`pair/damping.ts`). */
  readonly held: boolean
  /** The sender is primary only because it did not hear its peer, and has not met it since. */
  readonly stoodIn: boolean
  /** The rule between two equal nodes that the sender goes by (`pair/tie-break.ts`). */
  readonly tieBreak: TieBreak
  /** How often the pair was paused and resumed, 0 to 255: odd is paused (`pair/pause.ts`). */
  readonly pauseCount: number
}
