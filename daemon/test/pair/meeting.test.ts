//! Two primaries meet: what the pair unit says to the units of its node, and what the clock does.
import test from 'ava'
import { nodeNames, World } from './world.ts'

/** Both serve, and have never heard each other, B with a clock that is so much ahead. */
function apart(clockAheadMs: number): World {
  const world = new World({ clockAheadMs })
  for (const link of world.linkNames) world.cut(link)
  for (const name of nodeNames) world.boot(name)
  world.run(2_000)
  return world
}

/** Pair time of B minus that of A. */
function skewMs(world: World, clockAheadMs: number): number {
  const [a, b] = nodeNames.map((name) => world.node(name)?.clock.offsetMs ?? Number.NaN)
  return clockAheadMs + (b ?? 0) - (a ?? 0)
}

for (const clockAheadMs of [0, 3, 9, 12, 5_003, -777]) {
  test(`clocks ${clockAheadMs} ms apart: the loser jumps by whole ticks, then slews`, (t) => {
    const world = apart(clockAheadMs)
    t.is(world.roles(), 'A=primary term 1, B=primary term 1')
    for (const link of world.linkNames) world.heal(link)
    const healedMs = world.now
    world.run(200)
    const primaries = nodeNames.filter((name) => world.node(name)?.state.role === 'primary')
    t.is(primaries.length, 1)
    world.run(300)
    const [winner] = primaries
    const words = (name: string) =>
      world.mergeWords.filter((one) => one.name === name).map(({ word }) => word)
    const loser = winner === 'A' ? 'B' : 'A'
    const ticks = Math.round((loser === 'B' ? -clockAheadMs : clockAheadMs) / 20)
    t.deepEqual(words(loser), ['give', `shift ${ticks === 0 ? 0 : ticks}`])
    t.true(words(winner ?? '').includes('take'))
    const shifted = world.mergeWords.find(({ word }) => word.startsWith('shift'))
    t.true((shifted?.atMs ?? 0) - healedMs <= 300)
    t.true(Math.abs(skewMs(world, clockAheadMs)) <= 11)
    world.run(30_000)
    t.true(Math.abs(skewMs(world, clockAheadMs)) < 1)
    t.is(world.node(winner ?? 'A')?.clock.offsetMs, 0)
  })
}

test('a primary whose peer was started anew takes nothing', (t) => {
  const world = new World()
  world.boot('A')
  world.run(1_000)
  world.boot('B')
  world.run(2_000)
  t.is(world.roles(), 'A=primary term 1, B=standby term 1')
  t.deepEqual(world.mergeWords, [])
})

test('a handover is no merge', (t) => {
  const world = new World()
  for (const name of nodeNames) world.boot(name)
  world.run(2_000)
  const from = nodeNames.find((name) => world.node(name)?.state.role === 'primary') ?? 'A'
  for (const name of nodeNames) world.set(name, { inStep: true, flushes: true })
  world.run(500)
  world.switchover(from, false)
  world.run(3_000)
  t.not(world.node(from)?.state.role, 'primary')
  t.deepEqual(world.mergeWords, [])
})
