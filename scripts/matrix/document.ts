//! `docs/failover-matrix.md`, from the run that is kept beside it.
import { type MatrixCell, type MatrixRun, matrixFaults } from './results.ts'

const head = [
  '# Fail-over matrix',
  '',
  'Made from `docs/failover-matrix.json` by `npm run docs`; do not edit. `npm run matrix` runs the test',
  '(`test/e2e/failover-matrix.test.ts`) and keeps what it found.',
  '',
  'A pair of real daemons in network namespaces. Many services stand in their states at once, each with',
  'telephones of its own: baresip and linphone, where somebody has to act at a certain instant, and calls of',
  'sipp, all unmodified and all with voice. Then the primary gets SIGKILL, or a switchover is ordered, and',
  'each service is completed at the new primary, and ended. A packet is lost when neither node brought it to',
  "the terminal, in captures with the kernel's time stamps, from a second before the fault until the service",
  'is ended. Each call has one call record, the same on both nodes; the whole lists of the nodes are compared.',
  '',
]

export function matrixDocument(run: MatrixRun | null): string {
  if (run === null) return [...head, 'Nothing was run.', ''].join('\n')
  const { cores, processor, kernel, node, commit, date } = run.machine
  const where = `${cores} cores, ${processor}, Linux ${kernel}, Node ${node}`
  const left = matrixFaults.map((fault) => {
    const found = run.leftovers[fault]
    return `- ${fault}: ${found.length === 0 ? 'nothing on either node' : found.join(', ')}`
  })
  return [
    ...head,
    `Commit ${commit}, ${date.slice(0, 16)} UTC; ${where}.`,
    '',
    '| service | state | fault | known to the new primary | then | packets lost | voice at the end | records | ended |',
    '|---|---|---|---|---|---|---|---|---|',
    ...run.cells.map(line),
    '',
    'Sessions, legs, bridge numbers and ports that were left when all had ended, and call records that are',
    'missing, doubled, of no call, or not the same on both nodes:',
    '',
    ...left,
    '',
  ].join('\n')
}

function line(cell: MatrixCell): string {
  const said = (isTrue: boolean) => (isTrue ? 'yes' : '**no**')
  const cells = [
    cell.service,
    cell.state,
    cell.fault,
    said(cell.stood),
    `${cell.outcome}: ${said(cell.completed)}`,
    `${cell.packetsLost} of ${cell.packetsDue.toLocaleString('en')}`,
    said(cell.audible),
    `${cell.records} of ${cell.recordsDue}`,
    said(cell.ended),
  ]
  return `| ${cells.join(' | ')} |`
}
