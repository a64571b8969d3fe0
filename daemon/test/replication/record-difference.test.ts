//! What is different between two records, and the record that comes of it again.
import test from 'ava'
import fc from 'fast-check'
import { differencesOf, withDifferences } from '../../src/replication/record-difference.ts'

/** As the journal's file gives it back. */
const written = (value: unknown) => JSON.parse(JSON.stringify(value))

test('places that are different are told, and nothing else', (t) => {
  const shared = { a: [1, 2, { b: 3 }] }
  const cases: [unknown, unknown, unknown][] = [
    [{ x: 1, shared }, { x: 1, shared }, []],
    [{ x: 1, shared }, { x: 2, shared }, [[['x'], 2]]],
    [{ x: { y: 1, z: 2 } }, { x: { y: 1, z: 3 } }, [[['x', 'z'], 3]]],
    [{ x: [1, 2] }, { x: [1, 3] }, [[['x', 1], 3]]],
    [{ x: [1, 2] }, { x: [1] }, [[['x'], [1]]]],
    [{ x: 1, y: 2 }, { x: 1 }, [[['y']]]],
    [{ x: 1, y: 2 }, { x: 1, y: undefined }, [[['y']]]],
    [{ x: 1 }, { x: 1, y: null }, [[['y'], null]]],
    [{ x: { y: 1 } }, { x: null }, [[['x'], null]]],
    [{ x: [1] }, { x: { 0: 1 } }, [[['x'], { 0: 1 }]]],
  ]
  for (const [before, after, differences] of cases)
    t.deepEqual<unknown, unknown>(differencesOf(before, after), differences)
})

test('a record with its differences is the record after them, through the file', (t) => {
  const json = fc.jsonValue({ maxDepth: 3 }).map(written)
  const property = fc.property(json, json, (before, after) => {
    const differences = written(differencesOf(before, after))
    t.deepEqual(withDifferences(before, differences), after)
  })
  fc.assert(property, { numRuns: 500 })
})

test('one field of a large record that changes is one difference', (t) => {
  const records = fc.array(fc.record({ a: fc.string(), b: fc.dictionary(fc.string(), fc.nat()) }), {
    minLength: 1,
  })
  const property = fc.property(records, fc.nat(), fc.string(), (before, at, text) => {
    const index = at % before.length
    const after = before.map((one, place) =>
      place === index ? { ...one, a: `${one.a}${text}x` } : { ...one },
    )
    const differences = differencesOf(before, after)
    t.deepEqual(differences, [[[index, 'a'], after[index]?.a]])
    t.deepEqual(withDifferences(before, written(differences)), after)
  })
  fc.assert(property)
})

test('a difference at a place that is not there leaves nothing in the place before it', (t) => {
  t.is(withDifferences([1], [[[1], 2]]), undefined)
  t.is(withDifferences([1], [[['0'], 2]]), undefined)
  t.is(withDifferences(null, [[['x'], 2]]), undefined)
  t.is(withDifferences('text', [[[0], 2]]), undefined)
  t.deepEqual(withDifferences({ x: 1 }, [[['x', 'y'], 2]]), { x: undefined })
})
