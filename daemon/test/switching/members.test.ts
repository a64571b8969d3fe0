//! Members of a session: their names, how one leaves while the others go on, and what a number is.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { destinationOf } from '../../src/switching/numbering.ts'
import { emptyPlan, type Plan } from '../../src/switching/plan.ts'
import { DigestServer } from '../../src/switching/registrar/digest.ts'
import { TransactionLayer } from '../../src/switching/transaction/layer.ts'
import { type Call, withSession } from '../../src/switching/wired/call.ts'
import { Exchange } from '../../src/switching/wired/exchange.ts'
import { nextLeg } from '../../src/switching/wired/member.ts'
import { dropMember } from '../../src/switching/wired/release.ts'
import type { PhoneBookEntry } from '../../src/tables/phone-book.ts'
import { type Conference, legOf } from '../../src/tables/wired-conference.ts'
import { scripts } from './core-calls.ts'
import { Stage, service } from './core-stage.ts'
import { sessionOf } from './merge-sessions.ts'

function exchangeOn(stage: Stage, half?: 'lower' | 'upper'): Exchange {
  const options = {
    tables: stage.tables,
    address: service,
    sipPort: 5060,
    rtpPorts: { first: 20_000, last: 20_019 },
    realm: 'vccs.test',
    secret: new TextEncoder().encode('a secret of thirty-two bytes ....'),
    newToken: () => 'abcdef0123456789',
    random32: () => 7,
  }
  const layer = new TransactionLayer({
    sentBy: { address: service, port: 5060 },
    peerSentBy: null,
    newBranch: options.newToken,
  })
  const { realm, secret } = options
  const digest = new DigestServer({ realm, secret, accounts: () => [] })
  const made = half === undefined ? options : { ...options, half }
  const exchange = new Exchange(made, { layer, digest, services: [] })
  exchange.sessions.rebuild()
  return exchange
}

function talking(): Stage {
  const stage = new Stage()
  for (const step of scripts['answered, hung up by the caller']?.slice(0, 4) ?? []) step(stage)
  return stage
}

function only(stage: Stage): Conference {
  const [session] = [...stage.tables.wiredConference.values()]
  if (session === undefined) throw new Error('there is a session')
  return session
}

test('the legs of a call are a and b, and a record without names means the same', (t) => {
  const { members } = only(talking())
  t.deepEqual(
    members.map((member) => [legOf(member), legOf({ ...member, leg: null })]),
    [
      ['a', 'a'],
      ['b', 'b'],
    ],
  )
})

test('two nodes that serve apart name different legs, and none twice', (t) => {
  const stage = new Stage()
  const draft = sessionOf('s', { users: ['101', '102'], ports: [0, 2], number: 1 })
  const named = (half: 'lower' | 'upper' | undefined) => {
    const exchange = exchangeOn(stage, half)
    const legs: string[] = []
    let session: Conference = draft
    for (let n = 0; n < 30; n++) {
      const { leg, legCount } = nextLeg(exchange, session)
      legs.push(leg)
      session = { ...session, legCount }
    }
    return legs
  }
  const [lower, upper, all] = [named('lower'), named('upper'), named(undefined)]
  t.deepEqual(all.slice(0, 3), ['c', 'd', 'e'])
  t.is(all[24], 'aa')
  t.is(new Set([...lower, ...upper, 'a', 'b']).size, 62)
})

test('one member leaves: BYE and port at once, media at a tick of both nodes, the place in the record later', (t) => {
  const stage = talking()
  const exchange = exchangeOn(stage)
  const { sessionId } = only(stage)
  const legs = exchange.sessions.legCount
  const run = (work: (call: Call) => void) =>
    withSession(exchange, { sessionId, now: { ...stage.now, tick: 50 } }, work)
  const [effect] = run((call) => dropMember(call, 'b', { status: 200 }))
  t.regex(effect?.kind === 'send' ? effect.outgoing.text : '', /^BYE sip:102@/)
  t.deepEqual(
    only(stage).members.map(({ state }) => state),
    ['talking', 'releasing'],
  )
  t.is(only(stage).state, 'communicating')
  t.is(exchange.sessions.legCount, legs - 1)
  const mediaLegs = () =>
    [...stage.tables.wiredMedia.values()].map(({ mediaId, endTick }) => [mediaId, endTick])
  t.deepEqual(mediaLegs().toSorted(), [
    [`${sessionId}-a`, null],
    [`${sessionId}-b`, 50 + limits.decisionLeadTicks],
  ])
  const goneMs = stage.now.monotonicMs + (limits.decisionLeadTicks + 2) * limits.tickMs
  t.is(exchange.endingLegs.nextMs(), goneMs)
  t.deepEqual(exchange.endingLegs.take(goneMs - 1), [])
  t.deepEqual(exchange.endingLegs.take(goneMs), [`${sessionId}-b`])
  t.deepEqual(
    [...stage.tables.conferenceResource.values()].map(({ resource }) => resource).sort(),
    ['conference:1', 'port:20000'],
  )
  t.false(exchange.sessions.isBusy('102'))
  t.true(exchange.sessions.isBusy('101'))
  t.deepEqual(
    exchange.sessions.of('101').map((session) => session.sessionId),
    [sessionId],
  )
  const due = exchange.timers.take(stage.now.monotonicMs + 70_000)
  t.like(due, { timer: 'member-gone', leg: 'b' })
})

test('after a take-over a leg without its member ends, whatever of the two came last', (t) => {
  for (const isTold of [true, false]) {
    const stage = talking()
    const exchange = exchangeOn(stage)
    const { sessionId } = only(stage)
    const now = { ...stage.now, tick: Math.floor(stage.now.tick) }
    withSession(exchange, { sessionId, now }, (call) => dropMember(call, 'b', { status: 200 }))
    const legs = [...stage.tables.wiredMedia.values()]
    for (const leg of legs) if (!isTold) stage.tables.wiredMedia.put({ ...leg, endTick: null })
    const [first] = legs
    if (first !== undefined) stage.tables.wiredMedia.put({ ...first, mediaId: `${sessionId}-z` })
    stage.takeOver()
    const ends = () =>
      [...stage.tables.wiredMedia.values()].map((leg) => [leg.mediaId, leg.endTick]).toSorted()
    const stays = [`${sessionId}-a`, null]
    t.deepEqual(ends(), [stays, [`${sessionId}-b`, now.tick + limits.decisionLeadTicks]])
    stage.pass(1_000)
    t.deepEqual(ends(), [stays])
  }
})

const entry = (type: PhoneBookEntry['type']) => ({ number: '1', type }) as PhoneBookEntry

test('a number is an account first, then what the plan says', (t) => {
  const plan: Plan = {
    ...emptyPlan,
    conferences: [
      {
        name: 'c',
        displayName: '',
        number: '700',
        kind: 'meet-me',
        members: [],
        pinHash: null,
        locked: false,
        membersMax: 10,
      },
    ],
    routes: [
      { pattern: 'XXXX.', priority: 1, name: 'far' },
      { pattern: '31XX', priority: 2, name: 'second' },
      { pattern: '31XX', priority: 1, name: 'first' },
    ].map((route) => ({ ...route, class: '', trunks: [], failOver: [] })),
  }
  const book = new Map([
    ['101', entry('telephone')],
    ['118', entry('radio')],
  ])
  const find = (number: string) =>
    destinationOf(number, { plan, phoneBook: (key) => book.get(key) })
  t.is(find('101').kind, 'terminal')
  t.deepEqual(find('118'), { kind: 'refusal', status: 603 })
  t.is(find('700').kind, 'conference')
  t.deepEqual(find('*8'), { kind: 'feature', feature: 'pickup', argument: '' })
  t.deepEqual(find('*86'), { kind: 'feature', feature: 'callBackOff', argument: '' })
  t.deepEqual(find('*86101'), { kind: 'feature', feature: 'callBackOff', argument: '101' })
  t.deepEqual(find('*79'), { kind: 'feature', feature: 'doNotDisturbOff', argument: '' })
  t.deepEqual(find('**101'), { kind: 'feature', feature: 'pickupOf', argument: '101' })
  t.deepEqual(find('**'), { kind: 'refusal', status: 404 })
  const trunk = find('3105')
  t.deepEqual(trunk.kind === 'trunk' ? trunk.routes.map(({ name }) => name) : [], [
    'first',
    'second',
    'far',
  ])
  t.deepEqual(find('310'), { kind: 'refusal', status: 404 })
})
