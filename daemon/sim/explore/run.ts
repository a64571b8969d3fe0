//! `npm run explore [-- DEPTH]`: explores every profile to its depth, or to the one that is given, prints
//! what was covered, and fails with a story when an invariant does not hold.
import { profiles } from './profiles.ts'
import { Search } from './search.ts'
import { tell } from './story.ts'

const write = (text: string) => process.stdout.write(`${text}\n`)
const columns = ['events', 'depth', 'sequences', 'worlds', 'transitions', 'node states', 'seconds']
const widths = [26, 6, 15, 10, 12, 12, 8]

function row(cells: readonly (string | number)[]): string {
  return cells
    .map((cell, index) => {
      const text = typeof cell === 'number' ? cell.toLocaleString('en') : cell
      const width = widths[index] ?? 10
      return index === 0 ? text.padEnd(width) : text.padStart(width)
    })
    .join(' ')
}

const depth = process.argv[2] === undefined ? undefined : Number(process.argv[2])
write(row(columns))
for (const profile of profiles) {
  const begun = process.cpuUsage()
  const found = new Search(profile).run(depth ?? profile.depth)
  const seconds = (process.cpuUsage(begun).user / 1_000_000).toFixed(1)
  const { worlds, transitions, sequences, nodeStates, violation } = found
  write(row([profile.name, found.depth, sequences, worlds, transitions, nodeStates, seconds]))
  if (violation === null) continue
  write(`\n${violation.what}:\n`)
  for (const line of tell(profile, violation.events)) write(line)
  process.exitCode = 1
  break
}
