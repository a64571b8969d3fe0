//! A primary whose media unit died lets the peer serve when its own switch has said that it no longer
//! acts as primary, and not before: two nodes must not answer the same telephone (ADR 0015).
import test from 'ava'
import type { Role } from '../../src/bus/messages.ts'
import { nothingKept } from '../../src/pair/kept-state.ts'
import { PairRunner } from '../../src/pair/runner.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'

const peerBoot = 'b000000000000001'
const links = [{ name: 'net-a', own: '192.168.1.200', peer: '192.168.1.201' }]
const lostMs = 500

class Node {
  now = 0
  readonly sent: Heartbeat[] = []
  #counter = 0
  #heard = 0
  readonly runner: PairRunner

  constructor() {
    const options = {
      node: 'vccs-a',
      links,
      heartbeatMs: 100,
      missesMax: 5,
      tieBreak: 'larger-address' as const,
    }
    const kept = { ...nothingKept, served: true }
    const identity = { options, bootId: 'a000000000000001', kept, realtime: true }
    this.runner = new PairRunner(identity, {
      now: () => this.now,
      wallMs: () => this.now,
      sendLink: (_link, heartbeat) => this.sent.push(heartbeat),
      toSwitch: () => undefined,
      toMedia: () => undefined,
      toSupervisor: () => undefined,
      persist: () => undefined,
      log: () => undefined,
    })
  }

  switchSays(role: Role): void {
    const facts = { sessions: 1, syncPending: 0, inStep: true, ready: true, role }
    const { now } = this
    this.runner.happen({ kind: 'switch-alive', now, counter: ++this.#counter, ...facts })
  }

  /** One period in which all of this node live, and a standby that has everything. */
  period(alive: { readonly media: boolean } = { media: true }): void {
    this.now += 100
    const { now } = this
    this.switchSays(this.runner.state.role)
    if (alive.media) this.runner.happen({ kind: 'media-alive', now, counter: now })
    this.runner.happen({ kind: 'period', now })
    this.#heard += 1
    const last = this.sent.at(-1)
    this.runner.received(0, {
      kind: 'heartbeat',
      link: 0,
      node: 'vccs-b',
      bootId: peerBoot,
      sequence: this.#heard,
      sentAt: now,
      echoSentAt: last?.sentAt ?? 0,
      echoReceivedAt: now,
      role: 'standby',
      alone: false,
      term: this.runner.state.term,
      sessions: 1,
      syncPending: 0,
      inStep: true,
      ready: true,
      switchCounter: this.#heard,
      mediaCounter: this.#heard,
      linksHeard: 1,
      held: false,
      stoodIn: false,
      tieBreak: 'larger-address',
      pauseCount: 0,
    })
  }

  loseMedia(): void {
    this.runner.happen({ kind: 'unit-down', now: this.now, unit: 'media', detail: 'closed' })
  }

  /** What left since the last question. */
  leaves(): string[] {
    return this.sent.splice(0).map(({ kind, role }) => `${kind} ${role}`)
  }
}

function primary(): Node {
  const node = new Node()
  for (let count = 0; count < 20; count++) node.period()
  node.leaves()
  return node
}

test('the goodbye of a primary leaves when its switch no longer acts as primary', (t) => {
  const node = primary()
  t.is(node.runner.state.role, 'primary')
  node.now += 20
  node.loseMedia()
  t.is(node.runner.state.role, 'starting')
  t.deepEqual(node.leaves(), [])
  node.now += 1
  // A sign of life that it gave before it heard of it.
  node.switchSays('primary')
  t.deepEqual(node.leaves(), [])
  node.now += 1
  node.switchSays('starting')
  t.deepEqual(node.leaves(), ['goodbye starting', 'heartbeat starting'])
})

test('a switch that stands still keeps the goodbye no longer than its role was lent', (t) => {
  const node = primary()
  const lentAt = node.now
  node.now += 20
  node.loseMedia()
  for (node.now += 30; node.now < lentAt + lostMs; node.now += 50) {
    const kind = node.now % 100 === 0 ? 'period' : 'check'
    node.runner.happen({ kind, now: node.now })
    t.deepEqual(node.leaves(), [], `${node.now - lentAt} ms after the last heartbeat`)
  }
  node.runner.happen({ kind: 'check', now: node.now })
  t.deepEqual(node.leaves(), ['goodbye starting', 'heartbeat starting'])
})

test('nothing is waited for when the switch itself is dead, or the node stops', (t) => {
  const dead = primary()
  dead.runner.happen({ kind: 'unit-down', now: dead.now, unit: 'switch', detail: 'closed' })
  t.deepEqual(dead.leaves(), ['goodbye starting', 'heartbeat starting'])
  const both = primary()
  both.loseMedia()
  t.deepEqual(both.leaves(), [])
  both.runner.happen({ kind: 'unit-down', now: both.now, unit: 'switch', detail: 'closed' })
  t.deepEqual(both.leaves(), ['goodbye starting', 'heartbeat starting'])
  const stopped = primary()
  stopped.loseMedia()
  stopped.runner.happen({ kind: 'stop', now: stopped.now })
  t.is(stopped.leaves()[0], 'goodbye starting')
})
