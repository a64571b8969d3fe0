//! What a service changes of a leg (table 4). Each gives the record that holds from a tick on which both
//! media units know in time; put it into the table.
import { limits } from '../../limits.ts'
import type { TonePattern } from '../../tables/tone.ts'
import type { WiredMedia } from '../../tables/wired-media.ts'

function from(leg: WiredMedia, tick: number, change: Partial<WiredMedia>): WiredMedia {
  return { ...leg, ...change, controlTick: tick + limits.decisionLeadTicks }
}

/** The terminal hears a tone, until it is over or stopped. @param tick that of now. */
export function playTone(leg: WiredMedia, pattern: TonePattern, tick: number): WiredMedia {
  const fromTick = tick + limits.decisionLeadTicks
  return from(leg, tick, { tone: { ...pattern, fromTick, untilTick: null } })
}

export function stopTone(leg: WiredMedia, tick: number): WiredMedia {
  return leg.tone === null ? leg : from(leg, tick, { tone: null })
}

/** The others hear it no more, whatever was agreed with its terminal: muted, or a listener. */
export function setMuted(leg: WiredMedia, muted: boolean, tick: number): WiredMedia {
  return (leg.muted ?? false) === muted ? leg : from(leg, tick, { muted })
}

/** How loud it is for the others, and how much it counts beside them. @param gainDb -30..12 */
export function setGain(leg: WiredMedia, gainDb: number, tick: number): WiredMedia {
  return leg.gainDb === gainDb ? leg : from(leg, tick, { gainDb })
}

/** Its terminal goes on in another bridge, without a packet lost. */
export function moveLeg(
  leg: WiredMedia,
  to: Pick<WiredMedia, 'sessionId' | 'conferenceId'>,
  tick: number,
): WiredMedia {
  const { sessionId, conferenceId } = to
  return from(leg, tick, { sessionId, conferenceId })
}

/** The member leaves while others go on: at one instant for both nodes. Its record can go when that
 * tick is over (`EndingLegs`). */
export function endLeg(leg: WiredMedia, tick: number): WiredMedia {
  return from(leg, tick, { endTick: tick + limits.decisionLeadTicks })
}
