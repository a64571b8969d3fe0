//! What the demo promises, held against a report.
import { type DemoReport, eventNames } from './report.ts'

/** Less than the smallest jitter buffer of the phones (5 frames of 20 ms). */
const gapMsMax = 60
/** Detection takes 500 ms; the first answer follows within one probe and some scheduling. */
const takeoverMsMax = 1_000
const payloadEqualMin = 0.999

/** One sentence for each broken promise; none when all is as promised. */
export function brokenPromises(report: DemoReport): string[] {
  const broken: string[] = []
  for (const [user, events] of Object.entries(report.phones)) {
    for (const name of eventNames) {
      const figures = events[name]
      const where = `phone ${user}, ${name}:`
      if (figures.packetsLost !== 0) broken.push(`${where} ${figures.packetsLost} packets lost`)
      if (figures.maxGapMs > gapMsMax) broken.push(`${where} a gap of ${figures.maxGapMs} ms`)
      if (figures.sipMessagesDuringTakeover !== 0) {
        broken.push(`${where} ${figures.sipMessagesDuringTakeover} SIP messages`)
      }
      if (figures.decodedAudioDiscontinuities !== 0) {
        broken.push(`${where} ${figures.decodedAudioDiscontinuities} breaks in the tone`)
      }
    }
  }
  return [...broken, ...brokenOfPair(report)]
}

function brokenOfPair({ takeoverMs, twin, callEndedNormally }: DemoReport): string[] {
  const broken: string[] = []
  if (takeoverMs < 0) broken.push('the survivor never answered')
  if (takeoverMs > takeoverMsMax) broken.push(`the take-over took ${takeoverMs} ms`)
  if (twin.packets === 0) broken.push('no packet was sent by both nodes')
  if (twin.headerEqual !== twin.packets) {
    broken.push(`twin: ${twin.packets - twin.headerEqual} headers differ`)
  }
  if (twin.payloadEqual < twin.packets * payloadEqualMin) {
    broken.push(`twin: ${twin.packets - twin.payloadEqual} of ${twin.packets} payloads differ`)
  }
  if (!callEndedNormally) broken.push('the call did not end normally')
  return broken
}
