//! `npm run forge -- --count 10000000 --seed 1`: forged, changed and recorded datagrams between the nodes;
//! leaves with 1 when one of them changed something.
import { forge } from '../daemon/sim/forge/forge.ts'
import { sayResult, seededOptions } from './seeded-run.ts'

const options = seededOptions()
const startedMs = performance.now()
let total = 0
let wrong = 0
for (const report of forge(options.count, options.seed)) {
  total += report.count
  wrong += report.changes.length
  console.log(`${report.victim}: ${report.count} datagrams, ${report.changes.length} changes`)
  for (const line of report.changes) console.log(`  ${line}`)
}
sayResult(options, { total, startedMs, wrong, what: 'datagrams', wrongs: 'state changes' })
