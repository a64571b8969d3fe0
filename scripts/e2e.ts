//! `npm run test:e2e`: the end-to-end tests, two labs at a time, the longest files first; then one at a time
//! those that take both processors. Each lab has namespaces, addresses, folders and sockets of its own.
//! A red file is repeated once, alone, if another lab ran beside it or this machine stood still meanwhile;
//! the end says so with both results. With arguments: only these files, one after the other.
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import '../test/e2e/prepare.ts'
import { Lanes } from './e2e/lanes.ts'
import { excuseOf, type FileRun, verdict } from './e2e/verdict.ts'
import { Programs } from './net/processes.ts'
import { Witness } from './soak/witness.ts'

const suffix = '.test.ts'
const folder = join(import.meta.dirname, '../test/e2e')
/** They load the machine so that others would not be served. */
const alone = ['failover-matrix', 'flood', 'hundred-calls']
/** Over half a minute: what begins late should be short. */
const longest = [
  ...['reach', 'merge', 'kill-primary', 'conference', 'hung-units', 'heard-before', 'site'],
]
/** More labs than this ask more of the machine than the tests do. */
const labsMax = 3
const labs = Math.min(labsMax, Math.max(2, Math.floor(availableParallelism() / 2)))

const named = process.argv.slice(2).map((path) => basename(path, suffix))
const all = readdirSync(folder)
  .filter((name) => name.endsWith(suffix))
  .map((name) => basename(name, suffix))
const missing = [...alone, ...longest, ...named].filter((name) => !all.includes(name))
if (missing.length > 0) throw new Error(`there is no ${missing.join(', ')}`)

const programs = new Programs()
const lanes = new Lanes(await Witness.start(programs))
let isStopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Not at once, as a lab would: the test runners remove theirs first.
  process.removeAllListeners(signal)
  process.on(signal, () => {
    isStopped = true
    lanes.stop(signal)
  })
}

const beganMs = performance.now()
const say = (text: string) => console.log(text)

function tell(run: FileRun): void {
  const atSeconds = Math.round((performance.now() - beganMs) / 1_000)
  const result = run.exitCode === 0 ? 'green' : 'RED'
  const beside = run.beside.length === 0 ? 'alone' : `beside ${run.beside.join(', ')}`
  say(`\n${atSeconds} s  ${run.name}: ${result} in ${Math.round(run.tookMs / 1_000)} s, ${beside}`)
  say(run.output.trimEnd())
}

const together = all.filter((name) => !alone.includes(name))
const ordered = [...longest, ...together.filter((name) => !longest.includes(name))]
const runs: FileRun[] =
  named.length > 0
    ? await lanes.run(named, 1, tell)
    : [...(await lanes.run(ordered, labs, tell)), ...(await lanes.run(alone, 1, tell))]
const doubtful = runs.filter((run) => run.exitCode !== 0 && excuseOf(run) !== null)
const again = await lanes.run(
  doubtful.map(({ name }) => name),
  1,
  tell,
)
programs.close()
const { isGreen, lines } = verdict(runs, new Map(again.map((run) => [run.name, run])))
say(`\n${'-'.repeat(80)}`)
for (const line of lines) say(line)
process.exit(isGreen && !isStopped ? 0 : 1)
