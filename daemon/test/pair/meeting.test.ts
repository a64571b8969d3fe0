//! Two primaries meet: what the pair unit says to the units of its node, and what the clock does.
import test from 'ava'
import { limits } from '../../src/limits.ts'
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

/** A serves alone with calls and stands still; B, which knows nothing of them, starts and serves. */
function wokenBeside(parts: { readonly inStep: boolean; readonly sessions: number }): World {
  const world = new World()
  world.boot('A')
  world.set('A', parts)
  world.run(2_000)
  world.suspend('A')
  world.set('B', { inStep: false })
  world.boot('B')
  world.run(8_000)
  servesB(world)
  world.resume('A')
  world.run(2_000)
  return world
}

/** What was said before A woke is of no interest. */
function servesB(world: World): void {
  if (world.node('B')?.state.role !== 'primary') throw new Error(world.roles())
  world.mergeWords.length = 0
}

test('a primary that stood still gives what its peer has not', (t) => {
  const world = wokenBeside({ inStep: false, sessions: 4 })
  t.is(world.roles(), 'A=standby term 1, B=primary term 1')
  const words = (name: string) =>
    world.mergeWords.filter((one) => one.name === name).map(({ word }) => word)
  t.is(words('A')[0], 'give')
  t.regex(words('A')[1] ?? '', /^shift /)
  t.deepEqual(words('B'), ['take-late'])
})

test('a primary that stood still gives nothing to a peer that followed it, or without a call', (t) => {
  t.deepEqual(wokenBeside({ inStep: true, sessions: 4 }).mergeWords, [])
  t.deepEqual(wokenBeside({ inStep: false, sessions: 0 }).mergeWords, [])
})

test('what a primary has that wakes beside a node that starts is taken', (t) => {
  const world = new World()
  world.boot('A')
  world.set('A', { inStep: false, sessions: 4 })
  world.run(2_000)
  world.suspend('A')
  world.run(3_000)
  world.set('B', { inStep: false })
  world.boot('B')
  world.run(200)
  world.resume('A')
  world.run(3_000)
  const words = world.mergeWords.map(({ name, word }) => `${name} ${word.split(' ')[0]}`)
  t.is(world.roles(), 'A=standby term 2, B=primary term 2')
  t.deepEqual(words.toSorted(), ['A give', 'A shift', 'B take-late'])
})

/** A serves alone with calls, its pair unit hangs, and B, which knows nothing of them, starts and serves. Then
 * A's supervisor starts another pair unit, to which the switch is not connected yet. */
function startedBeside(parts: { readonly inStep: boolean; readonly sessions: number }): World {
  const world = new World()
  world.boot('A')
  world.set('A', parts)
  world.run(2_000)
  world.suspend('A')
  world.set('B', { inStep: false })
  world.boot('B')
  world.run(5_000)
  servesB(world)
  world.boot('A')
  world.killUnit('A', 'switch')
  return world
}

const wordsOf = (world: World) =>
  world.mergeWords.map(({ name, word }) => `${name} ${word.split(' ')[0]}`).toSorted()

test('a pair unit that follows one that hung hears its switch before it obeys the peer, and gives', (t) => {
  const world = startedBeside({ inStep: false, sessions: 4 })
  world.run(350)
  t.is(world.roles(), 'A=starting term 1, B=primary term 1')
  t.deepEqual(world.mergeWords, [])
  world.start('A', 'switch')
  world.run(200)
  t.is(world.roles(), 'A=standby term 1, B=primary term 1')
  t.deepEqual(wordsOf(world), ['A give', 'A shift', 'B take-late'])
  const [first] = world.mergeWords
  t.deepEqual([first?.name, first?.word], ['B', 'take-late'], 'B takes before A gives')
})

test('a pair unit whose switch died with the one before it follows after a moment, and gives nothing', (t) => {
  const world = startedBeside({ inStep: false, sessions: 4 })
  world.run(limits.ownSwitchMsMax + 200)
  t.is(world.roles(), 'A=standby term 1, B=primary term 1')
  world.start('A', 'switch')
  world.run(1_000)
  t.false(wordsOf(world).includes('A give'))
})

test('a pair unit whose switch has nothing that the peer has not gives nothing', (t) => {
  for (const parts of [
    { inStep: true, sessions: 4 },
    { inStep: false, sessions: 0 },
  ]) {
    const world = startedBeside(parts)
    world.start('A', 'switch')
    world.run(200)
    t.is(world.roles(), 'A=standby term 1, B=primary term 1')
    t.deepEqual(world.mergeWords, [])
  }
})

test('a node that did not serve before follows at once, whatever its switch has', (t) => {
  const world = new World()
  for (const name of nodeNames) world.boot(name)
  world.run(2_000)
  t.is(world.roles(), 'A=standby term 1, B=primary term 1')
  world.set('A', { inStep: false, sessions: 4 })
  world.boot('A')
  world.killUnit('A', 'switch')
  world.run(10)
  t.is(world.roles(), 'A=standby term 1, B=primary term 1')
  t.deepEqual(world.mergeWords, [])
})
