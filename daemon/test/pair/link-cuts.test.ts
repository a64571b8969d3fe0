//! The three links between the nodes, cut and healed in every order, in simulated time: one or two are an
//! alarm and nothing else; only without any does the other node serve too (S2.16, S2.17).
import test, { type ExecutionContext } from 'ava'
import { lostMs, type NodeName, nodeNames, World } from './world.ts'

/** Long enough for a silent link to be seen. */
const seenMs = lostMs + 250
const healedMs = 200

function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) =>
    orders(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  )
}

function subsets<T>(items: readonly T[]): T[][] {
  const [first, ...others] = items
  if (first === undefined) return [[]]
  const without = subsets(others)
  return [...without, ...without.map((set) => [first, ...set])]
}

function pairInStep(): World {
  const world = new World()
  world.boot('A')
  world.run(1_500)
  world.boot('B')
  world.run(3_000)
  return world
}

const roleOf = (world: World, name: NodeName) => world.node(name)?.state.role
const primaries = (world: World) => nodeNames.filter((name) => roleOf(world, name) === 'primary')
/** Changes of role, of both nodes, since a line of the log. */
function changesSince(world: World, line: number): string[] {
  return world.log.slice(line).filter((text) => / rule .*, to /.test(text))
}

function alarmsOf(world: World, name: NodeName): string[] {
  const alarms = world.node(name)?.state.alarms ?? []
  return alarms.map(({ code, subject }) => `${code} ${subject}`).sort()
}

function alarmsFor(cut: readonly string[]): string[] {
  if (cut.length === 3) return ['peer-lost peer']
  const each = cut.map((link) => `link-down ${link}`)
  return cut.length === 2 ? [...each, 'links-down links'].sort() : each
}

function cutInOrder(t: ExecutionContext, world: World, order: readonly string[]): void {
  const [first] = primaries(world)
  const begun = world.log.length
  for (const [index, link] of order.entries()) {
    world.cut(link)
    world.run(seenMs)
    const cut = order.slice(0, index + 1)
    for (const name of nodeNames) t.deepEqual(alarmsOf(world, name), alarmsFor(cut), cut.join())
    if (cut.length === 3) {
      t.is(primaries(world).length, 2)
      t.is(changesSince(world, begun).length, 1)
    } else {
      t.deepEqual(primaries(world), [first])
      t.deepEqual(changesSince(world, begun), [])
    }
  }
}

const links = new World().linkNames
const cutOrders = subsets(links).flatMap((set) => (set.length === 0 ? [] : orders(set)))

test('7 subsets of the links make 15 orders of cutting', (t) => {
  t.is(subsets(links).length - 1, 7)
  t.is(cutOrders.length, 15)
})

for (const cut of cutOrders) {
  test(`cut one after the other: ${cut.join(', ')}; then healed in every order`, (t) => {
    for (const healing of orders(cut)) {
      const world = pairInStep()
      const [first] = primaries(world)
      cutInOrder(t, world, cut)
      const begun = world.log.length
      for (const [index, link] of healing.entries()) {
        world.heal(link)
        world.run(healedMs)
        t.is(primaries(world).length, 1, `${healedMs} ms after ${link} healed`)
        world.run(seenMs)
        const still = healing.slice(index + 1)
        for (const name of nodeNames) t.deepEqual(alarmsOf(world, name), alarmsFor(still))
      }
      const back = changesSince(world, begun)
      t.is(back.length, cut.length === 3 ? 1 : 0, back.join('; '))
      if (cut.length < 3) t.deepEqual(primaries(world), [first])
    }
  })
}

test('all links cut at once and healed at once: one change each time', (t) => {
  const world = pairInStep()
  const begun = world.log.length
  for (const link of links) world.cut(link)
  world.run(seenMs)
  t.is(primaries(world).length, 2)
  for (const link of links) world.heal(link)
  world.run(healedMs)
  t.is(primaries(world).length, 1)
  t.is(changesSince(world, begun).length, 2)
})

/** What is lost on a link: nothing, all, or what one node sends. */
const ways = ['well', 'cut', 'A', 'B'] as const
const ills = ways.flatMap((one) => ways.flatMap((two) => ways.map((three) => [one, two, three])))

test('every mixture of dead and one-way links: at most one move, never two primaries that could hear', (t) => {
  for (const ill of ills) {
    const world = pairInStep()
    const [first] = primaries(world)
    const begun = world.log.length
    for (const [index, way] of ill.entries()) {
      const link = links[index] ?? ''
      if (way === 'cut') world.cut(link)
      else if (way !== 'well') world.cut(link, way as NodeName)
    }
    world.run(5_000)
    const reaches = (from: NodeName) =>
      ill.some((way) => way === 'well' || (way !== 'cut' && way !== from))
    const [a, b] = [reaches('A'), reaches('B')]
    const name = ill.join()
    t.is(primaries(world).length, a || b ? 1 : 2, name)
    // The standby hears the primary, or the primary hears that it is not heard and steps back.
    const moved = changesSince(world, begun)
    t.true(moved.filter((text) => text.includes('to primary')).length <= 1, `${name}: ${moved}`)
    if (a && b) t.deepEqual(primaries(world), [first], name)
    const settled = world.log.length
    world.run(20_000)
    t.deepEqual(changesSince(world, settled), [], name)
    for (const link of links) world.heal(link)
    world.run(healedMs)
    t.is(primaries(world).length, 1, name)
  }
})

test('a link that comes and goes moves nothing while another one stands', (t) => {
  for (const stays of links) {
    const world = pairInStep()
    const [first] = primaries(world)
    const begun = world.log.length
    for (let flap = 0; flap < 200; flap += 1) {
      for (const link of links) if (link !== stays) world.cut(link)
      world.run(37 + ((flap * 61) % 900))
      for (const link of links) world.heal(link)
      world.run(1 + ((flap * 47) % 300))
    }
    t.deepEqual(changesSince(world, begun), [])
    t.deepEqual(primaries(world), [first])
  }
})

test('each link has its own round-trip time, at both nodes, and it follows the link', (t) => {
  const delaysMs = [1, 7, 40]
  const world = new World({ delaysMs })
  for (const name of nodeNames) world.boot(name)
  world.run(2_000)
  for (const name of nodeNames) {
    const told = world.node(name)?.state.links.map(({ rttMs }) => Math.round(rttMs ?? -1))
    t.deepEqual(told, [2, 14, 80], name)
  }
  delaysMs[1] = 25
  world.run(1_000)
  for (const name of nodeNames) {
    const told = world.node(name)?.state.links.map(({ rttMs }) => Math.round(rttMs ?? -1))
    t.deepEqual(told, [2, 50, 80], name)
  }
})
