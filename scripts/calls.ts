//! `npm run calls -- --count 1000000 --seed 1`: simulated calls with every service through the cores of a
//! pair; leaves with 1 when something stays behind: a record, a port, a clock, or memory. Ctrl-C ends it
//! after the block at hand, with its figures.
import { setImmediate } from 'node:timers/promises'
import { getHeapSpaceStatistics } from 'node:v8'
import { type TrafficReport, traffic } from '../daemon/sim/traffic/blocks.ts'
import { sayResult, seededOptions } from './seeded-run.ts'

const sayEveryMs = 60_000
/** The heap of the first part of a run is not compared: code is compiled, and buffers reach their size. */
const warmUpCalls = 20_000
const grownMax = 0.01

const options = seededOptions()
const startedMs = performance.now()
const gc = globalThis.gc ?? (() => undefined)
let saidMs = startedMs
let warmBytes: number | null = null
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
  if (report.calls >= warmUpCalls && warmBytes === null) warmBytes = heapBytes()
  await setImmediate()
  if (isEnding) break
  if (performance.now() - saidMs < sayEveryMs) continue
  saidMs = performance.now()
  const { calls, takeOvers } = report
  console.log(`${calls} calls so far, ${takeOvers} take-overs, heap ${kib(heapBytes())} KiB`)
}
if (last !== null) say(last)
sayResult(options, {
  total: last?.calls ?? 0,
  startedMs,
  wrong,
  what: 'calls',
  wrongs: 'faults',
})

function say({ counts, done, services, ...report }: TrafficReport): void {
  const { sessions, answered, takeOvers, seconds } = report
  console.log(`wanted: ${listed(counts)}`)
  console.log(`done: ${listed(done)}`)
  console.log(`services in the call records: ${listed(services)}`)
  console.log(
    `${sessions} sessions, ${answered} answered, ${takeOvers} take-overs, ${seconds} virtual seconds`,
  )
  if (warmBytes === null || globalThis.gc === undefined) return
  const endBytes = heapBytes()
  const grown = (endBytes - warmBytes) / warmBytes
  if (grown > grownMax) wrong += 1
  const share = `${(100 * grown).toFixed(2)} %`
  console.log(
    `heap without code: ${kib(warmBytes)} KiB when warm, ${kib(endBytes)} KiB at the end, ${share}`,
  )
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort()
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

/** What is in use, after all garbage is gone, but for the code of the programs: V8 compiles what is used
 * seldom after hours. */
function heapBytes(): number {
  for (let round = 0; round < 3; round++) gc()
  return getHeapSpaceStatistics()
    .filter(({ space_name }) => !/code|trusted/.test(space_name))
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0)
}

function kib(bytes: number): number {
  return Math.round(bytes / 1_024)
}
