//! The ledger of calls: what it writes and when, on a disk that fails, and after kills anywhere.
import test from 'ava'
import fc from 'fast-check'
import { CallLedger } from '../../src/compose/call-ledger.ts'
import { limits } from '../../src/limits.ts'
import type { Conference } from '../../src/tables/wired-conference.ts'
import { sessionOf } from '../switching/merge-sessions.ts'
import { MemoryCalls } from './call-record-facts.ts'

function live(sessionId: string): Conference {
  const draft = { users: ['101', '102'], ports: [0, 2], number: 1, startedAtMs: 1 } as const
  return sessionOf(sessionId, draft)
}

function over(sessionId: string, atMs = 9): Conference {
  const ended = { atMs, status: 200, by: 'caller' } as const
  return { ...live(sessionId), state: 'released', ended }
}

/** A ledger on a disk, with the sessions that its node knows. */
class Desk {
  readonly disk: MemoryCalls
  readonly known = new Set<string>()
  readonly told: (readonly [works: boolean, lost: number])[] = []
  interrupted = 0
  readonly ledger: CallLedger
  nowMs = 0

  constructor(disk = new MemoryCalls()) {
    this.disk = disk
    this.ledger = new CallLedger({
      storage: disk,
      isKnown: (sessionId) => this.known.has(sessionId),
      kept: (works, lost) => this.told.push([works, lost]),
      interrupted: (count) => {
        this.interrupted += count
      },
    })
  }

  see(session: Conference): void {
    this.known.add(session.sessionId)
    this.ledger.sessionChanged(session.sessionId, session)
  }

  forget(sessionId: string): void {
    this.known.delete(sessionId)
    this.ledger.sessionChanged(sessionId, null)
  }

  pass(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs = Math.min(endMs, this.nowMs + 50)
      this.ledger.advance(this.nowMs, this.nowMs)
    }
  }
}

test('a session that ends is written at once, and once, however often its record changes', (t) => {
  const desk = new Desk()
  desk.see(live('s'))
  desk.pass(1_000)
  t.deepEqual([...desk.disk.live.keys()], ['s'])
  desk.see(over('s'))
  desk.see(over('s'))
  desk.pass(50)
  desk.see(over('s'))
  desk.forget('s')
  desk.pass(10_000)
  t.deepEqual([...desk.disk.calls.keys()], ['s'])
  t.is(desk.disk.live.size, 0)
  t.is(desk.ledger.waiting, 0)
})

test('sessions that end soon after each other are written together, none later than the next batch', (t) => {
  const desk = new Desk()
  const batches: number[] = []
  const store = desk.disk.store.bind(desk.disk)
  desk.disk.store = (batch, done) => {
    batches.push(batch.ended.length)
    store(batch, done)
  }
  desk.see(over('first'))
  desk.pass(50)
  t.deepEqual(batches, [1], 'the first one at once')
  for (let index = 0; index < 40; index++) desk.see(over(`s${index}`))
  desk.pass(50)
  t.deepEqual(batches, [1])
  for (let index = 40; index < 50; index++) desk.see(over(`s${index}`))
  desk.pass(limits.callEndedMs - 50)
  t.deepEqual(batches, [1, 50])
  t.is(desk.disk.calls.size, 51)
})

test('a disk that is full is tried again until it has everything', (t) => {
  const desk = new Desk()
  desk.disk.failing = true
  for (let index = 0; index < 100; index++) desk.see(over(`s${index}`))
  desk.pass(5_000)
  t.is(desk.disk.calls.size, 0)
  t.true(desk.told.length <= 6, 'not with each turn')
  t.deepEqual(desk.told.at(-1), [false, 0])
  desk.see(over('late'))
  desk.disk.failing = false
  desk.pass(2_000)
  t.is(desk.disk.calls.size, 101)
  t.deepEqual(desk.told.at(-1), [true, 0])
})

test('what no memory is left for is counted as lost', (t) => {
  const desk = new Desk()
  desk.disk.failing = true
  for (let index = 0; index < limits.callRecordsHeldMax + 7; index++) desk.see(over(`s${index}`))
  t.deepEqual(desk.told.at(-1), [false, 7])
  desk.disk.failing = false
  desk.pass(2_000)
  t.is(desk.disk.calls.size, limits.callRecordsHeldMax)
})

test('after both nodes lost a session its record says when it was last seen', (t) => {
  const before = new Desk()
  before.see(live('s'))
  before.pass(500)
  const after = new Desk(before.disk)
  after.ledger.follow('primary', false, 0)
  after.pass(limits.callSettleMs - 100)
  t.is(after.disk.calls.size, 0, 'its tables may come yet')
  after.pass(200)
  t.like(after.disk.calls.get('s'), { endedBy: 'node', status: 200 })
  t.is(after.interrupted, 1)
})

test('a session that its new node knows is not ended, nor does a node judge that knows nothing', (t) => {
  const before = new Desk()
  for (const sessionId of ['s', 'u']) before.see(live(sessionId))
  before.pass(500)
  const after = new Desk(before.disk)
  after.ledger.follow('standby', false, 0)
  after.pass(60_000)
  t.is(after.disk.calls.size, 0, 'a standby that has not caught up')
  after.see(live('s'))
  after.ledger.follow('standby', true, after.nowMs)
  after.pass(limits.callSettleMs + 100)
  t.deepEqual([...after.disk.calls.keys()], ['u'])
  after.see(over('s'))
  after.pass(100)
  t.is(after.disk.calls.get('s')?.endedBy, 'caller')
})

test('an orderly end writes what waits', async (t) => {
  const desk = new Desk()
  desk.see(live('s'))
  desk.see(over('u'))
  await desk.ledger.close(0, 0)
  t.deepEqual([[...desk.disk.live.keys()], [...desk.disk.calls.keys()]], [['s'], ['u']])
})

test('kills at any moment: one record of each session that was on the disk, and of none two', (t) => {
  const step = fc.record({
    what: fc.constantFrom('begin', 'end', 'pass', 'kill', 'full', 'free'),
    session: fc.integer({ min: 0, max: 5 }).map((number) => `s${number}`),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let desk = new Desk()
      desk.ledger.follow('primary', false, 0)
      const durable = new Set<string>()
      const ended = new Set<string>()
      for (const { what, session } of steps) {
        if (what === 'begin' && !ended.has(session)) desk.see(live(session))
        if (what === 'end' && desk.known.has(session)) {
          ended.add(session)
          desk.see(over(session))
        }
        if (what === 'pass') desk.pass(300)
        if (what === 'full') desk.disk.failing = true
        if (what === 'free') desk.disk.failing = false
        for (const id of [...desk.disk.live.keys(), ...desk.disk.calls.keys()]) durable.add(id)
        if (what !== 'kill') continue
        // Both nodes, so that nobody has the sessions; what ended in memory only is as if it lived.
        for (const id of ended) if (!desk.disk.calls.has(id)) ended.delete(id)
        desk = new Desk(desk.disk)
        desk.ledger.follow('primary', false, 0)
      }
      desk.disk.failing = false
      desk.pass(limits.callSettleMs + 3_000)
      for (const id of durable) {
        t.true(desk.known.has(id) || desk.disk.calls.has(id), id)
        if (ended.has(id)) t.is(desk.disk.calls.get(id)?.endedBy, 'caller')
      }
      for (const id of desk.disk.calls.keys()) t.false(desk.disk.live.has(id))
    }),
    { numRuns: 500 },
  )
})
