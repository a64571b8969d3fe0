//! The instruments of the soak, on streams and answers that are made up.
import test from 'ava'
import { PcapReader } from '../../scripts/capture/live-capture.ts'
import { chance, fate, unimpaired, withWrongBit } from '../../scripts/impair/impairment.ts'
import { AnswerMeter } from '../../scripts/soak/answer-meter.ts'
import { bound95, percentile } from '../../scripts/soak/bounds.ts'
import { chooseFault, type FaultKind, faultKinds, faults } from '../../scripts/soak/faults.ts'
import { HeartbeatMeter } from '../../scripts/soak/heartbeat-meter.ts'
import type { FaultFindings } from '../../scripts/soak/long-faults.ts'
import { scoreboard } from '../../scripts/soak/scoreboard.ts'
import { StreamMeter } from '../../scripts/soak/stream-meter.ts'

const port = 6000

/** Packets of two twins; `without` says which copies never arrive. */
function meterOf(count: number, without: (sequence: number, twin: number) => boolean): StreamMeter {
  const meter = new StreamMeter()
  for (let index = 0; index < count; index += 1) {
    for (const twin of [0, 1]) {
      if (without(index, twin)) continue
      const sequence = (65_500 + index) & 0xffff
      meter.packet(port, index * 20 + twin * 3, { sequence, ssrc: 7 })
    }
  }
  meter.settle()
  return meter
}

test('while one twin brings each packet none is lost, over the wrap of the numbers too', (t) => {
  const meter = meterOf(400, (index, twin) => twin === 0 && index > 100)
  t.deepEqual(meter.losses, [])
  t.is(meter.packets, 400)
  t.is(meter.longestPauseMs(0, 10_000), 20)
})

test('a packet that no twin brought is lost, once, at its place', (t) => {
  const meter = meterOf(400, (index) => index === 50 || index === 51)
  t.deepEqual(
    meter.losses.map(({ sequence }) => sequence),
    [14, 15],
  )
  t.is(meter.lostBetween(1_000, 1_100).length, 2)
  t.is(meter.lostBetween(1_100, 9_000).length, 0)
  t.is(meter.longestPauseMs(0, 10_000), 60)
})

test('a packet that comes late is not lost, and one that has had no time yet neither', (t) => {
  const meter = new StreamMeter()
  for (const [index, sequence] of [1, 2, 4, 5, 3, 6, 9].entries()) {
    meter.packet(port, index * 20, { sequence, ssrc: 7 })
  }
  meter.settle()
  t.deepEqual(meter.losses, [])
  meter.packet(port, 5_000, { sequence: 10, ssrc: 7 })
  meter.settle()
  t.deepEqual(
    meter.losses.map(({ sequence }) => sequence),
    [7, 8],
  )
})

test('a stream that stops is silent, and a new one on its port begins anew', (t) => {
  const meter = new StreamMeter()
  meter.packet(port, 0, { sequence: 1, ssrc: 7 })
  meter.packet(port + 2, 2_000, { sequence: 1, ssrc: 8 })
  t.deepEqual(meter.silent(1_000), [port])
  meter.packet(port, 2_020, { sequence: 900, ssrc: 9 })
  meter.settle()
  t.deepEqual(meter.losses, [])
})

test('who answers, who answered first, and how often it changed', (t) => {
  const meter = new AnswerMeter()
  const answer = (atMs: number, last: number) => {
    const frame = Buffer.alloc(60)
    frame[11] = last
    meter.frame(atMs, frame)
  }
  for (const [atMs, last] of [
    [10, 1],
    [20, 1],
    [540, 2],
    [550, 2],
    [560, 1],
  ] as const) {
    answer(atMs, last)
  }
  t.is(meter.firstOf('00:00:00:00:00:02', 15), 540)
  t.is(meter.firstOf('00:00:00:00:00:03', 15), null)
  t.is(meter.changesBetween(0, 555).length, 1)
  t.is(meter.changesBetween(0, 600).length, 2)
})

test('a capture is read in pieces of any size', (t) => {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  const record = (seconds: number, micros: number, text: string) => {
    const head = Buffer.alloc(16)
    head.writeUInt32LE(seconds, 0)
    head.writeUInt32LE(micros, 4)
    head.writeUInt32LE(text.length, 8)
    return Buffer.concat([head, Buffer.from(text)])
  }
  const file = Buffer.concat([header, record(1, 500_000, 'one'), record(2, 0, 'second')])
  for (const size of [1, 7, 25, 100]) {
    const seen: [number, string][] = []
    const reader = new PcapReader((timeMs, bytes) => seen.push([timeMs, bytes.toString()]))
    for (let at = 0; at < file.length; at += size) reader.feed(file.subarray(at, at + size))
    t.deepEqual(seen, [
      [1_500, 'one'],
      [2_000, 'second'],
    ])
  }
})

test('bounds: the rule of three, and more when something was seen', (t) => {
  t.is(bound95(0, 300), 0.01)
  t.true(Math.abs(bound95(1, 1_000) - 0.004744) < 1e-4)
  t.is(bound95(0, 0), 1)
  t.is(percentile([5, 1, 9, 3], 50), 3)
  t.is(percentile([5, 1, 9, 3], 99), 9)
  t.is(percentile([], 50), null)
})

test('each kind of fault is chosen as often as its share says', (t) => {
  const random = chance(3)
  const chosen = Array.from({ length: 20_000 }, () => chooseFault(random()))
  const all = faultKinds.reduce((sum, kind) => sum + faults[kind].share, 0)
  for (const kind of faultKinds) {
    const share = chosen.filter((one) => one === kind).length / chosen.length
    t.true(Math.abs(share - faults[kind].share / all) < 0.02, kind)
  }
})

test('a bad link loses, doubles, delays and breaks as many as it should', (t) => {
  const random = chance(9)
  const bad = {
    ...unimpaired,
    lossPercent: 30,
    duplicatePercent: 20,
    corruptPercent: 10,
    delayMs: 5,
  }
  const copies = Array.from({ length: 20_000 }, () => fate(bad, 100, random))
  const share = (of: (one: (typeof copies)[number]) => boolean) =>
    copies.filter(of).length / copies.length
  t.true(Math.abs(share((one) => one.length === 0) - 0.3) < 0.02)
  t.true(Math.abs(share((one) => one.length === 2) - 0.14) < 0.02)
  t.true(copies.flat().every(({ delayMs }) => delayMs === 5))
  const wrong = copies.flat().filter(({ wrongBit }) => wrongBit !== null)
  t.true(Math.abs(wrong.length / copies.flat().length - 0.1) < 0.02)
  t.deepEqual([...withWrongBit(Uint8Array.of(0, 0), 9)], [0, 2])
  t.deepEqual(fate(unimpaired, 100, random), [{ delayMs: 0, wrongBit: null }])
})

const machine = {
  ...{ cores: 2, processor: 'x', memoryMiB: 1, kernel: 'k', node: 'v', commit: 'abc' },
  ...{ date: '2026-01-01T00:00:00Z', loadOfOneMinute: 1 },
}
const fault = {
  ...{ takeOverMs: 510, framesLost: 0, unexplained: 0, pauseMs: 40, backMs: 1 },
  falseTakeOvers: 0,
}
const calm = {
  ...{ machine, profile: 'default' as const, legs: 100, seconds: 300, comingPerSecond: 1 },
  ...{ frames: 1_500_000, framesLost: 0, notCaptured: 0, falseTakeOvers: 0, longestPauseMs: 40 },
  held: { made: 50, lost: 0, firstError: '' },
  coming: { made: 300, lost: 0, firstError: '' },
  problem: null,
}

test('a row that was not run says so, and one that was has its number and bound', (t) => {
  const empty = scoreboard({ runs: [] })
  for (const id of ['A1', 'A2', 'A4', 'A8', 'A12', 'C3', 'D1', 'S1.64']) {
    t.regex(empty, new RegExp(`\\| ${id} \\|[^|]*\\| not run \\|`), id)
  }
  const faults = Array.from({ length: 150 }, () => ({ kind: 'primary' as const, ...fault }))
  const run = { ...calm, faults }
  const filled = scoreboard({ runs: [run] })
  t.regex(
    filled,
    /\| A1 \|[^|]*\| 0 frames lost in 0 faults[^|]*\| 150 \| a fault with loss: < 2.0 % \|/,
  )
  t.regex(filled, /p50 510 ms, p99 510 ms, max 510 ms/)
  const older = { ...run, machine: { ...run.machine, commit: 'old' }, framesLost: 9 }
  t.regex(scoreboard({ runs: [older, run] }), /\| A1 \|[^|]*\|[^|]*\| 150 \|/)
})

test('rows of what comes on request only have their findings, and are no rows of the others', (t) => {
  const asked = (kind: FaultKind, findings: FaultFindings) => ({ ...fault, kind, findings })
  const text = scoreboard({
    runs: [
      {
        ...calm,
        faults: [
          asked('stand-still-1', { stale: { sip: 0, rtpOfALeg: 1 } }),
          asked('stand-still-60', { stale: { sip: 2, rtpOfALeg: 0 } }),
          asked('all-links', { oneAfterMs: 35, closed: 1 }),
          asked('all-links', { oneAfterMs: 80, closed: 0 }),
        ],
      },
      { ...calm, kind: 'single-terminals', faults: [{ ...fault, kind: 'primary', pauseMs: 521 }] },
      { ...calm, faults: [{ ...fault, kind: 'upgrade' }], upgradeFrom: 'old' },
      {
        ...{ ...calm, kind: 'flood', faults: [] },
        flood: { perSecond: 19_900, memoryMiB: 27, byeP99Ms: 12 },
      },
      {
        ...calm,
        kind: 'one-node',
        legs: 500,
        faults: [],
        ticks: { all: 9, late: 0, lateMsMax: 3 },
      },
      {
        ...{ ...calm, comingPerSecond: 25, faults: [] },
        heartbeats: { count: 900, meanMs: 100, p1Ms: 98.5, p99Ms: 101.6 },
      },
    ],
  })
  t.regex(
    text,
    /\| A4 \|[^|]*\| 2 SIP, at most 1 frames of a leg; 0 frames lost[^|]*\| 1 \+ 0 \+ 1 \|/,
  )
  t.regex(text, /\| A8 \|[^|]*one primary after \| p50 35 ms, p99 80 ms, max 80 ms \| 2 \|/)
  t.regex(
    text,
    /\| A8 \|[^|]*\| 0 of 50 held and 0 of 300 coming calls lost;[^|]*1 sessions were ended/,
  )
  t.regex(text, /\| A2 \|[^|]*\| p50 521 ms, p99 521 ms, max 521 ms[^|]*\| 1 \|/)
  t.regex(text, /\| A12 \|[^|]*\|[^|]*from old to abc and back \| 1 \|/)
  t.regex(text, /\| C3 \|[^|]*\|[^|]*BYE p99 12 ms; memory \+27 MiB at 19,900\/s \| 5.0 min \|/)
  t.regex(text, /\| D1 \|[^|]*\| 0 of 1,500,000 frames lost with 500 legs; 0 of 9 ticks late/)
  t.regex(text, /\| S1.64 \|[^|]*\| mean 100 ms; 98 of 100 from 98.5 to 101.6 ms \| 900 \|/)
  for (const id of ['A1', 'A3']) t.regex(text, new RegExp(`\\| ${id} \\|[^|]*\\| not run \\|`), id)
})

test('heartbeats: their mean, and how far apart nearly all of them are', (t) => {
  const meter = new HeartbeatMeter()
  t.is(meter.figures(), null)
  for (let index = 0; index <= 200; index += 1) meter.heard(index * 100 + (index % 2 === 0 ? 0 : 4))
  t.deepEqual(meter.figures(), { count: 201, meanMs: 100, p1Ms: 96, p99Ms: 104 })
})
