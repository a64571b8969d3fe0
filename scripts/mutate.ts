//! `npm run mutate -- --count 100000000 --seed 1`: mutated SIP messages through a whole core with calls in it;
//! leaves with 1 when one of them threw, took longer than 2 ms, or changed what is not its own.
import { mutateMany } from '../daemon/sim/mutate/mutate.ts'
import { sayResult, seededOptions } from './seeded-run.ts'

const sayEveryMs = 60_000

const options = seededOptions()
const startedMs = performance.now()
let saidMs = startedMs
let total = 0
let wrong = 0
let slowestMs = 0
for (const report of mutateMany(options.count, options.seed)) {
  for (const fault of report.faults.slice(wrong)) console.log(fault)
  total = report.count
  wrong = report.faults.length
  slowestMs = report.slowestMs
  if (performance.now() - saidMs < sayEveryMs) continue
  saidMs = performance.now()
  console.log(`${total} so far, slowest that was measured again: ${slowestMs} ms`)
}
console.log(`slowest that was measured again: ${slowestMs} ms`)
sayResult(options, { total, startedMs, wrong, what: 'messages', wrongs: 'faults' })
