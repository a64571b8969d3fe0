//! Attacks on the pair unit: each datagram goes through the real decoder and the real runner, which must
//! be the same afterwards but for its counters of what was dropped.
import type { PairRunner } from '../../src/pair/runner.ts'
import { decodeHeartbeat, encodeHeartbeat } from '../../src/wire/heartbeat.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import { type NodeName, World } from '../../test/pair/world.ts'
import { type Material, pick, type Recorded } from './attack.ts'

const key = new Uint8Array(32).fill(7)
const otherKey = new Uint8Array(32).fill(8)

/** One node under attack, at a standstill of its clock. */
export interface Victim {
  readonly name: string
  readonly material: Material
  /** @returns what the datagram changed; null: nothing. */
  receive(datagram: Recorded): string | null
}

interface Sent extends Recorded {
  readonly from: NodeName
  readonly value: Heartbeat
}

/** A standby, a primary with a standby, and a primary that has lost its standby, which all have met
 * earlier boots of the peer. */
export function heartbeatVictims(foreign: readonly Recorded[]): Victim[] {
  return [
    makeVictim('heartbeats to a standby', foreign, (world) => standing(world).standby),
    makeVictim('heartbeats to a primary', foreign, (world) => standing(world).primary),
    makeVictim('heartbeats to a primary alone', foreign, (world) => {
      const { primary, standby } = standing(world)
      world.kill(standby)
      world.run(3_000)
      return primary
    }),
  ]
}

function standing(world: World): { primary: NodeName; standby: NodeName } {
  const primary = world.node('A')?.state.role === 'primary' ? 'A' : 'B'
  return { primary, standby: primary === 'A' ? 'B' : 'A' }
}

function makeVictim(
  name: string,
  foreign: readonly Recorded[],
  prepare: (world: World) => NodeName,
): Victim {
  const sent: Sent[] = []
  const world = new World({
    wire: (from, value) => {
      sent.push({ from, value, link: value.link, bytes: encodeHeartbeat(value, key) })
      return value
    },
  })
  haveAPast(world)
  const node = prepare(world)
  // Nothing is in flight: a heartbeat that was not delivered yet is no recording.
  world.run(33)
  const runner = world.node(node)
  if (runner === null) throw new Error('the victim lives')
  const own = sent.filter((one) => one.from === node)
  const ofPeer = sent.filter((one) => one.from !== node)
  const { current } = runner.state.boots
  const delivered = ofPeer.filter((one) => one.value.bootId === current)
  const old = ofPeer.filter((one) => one.value.bootId !== current)
  const material = { delivered, old, own, foreign, wrongKey: wrongKey(delivered) }
  return { name, material, receive: receiverOf(runner, () => sent.length + world.log.length) }
}

/** Kills and restarts, so that there are boots and terms that ended. */
function haveAPast(world: World): void {
  world.boot('A')
  world.run(1_200)
  world.boot('B')
  world.run(2_000)
  for (const node of ['A', 'B', 'A', 'B'] as const) {
    world.kill(node)
    world.run(1_500)
    world.boot(node)
    world.run(3_050)
  }
}

/** Claims to be the only node that counts. */
function wrongKey(delivered: readonly Sent[]): Material['wrongKey'] {
  return (random) => {
    const { value, link } = pick(delivered, random)
    const kinds = ['heartbeat', 'goodbye', 'handover', 'take', 'refused', 'take-forced'] as const
    const claim: Heartbeat = {
      ...value,
      kind: pick(kinds, random),
      role: pick(['starting', 'standby', 'primary'] as const, random),
      term: value.term + Math.floor(random() * 1_000),
      sequence: value.sequence + Math.floor(random() * 1_000_000),
      bootId: random() < 0.5 ? value.bootId : 'f'.repeat(16),
    }
    return { link, bytes: encodeHeartbeat(claim, otherKey) }
  }
}

function receiverOf(runner: PairRunner, traces: () => number): Victim['receive'] {
  const before = runner.state
  const { clock } = runner
  const tracesBefore = traces()
  return ({ bytes, link }) => {
    const read = decodeHeartbeat(bytes, key)
    if (typeof read === 'string') return null
    runner.received(link, read)
    for (const name of Object.keys(before) as (keyof typeof before)[]) {
      if (name === 'dropped' || runner.state[name] === before[name]) continue
      if (JSON.stringify(runner.state[name]) !== JSON.stringify(before[name])) return name
    }
    if (runner.clock !== clock) return 'clock'
    return traces() === tracesBefore ? null : 'something was sent or logged'
  }
}
