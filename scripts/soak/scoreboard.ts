//! SCOREBOARD.md from the kept runs. Pure. Rows of a sort come from the runs of one commit, the newest that
//! has any; a row that was not run says so.
import { bound95 } from './bounds.ts'
import { type FaultKind, faultKinds, faults } from './faults.ts'
import { rareRows } from './rare-rows.ts'
import type { ProfileName, SoakResults, SoakRun } from './results.ts'
import {
  count,
  isPlain,
  lossRow,
  notRun,
  percent,
  type Row,
  type Series,
  series,
  sum,
  takeOverRow,
} from './rows.ts'

function callsRow(found: Series | null): Row {
  const row = {
    id: 'B1',
    fault: 'answered calls lost, in all faults of these runs',
    target: '0',
    others: 'Redis Sentinel lost 56 % of acknowledged writes in one partition (Jepsen)',
  }
  const kills = found?.faults.length ?? 0
  if (found === null || kills === 0) return { ...row, ...notRun }
  const held = sum(found.runs.map((run) => run.held.made))
  const lost = sum(found.runs.map((run) => run.held.lost))
  const made = sum(found.runs.map((run) => run.coming.made))
  const failed = sum(found.runs.map((run) => run.coming.lost))
  const { legs = 0, conferenceLegs = 0 } = found.runs[0] ?? {}
  const conference = conferenceLegs === 0 ? '' : ` and a conference of ${conferenceLegs}`
  const atOnce = `${(legs - conferenceLegs) / 2} at a time${conference}`
  const both = `${lost} of ${held} held calls (${atOnce}), ${failed} of ${made} that came and went`
  return {
    ...row,
    result: both,
    trials: `${kills} faults`,
    bound: `a fault that costs a call: < ${percent(bound95(lost + failed, kills))}`,
  }
}

function falseRow(found: Series | null): Row {
  const row = {
    id: 'A7',
    fault: 'take-overs that no fault explains (one or two links cut; standby or its units killed)',
    target: '0',
    others: 'at 20 ms x 5 a prototype had at least 2 in 190 runs',
  }
  const kinds: FaultKind[] = faultKinds.filter((kind) => !faults[kind].moves)
  const here = found?.faults.filter(({ kind }) => kinds.includes(kind)) ?? []
  if (here.length === 0) return { ...row, ...notRun }
  const wrong = sum(found?.faults.map((one) => one.falseTakeOvers) ?? [])
  const bound = `< ${percent(bound95(wrong, here.length))}`
  return { ...row, result: `${wrong}`, trials: `${here.length}`, bound }
}

function quietRow(results: SoakResults, profile: ProfileName, id: string): Row {
  const name = profile === 'fast' ? '20 ms x 3' : '100 ms x 5'
  const row = {
    id,
    fault: `no fault at all, a busy switch (${name}): false take-overs`,
    target: '0 in 30 min',
    others: 'BFD: 10 ms x 5 by default; keepalived 3 x its interval',
  }
  const quiet = (run: SoakRun) => isPlain(run, profile) && run.faults.length === 0
  const found = series(results, (run) => quiet(run) && run.comingPerSecond > 1)
  if (found === null) return { ...row, ...notRun }
  const moved = sum(found.runs.map((run) => run.falseTakeOvers))
  const stood = sum(found.runs.map((run) => run.stoodStill ?? 0))
  const machine =
    stood === 0 ? '' : ` (in ${stood} of them a processor of this machine stood still)`
  const minutes = sum(found.runs.map((run) => run.seconds)) / 60
  const rate = Math.max(...found.runs.map((run) => run.comingPerSecond))
  const lost = sum(found.runs.map((run) => run.framesLost))
  const frames = sum(found.runs.map((run) => run.frames))
  const made = sum(found.runs.map((run) => run.coming.made))
  const failed = sum(found.runs.map((run) => run.coming.lost))
  const perHour = (bound95(moved, 1_000) * 1_000) / (minutes / 60)
  return {
    ...row,
    result: `${moved}${machine}; ${rate} new calls a second; ${count(lost)} of ${count(frames)} frames lost; ${count(failed)} of ${count(made)} new calls failed`,
    trials: `${minutes.toFixed(0)} min`,
    bound: `< ${perHour.toPrecision(2)} an hour`,
  }
}

const unitsOfPrimary: FaultKind[] = ['primary-switch', 'primary-media', 'primary-pair']
const announced: FaultKind[] = ['primary-switch', 'primary-media']
const notMoving = faultKinds.filter((kind) => !faults[kind].moves && faults[kind].share > 0)

function fastRows(results: SoakResults): Row[] {
  const fast = series(results, (run) => isPlain(run, 'fast') && run.faults.length > 0)
  return [
    lossRow(fast, faultKinds, {
      id: 'A1 fast',
      fault: 'faults of all kinds at 20 ms x 3: frames',
      target: '0',
      others: '-',
    }),
    takeOverRow(fast, ['primary'], {
      id: 'A3 fast',
      fault: 'kill -9 of the whole primary at 20 ms x 3',
      target: '<= 160 ms',
      others: 'detection p50 100 ms, max 117 ms at 20 ms x 5 (prototype)',
    }),
  ]
}

function rows(results: SoakResults): Row[] {
  const found = series(results, (run) => isPlain(run, 'default') && run.faults.length > 0)
  return [
    lossRow(found, ['primary'], {
      id: 'A1',
      fault: 'kill -9 of the whole primary: frames that no terminal got',
      target: '0 of all frames; pause <= 80 ms',
      others:
        'one stream, same detection: 521 ms gap, some 25 frames; two streams: 0 in 50 kills (prototype)',
    }),
    lossRow(found, unitsOfPrimary, {
      id: 'A6',
      fault: 'kill -9 of switch, media or pair of the primary: frames',
      target: '0',
      others: '-',
    }),
    lossRow(found, notMoving, {
      id: 'A7',
      fault: 'standby killed (whole, a unit, in mid-sync), one or two links cut: frames',
      target: '0',
      others: '-',
    }),
    falseRow(found),
    takeOverRow(found, ['primary'], {
      id: 'A3',
      fault: 'kill -9 of the whole primary to the first SIP answer of the other node',
      target: 'p99 <= 600 ms, max <= 700 ms',
      others:
        'VRRP 3 x interval (3 s by default); Corosync token 3 s; Patroni 30 s; an ATC pair manager 5 s',
    }),
    takeOverRow(found, announced, {
      id: 'A6',
      fault: 'kill -9 of switch or media (announced) to the first SIP answer of the other node',
      target: '< 100 ms',
      others: '-',
    }),
    takeOverRow(found, ['primary-pair'], {
      id: 'A6',
      fault: 'kill -9 of the pair unit to the first SIP answer of the other node',
      target: '< 200 ms',
      others: '-',
    }),
    ...fastRows(results),
    lossRow(found, ['switchover'], {
      id: 'A5',
      fault: 'planned switchover: frames',
      target: '0',
      others: '-',
    }),
    takeOverRow(found, ['switchover'], {
      id: 'A5',
      fault: 'order to the first SIP answer of the other node',
      target: '<= 1 s',
      others: '-',
    }),
    callsRow(found),
    quietRow(results, 'default', 'A10 real'),
    quietRow(results, 'fast', 'A10 fast'),
    ...rareRows(results),
  ]
}

function runLines(results: SoakResults): string[] {
  return results.runs.map((run) => {
    const { machine, profile, seconds, legs, comingPerSecond } = run
    const special = run.kind === undefined ? '' : `, ${run.kind.replace('-', ' ')}`
    const what = `${run.faults.length === 0 ? 'no' : run.faults.length} faults${special}`
    const where = `${machine.cores} cores, ${machine.processor}, Linux ${machine.kernel}`
    const load = `load ${machine.loadOfOneMinute.toFixed(1)}`
    const frames = `${count(run.framesLost)} of ${count(run.frames)}`
    const calls = `${run.held.lost + run.coming.lost} of ${run.held.made + run.coming.made}`
    const moved = run.falseTakeOvers + sum(run.faults.map((fault) => fault.falseTakeOvers))
    const cells = [machine.date.slice(0, 16), machine.commit, profile, what, `${seconds} s`]
    const more = [
      run.conferenceLegs ? `${legs}, ${run.conferenceLegs} in a conference` : `${legs}`,
      `${comingPerSecond}/s`,
      frames,
      calls,
      `${moved}`,
      `${run.notCaptured}`,
      `${where}, ${load}`,
    ]
    return `| ${[...cells, ...more, run.problem ?? ''].join(' | ')} |`
  })
}

export function scoreboard(results: SoakResults): string {
  const lines = rows(results).map(
    ({ id, fault, result, trials, bound, target, others }) =>
      `| ${[id, fault, result, trials, bound, target, others].join(' | ')} |`,
  )
  const commits = new Set(results.runs.map(({ machine }) => machine.commit))
  return [
    '# Scoreboard',
    '',
    'Made from `docs/scoreboard.json` by `npm run docs`; do not edit. `npm run soak` adds runs.',
    '',
    'A pair of real daemons in network namespaces holds 100 legs, all with voice: 45 calls of two and a',
    'conference of ten; in older runs, whose legs below name no conference, 50 calls of two. Another call a',
    'second comes and goes, and a terminal asks every 10 ms who answers. Faults of random kinds come at',
    'random instants, each as soon as the pair is in step again. A frame is lost when neither twin of it',
    "reached the terminal, in a capture with the kernel's time stamps. Simulated figures are not on this page.",
    '',
    'A bound holds with 95 %: none in N is less than 3/N. A row of a sort is of one commit, the newest that',
    'was run. A loss during which sleepers of first priority on each processor were also woken 60 ms late is',
    'counted, and named as what happened while the machine stood still.',
    '',
    commits.size === 0 ? 'Nothing was run.' : `Commits of the runs: ${[...commits].join(', ')}.`,
    '',
    '| id | what | result | N | 95 % bound | target | others |',
    '|---|---|---|---|---|---|---|',
    ...lines,
    '',
    '## Runs',
    '',
    '| begun (UTC) | commit | profile | faults | length | legs | new calls | frames lost | calls lost | false take-overs | not captured | machine | problem |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...runLines(results),
    '',
  ].join('\n')
}
