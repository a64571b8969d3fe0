//! When the supervisor holds a unit for hung.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { PulseWatch } from '../../src/supervisor/pulse-watch.ts'

const { unitHangMsMax, unitStartMsMax } = limits

/** Looks every 500 ms, `beats` of them with a sign of life. @returns when it was found to stand still. */
function watchFor(
  watch: PulseWatch,
  fromMs: number,
  { ms, beats }: { ms: number; beats: boolean },
) {
  for (let now = fromMs; now <= fromMs + ms; now += 500) {
    if (beats) watch.beat(now)
    if (watch.look(now) !== null) return now
  }
  return null
}

test('a unit that beats is never held for hung', (t) => {
  const watch = new PulseWatch()
  watch.begin(0)
  t.is(watchFor(watch, 0, { ms: 600_000, beats: true }), null)
})

test('a unit that stops beating is, after its patience and not before', (t) => {
  const watch = new PulseWatch()
  watch.begin(0)
  watchFor(watch, 0, { ms: 10_000, beats: true })
  t.is(watchFor(watch, 10_500, { ms: 60_000, beats: false }), 10_000 + unitHangMsMax)
})

test('a unit that starts has longer, and one that is dead is not watched', (t) => {
  const watch = new PulseWatch()
  watch.begin(1_000)
  t.is(watchFor(watch, 1_000, { ms: 600_000, beats: false }), 1_000 + unitStartMsMax)
  watch.end()
  t.is(watchFor(watch, 700_000, { ms: 600_000, beats: false }), null)
})

test('a supervisor that stood still itself begins to count anew', (t) => {
  const watch = new PulseWatch()
  watch.begin(0)
  watchFor(watch, 0, { ms: 10_000, beats: true })
  t.is(watch.look(70_000), null)
  t.is(watchFor(watch, 70_500, { ms: 60_000, beats: false }), 70_000 + unitHangMsMax)
})
