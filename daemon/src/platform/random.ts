//! Randomness of the operating system in small pieces: a call needs several, and each question costs more than
//! its answer.
import { randomFillSync } from 'node:crypto'

const poolBytes = 4_096

/** @returns a source that asks for a lot at once. What it has given out is not in its memory any more. */
export function openRandom(): (length: number) => Uint8Array {
  const pool = new Uint8Array(poolBytes)
  let used = poolBytes
  return (length) => {
    if (length > poolBytes) return randomFillSync(new Uint8Array(length))
    if (used + length > poolBytes) {
      randomFillSync(pool)
      used = 0
    }
    const given = pool.slice(used, used + length)
    pool.fill(0, used, used + length)
    used += length
    return given
  }
}
