//! The plan of a merge: which sessions of two nodes that served apart go on.
import test from 'ava'
import fc from 'fast-check'
import { type MergeAction, planMerge } from '../../src/switching/wired/merge.ts'
import { giftParts, readGift } from '../../src/switching/wired/merge-text.ts'
import { dialogOf, legOf, memberOf, sessionOf } from './merge-sessions.ts'

type Session = ReturnType<typeof sessionOf>

const none = { sessions: [], ended: new Map<string, boolean>() }
const noGateway = () => false

function side(sessions: readonly Session[], ended: Record<string, boolean> = {}) {
  return { sessions, ended: new Map(Object.entries(ended)) }
}

function kinds(actions: readonly MergeAction[]): string[] {
  return actions.map((action) => {
    const rule = 'rule' in action ? ` ${action.rule}` : ''
    const whose = action.kind === 'close' ? (action.given ? ' given' : ' own') : ''
    return `${action.session.sessionId} ${action.kind}${whose}${rule}`
  })
}

test('what only one side has goes on', (t) => {
  const own = sessionOf('own', { users: ['1', '2'], ports: [100, 102], number: 1 })
  const given = sessionOf('given', { users: ['3', '4'], ports: [104, 106], number: 2 })
  const { actions, renumbered } = planMerge(side([own]), side([given]), noGateway)
  t.deepEqual(kinds(actions), ['given adopt'])
  t.is(renumbered, 0)
})

test('of a session that both have, the record with more signalling progress goes on', (t) => {
  const base = { users: ['1', '2'], ports: [100, 102], number: 1 } as const
  const own = sessionOf('s', { ...base, callerSeq: 5 })
  const ahead = sessionOf('s', { ...base, callerSeq: 9, state: 'hold' })
  const even = sessionOf('s', { ...base, callerSeq: 5, state: 'hold' })
  const [update] = planMerge(side([own]), side([ahead]), noGateway).actions
  t.is(update?.kind, 'update')
  t.is(update?.session.state, 'hold')
  const [keep] = planMerge(side([own]), side([even]), noGateway).actions
  t.is(keep?.kind, 'keep')
  t.is(keep?.session.state, 'communicating')
})

test('an answered record is ahead of one that rings, whatever its numbers', (t) => {
  const base = { users: ['1', '2'], ports: [100, 102], number: 1 } as const
  const own = sessionOf('s', { ...base, callerSeq: 50, state: 'ringing', answeredAtMs: null })
  const given = sessionOf('s', { ...base, callerSeq: 1 })
  t.deepEqual(kinds(planMerge(side([own]), side([given]), noGateway).actions), ['s update'])
})

test('numbers that either node has used in a dialog are used up', (t) => {
  const base = { users: ['1', '2'], ports: [100, 102], number: 1 } as const
  const own = sessionOf('s', { ...base, callerSeq: 9 })
  const given = { ...sessionOf('s', base) }
  const members = given.members.map((member) => ({
    ...member,
    dialog: { ...dialogOf(member), localSeq: 4 },
  }))
  const [action] = planMerge(side([own]), side([{ ...given, members }]), noGateway).actions
  t.is(action?.kind, 'keep')
  t.is(memberOf(action?.session, 'caller')?.dialog.remoteSeq, 9)
  t.is(memberOf(action?.session, 'callee')?.dialog.localSeq, 4)
})

test('an end on either side is an end', (t) => {
  const base = { users: ['1', '2'], ports: [100, 102], number: 1 } as const
  const live = sessionOf('s', base)
  const over = sessionOf('s', { ...base, state: 'released' })
  const plan = (...sides: Parameters<typeof planMerge>) => kinds(planMerge(...sides).actions)
  t.deepEqual(plan(side([live]), side([over]), noGateway), ['s end'])
  t.deepEqual(plan(side([over]), side([live]), noGateway), [])
  t.deepEqual(plan(side([live]), side([], { s: true }), noGateway), ['s end-silently'])
  t.deepEqual(plan(side([live]), side([], { s: false }), noGateway), ['s close own ended-there'])
  t.deepEqual(plan(side([], { s: true }), side([live]), noGateway), ['s drop ended-here'])
  t.deepEqual(plan(side([], { s: false }), side([live]), noGateway), ['s close given ended-here'])
  t.deepEqual(plan(none, side([over]), noGateway), ['s adopt'])
})

test('of two sessions with one port the one that was answered first is kept', (t) => {
  const older = { ports: [100, 102], number: 1, answeredAtMs: 10 } as const
  const younger = { ports: [102, 104], number: 2, answeredAtMs: 20 } as const
  const ringing = { ports: [100, 102], number: 1, answeredAtMs: null, startedAtMs: 1 } as const
  const plan = (own: Session, given: Session) =>
    kinds(planMerge(side([own]), side([given]), noGateway).actions)
  const [a, b] = [
    ['1', '2'],
    ['3', '4'],
  ] as const
  t.deepEqual(
    plan(sessionOf('own', { users: a, ...older }), sessionOf('given', { users: b, ...younger })),
    ['given close given same-port'],
  )
  t.deepEqual(
    plan(sessionOf('own', { users: a, ...younger }), sessionOf('given', { users: b, ...older })),
    ['own close own same-port', 'given adopt'],
  )
  t.deepEqual(
    plan(sessionOf('own', { users: a, ...ringing }), sessionOf('given', { users: b, ...younger })),
    ['own close own same-port', 'given adopt'],
  )
})

test('of a node that stood still, what does not go beside the own sessions is closed', (t) => {
  const late = { users: ['1', '2'], ports: [100, 102], number: 1, answeredAtMs: 10 } as const
  const now = { users: ['3', '2'], ports: [104, 106], number: 2, answeredAtMs: 20 } as const
  const plan = (goesFirst: boolean) => {
    const own = { ...side([sessionOf('own', now)]), goesFirst }
    return kinds(planMerge(own, side([sessionOf('given', late)]), noGateway).actions)
  }
  t.deepEqual(plan(true), ['given close given same-terminal'])
  t.deepEqual(plan(false), ['own close own same-terminal', 'given adopt'])
})

test('a terminal is not in two calls to it; a gateway is, and who calls out may', (t) => {
  const one = { users: ['1', '2'], ports: [100, 102], number: 1, answeredAtMs: 10 } as const
  const two = { users: ['3', '2'], ports: [104, 106], number: 2, answeredAtMs: 20 } as const
  const out = { users: ['2', '3'], ports: [104, 106], number: 2, answeredAtMs: 20 } as const
  const own = side([sessionOf('own', one)])
  const plan = (given: Session, isGateway: (user: string) => boolean) =>
    kinds(planMerge(own, side([given]), isGateway).actions)
  t.deepEqual(plan(sessionOf('given', two), noGateway), ['given close given same-terminal'])
  t.deepEqual(
    plan(sessionOf('given', two), (user) => user === '2'),
    ['given adopt'],
  )
  t.deepEqual(plan(sessionOf('given', out), noGateway), ['given adopt'])
})

test('a bridge number that both hold costs nothing: the given one gets another, at its place', (t) => {
  const own = sessionOf('own', { users: ['1', '2'], ports: [100, 102], number: 6 })
  const given = sessionOf('given', { users: ['3', '4'], ports: [104, 106], number: 6 })
  const { actions, renumbered } = planMerge(side([own]), side([given]), noGateway)
  t.deepEqual(kinds(actions), ['given adopt'])
  t.is(actions[0]?.session.conferenceId, 2)
  t.is(renumbered, 1)
})

/** Sessions of one node: no port, number or called terminal twice. */
const nodeSessions = (half: 'own' | 'given') =>
  fc
    .array(
      fc.record({
        users: fc.tuple(fc.nat(8), fc.nat(8)),
        ports: fc.tuple(fc.nat(11), fc.nat(11)),
        number: fc.integer({ min: 1, max: 9 }),
        answeredAtMs: fc.option(fc.nat(5)),
        startedAtMs: fc.nat(5),
        over: fc.boolean(),
        common: fc.boolean(),
      }),
      { maxLength: 7 },
    )
    .map((drafts) => {
      const sessions: Session[] = []
      for (const [index, draft] of drafts.entries()) {
        const [a, b] = draft.ports
        const users = draft.users.map((user) => `u${user}`)
        const live = sessions.filter(({ state }) => state !== 'released')
        const ports = live.flatMap(({ members }) => members.map(({ localPort }) => localPort))
        const wanted = [20_000 + 2 * a, 20_000 + 2 * b]
        const isTaken = wanted.some((port) => ports.includes(port)) || a === b
        const numbers = live.map(({ conferenceId }) => conferenceId)
        const talks = live.flatMap(({ members }) => members.map(({ user }) => user))
        const isBusy = talks.includes(users[1] ?? '') || users[0] === users[1]
        if (isTaken || isBusy || numbers.includes(draft.number)) continue
        const name = draft.common ? `common-${index}` : `${half}-${index}`
        sessions.push(
          sessionOf(name, {
            users: [users[0] ?? '', users[1] ?? ''],
            ports: [2 * a, 2 * b],
            number: draft.number,
            answeredAtMs: draft.answeredAtMs,
            startedAtMs: draft.startedAtMs,
            ...(draft.over ? { state: 'released' as const } : {}),
          }),
        )
      }
      return sessions
    })

/** What the winner has after the plan. */
function outcome(own: readonly Session[], actions: readonly MergeAction[]): Map<string, Session> {
  const live = new Map(
    own.filter(({ state }) => state !== 'released').map((one) => [one.sessionId, one]),
  )
  for (const { kind, session } of actions) {
    if (kind === 'adopt' || kind === 'update' || kind === 'keep') {
      if (session.state !== 'released') live.set(session.sessionId, session)
    } else live.delete(session.sessionId)
  }
  return live
}

/** A session that both nodes set up alone has numbers of its own on each: not part of this property. */
function withoutTwins(sessions: readonly Session[], others: readonly Session[]): Session[] {
  const there = new Map(others.map((one) => [one.sessionId, one]))
  return sessions.filter(({ sessionId }) => !there.has(sessionId))
}

test('for any two sides: nothing is held twice, and who conflicts with nobody goes on', (t) => {
  const property = fc.property(nodeSessions('own'), nodeSessions('given'), (own, theirs) => {
    // Of the first half of its sessions the winner knows that the other node has them, too.
    const common = own.slice(0, own.length / 2)
    const strangers = withoutTwins(theirs, own).filter((one) => !common.some(clashes(one)))
    const given = [...common, ...strangers]
    const { actions } = planMerge(side(own), side(given), noGateway)
    const again = planMerge(side([...own].reverse()), side([...given].reverse()), noGateway)
    t.deepEqual([...again.actions].sort(byName), [...actions].sort(byName))
    const live = [...outcome(own, actions).values()]
    const ports = live.flatMap(({ members }) => members.map(({ localPort }) => localPort))
    t.is(new Set(ports).size, ports.length)
    t.is(new Set(live.map(({ conferenceId }) => conferenceId)).size, live.length)
    const closed = actions.filter((action) => action.kind === 'close')
    const all = [...own, ...strangers].filter(({ state }) => state !== 'released')
    for (const one of common.filter(({ state }) => state !== 'released'))
      t.true(live.some(({ sessionId }) => sessionId === one.sessionId))
    t.is(live.length + closed.length, all.length)
    for (const { session } of closed) {
      t.true(
        live.some((other) => isRival(session, other)),
        session.sessionId,
      )
    }
  })
  fc.assert(property, { numRuns: 2_000 })
})

/** True for two sessions that one node cannot have. */
function clashes(one: Session): (other: Session) => boolean {
  return (other) => other.conferenceId === one.conferenceId || isRival(one, other)
}

function byName(a: MergeAction, b: MergeAction): number {
  return a.session.sessionId < b.session.sessionId ? -1 : 1
}

function isRival(a: Session, b: Session): boolean {
  const ports = b.members.map(({ localPort }) => localPort)
  if (a.members.some(({ localPort }) => ports.includes(localPort))) return true
  const users = (one: Session) => one.members.map(({ user }) => user)
  const called = (one: Session) => memberOf(one, 'callee')?.user ?? ''
  return users(b).includes(called(a)) || users(a).includes(called(b))
}

test('a gift goes through text and comes back; what cannot be read is dropped alone', (t) => {
  const sessions = [
    sessionOf('one', { users: ['1', '2'], ports: [100, 102], number: 1 }),
    sessionOf('two', { users: ['3', '4'], ports: [104, 106], number: 2 }),
  ]
  const gift = {
    sessions,
    legs: sessions.map((session) => legOf(session, 'caller')),
    users: [],
    ended: new Map([['old', true]]),
  }
  const { parts, tooLong } = giftParts(gift)
  t.deepEqual(tooLong, [])
  t.deepEqual(readGift(parts), { gift, unreadable: 0 })
  const spoilt = parts.map((part) => (part.includes('"one"') ? part.slice(1) : part))
  const read = readGift([...spoilt, '{"sessions":7}', 'null'])
  t.is(read.unreadable, 3)
  t.deepEqual(
    read.gift.sessions.map(({ sessionId }) => sessionId),
    ['two'],
  )
})

test('a session that fits no frame is named and not given', (t) => {
  const long = sessionOf('long', { users: ['1', '2'], ports: [100, 102], number: 1 })
  const members = long.members.map((member) => ({
    ...member,
    dialog: { ...dialogOf(member), remoteSdp: 'x'.repeat(40_000) },
  }))
  const gift = { sessions: [{ ...long, members }], legs: [], users: [], ended: new Map() }
  t.deepEqual(giftParts(gift), { parts: [], tooLong: ['long'] })
})
