//! Rows of SCOREBOARD.md of what `npm run soak` does on request only (`--only`, `--single`, `--one-node`,
//! `--from`, `--flood`). Pure.
import { bound95, percentile } from './bounds.ts'
import type { FaultKind } from './faults.ts'
import type { SoakResults, SoakRun } from './results.ts'
import { count, lossRow, notRun, percent, type Row, series, sum, takeOverRow } from './rows.ts'

export function rareRows(results: SoakResults): Row[] {
  return [
    ...hangRows(results),
    singleRow(results),
    standstillRow(results),
    ...apartRows(results, 'all-links'),
    ...apartRows(results, 'lan-before-links'),
    upgradeRow(results),
    floodRow(results),
    oneNodeRow(results),
    heartbeatRow(results),
  ]
}

function heartbeatRow(results: SoakResults): Row {
  const row = {
    id: 'S1.64',
    fault: 'heartbeats of a node on a link, beside a busy switch (100 ms x 5): time between them',
    target: '100 ms +- few',
    others: '-',
  }
  const found = series(results, (run) => run.heartbeats !== undefined && run.profile === 'default')
  const figures = found?.runs.at(-1)?.heartbeats
  if (figures === undefined) return { ...row, ...notRun }
  const { meanMs, p1Ms, p99Ms } = figures
  const result = `mean ${meanMs} ms; 98 of 100 from ${p1Ms} to ${p99Ms} ms`
  return { ...row, result, trials: count(figures.count), bound: '-' }
}

const hangs: FaultKind[] = ['hung-switch', 'hung-media', 'hung-pair']

const withKind = (results: SoakResults, kinds: readonly FaultKind[]) =>
  series(results, (run) => run.faults.some(({ kind }) => kinds.includes(kind)))

function hangRows(results: SoakResults): Row[] {
  const found = withKind(results, hangs)
  const row = { id: 'A6', others: '-' }
  return [
    takeOverRow(found, hangs, {
      ...row,
      fault: 'a unit of the primary stands still, to the first SIP answer of the other node',
      target: '<= 700 ms',
    }),
    lossRow(found, hangs, {
      ...row,
      fault: 'a unit of the primary stands still: frames',
      target: '0',
    }),
  ]
}

function singleRow(results: SoakResults): Row {
  const row = { id: 'A2', fault: 'kill -9, terminals without twins: gap', target: '<= 650 ms' }
  const others = 'one stream, same detection: 601 ms (prototype)'
  const found = series(results, (run) => run.kind === 'single-terminals')
  const pauses = found?.faults.map(({ pauseMs }) => pauseMs) ?? []
  if (found === null || pauses.length === 0) return { ...row, others, ...notRun }
  const [half, most, all] = [50, 99, 100].map((share) => percentile(pauses, share))
  const legs = found.runs[0]?.legs ?? 0
  const frames = sum(found.faults.map(({ framesLost }) => framesLost))
  const each = (frames / pauses.length / Math.max(1, legs)).toFixed(1)
  const result = `p50 ${half} ms, p99 ${most} ms, max ${all} ms; ${each} frames of a leg a kill`
  return { ...row, others, result, trials: `${pauses.length}`, bound: '-' }
}

const standstills: FaultKind[] = ['stand-still-1', 'stand-still-10', 'stand-still-60']

function standstillRow(results: SoakResults): Row {
  const row = {
    id: 'A4',
    fault: 'SIGSTOP of the whole primary for 1, 10, 60 s: what it sends before it knows',
    target: '0 SIP, <= 1 frame of a leg',
    others: '-',
  }
  const found = withKind(results, standstills)
  if (found === null) return { ...row, ...notRun }
  const here = found.faults.filter(({ kind }) => standstills.includes(kind))
  const sip = sum(here.map(({ findings }) => findings?.stale?.sip ?? 0))
  const rtp = Math.max(...here.map(({ findings }) => findings?.stale?.rtpOfALeg ?? 0))
  const lost = sum(here.map(({ framesLost }) => framesLost))
  const each = standstills.map((kind) => here.filter((one) => one.kind === kind).length)
  const wrong = here.filter(({ findings }) => {
    return (findings?.stale?.sip ?? 0) > 0 || (findings?.stale?.rtpOfALeg ?? 0) > 1
  }).length
  return {
    ...row,
    result: `${sip} SIP, at most ${rtp} frames of a leg; ${count(lost)} frames lost by terminals`,
    trials: each.join(' + '),
    bound: `a standstill with more: < ${percent(bound95(wrong, here.length))}`,
  }
}

const apart = {
  'all-links':
    'all links and the terminal LAN cut in two, the links healed in any order, then the LAN',
  'lan-before-links':
    'the same, but both are on one LAN for a heartbeat and more before they hear each other (ADR 0001)',
} as const

function apartRows(results: SoakResults, kind: keyof typeof apart): Row[] {
  const found = withKind(results, [kind])
  const fault = apart[kind]
  const first = { id: 'A8', fault: `${fault}: one primary after`, target: '<= 200 ms', others: '-' }
  const second = { id: 'A8', fault: `${fault}: calls kept`, target: 'all', others: '-' }
  const here = found?.faults.filter((one) => one.kind === kind) ?? []
  if (found === null) return [first, second].map((row) => ({ ...row, ...notRun }))
  const times = here.map(({ findings }) => findings?.oneAfterMs ?? Number.POSITIVE_INFINITY)
  const [half, most, all] = [50, 99, 100].map((share) => percentile(times, share))
  const lost = sum(here.map(({ framesLost }) => framesLost))
  const trials = `${here.length}`
  const ended = here.flatMap(({ findings }) => findings?.closed ?? [])
  const byRule =
    ended.length < here.length
      ? 'what was ended by the written rule was not counted'
      : `${sum(ended)} sessions were ended by the written rule`
  const more = `${count(lost)} frames lost; ${byRule}`
  return [
    { ...first, result: `p50 ${half} ms, p99 ${most} ms, max ${all} ms`, trials, bound: '-' },
    { ...second, ...callsOf(found.runs, here.length, more), trials },
  ]
}

function callsOf(runs: readonly SoakRun[], trials: number, more: string) {
  const held = sum(runs.map((run) => run.held.made))
  const heldLost = sum(runs.map((run) => run.held.lost))
  const made = sum(runs.map((run) => run.coming.made))
  const lost = sum(runs.map((run) => run.coming.lost))
  return {
    result: `${heldLost} of ${held} held and ${lost} of ${made} coming calls lost; ${more}`,
    bound: `a fault that costs a call: < ${percent(bound95(heldLost + lost, trials))}`,
  }
}

function upgradeRow(results: SoakResults): Row {
  const row = {
    id: 'A12',
    fault: 'both nodes change to another version, one after the other',
    target: '0 frames, 0 calls',
    others: '-',
  }
  const found = withKind(results, ['upgrade'])
  if (found === null) return { ...row, ...notRun }
  const here = found.faults.filter(({ kind }) => kind === 'upgrade')
  const lost = sum(here.map(({ framesLost }) => framesLost))
  const from = [...new Set(found.runs.map(({ upgradeFrom }) => upgradeFrom))].join(', ')
  const more = `${count(lost)} frames lost; from ${from} to ${found.commit} and back`
  return { ...row, ...callsOf(found.runs, here.length, more), trials: `${here.length}` }
}

function floodRow(results: SoakResults): Row {
  const row = {
    id: 'C3',
    fault: 'flood of 20,000 messages/s from one address',
    target: '0 frames, 0 held calls; BYE p99 <= 200 ms; memory +64 MB; 10 min',
    others: 'FreeSWITCH before ES2021-06: 8 GB gone in 90 s of REGISTER',
  }
  const found = series(results, (run) => run.flood !== undefined)
  if (found === null) return { ...row, ...notRun }
  const { runs } = found
  const frames = `${count(sum(runs.map((run) => run.framesLost)))} of ${count(sum(runs.map((run) => run.frames)))} frames lost`
  const rate = Math.min(...runs.map((run) => run.flood?.perSecond ?? 0))
  const byeMs = Math.max(...runs.map((run) => run.flood?.byeP99Ms ?? 0))
  const memory = Math.max(...runs.map((run) => run.flood?.memoryMiB ?? 0))
  const more = `${frames}; BYE p99 ${byeMs} ms; memory +${memory} MiB at ${count(rate)}/s`
  const minutes = sum(runs.map(({ seconds }) => seconds)) / 60
  const trials = `${minutes.toFixed(1)} min`
  return { ...row, result: callsOf(runs, 1, more).result, trials, bound: '-' }
}

function oneNodeRow(results: SoakResults): Row {
  const row = {
    id: 'D1',
    fault: '500 legs on one node',
    target: '0 frames in 1 h; late ticks <= 1 in 10,000',
    others: '-',
  }
  const found = series(results, (run) => run.kind === 'one-node')
  if (found === null) return { ...row, ...notRun }
  const { runs } = found
  const lost = sum(runs.map((run) => run.framesLost))
  const frames = sum(runs.map((run) => run.frames))
  const late = sum(runs.map((run) => run.ticks?.late ?? 0))
  const all = sum(runs.map((run) => run.ticks?.all ?? 0))
  const mostMs = Math.max(...runs.map((run) => run.ticks?.lateMsMax ?? 0))
  const legs = Math.min(...runs.map((run) => run.legs))
  const minutes = sum(runs.map(({ seconds }) => seconds)) / 60
  return {
    ...row,
    result:
      `${count(lost)} of ${count(frames)} frames lost with ${legs} legs; ` +
      `${count(late)} of ${count(all)} ticks late, by ${Math.round(mostMs)} ms at most`,
    trials: `${minutes.toFixed(1)} min`,
    bound: '-',
  }
}
