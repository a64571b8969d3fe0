//! CSeq (RFC 3261 20.16): a number below 2^31 and a method.
import { Cursor, decimal } from './scan.ts'

export function parseCseq(text: string): { number: number; method: string } | null {
  const cursor = new Cursor(text)
  const number = decimal(cursor.token(), 2 ** 31 - 1)
  if (number === null || !cursor.skipSpace()) return null
  const method = cursor.token()
  return method !== '' && cursor.ended ? { number, method } : null
}
