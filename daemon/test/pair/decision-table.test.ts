//! Every cell of the decision: each role, each event, and what comes of it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { newBoots } from '../../src/pair/boots.ts'
import { startPair, step } from '../../src/pair/decision.ts'
import { nothingKept } from '../../src/pair/kept-state.ts'
import { newLink } from '../../src/pair/links.ts'
import type { PairEvent, PairState, PeerView } from '../../src/pair/state.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'

const now = 10_000
const options = {
  node: 'vccs-a',
  links: [{ name: 'net-a', own: '192.168.1.200', peer: '192.168.1.201' }],
  heartbeatMs: 100,
  missesMax: 5,
  tieBreak: 'larger-address' as const,
}
const bootId = 'b000000000000001'
const alive = { counter: 9, advancedAt: now - 10 }

const tieBreak = 'larger-address'
type Role = Heartbeat['role']

function peerView(role: Role, ready: boolean): PeerView {
  const proof = ready ? alive : { counter: 0, advancedAt: now - 10 }
  const flags = { inStep: true, held: false, stoodIn: false, tieBreak } as const
  const rest = { sessions: 0, syncPending: 0, ...flags, switch: proof, media: proof }
  return { node: 'vccs-b', bootId, role, term: 4, ready, ...rest }
}

/** A node that has long been in its role, beside a peer of the usual other role. */
function stateOf(role: Role, change: Partial<PairState> = {}): PairState {
  const peerRole: Role =
    role === 'standby' ? 'primary' : role === 'primary' ? 'standby' : 'starting'
  const units = { sessions: 0, syncPending: 0, inStep: true, untold: false, died: [] }
  return {
    ...startPair(options, nothingKept, now - 5_000),
    role,
    term: 4,
    sentAt: now - 10,
    boots: { ...newBoots(1, nothingKept), current: bootId, newest: 5, perLink: [5] },
    links: [{ ...newLink('net-a'), heardAt: now - 50, sequence: 5, rttMs: 1 }],
    peer: peerView(peerRole, true),
    own: { ...units, switch: alive, media: alive },
    ...change,
  }
}

function heard(change: Partial<Heartbeat>): PairEvent & { kind: 'heard' } {
  const value: Heartbeat = {
    kind: 'heartbeat',
    node: 'vccs-b',
    bootId,
    sequence: 6,
    link: 0,
    role: 'standby',
    alone: false,
    term: 4,
    sessions: 0,
    syncPending: 0,
    inStep: true,
    ready: true,
    switchCounter: 10,
    mediaCounter: 10,
    sentAt: 1,
    echoSentAt: 0,
    echoReceivedAt: 0,
    linksHeard: 1,
    held: false,
    stoodIn: false,
    tieBreak: 'larger-address',
    pauseCount: 0,
    ...change,
  }
  return { kind: 'heard', now, link: 0, value, answers: 1, ageMsMax: 0 }
}

const ofUnknownAge = { ageMsMax: Number.POSITIVE_INFINITY }
const unready = { ready: false, switchCounter: 0 }
const events: Record<string, PairEvent> = {
  'hears a primary': heard({ role: 'primary' }),
  'hears a primary of a newer term': heard({ role: 'primary', term: 5 }),
  'hears a primary of an older term': heard({ role: 'primary', term: 3 }),
  'hears a standby': heard({ role: 'standby' }),
  'hears a standby that is not ready': heard({ role: 'standby', ...unready }),
  'hears a standby of a newer term': heard({ role: 'standby', term: 6 }),
  'hears a starting node': heard({ role: 'starting' }),
  'hears a starting node that is not ready': heard({ role: 'starting', ...unready }),
  'hears goodbye': heard({ kind: 'goodbye', role: 'starting', ...unready }),
  'hears handover': heard({ kind: 'handover', role: 'primary' }),
  'hears a handover that may be old': {
    ...heard({ kind: 'handover', role: 'primary' }),
    ...ofUnknownAge,
  },
  'hears take': heard({ kind: 'take', role: 'standby' }),
  'hears take-forced': heard({ kind: 'take-forced', role: 'standby', inStep: false }),
  'hears refused': heard({ kind: 'refused' }),
  'hears a replayed datagram': heard({ kind: 'goodbye', sequence: 5 }),
  'hears a new boot': heard({ role: 'starting', bootId: 'b000000000000002', sequence: 1 }),
  'hears its own name': heard({ node: 'vccs-a', role: 'primary' }),
  period: { kind: 'period', now },
  check: { kind: 'check', now },
  'check after 500 ms of silence': { kind: 'check', now: now + 450 },
  'check after standing still': { kind: 'check', now: now + 3_000 },
  'switch-alive': {
    kind: 'switch-alive',
    now,
    counter: 10,
    sessions: 2,
    syncPending: 0,
    inStep: true,
    ready: true,
    role: 'standby',
  },
  'media-alive': { kind: 'media-alive', now, counter: 10 },
  'switch dies': { kind: 'unit-down', now, unit: 'switch', detail: 'closed' },
  'media dies': { kind: 'unit-down', now, unit: 'media', detail: 'closed' },
  switchover: { kind: 'switchover', now, ref: 1, force: false, reason: 'test' },
  failover: { kind: 'switchover', now, ref: 1, force: true, reason: 'test' },
  flushed: { kind: 'flushed', now, ref: 1, ok: true, detail: '' },
  "the peer's pair unit died": { kind: 'peer-pair-died', now, bootId },
  'an earlier pair unit of the peer died': {
    kind: 'peer-pair-died',
    now,
    bootId: 'b000000000000000',
  },
  pause: { kind: 'pause', now, ref: 2, on: true, reason: 'test' },
  resume: { kind: 'pause', now, ref: 2, on: false, reason: 'test' },
  stop: { kind: 'stop', now },
}

/** `standby 5: role, send heartbeat`: the role and term afterwards, and the effects in their order. */
function cell(state: PairState, event: PairEvent): string {
  const result = step(state, event)
  const effects = result.effects.map((effect) => {
    switch (effect.kind) {
      case 'send':
        return `send ${effect.heartbeat}`
      case 'decision':
        return `"${effect.record.rule}"`
      case 'alarm':
        return `${effect.change.active ? 'raise' : 'clear'} ${effect.change.code}`
      case 'operation-result':
        return effect.ok ? 'done' : 'not done'
      default:
        return effect.kind
    }
  })
  return `${result.state.role} ${result.state.term}: ${effects.join(', ') || 'nothing'}`
}

const flushing = {
  stage: 'flushing',
  ref: 1,
  forPeer: false,
  force: false,
  reason: 'test',
  startedAt: now - 100,
  deadlineAt: now + 300,
  warning: '',
} as const
const handing = { ...flushing, stage: 'handing', deadlineAt: now + 200 } as const
const asking = { ...flushing, stage: 'asking', deadlineAt: now + 850 } as const
const situations: readonly (readonly [string, PairState])[] = [
  ['starting', stateOf('starting')],
  ['standby', stateOf('standby')],
  ['primary', stateOf('primary')],
  ['primary flushing', stateOf('primary', { operation: flushing })],
  [
    'primary handing over',
    stateOf('primary', { operation: handing, offer: { term: 4, endsAt: now + 200 } }),
  ],
  ['standby asking', stateOf('standby', { operation: asking })],
]

/** Six tables of one line a cell. UPDATE_TRANSCRIPTS=1 writes the file anew. */
test('every cell is as the table in data/decision-table.txt says', (t) => {
  const text = situations
    .map(([name, state]) => {
      const cells = Object.entries(events).map(([event, value]) => {
        return `  ${event.padEnd(40)} ${cell(state, value)}`
      })
      return `${name} 4\n${cells.join('\n')}\n`
    })
    .join('\n')
  const file = join(import.meta.dirname, '../data/decision-table.txt')
  if (process.env.UPDATE_TRANSCRIPTS === '1') writeFileSync(file, text)
  t.is(text, readFileSync(file, 'utf8'))
})

const ownDead = { switch: { counter: 0, advancedAt: now - 10 } }

for (const role of ['starting', 'standby', 'primary'] as const) {
  test(`${role} that cannot serve never becomes primary`, (t) => {
    for (const [name, event] of Object.entries(events)) {
      if (name === 'switch-alive') continue
      const state = stateOf(role)
      const unfit = { ...state, own: { ...state.own, ...ownDead } }
      const after = step(unfit, event).state
      t.true(after.role !== 'primary' || role === 'primary', `${name} made it ${after.role}`)
    }
  })
}

test('no event makes the term smaller, and every new primary has a new one', (t) => {
  for (const role of ['starting', 'standby', 'primary'] as const) {
    for (const [name, event] of Object.entries(events)) {
      const before = stateOf(role)
      const after = step(before, event).state
      t.true(after.term >= before.term, name)
      if (after.role === 'primary' && role !== 'primary') t.true(after.term > before.term, name)
    }
  }
})

test('a stopped node says nothing and takes nothing any more', (t) => {
  const { state } = step(stateOf('primary'), { kind: 'stop', now })
  for (const [name, event] of Object.entries(events)) {
    const after = step(state, event).state
    t.is(after.role, 'starting', name)
  }
})
