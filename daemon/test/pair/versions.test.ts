//! A node of the next version beside one of this: compatible, they are a pair; else they refuse each
//! other (ADR 0019). Heartbeats go through the real codec.
import test from 'ava'
import { seal } from '../../src/wire/authentication-tag.ts'
import {
  decodeHeartbeat,
  encodeHeartbeat,
  type ForeignHeartbeat,
} from '../../src/wire/heartbeat.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import { lostMs, type NodeName, World } from './world.ts'

const key = new Uint8Array(32).fill(7)
const tagBytes = 16

/** As the next version would send it: a longer datagram, flags and a kind that this one has not. */
function nextVersion(value: Heartbeat, unknownKind: boolean): Uint8Array {
  const bytes = encodeHeartbeat(value, key)
  const longer = new Uint8Array(bytes.length + 24).fill(0xa5)
  longer.set(bytes.subarray(0, -tagBytes))
  longer[7] = (longer[7] ?? 0) | 0x80
  if (unknownKind) longer[5] = 77
  seal(longer, key)
  return longer
}

function incompatible(value: Heartbeat): Uint8Array {
  const bytes = encodeHeartbeat(value, key)
  bytes[4] = 3
  seal(bytes, key)
  return bytes
}

function read(bytes: Uint8Array): Heartbeat | ForeignHeartbeat | null {
  const value = decodeHeartbeat(bytes, key)
  return typeof value === 'string' ? null : value
}

for (const newer of ['A', 'B'] as const) {
  test(`a newer ${newer} with an added heartbeat tail is one of the pair, in each role`, (t) => {
    let sent = 0
    const wire = (from: NodeName, value: Heartbeat) =>
      from === newer
        ? read(nextVersion(value, value.kind === 'heartbeat' && sent++ % 2 === 0))
        : read(encodeHeartbeat(value, key))
    const world = new World({ wire })
    world.boot('A')
    world.boot('B')
    world.run(2_000)
    const before = world.roles()
    t.regex(before, /primary/)
    t.regex(before, /standby/)
    world.switchover(before.includes('A=primary') ? 'A' : 'B', false)
    world.run(2_000)
    t.regex(
      world.roles(),
      before.includes('A=primary') ? /A=standby.*B=primary/ : /A=primary.*B=standby/,
    )
    t.false(world.log.some((line) => line.includes('peer-incompatible')))
    world.kill(newer)
    world.run(2 * lostMs)
    t.regex(world.roles(), new RegExp(`${newer === 'A' ? 'B' : 'A'}=primary`))
  })
}

const foreignWorld = () => new World({ wire: (_from, value) => read(incompatible(value)) })

test('an incompatible node that starts beside a primary does not serve, says why, and serves when that dies', (t) => {
  const world = foreignWorld()
  world.boot('B')
  world.run(1_000)
  t.regex(world.roles(), /B=primary/)
  world.boot('A')
  world.run(10_000)
  t.regex(world.roles(), /A=starting.*B=primary/)
  for (const node of ['A', 'B']) {
    t.true(world.log.some((line) => line.includes(`${node} alarm peer-incompatible heartbeat on`)))
  }
  world.kill('B')
  world.run(3 * lostMs)
  t.regex(world.roles(), /A=primary/)
  t.true(world.log.some((line) => line.includes('A alarm peer-incompatible heartbeat off')))
})

test('of two incompatible nodes that start together one serves, by the addresses', (t) => {
  const world = foreignWorld()
  world.boot('A')
  world.boot('B')
  world.run(10_000)
  t.regex(world.roles(), /A=starting.*B=primary/)
})

test('a recording of an incompatible primary keeps nobody from serving', (t) => {
  const world = foreignWorld()
  world.boot('B')
  world.run(600)
  world.boot('A')
  world.run(1_000)
  const runner = world.node('A')
  const state = runner?.state.foreign
  t.is(state?.role, 'primary')
  world.kill('B')
  // The newest datagram comes again and again.
  const value: ForeignHeartbeat = {
    kind: 'foreign',
    version: 3,
    role: 'primary',
    bootId: state?.boots.current ?? '',
    sequence: state?.boots.newest ?? 0,
  }
  for (let time = 0; time < 30; time++) {
    for (const link of [0, 1, 2]) runner?.received(link, value)
    world.run(50)
  }
  t.regex(world.roles(), /A=primary/)
})
