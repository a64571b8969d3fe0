//! The instrument must see every fault of a tone, and none where there is none.
import test from 'ava'
import { analyseTone } from '../../../scripts/capture/audio-analysis.ts'
import { toneSamples } from '../../../scripts/capture/wav.ts'

const options = { sampleRateHz: 8000, toneHz: 437.5 }
const frame = 160

function without(samples: Int16Array, from: number, to: number): Int16Array {
  return Int16Array.from([...samples.subarray(0, from), ...samples.subarray(to)])
}

function insert(samples: Int16Array, at: number, inserted: Int16Array): Int16Array {
  return Int16Array.from([...samples.subarray(0, at), ...inserted, ...samples.subarray(at)])
}

/** A companding of our own with the steps of G.711 A-law: 16 steps in each of 8 segments. */
function companded(sample: number): number {
  const magnitude = Math.min(Math.abs(sample), 32_767)
  const segment = Math.max(0, Math.floor(Math.log2(magnitude / 256)) + 1)
  const step = segment <= 1 ? 16 : 2 ** (segment + 3)
  return Math.sign(sample) * (Math.floor(magnitude / step) * step + step / 2)
}

for (const toneHz of [437.5, 612.5, 712.5]) {
  test(`a clean tone of ${toneHz} Hz has no discontinuity`, (t) => {
    t.is(analyseTone(toneSamples(toneHz, 5), { sampleRateHz: 8000, toneHz }).discontinuities, 0)
  })

  test(`a tone of ${toneHz} Hz that went through A-law twice has none either`, (t) => {
    const coded = toneSamples(toneHz, 5).map((s) => companded(companded(s)))
    t.is(analyseTone(coded, { sampleRateHz: 8000, toneHz }).discontinuities, 0)
  })

  test(`a missing packet of 20 ms in ${toneHz} Hz is one discontinuity`, (t) => {
    const samples = without(toneSamples(toneHz, 5), 100 * frame, 101 * frame)
    const analysed = analyseTone(samples, { sampleRateHz: 8000, toneHz })
    t.is(analysed.discontinuities, 1)
    t.is(analysed.places[0], 100 * frame)
  })

  test(`a repeated packet of 20 ms in ${toneHz} Hz is seen`, (t) => {
    const tone = toneSamples(toneHz, 5)
    const samples = insert(tone, 101 * frame, tone.subarray(100 * frame, 101 * frame))
    t.true(analyseTone(samples, { sampleRateHz: 8000, toneHz }).discontinuities >= 1)
  })
}

test('a fault off the frame grid is seen too', (t) => {
  const samples = without(toneSamples(437.5, 5), 8037, 8037 + frame)
  t.is(analyseTone(samples, options).discontinuities, 1)
})

test('a click of one sample is seen', (t) => {
  const samples = toneSamples(437.5, 5)
  samples[9000] = (samples[9000] ?? 0) + 4000
  t.deepEqual(analyseTone(samples, options).places, [8960])
})

test('20 ms of silence in the tone are one discontinuity, two silences are two', (t) => {
  const samples = toneSamples(437.5, 5)
  samples.fill(0, 8000, 8000 + frame)
  t.is(analyseTone(samples, options).discontinuities, 1)
  samples.fill(0, 16_000, 16_000 + frame)
  t.is(analyseTone(samples, options).discontinuities, 2)
})

test('a step in loudness is seen', (t) => {
  const samples = toneSamples(437.5, 5).map((s, index) => (index < 8000 ? s : s / 2))
  t.true(analyseTone(samples, options).discontinuities >= 1)
})

test('silence before the tone and after it is the start and the end of the call', (t) => {
  const samples = new Int16Array(80_000)
  samples.set(toneSamples(437.5, 5), 12_345)
  const analysed = analyseTone(samples, options)
  t.is(analysed.discontinuities, 0)
  t.true(analysed.toneSamples > 39_800)
})

test('a recording without the tone has no tone samples', (t) => {
  t.is(analyseTone(new Int16Array(8000), options).toneSamples, 0)
  t.is(analyseTone(toneSamples(1000, 1), options).toneSamples, 0)
})

test('only the asked stretch is looked at', (t) => {
  const samples = without(toneSamples(437.5, 5), 100 * frame, 101 * frame)
  t.is(analyseTone(samples, { ...options, from: 110 * frame }).discontinuities, 0)
  t.is(analyseTone(samples, { ...options, from: 50 * frame, to: 120 * frame }).discontinuities, 1)
})
