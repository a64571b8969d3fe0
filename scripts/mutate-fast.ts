//! `npm run mutate:fast -- --count 100000000 --seed 1`: mutated SIP messages through all that looks at a message before its
//! transaction is looked up, and one of some 300 more through a whole core with calls in it; leaves with 1
//! when one of them threw, took longer than 2 ms, left something malformed, or changed what is not its own.
import { mutateFast } from '../daemon/sim/mutate/fast.ts'
import { mutateMany } from '../daemon/sim/mutate/mutate.ts'
import { sayResult, seededOptions } from './seeded-run.ts'

const sayEveryMs = 60_000
/** Through the whole core, for each report of the fast tier. */
const wholeCount = 800

const options = seededOptions()
const startedMs = performance.now()
let saidMs = startedMs
let total = 0
let whole = 0
let wrong = 0
let fastWrong = 0
let fastCpuMs = 0

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

function say(faults: readonly string[]): void {
  for (const fault of faults) console.log(fault)
  wrong += faults.length
}

let beforeMs = cpuMs()
let last = ''
for (const report of mutateFast(options.count, options.seed)) {
  fastCpuMs += cpuMs() - beforeMs
  total = report.count
  say(report.faults.slice(fastWrong))
  fastWrong = report.faults.length
  for (const { faults, count } of mutateMany(wholeCount, options.seed + total)) {
    if (count >= wholeCount || faults.length > 0) say(faults)
    whole += wholeCount
    break
  }
  const { accepted, answered, dropped, suspects, slowestMs } = report
  last =
    `${total} so far, ${Math.round((total / fastCpuMs) * 1_000)} a second of processor time: ${accepted} accepted, ` +
    `${answered} answered, ${dropped} dropped; ${suspects} measured again, the slowest ${slowestMs.toFixed(3)} ms; ` +
    `${whole} more through the whole core, ${wrong} faults`
  if (performance.now() - saidMs > sayEveryMs) {
    saidMs = performance.now()
    console.log(last)
  }
  beforeMs = cpuMs()
}
console.log(last)
sayResult(options, { total: total + whole, startedMs, wrong, what: 'messages', wrongs: 'faults' })
