//! When a scheduled drill is due: once, at its time, on its day, and never long after it.
import test from 'ava'
import fc from 'fast-check'
import { type DrillTime, dueDrill, nextDrillMs } from '../../src/oam/drill-schedule.ts'
import { checkSite } from '../../src/oam/site-config.ts'
import { rowsOfSite, siteOfRows } from '../../src/oam/site-config-rows.ts'
import { drillDays } from '../../src/oam/site-config-schema.ts'
import { inTurns } from '../../src/platform/turns.ts'

const weekly: DrillTime = { name: 'weekly', weekday: 'sunday', time: '03:30', enabled: true }
/** 15 March 2026 is a Sunday. */
const sunday = Date.parse('2026-03-15T03:30:00.000Z')
const dayMs = 86_400_000

test('a weekly drill is due at its time on its day, and on no other', (t) => {
  for (let day = 0; day < 14; day += 1) {
    const atMs = sunday + day * dayMs
    t.is(dueDrill([weekly], atMs - 1_000, atMs)?.name ?? null, day % 7 === 0 ? 'weekly' : null)
    t.is(dueDrill([weekly], atMs, atMs + 1_000), null)
  }
})

test('each day of the week has its own', (t) => {
  for (const [index, weekday] of drillDays.slice(1).entries()) {
    const atMs = sunday + (index + 1) * dayMs
    t.is(dueDrill([{ ...weekly, weekday }], atMs - 1, atMs)?.weekday, weekday)
    t.is(
      new Date(atMs).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' }).toLowerCase(),
      weekday,
    )
  }
})

test('a daily drill just before midnight is found just after it', (t) => {
  const late: DrillTime = { ...weekly, weekday: 'daily', time: '23:59' }
  const atMs = Date.parse('2026-03-15T23:59:00.000Z')
  t.not(dueDrill([late], atMs - 500, atMs + 500), null)
  t.not(dueDrill([late], atMs + 59_000 - 60_000, atMs + 59_000), null)
})

test('a drill that is switched off, or whose time passed while nobody looked, is not due', (t) => {
  t.is(dueDrill([{ ...weekly, enabled: false }], sunday - 1, sunday), null)
  t.is(dueDrill([weekly], sunday - 3_600_000, sunday + 120_000), null)
  t.not(dueDrill([weekly], sunday - 3_600_000, sunday + 30_000), null)
})

test('looking every second, or at any instants, finds each drill exactly once', (t) => {
  const steps = fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 60, maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 600_000 }), (lengths, before) => {
      let lastMs = sunday - before
      let found = 0
      for (const length of lengths) {
        if (dueDrill([weekly], lastMs, lastMs + length) !== null) found += 1
        lastMs += length
      }
      t.is(found, before > 0 && lastMs >= sunday ? 1 : 0)
    }),
    { numRuns: 300 },
  )
})

test('the next drill is the first of all that are switched on', (t) => {
  const daily: DrillTime = { ...weekly, name: 'daily', weekday: 'daily', time: '12:00' }
  t.is(nextDrillMs([weekly], sunday), sunday + 7 * dayMs)
  t.is(nextDrillMs([weekly], sunday - 1), sunday)
  t.is(nextDrillMs([weekly, daily], sunday), Date.parse('2026-03-15T12:00:00.000Z'))
  t.is(nextDrillMs([{ ...weekly, enabled: false }], sunday), null)
  t.is(nextDrillMs([], sunday), null)
})

test('drills of a site file are checked, and come back from the rows of the database', async (t) => {
  const good = checkSite(
    'drills:\n  weekly: { weekday: monday, time: 04:15, enabled: false }\n  d: { time: "23:59" }\n',
    'r',
  )
  if (good.site === null) return t.fail(JSON.stringify(good.problems))
  const rows = await inTurns(rowsOfSite(good.site))
  t.deepEqual((await inTurns(siteOfRows(rows))).drills, {
    weekly: { weekday: 'monday', time: '04:15', enabled: false },
    d: { weekday: 'sunday', time: '23:59', enabled: true },
  })
  for (const bad of [
    '{ time: "24:00" }',
    '{ time: "3:30" }',
    '{ weekday: someday, time: "03:30" }',
    '{}',
  ]) {
    t.is(checkSite(`drills:\n  x: ${bad}\n`, 'r').site, null, bad)
  }
})
