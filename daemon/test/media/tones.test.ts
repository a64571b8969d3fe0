//! Tones as the terminal hears them: out of the packets, through G.711, against the published
//! frequencies and cadences (data/tones.txt); and the same bytes from both nodes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { toneCountries } from '../../src/tables/site-words.ts'
import type { Tone, TonePattern } from '../../src/tables/tone.ts'
import { toneNames, toneSet } from '../../src/tables/tone-sets.ts'
import { aLawToLinear, muLawToLinear } from '../../src/wire/g711.ts'
import { FakeNode, firstTick, legRecord, parsed, payloadOf, rtp } from './fake-node.ts'
import { FakePair, voicePackets } from './fake-pair.ts'

/** Everything in RMS of samples; a sine of full scale, 32768, has 3.14 dBm0. */
function rmsOf(dbm0: number): number {
  return (32_768 * 10 ** ((dbm0 - 3.14) / 20)) / Math.SQRT2
}

/** Goertzel: the RMS of what `samples` has at `hz`. */
function rmsAt(samples: Float64Array, hz: number): number {
  const factor = 2 * Math.cos((2 * Math.PI * hz) / 8_000)
  let [one, two] = [0, 0]
  for (const x of samples) [one, two] = [x + factor * one - two, one]
  const power = one * one + two * two - factor * one * two
  return (Math.sqrt(Math.max(0, power)) * Math.SQRT2) / samples.length
}

function rms(samples: Float64Array): number {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length)
}

function playing(pattern: TonePattern, more: Partial<Tone> = {}): Tone {
  return { ...pattern, fromTick: firstTick, untilTick: null, ...more }
}

/** One idle leg for each tone in one bridge, `ticks` ticks; what each of them hears. */
function heard(
  tones: readonly Tone[],
  ticks: number,
  codec: 'PCMA' | 'PCMU' = 'PCMA',
): Float64Array[] {
  const node = new FakeNode()
  node.engine.setRole('primary')
  const payloadType = codec === 'PCMA' ? 8 : 0
  const legs = tones.map((tone, n) => legRecord(n, { tone, codec, payloadType }))
  node.order({ kind: 'conference-set', legs })
  node.run(ticks)
  const decode = codec === 'PCMA' ? aLawToLinear : muLawToLinear
  const signals = tones.map(() => new Float64Array(ticks * 160))
  const at = tones.map(() => 0)
  for (const { localPort, bytes } of node.sockets.sent) {
    const n = (localPort - 20_000) / 2
    const from = at[n] ?? 0
    at[n] = from + 160
    signals[n]?.set(Float64Array.from(bytes.subarray(12), decode), from)
  }
  return signals
}

/** What is published of one tone. */
type Published = Pick<TonePattern, 'parts' | 'times' | 'levelDbm0'>

/** By its name each tone of each country, from the blocks `== COUNTRY, LEVEL dBm0` of the file. */
function readPublished(): Map<string, Map<string, Published>> {
  const text = readFileSync(join(import.meta.dirname, '../data/tones.txt'), 'utf8')
  const blocks = text.split('== ').slice(1)
  const common = blocks.pop() ?? ''
  return new Map(
    blocks.map((block) => {
      const [, country = '', level] = /^(\w+), (-\d+) dBm0/.exec(block) ?? []
      const [, base = ''] = /^busy +\| (\d+)/m.exec(block) ?? []
      const lines = `${block}\n${common}`
        .replaceAll('F/', `${base}/`)
        .matchAll(/^(\S+) +\| (.+)$/gm)
      const tones = [...lines].map(([, name = '', said = '']) => {
        return [name, publishedTone(said, Number(level))] as const
      })
      return [country, new Map(tones)]
    }),
  )
}

function publishedTone(said: string, levelDbm0: number): Published {
  const words = said.split(' ')
  const sounds = words.filter((word) => word !== 'beneath' && word !== 'once')
  return {
    times: words.includes('once') ? 1 : null,
    levelDbm0: levelDbm0 - (words.includes('beneath') ? 8 : 0),
    parts: sounds.map((sound) => {
      const [hz = '', ms = '1000'] = sound.split('/')
      return { hz: hz === '0' ? [] : hz.split('+').map(Number), ms: Number(ms) }
    }),
  }
}

const published = readPublished()

test('each country has all tones, and no two countries have the same ones', (t) => {
  t.deepEqual([...published.keys()].sort(), [...toneCountries].sort())
  for (const [country, tones] of published) {
    t.deepEqual([...tones.keys()].sort(), [...toneNames].sort(), country)
  }
  const sets = toneCountries.map((country) => JSON.stringify(toneSet(country)))
  t.is(new Set(sets).size, toneCountries.length)
})

/** The parts of a tone in samples, as often as they fit. */
function parts(pattern: Published, length: number) {
  const found: { hz: readonly number[]; start: number; end: number }[] = []
  let at = 0
  for (let turn = 0; turn < (pattern.times ?? 1_000) && at < length; turn++) {
    for (const { hz, ms } of pattern.parts) {
      found.push({ hz, start: at, end: at + ms * 8 })
      at += ms * 8
    }
  }
  return found
    .filter(({ start }) => start < length - 80)
    .map((part) => ({ ...part, end: Math.min(part.end, length) }))
}

const seconds = 6

/** A-law has no zero: an idle line is 8. */
const silence = 8

for (const country of toneCountries) {
  test(`${country}: each tone has the frequencies, level and cadence that are published`, (t) => {
    const set = toneSet(country)
    const signals = heard(
      toneNames.map((name) => playing(set[name])),
      seconds * 50,
    )
    for (const [n, name] of toneNames.entries()) {
      const pattern = published.get(country)?.get(name) ?? t.fail(name)
      // What is heard later than these seconds.
      const { parts: own, times, levelDbm0 } = set[name]
      t.deepEqual({ parts: own, times, levelDbm0 }, pattern, name)
      const signal = signals[n] ?? new Float64Array()
      const found = parts(pattern, signal.length)
      t.true(found.length > 0, name)
      for (const { hz, start, end } of found) {
        const whole = signal.slice(start, end)
        if (hz.length === 0) {
          t.true(
            whole.every((x) => Math.abs(x) <= silence),
            `${name}: pause`,
          )
          continue
        }
        const middle = whole.slice(16, -16)
        const expected = rmsOf(pattern.levelDbm0)
        // The power of the sum of sines is that of all of them; G.711 adds noise 35 dB below.
        t.true(Math.abs(rms(middle) / (expected * Math.sqrt(hz.length)) - 1) < 0.12, name)
        for (const one of hz) {
          const ratio = rmsAt(middle, one) / expected
          t.true(ratio > 0.8 && ratio < 1.2, `${name}: ${one} Hz at ${ratio}`)
        }
        t.true(Math.abs(whole[0] ?? 0) < expected / 4, `${name} begins softly`)
      }
      const last = found.at(-1)?.end ?? 0
      if (pattern.times === null) continue
      t.true(
        signal.slice(last).every((x) => Math.abs(x) <= silence),
        `${name} is over`,
      )
    }
  })
}

test('a steady tone is exact to one hertz and never jumps, in both laws', (t) => {
  for (const codec of ['PCMA', 'PCMU'] as const) {
    const steady = toneNames
      .map((name) => toneSet('uk')[name])
      .filter((pattern) => pattern.parts.length === 1)
    t.true(steady.length >= 2)
    const signals = heard(
      steady.map((pattern) => playing(pattern)),
      100,
      codec,
    )
    for (const [n, pattern] of steady.entries()) {
      const second = (signals[n] ?? new Float64Array()).slice(4_321, 12_321)
      for (const hz of pattern.parts[0]?.hz ?? []) {
        // Over one second sines of other whole frequencies are orthogonal.
        const level = rmsAt(second, hz)
        t.true(Math.abs(level / rmsOf(pattern.levelDbm0) - 1) < 0.02, `${hz} Hz: ${level}`)
        for (const off of [-2, -1, 1, 2]) t.true(rmsAt(second, hz + off) < level / 100)
      }
    }
  }
})

test('a tone is added to the voice, and the voice is untouched in its pauses and after it', (t) => {
  const node = new FakeNode()
  node.engine.setRole('primary')
  const pattern = { ...toneSet('germany').intrusion, levelDbm0: -12 }
  const tone = playing(pattern, { fromTick: firstTick + 30 })
  const legs = [legRecord(0), legRecord(1, { tone }), legRecord(2)]
  node.order({ kind: 'conference-set', legs })
  node.run(120, (tick, phase) => {
    if (phase !== 0) return
    const k = tick - firstTick
    const timestamp = k * 160
    node.sockets.arrive(20_000, rtp({ ssrc: 1, sequence: k, timestamp, payload: payloadOf(k) }))
  })
  const plain = node.takeSent(20_004).map((sent) => parsed(sent).payload)
  const both = node.takeSent(20_002).map((sent) => parsed(sent).payload)
  const pcm = (packets: readonly Uint8Array[]) =>
    packets.flatMap((payload) => Array.from(payload, aLawToLinear))
  // Two pulses of 240 ms with 240 ms between: 12 ticks each.
  const changed = both.flatMap((payload, k) =>
    Buffer.from(payload).equals(Buffer.from(plain[k] ?? [])) ? [] : [k],
  )
  const pulses = [30, 54].flatMap((first) => Array.from({ length: 12 }, (_, k) => first + k))
  t.deepEqual(changed, pulses)
  const [without, together] = [pcm(plain), pcm(both)]
  const difference = Float64Array.from(together, (x, i) => x - (without[i] ?? 0))
  const pulse = difference.slice(30 * 160, 42 * 160)
  t.true(Math.abs(rmsAt(pulse, 425) / rmsOf(-12) - 1) < 0.1)
})

test('a tone that replaces is heard alone, from its tick to the one before its last', (t) => {
  const node = new FakeNode()
  node.engine.setRole('primary')
  const times = { fromTick: firstTick + 10, untilTick: firstTick + 25 }
  const tone = playing(toneSet('europe').dial, times)
  node.order({ kind: 'conference-set', legs: [legRecord(0), legRecord(1, { tone }), legRecord(2)] })
  node.run(60, (tick, phase) => {
    const k = tick - firstTick
    const voice = { ssrc: 1, sequence: k, timestamp: k * 160, payload: payloadOf(k) }
    if (phase === 0) node.sockets.arrive(20_000, rtp(voice))
  })
  const plain = node.takeSent(20_004).map((sent) => Buffer.from(parsed(sent).payload))
  const tones = node.takeSent(20_002).map((sent) => Buffer.from(parsed(sent).payload))
  t.is(tones.length, 60)
  for (const [k, payload] of tones.entries()) {
    const isTone = k >= 10 && k < 25
    t.is(payload.equals(plain[k] ?? payload), !isTone, `tick ${k}`)
  }
})

test('a leg that only listens to us gets no tone when nothing is sent to it', (t) => {
  const node = new FakeNode()
  node.engine.setRole('primary')
  const tone = playing(toneSet('france').busy)
  node.order({ kind: 'conference-set', legs: [legRecord(0, { tone, direction: 'recvonly' })] })
  node.run(10)
  t.is(node.takeSent(20_000).length, 0)
})

const patterns = toneCountries.flatMap((country) => Object.values(toneSet(country)))

test('both nodes play the same bytes, also one that is told late or comes in the middle', (t) => {
  const event = fc.record({
    member: fc.integer({ min: 0, max: 3 }),
    pattern: fc.integer({ min: 0, max: patterns.length - 1 }),
    /** Ticks since the one before. */
    after: fc.integer({ min: 1, max: 40 }),
    lateTicks: fc.constantFrom(0, 1, 3, 7, 12),
    stop: fc.boolean(),
    switchOver: fc.boolean(),
  })
  const plan = fc.array(event, { minLength: 3, maxLength: 10 })
  fc.assert(
    fc.property(plan, fc.integer({ min: 5, max: 90 }), (events, joinTicks) => {
      // Node 2 is told everything in time and never serves.
      const pair = new FakePair({
        packets: voicePackets(600),
        delayMs: (node, packet) => (node * 7 + packet * 3) % 20,
        nodes: 3,
        absent: [1],
      })
      pair.run(joinTicks)
      pair.join(1)
      pair.run(30)
      let primary = 0
      for (const { member, pattern, after, lateTicks, stop, switchOver } of events) {
        pair.run(after)
        if (switchOver) {
          primary = 1 - primary
          pair.switchOver(primary)
        }
        const late = [0, 0, 0]
        late[1 - primary] = lateTicks
        const tone = (fromTick: number): Tone | null => {
          const chosen = patterns[pattern]
          return stop || chosen === undefined ? null : { ...chosen, fromTick, untilTick: null }
        }
        pair.change(`m${member}`, (record, tick) => ({ ...record, tone: tone(tick) }), late)
        // What is late has come before the roles change.
        pair.run(lateTicks)
      }
      pair.run(40)
      const expected = new Map(
        (pair.nodes[2]?.sockets.sent ?? []).map((sent) => [key(sent), hex(sent)]),
      )
      for (const n of [0, 1]) {
        for (const sent of pair.sent(n)) t.is(expected.get(key(sent)), hex(sent))
      }
      t.true((pair.nodes[1]?.sockets.sent.length ?? 0) > 0)
    }),
    { numRuns: 25 },
  )
})

function key({ localPort, bytes }: { localPort: number; bytes: Uint8Array }): string {
  return `${localPort} ${Buffer.from(bytes).readUInt16BE(2)}`
}

function hex({ bytes }: { bytes: Uint8Array }): string {
  return Buffer.from(bytes).toString('hex')
}
