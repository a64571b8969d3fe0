//! No false take-over: heartbeats that come late, in any order, twice, or not at all, within a bound.
//!
//! The bound. A node is lost when no link has delivered anything for `missesMax` periods. The sender sends
//! once a period on each link, and a datagram that was overtaken on its own link is no news. So between
//! two that count pass at most one period, for each one that was lost one more, and the most that the
//! second was later than the first. Nobody takes over as long as
//!
//!     periods lost in a row on all links + 1 + (latest delay - earliest delay) / period < missesMax
//!
//! With 20 ms x 3 and nothing lost: delays that differ by less than 40 ms, which includes the time for
//! which the sending or the receiving process had to wait for its processor. With 100 ms x 5: 400 ms.
import test from 'ava'
import fc from 'fast-check'
import { startPair, step } from '../../src/pair/decision.ts'
import { nothingKept } from '../../src/pair/kept-state.ts'
import type { PairEvent, PairState } from '../../src/pair/state.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'

const linkCount = 3
const periods = 60

interface Profile {
  readonly heartbeatMs: number
  readonly missesMax: number
}

const links = Array.from({ length: linkCount }, (_, index) => ({
  name: `link-${index}`,
  own: `10.0.${index}.1`,
  peer: `10.0.${index}.2`,
}))

function beat(period: number, link: number): Heartbeat {
  return {
    kind: 'heartbeat',
    node: 'vccs-b',
    bootId: 'b'.repeat(16),
    sequence: period * linkCount + link + 1,
    link,
    role: 'primary',
    alone: false,
    term: 1,
    sessions: 0,
    syncPending: 0,
    inStep: true,
    ready: true,
    switchCounter: period + 1,
    mediaCounter: period + 1,
    sentAt: period + 1,
    echoSentAt: 0,
    echoReceivedAt: 0,
    linksHeard: 7,
    held: false,
    stoodIn: false,
    tieBreak: 'larger-address',
    pauseCount: 0,
  }
}

type Copy = readonly [link: number, lateMs: number]

/** All that happens at the standby, by time. `copies`: what arrives of each period, on which link. */
function eventsOf(profile: Profile, copies: readonly (readonly Copy[])[]): PairEvent[] {
  const events: PairEvent[] = []
  for (const [period, arrivals] of copies.entries()) {
    const sentAt = period * profile.heartbeatMs
    for (const [link, lateMs] of arrivals) {
      const value = beat(period, link)
      events.push({ kind: 'heard', now: sentAt + lateMs, link, value, answers: 0, ageMsMax: 0 })
    }
  }
  const end = (copies.length - 1) * profile.heartbeatMs
  for (let now = 0; now <= end; now += profile.heartbeatMs) {
    const counter = now + 1
    const rest = {
      sessions: 0,
      syncPending: 0,
      inStep: true,
      ready: true,
      role: 'standby' as const,
    }
    events.push({ kind: 'media-alive', now, counter })
    events.push({ kind: 'switch-alive', now, counter, ...rest })
    events.push({ kind: 'period', now })
  }
  for (let now = 0; now <= end; now += 1) events.push({ kind: 'check', now })
  return events.filter(({ now }) => now <= end).sort((a, b) => a.now - b.now)
}

/** @returns when the standby took over; null: never. */
function takeOver(profile: Profile, copies: readonly (readonly Copy[])[]): number | null {
  const options = { node: 'vccs-a', links, ...profile, tieBreak: 'larger-address' as const }
  let state: PairState = startPair(options, { ...nothingKept, term: 1 }, 0)
  for (const event of eventsOf(profile, copies)) {
    state = step(state, event).state
    if (state.role === 'primary') return event.now
  }
  return null
}

/** Each period at least one link delivers, up to `spreadMs` late; the others do anything. */
function arrivals(spreadMs: number): fc.Arbitrary<Copy[][]> {
  const late = fc.integer({ min: 0, max: spreadMs })
  const link = fc.nat(linkCount - 1)
  const oneMore = fc.array(fc.tuple(link, late), { maxLength: 4 })
  const period = fc.tuple(fc.tuple(link, late), oneMore).map(([sure, more]) => [sure, ...more])
  return fc.array(period, { minLength: periods, maxLength: periods })
}

/** The bound for datagrams that came on one link only, as they may be on three. */
function spreadMsMax({ heartbeatMs, missesMax }: Profile, lostInARow: number): number {
  return (missesMax - 1 - lostInARow) * heartbeatMs - 1
}

for (const profile of [
  { heartbeatMs: 20, missesMax: 3 },
  { heartbeatMs: 100, missesMax: 5, tieBreak: 'larger-address' as const },
]) {
  const name = `${profile.heartbeatMs} ms x ${profile.missesMax}`
  const spreadMs = spreadMsMax(profile, 0)

  test(`${name}: no take-over with beats up to ${spreadMs} ms late, reordered and doubled`, (t) => {
    fc.assert(
      fc.property(arrivals(spreadMs), (copies) => {
        t.is(takeOver(profile, copies), null)
      }),
      { numRuns: 30 },
    )
  })

  test(`${name}: nor when every second period is lost on all links, within the smaller bound`, (t) => {
    fc.assert(
      fc.property(arrivals(spreadMsMax(profile, 1)), (copies) => {
        const gaps = copies.map((copy, period) => (period % 2 === 1 ? [] : copy))
        t.is(takeOver(profile, gaps), null)
      }),
      { numRuns: 30 },
    )
  })

  test(`${name}: the bound is sharp: two milliseconds more end in a take-over`, (t) => {
    const lateMs = spreadMs + 2
    const lostMs = profile.missesMax * profile.heartbeatMs
    const copies = Array.from({ length: periods }, (_, period): Copy[] => [
      [0, period < 10 ? 0 : lateMs],
    ])
    t.is(takeOver(profile, copies), 9 * profile.heartbeatMs + lostMs)
  })
}
