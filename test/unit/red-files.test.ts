//! Which unit test files are repeated, and that what is said outside of any test is not lost in the log.
import test from 'ava'
import { redFiles, saidOutside } from '../../scripts/unit/red-files.ts'

const files = [
  'cli/test/beacon.test.ts',
  'daemon/test/pair/parts.test.ts',
  'daemon/test/pair/p.test.ts',
]

const exception = `  Uncaught exception in cli/test/beacon.test.ts

  Error: spawn /usr/bin/sleep EACCES
      at onErrorNT (node:internal/child_process:525:16)

  ✘ cli/test/beacon.test.ts exited with a non-zero exit code: 1`

const output = `
  ✔ cli › test › beacon › the first beacon is shown (70ms)
  ✘ [fail]: daemon › test › pair › parts › cell after cell
${exception}
  ✔ daemon › test › pair › p › a title with ✘ and cli/test/beacon.test.ts in it
  ─

  daemon › test › pair › parts › cell after cell

  1 test failed
  1 uncaught exception
`

test('a file is red by a red test of its own or by a word outside of tests', (t) => {
  t.deepEqual(redFiles(output, files), files.slice(0, 2))
  t.deepEqual(redFiles(exception, files), files.slice(0, 1))
  t.deepEqual(redFiles('  ✔ cli › test › beacon › green\n\n  1 test passed\n', files), [])
})

test('what was said outside of tests is kept whole, and nothing else', (t) => {
  t.deepEqual(
    saidOutside(output).map((text) => text.split('\n')[0]),
    [
      'Uncaught exception in cli/test/beacon.test.ts',
      '✘ cli/test/beacon.test.ts exited with a non-zero exit code: 1',
    ],
  )
  t.regex(saidOutside(output)[0] ?? '', /EACCES\n {6}at onErrorNT/)
  t.deepEqual(saidOutside('  ✔ all green\n'), [])
})
