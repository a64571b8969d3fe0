//! `vccs why --if` from what pair says of the real pair to the answer.
import test from 'ava'
import { hypothesis } from '../../src/compose/hypothesis.ts'
import type { NodeConfig } from '../../src/oam/node-config.ts'
import { healthyPeer, linkUp, type PairStatus, pairStatus } from '../pair/pair-status.ts'

const names = ['net-a', 'net-b', 'private']
const config = {
  node: 'vccs-a',
  links: names.map((name, index) => ({
    name,
    own: `10.0.${index}.1`,
    peer: `10.0.${index}.2`,
  })),
  pair: { heartbeatMs: 100, missesMax: 5, tieBreak: 'larger-address' },
} as unknown as NodeConfig
const fast = { ...config, pair: { ...config.pair, heartbeatMs: 20, missesMax: 3 } }

const own = {
  switchAlive: true,
  mediaAlive: true,
  sessions: 3,
  syncPending: 0,
  inStep: true,
  stoodIn: false,
  changesMsAgo: [],
}
const peer = { ...healthyPeer, term: 4, sessions: 3 } as const

function status(part: Partial<PairStatus>): PairStatus {
  return pairStatus({ term: 4, links: config.links.map(linkUp), own, peer, ...part })
}

interface Asked {
  readonly question: string
  readonly now?: Partial<PairStatus>
  readonly by?: NodeConfig
}

function ask({ question, now = {}, by = config }: Asked) {
  const answer = hypothesis(question, status(now), by)
  if (!answer.ok) throw new Error(answer.failure.detail)
  return answer.value
}

const alarmsAfter: readonly (readonly [question: string, alarms: string[]])[] = [
  ['net-b down', ['link-down net-b']],
  ['net-b down, private down', ['link-down net-b', 'link-down private', 'links-down links']],
  ['only private', ['link-down net-a', 'link-down net-b', 'links-down links']],
  ['all links down', ['peer-lost peer']],
  ['peer dead', ['peer-lost peer']],
  ['paused', ['paused pair']],
  ['peer media dead', ['peer-not-ready peer']],
  ['switch dead', ['unit-restarted switch']],
]
for (const [question, expected] of alarmsAfter) {
  test(`the alarms of the decision: ${question}`, (t) => {
    const { alarms } = ask({ question })
    t.deepEqual(
      alarms.map(({ code, subject }) => `${code} ${subject}`),
      expected,
    )
  })
}

test('two links down move no role', (t) => {
  const { from, to, rule, because } = ask({ question: 'net-b down, private down' })
  t.deepEqual([from, to, rule], ['primary', 'primary', 'no-change'])
  t.is(because, 'the peer would still be heard on 1 of 3 links')
})

test('the patience in the answer is that of the profile of this node', (t) => {
  const slow = ask({ question: 'peer dead' })
  t.is(slow.because, 'the peer would not be heard on any link for 500 ms')
  const quick = ask({ question: 'peer dead', by: fast })
  t.is(quick.because, 'the peer would not be heard on any link for 60 ms')
})

test('a unit that is dead here counts when the peer could serve again', (t) => {
  const now = {
    own: { ...own, mediaAlive: false },
    peer: { ...peer, ready: false, switchAlive: false },
  }
  t.is(ask({ question: 'net-b down', now }).to, 'primary')
  const { to, rule, because } = ask({ question: 'peer switch up', now })
  t.deepEqual([to, rule], ['starting', 'own-unit-dead'])
  t.regex(because, /^media cannot serve here, and vccs-b is ready$/)
})

test('a peer that lives and is not ready gets nothing', (t) => {
  const now = { peer: { ...peer, ready: false } }
  t.is(ask({ question: 'media dead', now }).to, 'primary')
  t.is(ask({ question: 'media dead' }).to, 'starting')
})

test('a standby serves when its peer dies, unless it is paused or cannot', (t) => {
  const now = { role: 'standby', peer: { ...peer, role: 'primary' } } as const
  const question = 'vccs-b dies'
  t.is(ask({ question, now }).to, 'primary')
  t.is(ask({ question, now: { ...now, paused: true } }).to, 'standby')
  t.is(ask({ question, now: { ...now, own: { ...own, switchAlive: false } } }).to, 'standby')
  const silent = { ...now, paused: true, peer: null }
  const resumed = ask({ question: 'not paused', now: silent })
  t.deepEqual([resumed.to, resumed.rule], ['primary', 'peer-silent'])
})

test('a second change within a minute is answered with the alarm that the role is held', (t) => {
  const now: Partial<PairStatus> = {
    role: 'standby',
    peer: { ...peer, role: 'primary' },
    own: { ...own, changesMsAgo: [5_000] },
  }
  const { to, alarms } = ask({ question: 'all links down', now })
  t.is(to, 'primary')
  t.true(alarms.some(({ code }) => code === 'role-held'))
})

test('of a peer that was never heard nothing is supposed', (t) => {
  const now = { peer: null, alone: true }
  const { to, because } = ask({ question: 'net-b up', now })
  t.is(to, 'primary')
  t.is(because, 'the peer is not heard, and nothing is known of it')
})

test('the status of an older pair unit, which says less, is answered', (t) => {
  const { own: _own, ...older } = status({})
  const answer = hypothesis('net-b down', older, config)
  t.is(answer.ok && answer.value.to, 'primary')
})
