//! What `status` says of a pair, from the reports of the units.
import test from 'ava'
import { verbs } from '../../src/control/api.ts'
import type { StatusResult } from '../../src/control/status-schema.ts'
import { assembleStatus, parsePeerAnswer, type StatusInputs } from '../../src/oam/status.ts'
import { healthyStatus, pairInputs, standbyInputs } from './status-fixture.ts'

type PairReport = NonNullable<StatusInputs['pair']>['message']

/** The healthy pair with some inputs changed. */
function status(
  change: Partial<StatusInputs> & { report?: Partial<PairReport> },
  peerAnswer: StatusResult | null = assembleStatus(standbyInputs()),
): StatusResult {
  const { report, ...inputs } = change
  const healthy = pairInputs()
  if (healthy.pair === null) throw new Error('the fixture has a report')
  const message = { ...healthy.pair.message, ...report }
  return assembleStatus({ ...healthy, pair: { ...healthy.pair, message }, peerAnswer, ...inputs })
}

const healthyReport = pairInputs().pair?.message
const healthyPeer = healthyReport?.peer ?? null

test('a healthy pair is redundant, safe and of one mind, and fits the schema', (t) => {
  const found = healthyStatus()
  t.true(verbs.status.result.safeParse(found).success)
  t.is(found.mode, 'redundant (1+1)')
  t.is(found.primary, 'vccs-a')
  t.deepEqual(found.disagreements, [])
  t.true(found.switchover.safe)
  t.is(found.switchover.callsAtRisk, 0)
  t.deepEqual(
    found.nodes.map(({ name, asked, role, state }) => [name, asked, role, state]),
    [
      ['vccs-a', 'self', 'primary', 'up'],
      ['vccs-b', 'peer', 'standby', 'up'],
    ],
  )
})

test('both nodes tell the same of the pair, whichever is asked', (t) => {
  const other = assembleStatus({ ...standbyInputs(), peerAnswer: assembleStatus(pairInputs()) })
  const first = healthyStatus()
  for (const key of ['mode', 'primary', 'term', 'since', 'twin', 'degraded'] as const) {
    t.deepEqual(other[key], first[key], key)
  }
  t.true(other.switchover.safe)
})

test('the three tasks of replication are named by role (S1.105)', (t) => {
  const [primary, standby] = healthyStatus().nodes
  t.deepEqual(primary?.sync?.threads, ['send', 'response'])
  t.deepEqual(standby?.sync?.threads, ['receive'])
})

test('a node without links is stand-alone, not degraded', (t) => {
  const healthy = pairInputs()
  const found = status({ node: { ...healthy.node, links: [] } }, null)
  t.is(found.mode, 'stand-alone')
  t.is(found.nodes.length, 1)
  t.deepEqual(found.degraded, [])
  t.false(found.switchover.safe)
})

test('a peer that is heard but does not answer is known by its heartbeats alone', (t) => {
  const [, peer] = status({}, null).nodes
  t.like(peer, { reachable: false, role: 'standby', term: 17, state: 'degraded', version: null })
})

const silent: readonly (readonly [name: string, report: Partial<PairReport>])[] = [
  [
    'all links are down',
    { links: (healthyReport?.links ?? []).map((l) => ({ ...l, state: 'down' })) },
  ],
  ['this node serves alone', { alone: true }],
  ['it was never heard', { peer: null }],
  ['it was last heard 3 s ago', { peer: healthyPeer && { ...healthyPeer, heardMsAgo: 3_000 } }],
]
for (const [name, report] of silent) {
  test(`a peer counts as not heard, and its role as unknown, when ${name}`, (t) => {
    const found = status({ report }, null)
    t.like(found.nodes[1], { role: null, state: 'lost', reachable: false })
    t.is(found.mode, 'not redundant')
    t.deepEqual(found.degraded, ['vccs-b is not heard on any link'])
    t.deepEqual(found.switchover.reasons, ['vccs-b is not heard'])
    t.is(found.switchover.callsAtRisk, 41)
  })
}

test('a silent pair unit makes this node unknown, never the last known role', (t) => {
  const healthy = pairInputs()
  const atMs = healthy.now.monotonicMs - 2_500
  const found = status({ pair: healthy.pair && { ...healthy.pair, atMs } }, null)
  t.like(found.nodes[0], { role: null, state: 'unknown', term: null })
  t.is(found.nodes[1]?.state, 'unknown')
  t.deepEqual(found.degraded, ['the pair unit of vccs-a does not answer'])
  t.true(found.nodes[0]?.links.every(({ state }) => state === 'unknown'))
})

/** Change, outcome of the named check, and whether a switchover stays safe. */
const cells: readonly (readonly [
  name: string,
  change: Parameters<typeof status>[0],
  check: string,
  outcome: 'ok' | 'warning' | 'failed',
])[] = [
  [
    'one link down',
    {
      report: {
        links: (healthyReport?.links ?? []).map((l, i) => (i ? l : { ...l, state: 'down' })),
      },
    },
    'links',
    'warning',
  ],
  [
    'records on their way',
    { replication: { ...pairInputs().replication, pending: 2, unacked: 1 } },
    'sync',
    'warning',
  ],
  [
    'not in step',
    { replication: { ...pairInputs().replication, inStep: false } },
    'sync',
    'failed',
  ],
  [
    'the standby misses records',
    { report: { peer: healthyPeer && { ...healthyPeer, inStep: false } } },
    'sync',
    'failed',
  ],
  [
    'another revision',
    { node: { ...pairInputs().node, config: { revision: 143, hash: 'x' } } },
    'config',
    'warning',
  ],
  ['no media report', { media: null }, 'media', 'failed'],
  [
    'a unit down',
    {
      units: [{ unit: 'media', state: 'down', pid: null, sinceWallMs: null, restarts: 2 }],
    },
    'units',
    'failed',
  ],
  [
    'the supervisor gone',
    {
      units: [{ unit: 'supervisor', state: 'down', pid: 7, sinceWallMs: null, restarts: 0 }],
    },
    'units',
    'ok',
  ],
]
for (const [name, change, check, outcome] of cells) {
  test(`a switchover with ${name}: check ${check} is ${outcome}`, (t) => {
    const { switchover } = status(change)
    t.is(switchover.checks.find((one) => one.name === check)?.outcome, outcome)
    t.is(switchover.safe, outcome !== 'failed')
    t.is(switchover.reasons.length > 0, outcome === 'failed')
  })
}

test('a pair whose databases differ is not redundant: the standby would serve with another site', (t) => {
  const found = status({ node: { ...pairInputs().node, config: { revision: 143, hash: 'x' } } })
  t.is(found.mode, 'not redundant')
  t.regex(found.degraded.join(), /^the configuration differs: vccs-a r\d+, vccs-b r\d+$/)
})

/** The healthy pair, seen from the primary, with other legs at the standby. */
function withStandbyMedia(change: { legs?: number; coldLegs?: number } | null): StatusResult {
  const { media, ...inputs } = standbyInputs()
  if (media === null) throw new Error('the fixture has a media report')
  const changed = change && { ...media, message: { ...media.message, ...change } }
  return status({}, assembleStatus({ ...inputs, media: changed }))
}

test('a standby whose media unit has just come is not redundant until it sends the voice too', (t) => {
  const fresh = withStandbyMedia(null)
  t.deepEqual(fresh.degraded, ['the media unit of vccs-b has not told its legs'])
  const cold = withStandbyMedia({ coldLegs: 82 })
  t.is(cold.mode, 'not redundant')
  t.deepEqual(cold.degraded, ['vccs-b does not send the voice of 82 of 82 legs yet'])
  t.is(cold.twin.both, 0)
  t.false(cold.switchover.safe)
  const nearly = withStandbyMedia({ coldLegs: 2 })
  t.deepEqual(nearly.degraded, ['vccs-b does not send the voice of 2 of 82 legs yet'])
  t.is(nearly.twin.both, 80)
  t.true(nearly.switchover.safe, 'the peer goes on until they are warm')
  t.is(withStandbyMedia({ coldLegs: 0 }).mode, 'redundant (1+1)')
})

test('two primaries: none is named, and both sides of the contradiction are told', (t) => {
  const answer = status({ node: { ...pairInputs().node, name: 'vccs-b' } }, null)
  const found = status({}, answer)
  t.is(found.primary, null)
  t.is(found.mode, 'not redundant')
  t.true(found.disagreements.includes('both nodes say "primary"'))
  t.true(found.disagreements.includes('vccs-b says "primary", vccs-a sees it as "standby"'))
  t.false(found.switchover.safe)
})

test('node files that reach the terminals in different ways are told, and nothing is switched', (t) => {
  const { node } = pairInputs()
  const direct = (address: string, peerAddress: string) =>
    ({ mode: 'direct', address, peerAddress }) as const
  const [own, other] = ['192.168.1.210', '192.168.1.211']
  const told = (a: typeof node.reach, b: typeof node.reach) => {
    const standby = standbyInputs()
    const answer = assembleStatus({ ...standby, node: { ...standby.node, reach: b } })
    return status({ node: { ...node, reach: a } }, answer)
  }
  t.deepEqual(told(direct(own, other), direct(other, own)).disagreements, [])
  for (const [a, b, sentence] of [
    [node.reach, { ...node.reach, mode: 'floating' }, 'reach shared on vccs-a, reach floating on'],
    [node.reach, { ...node.reach, address: other }, `service address ${own} on vccs-a, ${other}`],
    [direct(own, '10.0.0.1'), direct(other, own), `vccs-b has service address ${other}, vccs-a`],
    [direct(own, other), direct(other, '10.0.0.1'), `vccs-a has service address ${own}, vccs-b`],
  ] as const) {
    const { disagreements, switchover } = told(a, b)
    t.true(
      disagreements.some((one) => one.startsWith(sentence)),
      disagreements.join(),
    )
    t.false(switchover.safe)
  }
})

test('an answer of the peer is read only when it fits', (t) => {
  const answer = assembleStatus(standbyInputs())
  t.deepEqual(parsePeerAnswer(JSON.parse(JSON.stringify(answer))), answer)
  t.is(parsePeerAnswer({ ...answer, nodes: [] }), null)
  t.is(parsePeerAnswer('up'), null)
  // A newer peer may say more.
  t.not(parsePeerAnswer({ ...answer, weather: 'fine' }), null)
})
