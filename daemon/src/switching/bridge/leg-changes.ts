//! What a service changes of a leg (table 4). Each gives the record that holds from a tick on that both
//! media units know in time; put it into the table.
import { limits } from '../../limits.ts'
import type { TonePattern } from '../../tables/tone.ts'
import type { WiredMedia } from '../../tables/wired-media.ts'

type Changeable = 'muted' | 'gainDb' | 'sessionId' | 'conferenceId'

/** - `muted`: the others hear it no more, whatever was agreed with its terminal: muted, or a listener.
 * - `gainDb`, -30..12: how loud it is for the others, and how much it counts beside them.
 * - `sessionId` and `conferenceId`: its terminal goes on in another bridge, without a packet lost.
 * @param tick that of now. */
export function changeLeg(
  leg: WiredMedia,
  change: Partial<Pick<WiredMedia, Changeable>>,
  tick: number,
): WiredMedia {
  return { ...leg, ...change, controlTick: tick + limits.decisionLeadTicks }
}

/** The terminal hears a tone, until it is over or stopped. */
export function playTone(leg: WiredMedia, pattern: TonePattern, tick: number): WiredMedia {
  const fromTick = tick + limits.decisionLeadTicks
  return { ...changeLeg(leg, {}, tick), tone: { ...pattern, fromTick, untilTick: null } }
}

export function stopTone(leg: WiredMedia, tick: number): WiredMedia {
  return leg.tone === null ? leg : { ...changeLeg(leg, {}, tick), tone: null }
}

/** The member leaves while others go on: at one instant for both nodes. Its record can go when that
 * tick is over (`EndingLegs`). */
export function endLeg(leg: WiredMedia, tick: number): WiredMedia {
  return { ...changeLeg(leg, {}, tick), endTick: tick + limits.decisionLeadTicks }
}
