//! A seed that fails is made small: of dozens of faults those few remain that the failure needs.
import test from 'ava'
import { shrink } from '../../sim/faults/shrink.ts'
import { planOf } from '../../sim/plan.ts'
import type { Outcome } from '../../sim/run.ts'
import { runPlan } from '../../sim/run.ts'
import { RoleDoubt } from '../../src/compose/role-doubt.ts'

const plan = { ...planOf(3, 'default'), phones: 6, links: 3, calmMs: 5_000, chaosMs: 60_000 }
const all = Array.from({ length: 40 }, (_, index) => index + 1)

/** A run that breaks a rule when all of these faults are in it. */
function trialOf(needed: readonly number[], phonesMin: number) {
  const ran: number[][] = []
  const trial = ({ strikes, phones }: typeof plan, hours: number): Outcome => {
    const struck = [...(strikes ?? all)]
    ran.push(struck)
    const isBroken = phones >= phonesMin && needed.every((one) => struck.includes(one))
    const violations = isBroken ? [{ rule: 'rule', atMs: 1, detail: '' }] : []
    const other = struck.length > 30 ? [] : [{ rule: 'another', atMs: 1, detail: '' }]
    const found = isBroken ? violations : other
    return { violations: found, struck, simulatedMs: hours * 3_600_000 } as unknown as Outcome
  }
  return { trial, ran }
}

for (const needed of [[], [1], [40], [7, 23], [2, 3, 39]]) {
  test(`of 40 faults exactly those remain that it takes: ${needed.join(' and ') || 'none'}`, (t) => {
    const { trial, ran } = trialOf(needed, 4)
    const outcome = trial(plan, 1)
    const small = shrink({ plan, hours: 1, outcome }, trial)
    t.deepEqual(small.plan.strikes, needed)
    t.is(small.outcome.violations[0]?.rule, 'rule')
    t.is(small.plan.phones, 4, 'two are not enough')
    t.is(small.plan.links, 1)
    t.true(ran.length <= 80)
  })
}

test('a fault that is left out changes none of the others', (t) => {
  const kinds = (strikes: number[] | null) => {
    const { trace } = runPlan({ ...plan, strikes, faultMsMean: 3_000 }, { hours: 0.01 })
    return trace.filter((line) => / chaos .*: /.test(line)).map((line) => line.slice(24))
  }
  const whole = kinds(null)
  t.true(whole.length > 8)
  // What a fault meets may differ, as a node that is down already stays down; these come first.
  t.deepEqual(kinds([2, 3]), whole.slice(1, 3))
})

test('a rule of the product that is broken is found, and its reproduction is smaller', (t) => {
  t.timeout(5 * 60_000)
  // A process that stood still must not speak before pair has confirmed its role (ADR 0015).
  const original = RoleDoubt.prototype.mayAct
  RoleDoubt.prototype.mayAct = () => true
  t.teardown(() => {
    RoleDoubt.prototype.mayAct = original
  })
  const habits = { ...plan.habits, pauseMsMean: 1_000, talkMsMean: 2_000, holdMsMean: 1_000 }
  const times = { calmMs: 2_000, chaosMs: 20_000, faultMsMean: 1_500, faultMsMax: 1_500 }
  const faults = ['freeze-node', 'freeze-unit', 'bad-link'] as const
  const broken = { ...planOf(38, 'default'), phones: 4, links: 2, ...times, habits, faults }
  const outcome = runPlan(broken, { hours: 0.005 })
  t.is(outcome.violations[0]?.rule, 'standby-sent-sip')
  const small = shrink({ plan: broken, hours: 0.005, outcome })
  t.log(`${outcome.struck.length} faults, of which ${small.plan.strikes?.join()} in ${small.tries}`)
  t.true(small.outcome.struck.length < outcome.struck.length)
  t.true(small.hours <= 0.009)
  const again = runPlan(small.plan, { hours: small.hours })
  t.is(again.hash, small.outcome.hash, 'what is printed gives the same run')
  t.is(again.violations[0]?.rule, 'standby-sent-sip')
  RoleDoubt.prototype.mayAct = original
  t.deepEqual(
    runPlan(small.plan, { hours: small.hours }).violations,
    [],
    'with the rule it is green',
  )
})
