//! Rules of the decision that a story cannot show: what is old, what is late, and counts that turn round.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { isOwnHeld, noteChange } from '../../src/pair/damping.ts'
import { startPair, step } from '../../src/pair/decision.ts'
import { nothingKept } from '../../src/pair/kept-state.ts'
import {
  deafFrom,
  hearLateOnLink,
  hearLink,
  lossPercent,
  newLink,
  noteHeardByPeer,
} from '../../src/pair/links.ts'
import {
  isNewerPause,
  isPauseCount,
  nextPauseCount,
  pauseCountMax,
} from '../../src/pair/pause-count.ts'
import type { PairEvent, PairState } from '../../src/pair/state.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'

const options = {
  node: 'vccs-a',
  links: ['net-a', 'net-b'].map((name, index) => ({
    name,
    // The larger one, which wins between equals.
    own: `10.0.${index}.2`,
    peer: `10.0.${index}.1`,
  })),
  heartbeatMs: 100,
  missesMax: 5,
  tieBreak: 'larger-address' as const,
}

const beat: Heartbeat = {
  kind: 'heartbeat',
  node: 'vccs-b',
  bootId: 'b'.repeat(16),
  sequence: 1,
  link: 0,
  role: 'primary',
  alone: false,
  term: 3,
  sessions: 0,
  syncPending: 0,
  inStep: true,
  ready: true,
  switchCounter: 1,
  mediaCounter: 1,
  sentAt: 1,
  echoSentAt: 0,
  echoReceivedAt: 0,
  linksHeard: 3,
  held: false,
  stoodIn: false,
  tieBreak: 'larger-address',
  pauseCount: 0,
}

function heard(now: number, change: Partial<Heartbeat>): PairEvent {
  const value = { ...beat, switchCounter: now, mediaCounter: now, ...change }
  return { kind: 'heard', now, link: value.link, value, answers: 0, ageMsMax: 0 }
}

/** What waited for so long, at most. */
function late(event: PairEvent, ageMsMax: number): PairEvent {
  return event.kind === 'heard' ? { ...event, ageMsMax } : event
}

function alive(now: number): PairEvent[] {
  const rest = { sessions: 0, syncPending: 0, inStep: true, ready: true, role: 'standby' as const }
  return [
    { kind: 'media-alive', now, counter: now },
    { kind: 'switch-alive', now, counter: now, ...rest },
    { kind: 'period', now },
  ]
}

function run(state: PairState, events: readonly PairEvent[]): PairState {
  return events.reduce((before, event) => step(before, event).state, state)
}

/** A ready standby at 200 ms, beside a primary of term 3. */
function standby(): PairState {
  const start = startPair(options, nothingKept, 0)
  return run(start, [heard(100, {}), ...alive(200)])
}

test('what waited in the kernel of a node that stood still makes it serve in no case', (t) => {
  for (const role of ['starting', 'standby', 'primary'] as const) {
    const woken = run(standby(), [
      ...alive(3_000),
      heard(3_001, { role, sequence: 9, ready: role === 'starting' }),
      ...alive(3_100),
    ])
    t.not(woken.role, 'primary', role)
  }
})

test('a heartbeat that a newer one has overtaken on another link is no news', (t) => {
  const state = run(standby(), [heard(250, { sequence: 8, link: 1 })])
  const after = run(state, [heard(260, { sequence: 7, role: 'starting', term: 9 })])
  t.is(after.role, 'standby')
  t.is(after.term, 3)
  t.is(after.links[0]?.heardAt, 260, 'but its link lives')
})

test('a starting node leaves a ready standby the time to take over, and serves if it does not', (t) => {
  const beats = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap((period) => [
    heard(period * 100, { role: 'standby', sequence: period * 2 - 1 }),
    ...alive(period * 100),
  ])
  const start = startPair(options, nothingKept, 0)
  t.is(
    run(
      start,
      beats.filter(({ now }) => now <= 900),
    ).role,
    'starting',
  )
  t.is(run(start, beats).role, 'primary')
})

function primaryFlushing(): PairState {
  const state = run(standby(), [
    heard(300, { kind: 'handover', sequence: 9 }),
    ...alive(310),
    heard(320, { sequence: 11, role: 'standby', term: 4 }),
  ])
  return run(state, [{ kind: 'switchover', now: 330, ref: 5, force: false, reason: '' }])
}

test('a planned switchover whose records are not confirmed is undone: same role, same term', (t) => {
  const state = primaryFlushing()
  t.is(state.operation?.stage, 'flushing')
  const undone = step(state, { kind: 'flushed', now: 340, ref: 5, ok: false, detail: '2 wait' })
  t.is(undone.state.operation, null)
  t.is(undone.state.role, 'primary')
  t.is(undone.state.term, state.term)
  const results = undone.effects.filter(({ kind }) => kind === 'operation-result')
  t.like(results[0], { ref: 5, ok: false })
})

test('a standby that refused takes no offer that may be of before, and asks for one of since', (t) => {
  const ready = standby()
  const unfit = { ...ready, own: { ...ready.own, media: { counter: 0, advancedAt: 200 } } }
  const offer = (now: number, sequence: number) => heard(now, { kind: 'handover', sequence })
  const refused = step(unfit, offer(210, 5))
  t.deepEqual(refused.effects[0], { kind: 'send', heartbeat: 'refused' })
  const fit = run(refused.state, alive(220))
  const crossed = step(fit, late(offer(225, 7), 20))
  t.is(crossed.state.role, 'standby')
  t.deepEqual(crossed.effects, [{ kind: 'send', heartbeat: 'heartbeat' }])
  t.deepEqual(step(crossed.state, late(offer(226, 9), 20)).effects, [], 'it asks now and then')
  t.is(step(crossed.state, late(offer(230, 9), 10)).state.role, 'primary')
})

test('a standby that was one before the offer ended does not end the offer', (t) => {
  let state = step(primaryFlushing(), {
    kind: 'flushed',
    now: 340,
    ref: 5,
    ok: true,
    detail: '',
  }).state
  t.is(state.operation?.stage, 'handing')
  state = run(state, [{ kind: 'check', now: 340 + limits.handoverMsMax }])
  t.is(state.operation, null)
  const { term } = state
  const follows = (now: number, sequence: number) => heard(now, { sequence, role: 'standby', term })
  state = step(state, late(follows(641, 21), 20)).state
  const taken = heard(645, { sequence: 23, role: 'primary', term: term + 1 })
  const decision = step(state, taken).effects.find(({ kind }) => kind === 'decision')
  t.like(decision, { record: { rule: 'handed-over' } })
  state = step(state, late(follows(650, 23), 10)).state
  t.is(state.offer, null)
})

test('a standby asks for the role no longer than its primary needs to end in time', (t) => {
  const order = { kind: 'switchover', ref: 6, force: false, reason: '' } as const
  let state = run(standby(), [{ ...order, now: 210 }])
  t.is(state.operation?.stage, 'asking')
  const asked = (now: number) => {
    const { state: after, effects } = step(state, { kind: 'period', now })
    state = after
    return effects.some((effect) => effect.kind === 'send' && effect.heartbeat === 'take')
  }
  t.true(asked(300))
  t.false(asked(400))
})

test('loss of a link: what came late is none, a second copy is nothing, the rest is a share', (t) => {
  const silentMsMax = 500
  let link = newLink('net-a')
  const hear = (sequence: number, now: number) => {
    link = hearLink(link, { sequence, links: 3, now, silentMsMax })
  }
  hear(1, 0)
  t.is(lossPercent(link, 0, 100), 0)
  hear(10, 300)
  t.is(link.lost, 2)
  t.is(lossPercent(link, 300, 100), 50)
  link = hearLateOnLink(link, 7)
  t.is(link.lost, 1)
  t.is(lossPercent(link, 300, 100), 25)
  link = hearLateOnLink(link, 7)
  link = hearLateOnLink(link, 8)
  t.is(link.lost, 1)
  t.is(lossPercent(link, 1_300, 100), 76.9, 'what is overdue counts')
  hear(13, 20_000)
  t.is(lossPercent(link, 20_000, 100), 0, 'what is long ago does not')
})

test('a peer is deaf since the last of the links on which it still heard this node', (t) => {
  const two = [newLink('net-a'), newLink('net-b')]
  const one = noteHeardByPeer(two, 0b10, 100)
  t.is(deafFrom(one), null)
  const none = noteHeardByPeer(one, 0, 300)
  t.is(deafFrom(none), 300)
  t.is(deafFrom(noteHeardByPeer(none, 0, 900)), 300)
  t.is(deafFrom(noteHeardByPeer(none, 0b01, 900)), null)
})

test('after any number of orders the newest one holds, and a node that knows nothing follows', (t) => {
  fc.assert(
    fc.property(fc.nat(pauseCountMax), fc.integer({ min: 1, max: 100 }), (from, orders) => {
      let count = from
      for (let order = 0; order < orders; order++) {
        count = nextPauseCount(count, !isPauseCount(count))
      }
      t.true(count > 0 && count <= pauseCountMax)
      t.is(isPauseCount(count), isPauseCount(from) === (orders % 2 === 0))
      t.true(isNewerPause(count, from))
      t.false(from !== 0 && isNewerPause(from, count))
      t.true(isNewerPause(count, 0))
      t.false(isNewerPause(0, count))
      t.is(nextPauseCount(count, isPauseCount(count)), count)
    }),
  )
})

test('a role is held by the second change in a minute, until the first is a minute old', (t) => {
  const start = startPair(options, nothingKept, 0)
  const after = (changes: readonly number[], now: number) => isOwnHeld({ ...start, changes }, now)
  const once = noteChange([], 1_000)
  t.false(after(once, 1_000))
  const twice = noteChange(once, 31_000)
  t.true(after(twice, 31_000))
  t.true(after(twice, 60_999))
  t.false(after(twice, 61_000))
  t.false(after(noteChange(twice, 70_000).slice(-1), 70_000))
  t.true(after(noteChange(twice, 70_000), 70_000))
})

test('the word that the pair unit of the primary died is a goodbye only for one that may take the role', (t) => {
  const { bootId } = beat
  const died = (state: PairState, change: Partial<PairEvent & { bootId: string }> = {}) => {
    const event = { kind: 'peer-pair-died', now: 210, bootId, ...change } as PairEvent
    return step(state, event)
  }
  const ready = standby()
  const taken = died(ready)
  t.like(taken.state, { role: 'primary', grantedBy: bootId })
  t.true(taken.state.term > ready.term)
  const decision = taken.effects.find(({ kind }) => kind === 'decision')
  t.like(decision, { record: { rule: 'goodbye' } })
  // Heartbeats of the dead unit that were on their way are no claim.
  const late = step(taken.state, heard(220, { sequence: 9 }))
  t.is(late.state.role, 'primary')
  const own = { ...ready.own, inStep: false }
  t.is(died({ ...ready, own }).state.role, 'standby', 'records are missing here')
  const paused = step(ready, { kind: 'pause', now: 205, ref: 1, on: true, reason: '' }).state
  t.is(died(paused).state.role, 'standby', 'paused')
  const unfit = { ...ready, own: { ...ready.own, switch: { counter: 0, advancedAt: 200 } } }
  t.is(died(unfit).state.role, 'standby', 'not ready')
  t.is(died(ready, { bootId: 'c'.repeat(16) }).state.role, 'standby', 'another boot')
  t.is(died({ ...ready, stopped: true }).state.role, 'standby', 'stopped')
})
