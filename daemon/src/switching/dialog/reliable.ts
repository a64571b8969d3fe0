//! Reliable provisional answers (RFC 3262): RSeq and RAck, and the repetition of a 1xx until its PRACK.
import { limits } from '../../limits.ts'
import { header, type SipMessage } from '../../wire/sip/message.ts'
import { headerList } from '../../wire/sip/write.ts'

/** RFC 3262 7.2. */
interface Rack {
  readonly rseq: number
  readonly cseq: number
  readonly method: string
}

export function requiresReliable(message: SipMessage): boolean {
  return headerList(message, 'Require').some(isReliable)
}

export function supportsReliable(message: SipMessage): boolean {
  return headerList(message, 'Supported').some(isReliable) || requiresReliable(message)
}

function isReliable(option: string): boolean {
  return option.toLowerCase() === '100rel'
}

/** RSeq of a 1xx; null when absent or outside of 1 .. 2^32 - 1 (RFC 3262 7.1). */
export function rseqOf(message: SipMessage): number | null {
  return sequence(header(message, 'RSeq')?.trim() ?? '')
}

export function rackOf(message: SipMessage): Rack | null {
  const parts =
    header(message, 'RAck')
      ?.trim()
      .split(/[ \t]+/) ?? []
  const [rseq, cseq, method] = parts
  if (rseq === undefined || cseq === undefined || method === undefined || parts.length !== 3) {
    return null
  }
  const numbers = { rseq: sequence(rseq), cseq: sequence(cseq) }
  if (numbers.rseq === null || numbers.cseq === null) return null
  return { rseq: numbers.rseq, cseq: numbers.cseq, method: method.toUpperCase() }
}

function sequence(text: string): number | null {
  if (!/^\d{1,10}$/.test(text)) return null
  const value = Number(text)
  return value >= 1 && value <= 0xffff_ffff ? value : null
}

/** Milliseconds after the n-th sending (from 0) at which the 1xx is sent again, or null: 64*T1 are over
 * and the INVITE is refused (RFC 3262 3). */
export function repeatAfterMs(sent: number): number | null {
  const elapsedMs = limits.sipT1Ms * (2 ** sent - 1)
  return elapsedMs >= 64 * limits.sipT1Ms ? null : limits.sipT1Ms * 2 ** sent
}
