//! Table 4 to the media unit's command set (S1.42, S1.59). Both nodes derive their orders here from
//! the same records, so that both media units hold the same bridges.
import type { WiredMedia } from '../../tables/wired-media.ts'
import type { MediaOrder } from '../effects.ts'

/** What one change of one record of table 4 asks of the media unit; undefined: no such record. A
 * `conference-create` of a bridge that exists changes nothing, and the media unit itself ends a bridge
 * with its last member (S1.55). */
export function ordersFor(
  previous: WiredMedia | undefined,
  next: WiredMedia | undefined,
): MediaOrder[] {
  if (next === undefined) {
    return previous === undefined ? [] : [{ kind: 'member-delete', mediaId: previous.mediaId }]
  }
  if (previous === undefined) return addition(next)
  if (!isSameLeg(previous, next)) {
    return [{ kind: 'member-delete', mediaId: previous.mediaId }, ...addition(next)]
  }
  return isEqual(previous, next) ? [] : [{ kind: 'member-update', leg: next }]
}

function addition(leg: WiredMedia): MediaOrder[] {
  return [
    { kind: 'conference-create', conferenceId: leg.conferenceId },
    { kind: 'member-add', leg },
  ]
}

/** False when the record key was used again for another association. A leg may move to another bridge,
 * which costs no packet. */
function isSameLeg(a: WiredMedia, b: WiredMedia): boolean {
  return a.localPort === b.localPort && a.ssrc === b.ssrc
}

function isEqual(a: WiredMedia, b: WiredMedia): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(leg: WiredMedia): [string, unknown][] {
  return Object.entries(leg).sort(([a], [b]) => (a < b ? -1 : 1))
}
