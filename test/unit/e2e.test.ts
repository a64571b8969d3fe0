//! Which red end-to-end file gets a second run, and that no red run is kept quiet.
import test from 'ava'
import { excuseOf, type FileRun, redTests, testsIn, verdict } from '../../scripts/e2e/verdict.ts'

const green = '  ✔ calls › a busy telephone is 486 for the caller (376ms)\n\n  7 tests passed\n'
const red =
  '  ✘ [fail]: calls › a number that nobody has is 404\n\n  1 test failed\n  6 tests passed\n'
const calm = { who: 'nobody', lengthMs: 0 }

function run(name: string, more: Partial<FileRun> = {}): FileRun {
  return { name, exitCode: 0, tookMs: 9_000, beside: [], stoodStill: calm, output: green, ...more }
}

test('a file is excused by a lab beside it or a machine that stood still, by nothing else', (t) => {
  t.is(excuseOf(run('calls')), null)
  t.is(excuseOf(run('calls', { stoodStill: { who: 'processor 1', lengthMs: 59 } })), null)
  t.regex(excuseOf(run('calls', { beside: ['reach', 'merge'] })) ?? '', /lab of reach, merge/)
  const stood = run('calls', { stoodStill: { who: 'processor 1', lengthMs: 60 } })
  t.is(excuseOf(stood), 'processor 1 stood still for 60 ms')
})

test('the outcome is read from the words of the test runner', (t) => {
  t.is(testsIn(green, 'passed'), 7)
  t.is(testsIn(red, 'failed'), 1)
  t.is(testsIn('', 'passed'), 0)
  t.deepEqual(redTests(red), ['[fail]: calls › a number that nobody has is 404'])
  t.deepEqual(redTests(green), [])
})

test('green files make a green run', (t) => {
  const { isGreen, lines } = verdict([run('calls'), run('reach', { tookMs: 99_000 })], new Map())
  t.true(isGreen)
  t.is(lines[0], 'slowest: reach 99 s, calls 9 s')
  t.is(lines.at(-1), '2 files, 14 tests green; 0 files red at first, 0 red in the end')
})

test('a red file that is green alone is green in the end, and both results are told', (t) => {
  const first = run('calls', { exitCode: 1, output: red, beside: ['reach'] })
  const { isGreen, lines } = verdict([first, run('reach')], new Map([['calls', run('calls')]]))
  t.true(isGreen)
  const text = lines.join('\n')
  t.regex(text, /calls: RED, repeated alone: GREEN \(the lab of reach ran beside it\)/)
  t.regex(text, / {2}first run: {2}\[fail\]: calls › a number that nobody has is 404/)
  t.regex(text, /1 files red at first, 0 red in the end/)
})

test('a file that is red twice is red, and so is one that had no excuse', (t) => {
  const first = run('calls', { exitCode: 1, output: red, beside: ['reach'] })
  const second = run('calls', { exitCode: 1, output: red })
  const twice = verdict([first], new Map([['calls', second]]))
  t.false(twice.isGreen)
  t.regex(twice.lines.join('\n'), /second run: \[fail\]: calls/)
  const once = verdict([run('calls', { exitCode: 1, output: red })], new Map())
  t.false(once.isGreen)
  t.regex(once.lines.join('\n'), /calls: RED, not repeated/)
})

test('a runner that dies without a word is red', (t) => {
  t.false(verdict([run('calls', { exitCode: 137, output: '' })], new Map()).isGreen)
})
