//! `npm run forge -- --count 10000000 --seed 1`: forged, changed and recorded datagrams between the nodes;
//! leaves with 1 when one of them changed something.
import { parseArgs } from 'node:util'
import { forge } from '../daemon/sim/forge/forge.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
  },
})
const startedMs = performance.now()
let total = 0
let changed = 0
for (const report of forge(Number(values.count), Number(values.seed))) {
  total += report.count
  changed += report.changes.length
  console.log(`${report.victim}: ${report.count} datagrams, ${report.changes.length} changes`)
  for (const line of report.changes) console.log(`  ${line}`)
}
const seconds = (performance.now() - startedMs) / 1_000
const rate = Math.round(total / seconds)
console.log(
  `${total} datagrams in ${seconds.toFixed(1)} s (${rate} a second), ${changed} state changes, seed ${values.seed}`,
)
process.exitCode = changed === 0 ? 0 : 1
