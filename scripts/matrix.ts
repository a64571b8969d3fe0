//! `npm run matrix`: the test of the fail-over matrix on this commit, with all sets of its rows; what it found
//! goes to docs/failover-matrix.json and docs/failover-matrix.md, also when it is not what should be.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeDocuments } from './docs.ts'
import {
  joined,
  keepRun,
  lastRun,
  lastRunFile,
  type MatrixRun,
  type MatrixSet,
  setVariable,
} from './matrix/results.ts'

const root = join(import.meta.dirname, '..')
let isGreen = true

function play(set: MatrixSet): MatrixRun {
  rmSync(lastRunFile, { force: true })
  const test = join(root, 'test/e2e/failover-matrix.test.ts')
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/e2e.ts'), test], {
    cwd: root,
    env: { ...process.env, [setVariable]: set },
    stdio: 'inherit',
  })
  isGreen &&= status === 0
  return lastRun()
}

const run = joined([play('usual'), play('more')])
keepRun(run)
writeDocuments()
console.log(`${run.cells.length} cells kept`)
process.exit(isGreen ? 0 : 1)
