//! Attacks on the replication: each datagram goes through the real decoder and the real replicator. Its
//! tables, flags, role, term and outputs must be the same afterwards.
import type { ReplicatorOutput } from '../../src/replication/replicator.ts'
import { tableNames } from '../../src/tables/address.ts'
import type { User } from '../../src/tables/user.ts'
import { decodeSyncFrame, encodeSyncFrame } from '../../src/wire/sync-frame.ts'
import { calm, PairSimulation, type Side, user } from '../../test/replication/pair-simulation.ts'
import { type Material, pick, type Recorded } from './attack.ts'
import type { Victim } from './heartbeats.ts'

const key = new Uint8Array(32).fill(7)
const otherKey = new Uint8Array(32).fill(8)

/** What a frame may lead to: an answer that was given before is given again. */
const harmless = ['datagram', 'rows', 'rows-ack'] as const satisfies ReplicatorOutput['kind'][]

const lookEvery = 64

/** A standby that follows, a primary that is followed, a standby that is catching up, and a node that
 * has lost its peer. */
export function frameVictims(): Victim[] {
  return [
    makeVictim('frames to a standby', () => (pair) => pair.b),
    makeVictim('frames to a primary', () => (pair) => pair.a),
    makeVictim('frames to a standby that catches up', () => (pair) => {
      pair.b.rebuildMs = null
      pair.act(pair.b, () => pair.b.replicator.reinit(pair.nowMs) ?? undefined)
      pair.run(30)
      return pair.b
    }),
    makeVictim('frames to a primary alone', () => (pair) => {
      pair.setPeers(false)
      pair.run(1_000)
      return pair.a
    }),
  ]
}

/** Datagrams of the replication, for an attack on the pair unit. */
export function recordedFrames(): Recorded[] {
  return livedPair().captured.map(({ bytes }) => ({ bytes, link: 0 }))
}

function makeVictim(name: string, how: () => (pair: PairSimulation) => Side): Victim {
  const pair = livedPair()
  const victim = how()(pair)
  const own: Recorded[] = []
  const delivered: Recorded[] = []
  const old: Recorded[] = []
  const peer = victim === pair.a ? pair.b : pair.a
  const now = termAndBoot(pair, peer)
  for (const { from, bytes } of pair.captured) {
    const frame = decodeSyncFrame(bytes, key)
    if (typeof frame === 'string') continue
    if (from === victim) own.push({ bytes, link: 0 })
    else if (frame.bootId === now.bootId && frame.term === now.term)
      delivered.push({ bytes, link: 0 })
    else old.push({ bytes, link: 0 })
  }
  const foreign = [{ bytes: new Uint8Array(140).fill(1), link: 0 }, ...own.slice(0, 1)]
  const material = { own, delivered, old, foreign, wrongKey: wrongKey(delivered) }
  return { name, material, receive: receiverOf(pair, victim) }
}

/** Both nodes were restarted, served and followed, and said all that they can say to each other. */
function livedPair(): PairSimulation {
  const pair = new PairSimulation(1, calm)
  let term = 1
  pair.join(term)
  talk(pair, pair.a, pair.b)
  for (const side of [pair.b, pair.a]) {
    pair.setPeers(false)
    pair.restart(side)
    pair.join(++term)
    talk(pair, pair.a, pair.b)
  }
  // The roles change, and change back.
  for (const [primary, standby] of [
    [pair.b, pair.a],
    [pair.a, pair.b],
  ] as const) {
    term++
    pair.act(standby, () => standby.replicator.setRole('standby', term, pair.nowMs))
    pair.act(primary, () => primary.replicator.setRole('primary', term, pair.nowMs))
    talk(pair, primary, standby)
  }
  return pair
}

let talks = 0

function talk(pair: PairSimulation, primary: Side, standby: Side): void {
  talks++
  pair.change(primary, (tables) => {
    for (let n = 0; n < 40; n++) tables.table('user').put(user(`u${n}`, talks) as User)
  })
  pair.run(100)
  pair.change(primary, (tables) => {
    for (let n = 0; n < 10; n++) tables.table('user').delete(`u${n}`)
    for (let n = 10; n < 20; n++) tables.table('user').put(user(`u${n}`, -talks) as User)
  })
  pair.runUntil(() => pair.settled(), 5_000)
  for (const side of [primary, standby]) {
    pair.act(side, () => {
      side.replicator.askPeer('{"verb":"release-call"}', pair.nowMs)
      return undefined
    })
    pair.run(20)
    const other = side === primary ? standby : primary
    for (const output of other.outputs.splice(0)) {
      if (output.kind !== 'peer-request') continue
      pair.act(other, () => other.replicator.answerPeer(output, 'done'))
    }
  }
  for (let n = 0; n < 5; n++) {
    const ref = talks * 1_000 + n
    pair.act(primary, () => primary.replicator.sendRows({ kind: 'rows', ref, body: '{}' }))
    pair.act(standby, () => standby.replicator.sendRows({ kind: 'rows-ack', ref, body: '{}' }))
  }
  pair.run(5_000)
}

/** Of what the peer said last. */
function termAndBoot(pair: PairSimulation, peer: Side): { term: number; bootId: string } {
  const last = pair.captured.findLast(({ from }) => from === peer)
  const frame = last === undefined ? 'none' : decodeSyncFrame(last.bytes, key)
  if (typeof frame === 'string') throw new Error('the peer said nothing')
  return frame
}

function wrongKey(delivered: readonly Recorded[]): Material['wrongKey'] {
  const frames = delivered.map(({ bytes }) => decodeSyncFrame(bytes, key))
  return (random) => {
    const frame = pick(frames, random)
    if (typeof frame === 'string' || frame.kind === 'unknown')
      throw new Error('a frame of the pair')
    const claim = { term: frame.term + Math.floor(random() * 100), sequence: random() * 2 ** 50 }
    const sequence = Math.floor(claim.sequence)
    const bytes = encodeSyncFrame({ ...frame, term: claim.term, sequence }, otherKey)
    if (bytes === 'too-long') throw new Error(bytes)
    return { bytes, link: Math.floor(random() * 3) }
  }
}

function receiverOf(pair: PairSimulation, victim: Side): Victim['receive'] {
  const { replicator, tables } = victim
  const small = () =>
    `${tables.pending()} ${replicator.inStep(pair.nowMs)} ${tableNames.map((name) => tables.hash(name)).join()}`
  const before = small()
  let received = 0
  return ({ bytes, link }) => {
    for (const output of replicator.receive(bytes, link, pair.nowMs)) {
      if (!harmless.some((kind) => kind === output.kind)) return `output ${output.kind}`
    }
    // What nothing was done for is looked at now and then only: it takes longer than the frame.
    if (++received % lookEvery !== 0) return null
    return small() === before ? null : 'tables, flags or step, of the last few'
  }
}
