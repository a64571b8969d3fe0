//! Scheduled drills: made once by the primary, skipped with an alarm when that would not be safe.
import test from 'ava'
import { DrillClock } from '../../src/compose/drill-clock.ts'
import type { DrillReport, Operation } from '../../src/control/operation-schema.ts'
import type { Check } from '../../src/control/status-schema.ts'
import { judgeDrill, refuseDrill } from '../../src/oam/drill.ts'
import { Operations, type Order } from '../../src/oam/operations.ts'
import { checkSite } from '../../src/oam/site-config.ts'
import { failure, success } from '../../src/result.ts'

const sunday = Date.parse('2026-03-15T03:30:00.000Z')
const weekMs = 7 * 86_400_000
const good: Check = { name: 'peer', outcome: 'ok', detail: 'up' }
const bad: Check = { name: 'peer', outcome: 'failed', detail: 'vccs-b is not heard' }

/** One node whose drills end at once, as `checks` says. */
class Stage {
  checks: Check[] = [good]
  moved = true
  hash = '1'
  readable = true
  nowMs = sunday - 5_000
  readonly operations = new Operations('vccs-a', [], 0)
  readonly active = new Map<string, string>()
  readonly clock: DrillClock
  #id = 0

  constructor() {
    const site = checkSite('drills:\n  weekly: { time: "03:30" }\n', 'r').site
    if (site === null) throw new Error('the site is not good')
    this.clock = new DrillClock({
      drills: {
        checks: async () => this.checks,
        run: async (operation, checks) => this.#run(operation, checks),
      },
      logbook: { operations: this.operations, begin: (order) => this.#begin(order) },
      alarms: {
        raise: (code, subject, detail) => this.active.set(`${code} ${subject}`, detail),
        clear: (code, subject) => void this.active.delete(`${code} ${subject}`),
      },
      configHash: () => this.hash,
      site: async () => (this.readable ? success(site) : failure('database-failed', 'x')),
    })
  }

  #begin(order: Order): Operation {
    return this.operations.begin(order, this.nowMs, () => String(++this.#id).padStart(6, '0'))
  }

  #run(operation: Operation, checks: readonly Check[]): DrillReport {
    const { id, node, operator, reason, startedAt } = operation
    const begun = { operation: id, node, operator, reason, startedAt, checks: [...checks] }
    const refused = checks.some(({ outcome }) => outcome === 'failed')
    const move = {
      from: 'a',
      to: 'b',
      ok: this.moved,
      detail: 'why',
      tookMs: 1,
      inStepMs: 1,
      callsBefore: 0,
      callsKept: 0,
      callsEnded: 0,
      callsLost: 0,
      twin: { both: 0, wanted: 0 },
      voice: [],
      criticalAlarms: [],
      otherAlarms: [],
    }
    const report = refused
      ? refuseDrill(begun, startedAt)
      : judgeDrill(begun, this.moved ? [move, move] : [move], startedAt)
    const states = { passed: 'done', failed: 'failed', refused: 'refused' } as const
    this.operations.end(
      id,
      { state: states[report.outcome], detail: '', tookMs: 1, report },
      this.nowMs,
    )
    return report
  }

  /** Lets time pass, looking each second. */
  async pass(seconds: number, role: 'primary' | 'standby' = 'primary'): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.nowMs += 1_000
      await this.clock.advance(role, this.nowMs)
    }
  }
}

test('the primary makes a scheduled drill once, in the name of the schedule', async (t) => {
  const stage = new Stage()
  await stage.pass(20)
  t.deepEqual(
    stage.operations
      .list()
      .map(({ kind, via, operator, reason, state }) => [kind, via, operator, reason, state]),
    [['drill', 'schedule', 'schedule', 'scheduled drill weekly', 'done']],
  )
  t.is(stage.clock.nextMs(stage.nowMs), sunday + weekMs)
})

test('a standby makes none, also when it becomes primary a moment later', async (t) => {
  const stage = new Stage()
  await stage.pass(7, 'standby')
  await stage.pass(20, 'primary')
  t.deepEqual(stage.operations.list(), [])
})

test('a drill that the other node has just made is not made again', async (t) => {
  const stage = new Stage()
  const peer = new Operations('vccs-b', [], 0)
  const order = { kind: 'drill', operator: 'schedule', via: 'schedule', reason: '' } as const
  stage.operations.copy(peer.begin(order, sunday - 60_000, () => 'ffffff'))
  await stage.pass(20)
  t.is(stage.operations.list().length, 1)
})

test('an unsafe drill is skipped with an alarm, which ends with the next one that passes', async (t) => {
  const stage = new Stage()
  stage.checks = [bad]
  await stage.pass(20)
  t.is(stage.active.get('drill-skipped weekly'), 'vccs-b is not heard')
  t.is(stage.operations.list()[0]?.state, 'refused')
  stage.checks = [good]
  stage.nowMs = sunday + weekMs - 5_000
  await stage.pass(20)
  t.deepEqual([...stage.active], [])
})

test('a drill that finds something raises its alarm with the number of the operation', async (t) => {
  const stage = new Stage()
  stage.moved = false
  await stage.pass(20)
  t.regex(stage.active.get('drill-failed weekly') ?? '', /^op 000001: a to b was not done: why/)
})

test('a site that cannot be read is tried again, and a changed one is read anew', async (t) => {
  const stage = new Stage()
  stage.readable = false
  await stage.pass(2)
  t.is(stage.clock.nextMs(stage.nowMs), null)
  stage.readable = true
  await stage.pass(1)
  t.is(stage.clock.nextMs(stage.nowMs), sunday)
})
