//! `npm run matrix`: the test of the fail-over matrix on this commit; what it found goes to
//! docs/failover-matrix.json and docs/failover-matrix.md, also when it is not what should be.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeDocuments } from './docs.ts'
import { keepLastRun, lastRunFile } from './matrix/results.ts'

const root = join(import.meta.dirname, '..')
rmSync(lastRunFile, { force: true })
const test = join(root, 'test/e2e/failover-matrix.test.ts')
const { status } = spawnSync(process.execPath, [join(root, 'scripts/e2e.ts'), test], {
  cwd: root,
  stdio: 'inherit',
})
const { cells } = keepLastRun()
writeDocuments()
console.log(`${cells.length} cells kept`)
process.exit(status ?? 1)
