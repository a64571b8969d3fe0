//! The last rule between two equal nodes is what the site chose (S1.69 - S1.73).
import test from 'ava'
import { type TieBreak, tieBreaks } from '../../src/bus/messages.ts'
import { nodeNames, World } from './world.ts'

/** A has 192.168.1.200 and the name vccs-a, B 192.168.1.201 and vccs-b. */
const winners: Readonly<Record<TieBreak, 'A' | 'B'>> = {
  'larger-address': 'B',
  'smaller-address': 'A',
  'larger-name': 'B',
}

function start(a: TieBreak, b: TieBreak): World {
  const world = new World({ tieBreaks: { A: a, B: b } })
  world.boot('A')
  world.boot('B')
  world.run(2_000)
  return world
}

function primaries(world: World): string[] {
  return nodeNames.filter((name) => world.node(name)?.state.role === 'primary')
}

function differs(world: World): boolean[] {
  return nodeNames.map(
    (name) =>
      world.node(name)?.state.alarms.some(({ code }) => code === 'tie-break-differs') ?? false,
  )
}

for (const tieBreak of tieBreaks) {
  test(`of two equal nodes that start together, ${tieBreak} serves`, (t) => {
    const world = start(tieBreak, tieBreak)
    t.deepEqual(primaries(world), [winners[tieBreak]])
    t.deepEqual(differs(world), [false, false])
  })
}

test('two node files that name different rules go by that of the source, and both nodes say so', (t) => {
  for (const a of tieBreaks) {
    for (const b of tieBreaks) {
      if (a === b) continue
      const world = start(a, b)
      t.deepEqual(primaries(world), ['B'], `${a} and ${b}`)
      t.deepEqual(differs(world), [true, true])
    }
  }
})

test('a node that serves goes on, whatever the rule says', (t) => {
  const world = start('smaller-address', 'smaller-address')
  world.switchover('A', true)
  world.run(1_000)
  t.deepEqual(primaries(world), ['B'])
  world.run(5_000)
  t.deepEqual(primaries(world), ['B'])
})
