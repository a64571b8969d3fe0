//! `npm run bench`: the figures of docs/benchmarks.md, printed as they come and stored in
//! build/bench.json. Flags: --only NAME,... (see `benches`), --seconds N (length of one measurement).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { measureBounds } from './bench/bounds.ts'
import type { BenchContext } from './bench/figures.ts'
import { measureFlood } from './bench/flood.ts'
import { measureIdleCalls } from './bench/idle-calls.ts'
import { machineFacts } from './bench/machine.ts'
import { measureMedia } from './bench/media-figures.ts'
import { measurePair } from './bench/pair-figures.ts'
import { measurePeer } from './bench/peer.ts'
import { measureReplication } from './bench/replicated-bytes.ts'
import { measureSetUp } from './bench/set-up.ts'
import { measureStatusCommand } from './bench/status-command.ts'
import { measureTakeOver } from './bench/take-over.ts'
import { measureWaits } from './bench/waits.ts'
import { commandLine } from './command-line.ts'
import { ensurePackages, testPrograms } from './net/packages.ts'
import { ensureNamespaces } from './net/privilege.ts'
import { preferPrograms, preferTree } from './net/processes.ts'

const buildFolder = join(import.meta.dirname, '../build')
const reportFile = join(buildFolder, 'bench.json')

/** One after the other: each wants the machine for itself. */
const benches: Readonly<Record<string, (context: BenchContext) => Promise<object>>> = {
  calls: measureSetUp,
  peer: measurePeer,
  waits: measureWaits,
  memory: measureIdleCalls,
  media: measureMedia,
  replication: measureReplication,
  takeover: measureTakeOver,
  pair: measurePair,
  bounds: measureBounds,
  cli: measureStatusCommand,
  flood: measureFlood,
}

/** Beside what earlier runs stored: a figure that was disturbed can be measured again alone. */
function store(name: string, figures: object): void {
  mkdirSync(buildFolder, { recursive: true })
  const kept = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : {}
  const report = { ...kept, [name]: { machine: machineFacts(), seconds, figures } }
  writeFileSync(reportFile, `${JSON.stringify(report, null, 2)}\n`)
}

const niceness = -19

const { values } = commandLine({
  options: { only: { type: 'string' }, seconds: { type: 'string', default: '5' } },
})
const seconds = Number(values.seconds)
const names = values.only?.split(',') ?? Object.keys(benches)
const unknown = names.filter((name) => benches[name] === undefined)
if (unknown.length > 0 || !Number.isInteger(seconds) || seconds < 1 || seconds > 60) {
  console.error(`--only takes some of ${Object.keys(benches).join(',')}; --seconds 1 to 60.`)
  process.exit(2)
}

ensurePackages(testPrograms)
await ensureNamespaces()
// What is measured stands before what else this machine does, as far as the kernel lets it.
preferPrograms(niceness)
preferTree(process.pid)

const startMs = performance.now()
let failed = 0
for (const name of names) {
  const say = (text: string) => {
    const atSeconds = ((performance.now() - startMs) / 1_000).toFixed(0).padStart(4)
    console.log(`${atSeconds} s  ${name}: ${text}`)
  }
  try {
    store(name, (await benches[name]?.({ seconds, say })) ?? {})
  } catch (error) {
    failed += 1
    store(name, { error: String(error) })
    say(`FAILED: ${error instanceof Error ? error.message : String(error)}`)
  }
}
console.log('The figures are in build/bench.json; docs/benchmarks.md says what they mean.')
process.exit(failed === 0 ? 0 : 1)
