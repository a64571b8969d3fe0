import test from 'ava'
import {
  noPacket,
  packetOf,
  sequenceOf,
  type Timeline,
  timestampOf,
} from '../../src/media/timeline.ts'

const timeline = (ptimeMs: 10 | 20 | 30): Timeline => ({
  ptimeMs,
  seq0: 65_534,
  ts0: 0xffff_ff00,
  tick0: 5_000_000_000,
})

function packets(ptimeMs: 10 | 20 | 30, ticks: number): { k: number; atMs: number }[] {
  const found: { k: number; atMs: number }[] = []
  for (let tick = -2; tick < ticks; tick++) {
    for (const late of [false, true]) {
      const k = packetOf(timeline(ptimeMs), 5_000_000_000 + tick, late)
      if (k !== noPacket) found.push({ k, atMs: tick * 20 + (late ? 10 : 0) })
    }
  }
  return found
}

test('a 20 ms leg sends packet k at tick tick0 + k and nothing before', (t) => {
  t.deepEqual(
    packets(20, 4),
    [0, 1, 2, 3].map((k) => ({ k, atMs: k * 20 })),
  )
})

test('a 10 ms leg sends two packets a tick, 10 ms apart', (t) => {
  t.deepEqual(
    packets(10, 3),
    [0, 1, 2, 3, 4, 5].map((k) => ({ k, atMs: k * 10 })),
  )
})

test('a 30 ms leg sends packet k as soon as its samples are mixed, every 30 ms', (t) => {
  t.deepEqual(
    packets(30, 9),
    [0, 1, 2, 3, 4, 5].map((k) => ({ k, atMs: 20 + k * 30 })),
  )
})

test('sequence numbers and time stamps go on after their wrap', (t) => {
  t.deepEqual(
    [0, 1, 2, 3].map((k) => sequenceOf(timeline(20), k)),
    [65_534, 65_535, 0, 1],
  )
  t.deepEqual(
    [0, 1, 2].map((k) => timestampOf(timeline(20), k)),
    [0xffff_ff00, 0xffff_ffa0, 0x40],
  )
  t.is(timestampOf(timeline(30), 2), (0xffff_ff00 + 480) >>> 0)
  t.is(timestampOf(timeline(20), 3e9), (0xffff_ff00 + 160 * 3e9) % 2 ** 32)
})
