//! Finds every place where a recorded tone does not go on as a tone should: a missing or repeated
//! stretch (its phase jumps), a click, a silence. It works on what a phone decoded and wrote to disk.

interface ToneAnalysis {
  /** Places with a fault; faulty frames side by side are one place. */
  readonly discontinuities: number
  /** Sample of each such place. */
  readonly places: readonly number[]
  /** Samples from the first to the last frame with the tone; 0 when there is no tone at all. */
  readonly toneSamples: number
}

interface ToneOptions {
  readonly sampleRateHz: number
  readonly toneHz: number
  /** Only this stretch, in samples. */
  readonly from?: number
  readonly to?: number
}

interface Fit {
  readonly start: number
  readonly amplitude: number
  readonly phase: number
  /** Largest distance of a sample from the fitted sine. */
  readonly peakError: number
}

const frameMs = 10
/** Below this a frame counts as silence, in units of a 16 bit sample. */
const amplitudeMin = 200
/**
 * G.711 twice (phone, daemon, phone) leaves a peak error of about 6 % of the amplitude, and less
 * than 0.03 rad in the phase of 80 samples. A missing frame moves the phase by much more as long as
 * the tone has no whole number of periods in it (`toneHz` is chosen so).
 */
const peakErrorMax = 0.18
const phaseStepMax = 0.12
const amplitudeStepMax = 0.1

/** The tone is looked for; leading and trailing frames without it are the start and the end. */
export function analyseTone(samples: Int16Array, options: ToneOptions): ToneAnalysis {
  const fits = fitFrames(samples, options)
  const first = fits.findIndex((fit) => isClean(fit))
  const last = fits.findLastIndex((fit) => isClean(fit))
  if (first < 0) return { discontinuities: 0, places: [], toneSamples: 0 }
  const places: number[] = []
  let reference = fits[first]
  let wasFaulty = false
  for (const fit of fits.slice(first, last + 1)) {
    const faulty = reference === undefined || !continues(reference, fit)
    if (faulty && !wasFaulty) places.push(fit.start)
    wasFaulty = faulty
    // Measured against the last good frame, so that a jump counts once and what follows is good.
    if (isClean(fit)) reference = fit
  }
  const frameSamples = (options.sampleRateHz * frameMs) / 1000
  return { discontinuities: places.length, places, toneSamples: (last - first + 1) * frameSamples }
}

function isClean(fit: Fit): boolean {
  return fit.amplitude >= amplitudeMin && fit.peakError <= peakErrorMax * fit.amplitude
}

function continues(before: Fit, fit: Fit): boolean {
  if (!isClean(fit)) return false
  const step = Math.abs(fit.phase - before.phase)
  const phaseStep = Math.min(step, 2 * Math.PI - step)
  const amplitudeStep = Math.abs(fit.amplitude - before.amplitude) / before.amplitude
  return phaseStep <= phaseStepMax && amplitudeStep <= amplitudeStepMax
}

function fitFrames(samples: Int16Array, options: ToneOptions): Fit[] {
  const size = (options.sampleRateHz * frameMs) / 1000
  const to = Math.min(options.to ?? samples.length, samples.length)
  const fits: Fit[] = []
  for (let start = options.from ?? 0; start + size <= to; start += size) {
    fits.push(fitSine(samples.subarray(start, start + size), start, options))
  }
  return fits
}

/** Least squares of `a cos + b sin`; the phase refers to sample 0 of the file, so it is constant. */
function fitSine(frame: Int16Array, start: number, options: ToneOptions): Fit {
  const omega = (2 * Math.PI * options.toneHz) / options.sampleRateHz
  let [cc, ss, cs, xc, xs] = [0, 0, 0, 0, 0]
  frame.forEach((sample, index) => {
    const cosine = Math.cos(omega * (start + index))
    const sine = Math.sin(omega * (start + index))
    cc += cosine * cosine
    ss += sine * sine
    cs += cosine * sine
    xc += sample * cosine
    xs += sample * sine
  })
  const determinant = cc * ss - cs * cs
  const a = (xc * ss - xs * cs) / determinant
  const b = (xs * cc - xc * cs) / determinant
  let peakError = 0
  frame.forEach((sample, index) => {
    const angle = omega * (start + index)
    const model = a * Math.cos(angle) + b * Math.sin(angle)
    peakError = Math.max(peakError, Math.abs(sample - model))
  })
  return { start, amplitude: Math.hypot(a, b), phase: Math.atan2(b, a), peakError }
}
