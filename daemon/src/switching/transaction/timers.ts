//! The timers of RFC 3261 17 and RFC 6026 for UDP: table 4 of RFC 3261 as one object.
import { limits } from '../../limits.ts'

const timeoutMs = 64 * limits.sipT1Ms

/** Milliseconds from the start of a timer to its first firing. */
export const timerMs = {
  /** INVITE request again, doubled without an upper limit (17.1.1.2). */
  'timer-a': limits.sipT1Ms,
  /** No response to the INVITE at all. */
  'timer-b': timeoutMs,
  /** Wait for repeated final answers; at least 32 s on UDP. */
  'timer-d': timeoutMs,
  /** Non-INVITE request again, doubled up to T2. */
  'timer-e': limits.sipT1Ms,
  /** No final response to the non-INVITE request; also runs after a 1xx. */
  'timer-f': timeoutMs,
  /** Final non-2xx again, doubled up to T2. */
  'timer-g': limits.sipT1Ms,
  /** The final non-2xx was never acknowledged. */
  'timer-h': timeoutMs,
  /** Wait for repeated ACKs. */
  'timer-i': limits.sipT4Ms,
  /** Wait for repeated non-INVITE requests. */
  'timer-j': timeoutMs,
  /** Wait for repeated responses to a non-INVITE request. */
  'timer-k': limits.sipT4Ms,
  /** RFC 6026 7.1: wait for repeated INVITEs after our 2xx. */
  'timer-l': timeoutMs,
  /** RFC 6026 7.2: wait for repeated and forked 2xx. */
  'timer-m': timeoutMs,
  /** RFC 3261 16.6 11, of a re-INVITE: what nobody has to pick up is answered finally in this time after
   * its first 1xx, or it is cancelled. */
  'timer-c': timeoutMs,
  /** RFC 3261 9.1: a cancelled INVITE that gets no final answer is given up. */
  'timer-cancelled': timeoutMs,
  /** RFC 3261 13.3.1.4: our 2xx again, doubled up to T2. */
  'timer-repeat': limits.sipT1Ms,
  /** RFC 3261 13.3.1.4: no ACK of our 2xx came. */
  'timer-give-up': timeoutMs,
} as const

export type TimerName = keyof typeof timerMs

/** The next interval of timers E, G and the repetition of a 2xx. */
export function doubledMs(intervalMs: number): number {
  return Math.min(2 * intervalMs, limits.sipT2Ms)
}
