//! The instruments of the soak, on streams and answers that are made up.
import test from 'ava'
import { PcapReader } from '../../scripts/capture/live-capture.ts'
import { chance, fate, unimpaired, withWrongBit } from '../../scripts/impair/impairment.ts'
import { AnswerMeter } from '../../scripts/soak/answer-meter.ts'
import { bound95, percentile } from '../../scripts/soak/bounds.ts'
import { chooseFault, faultKinds, faults } from '../../scripts/soak/faults.ts'
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

test('a row that was not run says so, and one that was has its number and bound', (t) => {
  const empty = scoreboard({ runs: [] })
  t.regex(empty, /\| A1 \|[^|]*\| not run \|/)
  const fault = { takeOverMs: 510, framesLost: 0, unexplained: 0, pauseMs: 40, backMs: 1 }
  const run = {
    machine: {
      cores: 2,
      processor: 'x',
      memoryMiB: 1,
      kernel: 'k',
      node: 'v',
      commit: 'abc',
      date: '2026-01-01T00:00:00Z',
      loadOfOneMinute: 1,
    },
    profile: 'default' as const,
    legs: 100,
    seconds: 300,
    comingPerSecond: 1,
    faults: Array.from({ length: 150 }, () => ({
      kind: 'primary' as const,
      ...fault,
      falseTakeOvers: 0,
    })),
    frames: 1_500_000,
    framesLost: 0,
    notCaptured: 0,
    falseTakeOvers: 0,
    longestPauseMs: 40,
    held: { made: 50, lost: 0, firstError: '' },
    coming: { made: 300, lost: 0, firstError: '' },
    problem: null,
  }
  const filled = scoreboard({ runs: [run] })
  t.regex(
    filled,
    /\| A1 \|[^|]*\| 0 frames lost in 0 faults[^|]*\| 150 \| a fault with loss: < 2.0 % \|/,
  )
  t.regex(filled, /p50 510 ms, p99 510 ms, max 510 ms/)
  const older = { ...run, machine: { ...run.machine, commit: 'old' }, framesLost: 9 }
  t.regex(scoreboard({ runs: [older, run] }), /\| A1 \|[^|]*\|[^|]*\| 150 \|/)
})
