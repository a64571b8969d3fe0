//! What a primary offers in a switchover is taken before it takes it back, or never.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { type NodeName, nodeNames, World } from './world.ts'

interface Pair {
  readonly world: World
  readonly primary: NodeName
  readonly standby: NodeName
}

function pair(): Pair {
  const world = new World()
  for (const name of nodeNames) world.boot(name)
  for (const name of nodeNames) world.set(name, { inStep: true, flushes: true })
  world.run(2_000)
  const primary = world.node('A')?.state.role === 'primary' ? 'A' : 'B'
  world.log.length = 0
  return { world, primary, standby: primary === 'A' ? 'B' : 'A' }
}

const patienceMs = limits.heartbeatMs * limits.heartbeatMissesMax

test('a standby that stood still during a switchover takes nothing of one that was undone', (t) => {
  for (let stillMs = 0; stillMs < patienceMs - limits.handoverMsMax; stillMs += 20) {
    const { world, primary, standby } = pair()
    const before = world.roles()
    world.run(stillMs % 100)
    world.suspend(standby)
    world.run(stillMs)
    world.switchover(primary, false)
    world.run(limits.handoverMsMax + 10)
    world.resume(standby)
    world.run(2_000)
    t.is(world.roles(), before, `still ${stillMs} ms before the order`)
    t.regex(world.log.join('\n'), /did not take over in time|the peer was lost/)
  }
})

test('what waits in the sockets of a node that stood still is heard before it judges a silence', (t) => {
  for (let stillMs = patienceMs - 120; stillMs < patienceMs; stillMs += 5) {
    const { world, standby } = pair()
    const before = world.roles()
    world.run(95)
    world.suspend(standby)
    world.run(stillMs)
    world.resume(standby)
    world.run(2_000)
    t.is(world.roles(), before, `still for ${stillMs} ms`)
  }
})

test('who cannot tell how old an offer is asks again, and takes the new one at once', (t) => {
  const { world, primary, standby } = pair()
  world.run(95)
  for (const link of world.linkNames) world.cut(link, standby)
  world.run(190)
  for (const link of world.linkNames) world.heal(link)
  world.switchover(primary, false)
  world.run(30)
  t.regex(world.roles(), new RegExp(`${standby}=primary term 2`))
  t.regex(world.roles(), new RegExp(`${primary}=standby term 2`))
})
