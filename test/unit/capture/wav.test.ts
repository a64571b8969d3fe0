import test from 'ava'
import { toneSamples } from '../../../scripts/capture/wav.ts'

const sampleRateHz = 8_000

/** Whole hertz, half hertz, and one that is never the same again. */
const tones = [
  { hz: 525, seconds: 7 },
  { hz: 437.5, seconds: 4.5 },
  { hz: 1_000, seconds: 0.5 },
  { hz: 333.3, seconds: 5 },
]

for (const { hz, seconds } of tones) {
  test(`a tone of ${hz} Hz is a sine for all of its ${seconds} s`, (t) => {
    const samples = toneSamples(hz, seconds, 8_000)
    t.is(samples.length, seconds * sampleRateHz)
    const wrong = samples.findIndex((sample, index) => {
      const wanted = 8_000 * Math.sin((2 * Math.PI * hz * index) / sampleRateHz)
      return Math.abs(sample - wanted) > 1
    })
    t.is(wrong, -1)
  })
}
