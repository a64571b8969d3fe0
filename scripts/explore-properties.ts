//! `npm run explore:properties -- --seconds 3600 --times 5 [--seed N] [FILES]`: all property tests with one seed after
//! another, each property so many times as often as in `make test`. Says the seed of every round; leaves with 1
//! when one was red. `VCCS_PROPERTY_SEED=N VCCS_PROPERTY_TIMES=5 npx ava FILE` shows it again.
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine } from './command-line.ts'

const root = join(import.meta.dirname, '..')
const { values, positionals } = commandLine({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3600' },
    times: { type: 'string', default: '5' },
    seed: { type: 'string' },
  },
})

function propertyFiles(): string[] {
  return globSync('{daemon,cli}/test/**/*.test.ts', { cwd: root })
    .filter((file) => readFileSync(join(root, file), 'utf8').includes("from 'fast-check'"))
    .sort()
}

/** @returns what ava said, when a test was red. */
function runRound(files: readonly string[], seed: number): string | null {
  const env = {
    ...process.env,
    VCCS_PROPERTY_SEED: String(seed),
    VCCS_PROPERTY_TIMES: values.times,
  }
  const args = ['--concurrency=1', '--timeout=20m', ...files]
  const ran = spawnSync(join(root, 'node_modules/.bin/ava'), args, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  return ran.status === 0 ? null : ran.stdout + ran.stderr
}

const files = positionals.length > 0 ? positionals : propertyFiles()
const untilMs = performance.now() + Number(values.seconds) * 1_000
let rounds = 0
let red = 0
for (let seed = Number(values.seed ?? randomInt(1 << 30)); performance.now() < untilMs; seed++) {
  const said = runRound(files, seed)
  rounds++
  console.log(`seed ${seed}: ${said === null ? 'green' : 'RED'}`)
  if (said === null) continue
  red++
  console.log(said)
}
console.log(
  `${files.length} files, ${rounds} seeds, each property ${values.times} times: ${red} red`,
)
process.exitCode = red === 0 ? 0 : 1
