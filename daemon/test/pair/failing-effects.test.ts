//! The n-th effect of a node fails, for every n: a heartbeat is not sent, a term is not kept. One node
//! serves all the same, and a term is never used twice.
import test from 'ava'
import { nodeNames, World } from './world.ts'

/** Terms in which each node became primary. */
function termsOf(world: World): Map<string, Set<string>> {
  const terms = new Map<string, Set<string>>()
  for (const line of world.log) {
    const [, node = '', term = ''] = /^\S+ ([AB]) is primary.*term (\d+)/.exec(line) ?? []
    if (term !== '') terms.set(term, (terms.get(term) ?? new Set()).add(node))
  }
  return terms
}

function oneServes(world: World): boolean {
  return nodeNames.filter((name) => world.node(name)?.state.role === 'primary').length === 1
}

test('the n-th heartbeat is not sent', (t) => {
  for (let nth = 1; nth <= 120; nth++) {
    let sent = 0
    const world = new World({ wire: (_from, value) => (++sent === nth ? null : value) })
    world.boot('A')
    world.run(1_000)
    world.boot('B')
    world.run(1_000)
    world.switchover('A', false)
    world.run(2_000)
    t.true(oneServes(world), `heartbeat ${nth}: ${world.roles()}`)
    const changes = world.log.filter((line) => / is (primary|standby)( alone)?, term/.test(line))
    t.true(changes.length <= 6, `heartbeat ${nth}: ${changes.join('; ')}`)
  }
})

test('the n-th keeping of the term fails, and the node is killed and comes back', (t) => {
  for (const victim of nodeNames) {
    for (let nth = 1; nth <= 6; nth++) {
      let kept = 0
      const world = new World({ keepFails: (node) => node === victim && ++kept === nth })
      world.boot('A')
      world.run(1_000)
      world.boot('B')
      world.run(1_500)
      for (let round = 0; round < 2; round++) {
        world.kill(victim)
        world.run(1_500)
        world.boot(victim)
        world.run(3_000)
        t.true(oneServes(world), `${victim} ${nth}: ${world.roles()}`)
      }
      for (const [term, nodes] of termsOf(world)) {
        t.is(nodes.size, 1, `term ${term} of ${[...nodes].join(' and ')}, ${victim} ${nth}`)
      }
    }
  }
})
