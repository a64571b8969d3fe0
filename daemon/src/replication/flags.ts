//! The flag of a record as one table of states and events (S1.92-S1.102). Pure.
import type { Flag } from '../tables/flag.ts'

export const flagEvents = [
  /** The record was put or deleted. */
  'change',
  /** Its frame was made and lies in the buffer. */
  'serialise',
  /** The frame was given to a link. */
  'send',
  /** An ACK with the current term, version, length and hash. */
  'ack-right',
  /** Any other ACK, e.g. a late one for an older version. */
  'ack-wrong',
  /** No right ACK came in time: the same buffer goes out again. */
  'timeout',
  /** Nobody listens: the buffer is dropped, the mark stays. */
  'peer-lost',
  /** The standby asks for everything. */
  'request-all',
  /** A tombstone that nobody needs to hear of: who comes later drops what is not named to it. */
  'release',
] as const
export type FlagEvent = (typeof flagEvents)[number]

export const flagTransitions: Readonly<Record<Flag, Readonly<Record<FlagEvent, Flag>>>> = {
  NONE: {
    change: 'DIRTY',
    serialise: 'NONE',
    send: 'NONE',
    'ack-right': 'NONE',
    'ack-wrong': 'NONE',
    timeout: 'NONE',
    'peer-lost': 'NONE',
    'request-all': 'DIRTY',
    release: 'NONE',
  },
  DIRTY: {
    change: 'DIRTY',
    serialise: 'HASHED',
    send: 'DIRTY',
    // The ACK belongs to a buffer that a change or a new asking has made void.
    'ack-right': 'DIRTY',
    'ack-wrong': 'DIRTY',
    timeout: 'DIRTY',
    'peer-lost': 'DIRTY',
    'request-all': 'DIRTY',
    release: 'NONE',
  },
  HASHED: {
    change: 'DIRTY',
    serialise: 'HASHED',
    send: 'SYNCED',
    // A repetition waits in the buffer while the ACK of the first sending comes.
    'ack-right': 'NONE',
    'ack-wrong': 'HASHED',
    timeout: 'HASHED',
    'peer-lost': 'DIRTY',
    'request-all': 'DIRTY',
    release: 'NONE',
  },
  SYNCED: {
    change: 'DIRTY',
    serialise: 'SYNCED',
    send: 'SYNCED',
    'ack-right': 'NONE',
    'ack-wrong': 'SYNCED',
    timeout: 'HASHED',
    'peer-lost': 'DIRTY',
    'request-all': 'DIRTY',
    release: 'NONE',
  },
}

export function nextFlag(flag: Flag, event: FlagEvent): Flag {
  return flagTransitions[flag][event]
}
