//! Randomness in small pieces.
import test from 'ava'
import { openRandom } from '../../src/platform/random.ts'

test('no piece comes twice, whatever its length, and none is made of zeros', (t) => {
  const random = openRandom()
  const seen = new Set<string>()
  const lengths = [8, 16, 8, 4_000, 32, 4_096, 8, 5_000]
  for (let round = 0; round < 300; round++) {
    const length = lengths[round % lengths.length] ?? 8
    const piece = Buffer.from(random(length))
    t.is(piece.length, length)
    const head = piece.subarray(0, 8).toString('hex')
    t.false(seen.has(head))
    seen.add(head)
    t.notDeepEqual(piece.subarray(-8), Buffer.alloc(8))
  }
})

test('what was given out is not changed by what comes after', (t) => {
  const random = openRandom()
  const piece = random(8)
  const before = Buffer.from(piece).toString('hex')
  for (let round = 0; round < 2_000; round++) random(8)
  t.is(Buffer.from(piece).toString('hex'), before)
})
