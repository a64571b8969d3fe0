//! Random stories of two nodes: first chaos, then peace. Safety during both, progress after peace.
import test from 'ava'
import { lostMs, type NodeName, nodeNames, World } from './world.ts'

/** Small and even; the same numbers for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const stepMs = 10
/** Detection, one more period for the heartbeat that tells, and the way of a datagram. */
const bothServeMsMax = 3 * stepMs + 110

interface Watch {
  bothMs: number
  readonly terms: Record<NodeName, number>
}

function isPrimary(world: World, name: NodeName): boolean {
  return world.isRunning(name) && world.node(name)?.state.role === 'primary'
}

/** @returns what is wrong, or null. `quietMs`: how long all links have worked. */
function check(world: World, watch: Watch, quietMs: number): string | null {
  const both = isPrimary(world, 'A') && isPrimary(world, 'B')
  watch.bothMs = both && quietMs > 0 ? watch.bothMs + stepMs : 0
  if (watch.bothMs > bothServeMsMax) return `both serve for ${watch.bothMs} ms with all links up`
  for (const name of nodeNames) {
    const term = world.node(name)?.state.term
    if (term === undefined) continue
    if (term < watch.terms[name]) return `the term of ${name} went back`
    watch.terms[name] = term
  }
  return null
}

function disturb(world: World, random: (below: number) => number): void {
  const name = nodeNames[random(2)] ?? 'A'
  const link = world.linkNames[random(world.linkNames.length)] ?? ''
  const unit = random(2) === 0 ? 'switch' : 'media'
  const actions = [
    () => world.cut(link),
    () => world.cut(link),
    () => world.heal(link),
    () => world.heal(link),
    () => (world.node(name) === null ? world.boot(name) : world.kill(name)),
    () => (world.node(name) === null ? world.boot(name) : world.killUnit(name, unit)),
    () => (world.node(name) === null ? world.boot(name) : world.start(name, unit)),
    () => world.switchover(name, random(4) === 0),
    () => world.set(name, { sessions: random(4) }),
    () => (world.isRunning(name) ? world.suspend(name) : world.resume(name)),
    () => world.hang(name, unit),
  ]
  actions[random(actions.length)]?.()
}

function makePeace(world: World): void {
  for (const link of world.linkNames) world.heal(link)
  for (const name of nodeNames) {
    if (world.node(name) === null) world.boot(name)
    else {
      world.resume(name)
      for (const unit of ['switch', 'media'] as const) world.start(name, unit)
    }
  }
}

/** @returns what went wrong, or null. */
function story(seed: number): string | null {
  const random = randomOf(seed)
  const world = new World({ links: 1 + random(3), clockAheadMs: random(100_000) })
  const watch: Watch = { bothMs: 0, terms: { A: 0, B: 0 } }
  world.boot('A')
  world.boot('B')
  let quietMs = 0
  const go = (ms: number): string | null => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      world.run(stepMs)
      quietMs = world.cuts === 0 ? quietMs + stepMs : 0
      const wrong = check(world, watch, quietMs)
      if (wrong !== null) return `${wrong} at ${world.now}`
    }
    return null
  }
  for (let turn = 0; turn < 25; turn++) {
    disturb(world, random)
    const wrong = go(stepMs * (1 + random(90)))
    if (wrong !== null) return wrong
  }
  makePeace(world)
  const wrong = go(6 * lostMs)
  if (wrong !== null) return wrong
  const roles = nodeNames.map((name) => world.node(name)?.state.role).sort()
  if (roles.join() !== 'primary,standby') return `in peace the roles are ${world.roles()}`
  const [a, b] = nodeNames.map((name) => world.node(name)?.state)
  return a?.term === b?.term ? null : `in peace the terms are ${world.roles()}`
}

test('random cuts, deaths, hangs and commands never leave two primaries, nor none in peace', (t) => {
  const seeds = Number(process.env.PAIR_STORIES ?? 60)
  for (let seed = 1; seed <= seeds; seed++) {
    const wrong = story(seed)
    if (wrong !== null) t.fail(`seed ${seed}: ${wrong}`)
  }
  t.pass()
})
