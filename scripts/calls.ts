//! `npm run calls -- --count 1000000 --seed 1`: simulated calls with every service through the cores of a
//! pair; leaves with 1 when something stays behind: a record, a port, a clock, or memory. Ctrl-C ends it
//! after the block at hand, with its figures.
import { setImmediate } from 'node:timers/promises'
import { type TrafficReport, traffic } from '../daemon/sim/traffic/blocks.ts'
import { grownClasses, type HeapCensus, heapCensus } from '../daemon/sim/traffic/heap-census.ts'
import { sayResult, seededOptions } from './seeded-run.ts'

const sayEveryCalls = 10_000
/** The heap of the first part of a run is not compared: buffers, lists and tables reach their size. */
const warmUpCalls = 20_000
const grownMax = 0.01

const options = seededOptions()
const startedMs = performance.now()
let saidCalls = 0
let warm: HeapCensus | null = null
let last: TrafficReport | null = null
let wrong = 0
let isEnding = false
process.once('SIGINT', () => {
  isEnding = true
})
for (const report of traffic(options.count, options.seed)) {
  last = report
  for (const fault of report.faults) console.log(fault)
  wrong = report.faults.length
  await setImmediate()
  if (isEnding) break
  if (report.calls < saidCalls + sayEveryCalls) continue
  saidCalls = report.calls
  const census = await heapCensus()
  if (report.calls >= warmUpCalls) warm ??= census
  sayProgress(report, census)
}
if (last !== null) await say(last)
sayResult(options, {
  total: last?.calls ?? 0,
  startedMs,
  wrong,
  what: 'calls',
  wrongs: 'faults',
})

function sayProgress({ calls, takeOvers }: TrafficReport, census: HeapCensus): void {
  const grown = warm === null ? '' : `, ${share(warm, census)} since it is warm`
  const cpuSeconds = Math.round(process.cpuUsage().user / 1e6)
  console.log(
    `${calls} calls so far, ${takeOvers} take-overs, ${cpuSeconds} s of processor time, ${inUse(census)}${grown}`,
  )
}

async function say({ counts, done, services, ...report }: TrafficReport): Promise<void> {
  const { sessions, answered, takeOvers, seconds } = report
  console.log(`wanted: ${listed(counts)}`)
  console.log(`done: ${listed(done)}`)
  console.log(`services in the call records: ${listed(services)}`)
  console.log(
    `${sessions} sessions, ${answered} answered, ${takeOvers} take-overs, ${seconds} virtual seconds`,
  )
  if (warm === null) return
  const end = await heapCensus()
  if (end.programBytes > warm.programBytes * (1 + grownMax)) wrong += 1
  console.log(`when warm ${inUse(warm)}; at the end ${inUse(end)}: ${share(warm, end)}`)
  for (const text of grownClasses(warm, end)) console.log(`  ${text}`)
}

function share(before: HeapCensus, after: HeapCensus): string {
  return `${(100 * (after.programBytes / before.programBytes - 1)).toFixed(2)} %`
}

/** The engine's part is not compared: it compiles what is used seldom after hours. */
function inUse({ programBytes, engineBytes }: HeapCensus): string {
  return `heap of the program ${kib(programBytes)} KiB, of the engine ${kib(engineBytes)} KiB`
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort()
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

function kib(bytes: number): number {
  return Math.round(bytes / 1_024)
}
