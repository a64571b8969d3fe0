//! Where the numbering of a stream begins.
import test from 'ava'
import fc from 'fast-check'
import { firstSequence } from '../../src/switching/wired/media.ts'

test('a stream begins far below its wrap, and above the numbers that baresip 1.0 mistakes', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (random) => {
      const sequence = firstSequence(random)
      t.true(Number.isInteger(sequence) && sequence >= 4_096 && sequence < 32_768)
    }),
  )
})
