//! Groups, conferences and trunks as an operator sees them: what the site says, and who is there.
import test from 'ava'
import { callDetail } from '../../src/oam/call-detail.ts'
import { listConferences, listGroups, listTrunks } from '../../src/oam/site-lists.ts'
import { type ConferencePlan, emptyPlan, type Plan } from '../../src/switching/plan.ts'
import type { User } from '../../src/tables/user.ts'
import type { Conference } from '../../src/tables/wired-conference.ts'
import { legOf, sessionOf } from '../switching/merge-sessions.ts'

const nowMs = 1_000_000
const online = (user: string, expiresAtMs: number) =>
  ({ user, status: 'online', expiresAtMs }) as User
const users = new Map([
  ['101', online('101', nowMs + 1)],
  ['102', online('102', nowMs)],
])
const talk = sessionOf('s1', { users: ['101', '102'], ports: [0, 2], number: 1 })
const over = sessionOf('s2', { users: ['101', '103'], ports: [4, 6], number: 2, state: 'released' })
const called = (session: Conference, number: string, type: Conference['type']): Conference => {
  const history = { called: number, parties: [], services: [], roles: [], reason: '' }
  return { ...session, type, history }
}
const now = (sessions: Conference[]) => ({ sessions, users, wallMs: nowMs })

test('a group shows who of its members is registered, and how many live calls each has', (t) => {
  const group = {
    name: 'g',
    displayName: '',
    number: '500',
    mode: 'all',
    noAnswerSeconds: 9,
  } as const
  const plan: Plan = { ...emptyPlan, groups: [{ ...group, members: ['101', '102', '109'] }] }
  t.deepEqual(listGroups(plan, now([talk, over]))[0]?.members, [
    { number: '101', online: true, calls: 1 },
    { number: '102', online: false, calls: 1 },
    { number: '109', online: false, calls: 0 },
  ])
})

test('a conference shows its seats, who came besides, and those that were made from calls', (t) => {
  const seats = [
    { number: '101', mayTalk: true, gainDb: 0 },
    { number: '105', mayTalk: false, gainDb: -6 },
  ]
  const conference: ConferencePlan = {
    name: 'c',
    displayName: '',
    number: '600',
    kind: 'preset',
    members: seats,
    pinHash: 'x',
    locked: true,
    membersMax: 9,
  }
  const plan: Plan = { ...emptyPlan, conferences: [conference] }
  const idle = listConferences(plan, now([talk]))
  t.like(idle[0], { session: null, hasPin: true, locked: true })
  t.is(idle.length, 1, 'an ordinary call is none')
  const running = called(talk, '600', 'preset')
  const built = called({ ...talk, sessionId: 's3' }, '102', 'temporary')
  const [first, second] = listConferences(plan, now([running, built]))
  t.is(first?.session, 's1')
  t.deepEqual(
    first?.members.map(({ number, leg, state, mayTalk }) => [number, leg, state, mayTalk]),
    [
      ['101', 'a', 'talking', true],
      ['105', null, 'absent', false],
      ['102', 'b', 'talking', true],
    ],
  )
  t.like(second, { name: '', kind: 'temporary', session: 's3' })
})

test('a trunk shows its state, its calls and the routes that use it', (t) => {
  const trunk: Plan['trunks'][number] = {
    name: 't',
    displayName: '',
    peer: { address: '10.0.0.1', port: 5060 },
    account: null,
    trust: 'address',
    login: null,
    capacity: 5,
    optionsSeconds: 0,
    responseSeconds: 5,
    classes: [],
    priorityMax: 'normal',
    monitor: false,
    outgoing: { called: [], caller: [] },
    incoming: { called: [], caller: [] },
  }
  const byAccount = { ...trunk, name: 'gw', peer: null, account: '102' }
  const route = {
    name: 'r',
    pattern: '4X',
    priority: 1,
    class: 'n',
    trunks: ['gw', 't'],
    failOver: [],
  }
  const plan: Plan = { ...emptyPlan, trunks: [trunk, byAccount], routes: [route] }
  const down = { state: 'down', detail: 'no answer' } as const
  const [gw, direct] = listTrunks(plan, now([talk, over]), () => down)
  t.like(gw, { name: 'gw', peer: null, calls: 1, state: 'down', detail: 'no answer' })
  t.deepEqual(gw?.routes, [{ name: 'r', pattern: '4X', priority: 1, class: 'n', place: 1 }])
  t.like(direct, { peer: '10.0.0.1:5060', calls: 2 })
  t.is(direct?.routes[0]?.place, 2)
})

test('a call shows where its voice goes, and what its media unit says of it', (t) => {
  const leg = legOf(talk, 'caller')
  const figures = {
    ...{ packetsSent: 1, packetsReceived: 2, packetsLost: 3, packetsLate: 4 },
    ...{ jitterMsMax: 5, farPacketsLost: 6 },
  }
  const detail = callDetail(called(talk, '900', 'ordinary'), {
    media: new Map([['s1-a', leg]]),
    rtp: (mediaId) => (mediaId === 's1-a' ? { mediaId, ended: false, ...figures } : null),
  })
  t.is(detail.called, '900')
  const [a, b] = detail.members
  t.like(a, { leg: 'a', number: '101', address: '10.0.0.1:5060', callId: 's1-caller' })
  t.like(a?.media, { localPort: leg.localPort, codec: leg.codec, rtp: figures })
  t.is(b?.media, null)
})
