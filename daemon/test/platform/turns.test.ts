//! Long work in slices.
import test from 'ava'
import { monotonicMs } from '../../src/platform/clock.ts'
import { inTurns, sliced, type Work } from '../../src/platform/turns.ts'

/** More than a slice, whatever the speed of the machine. */
function busy(): void {
  const endMs = monotonicMs() + 5
  while (monotonicMs() < endMs);
}

function* counting(seen: () => void): Work<number> {
  let sum = 0
  for (let step = 1; step <= 5; step++) {
    busy()
    seen()
    sum += step
    yield
  }
  return sum
}

test('what waits at the loop has its turn in the midst of long work', async (t) => {
  let steps = 0
  const work = inTurns(counting(() => steps++))
  const stepsBefore = await new Promise<number>((resolve) => setImmediate(() => resolve(steps)))
  t.true(stepsBefore < 5, `${stepsBefore}`)
  t.is(await work, 15)
  t.is(steps, 5)
})

test('work that throws rejects', async (t) => {
  const failing = (function* (): Work<number> {
    yield
    throw new Error('no')
  })()
  await t.throwsAsync(inTurns(failing), { message: 'no' })
})

test('a loop that awaits its turn lets others in', async (t) => {
  let others = 0
  const turn = sliced()
  setImmediate(() => others++)
  for (let round = 0; round < 3; round++) {
    await turn()
    busy()
  }
  await turn()
  t.is(others, 1)
})
