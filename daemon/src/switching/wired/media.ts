//! The media of a leg: our description of it, and its record in table 4, from which both nodes order
//! their media units (S1.41, S1.42). Both legs end here: each terminal sees only our own address.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { Leg } from '../../tables/wired-conference.ts'
import type { Direction, WiredMedia } from '../../tables/wired-media.ts'
import { answerText, offerText } from '../xip/description.ts'
import { mediaOf } from '../xip/media.ts'
import { type Codec, isMonitoring, type XipMedia } from '../xip/xip.ts'
import type { Call } from './call.ts'
import { meet, withoutUs } from './direction.ts'
import { isPresent } from './sessions.ts'

/** As much of a direction as the call has: who monitors is never heard, whatever he offers, and who is
 * monitored hears nothing (ED-137 sheet 5.5). */
export function permitted(call: Call, leg: Leg, ours: Direction): Direction {
  if (!isMonitoring(call.session.callType)) return ours
  return meet(ours, call.member(leg).side === 'caller' ? 'recvonly' : 'sendonly')
}

/** Our offer to one leg: both codecs, as the bridge can transcode; `first` is preferred. */
export function offerTo(call: Call, leg: Leg, direction: Direction, first: Codec): string {
  return versioned(call, leg, (version) =>
    offerText({
      ...ownStream(call, leg),
      version,
      direction: permitted(call, leg, direction),
      first,
    }),
  )
}

/** Our answer to the offer of one leg: its first codec that we have. */
export function answerTo(call: Call, leg: Leg, offer: string, direction: Direction): string {
  const said = permitted(call, leg, direction)
  return versioned(call, leg, (version) =>
    answerText(offer, { ...ownStream(call, leg), version, direction: said }),
  )
}

/** The same in an early dialog of the leg, which has heard `before` of us. */
export function answerEarly(
  call: Call,
  leg: Leg,
  {
    offer,
    direction,
    before,
  }: { readonly offer: string; readonly direction: Direction; readonly before: string },
): string {
  const said = permitted(call, leg, direction)
  const write = (version: number) =>
    answerText(offer, { ...ownStream(call, leg), version, direction: said })
  return versioned(call, leg, write, before)
}

/** RFC 3264 8: the version of a description grows when anything else in it changed. */
function versioned(
  call: Call,
  leg: Leg,
  write: (version: number) => string,
  before = call.dialog(leg).localSdp,
): string {
  const { sdpVersion } = call.dialog(leg)
  const same = write(sdpVersion)
  if (before === '' || before === same) return same
  call.changeDialog(leg, { sdpVersion: sdpVersion + 1 })
  return write(sdpVersion + 1)
}

function ownStream(call: Call, leg: Leg) {
  const { localPort, dialog } = call.member(leg)
  const { commonAddress: origin, options } = call.exchange
  return { address: options.address, origin, port: localPort, session: dialog.sdpSession }
}

/** The description that one leg sent last, or null. */
export function describedBy(call: Call, leg: Leg): XipMedia | null {
  const { remoteSdp } = call.dialog(leg)
  return remoteSdp === '' ? null : mediaOf(remoteSdp)
}

/** The other end of a call of two; null: there is none, as who waits for a line has no other end yet. */
export function farEnd(call: Call, leg: Leg): Leg | null {
  const { type, members } = call.session
  const far = type === 'ordinary' && members.length > 1 ? call.far(leg) : null
  return far !== null && isPresent(call.member(far)) ? far : null
}

/** What a terminal wants for itself. An answer was bounded by our offer, so it says less than that; whoever
 * holds has said so in an offer of its own. */
export function wishOf(call: Call, leg: Leg): Direction {
  const { pendingServer } = call.dialog(leg)
  const theirs = describedBy(call, leg) ?? mediaOf(pendingServer?.body ?? '')
  const wish = theirs?.direction ?? 'sendrecv'
  return call.member(leg).state === 'hold' ? wish : withoutUs(wish, saidTo(call, leg))
}

/** What we said last to one leg about directions. */
export function saidTo(call: Call, leg: Leg): Direction {
  const { localSdp } = call.dialog(leg)
  return (localSdp === '' ? null : mediaOf(localSdp))?.direction ?? 'sendrecv'
}

/** Puts or changes the media record of a leg. `said` is the direction in our description of it. A
 * change takes effect a few ticks ahead, so that both nodes know it in time. */
export function connect(call: Call, leg: Leg, media: XipMedia, said: Direction): void {
  const { wiredMedia } = call.exchange.options.tables
  const { mediaId } = call.member(leg)
  const previous = wiredMedia.get(mediaId)
  const controlTick = call.now.tick + limits.decisionLeadTicks
  const record = legRecord(call, leg, { media, said, previous })
  const isSame =
    previous !== undefined &&
    JSON.stringify({ ...previous, ...record }) === JSON.stringify(previous)
  if (isSame) return
  const changed: WiredMedia = {
    ...(previous ?? timeline(call, controlTick)),
    ...record,
    controlTick,
  }
  if (!wiredMedia.put(changed).ok) call.log('warn', 'table 4 is full', { mediaId })
}

/** What has changed of the member itself holds for its leg, too. */
export function reconnect(call: Call, leg: Leg): void {
  const media = describedBy(call, leg)
  if (media !== null && call.dialog(leg).localSdp !== '') {
    connect(call, leg, media, saidTo(call, leg))
  }
}

type LegRecord = Omit<
  WiredMedia,
  'ssrc' | 'seq0' | 'ts0' | 'tick0' | 'controlTick' | 'endTick' | 'inputMaps' | 'tone'
>

function legRecord(
  call: Call,
  leg: Leg,
  described: { media: XipMedia; said: Direction; previous: WiredMedia | undefined },
): LegRecord {
  const { media, said, previous } = described
  const codec = media.codecs[0]
  assert(codec !== undefined, 'a description is used only when it has one of our codecs')
  const { user, side, mediaId, localPort, seat } = call.member(leg)
  const { conferenceId, attendant } = call.session
  const isMuted = seat?.muted === true || seat?.selfMuted === true
  const isSilenced = seat === null ? previous?.muted : !seat.mayTalk || isMuted
  const onlyListens = side === 'caller' && isMonitoring(call.session.callType)
  // RFC 3264 8.4: nothing is sent to 0.0.0.0; the terminal keeps its last address.
  const terminalAddress = media.address ?? previous?.terminalAddress
  return {
    mediaId,
    sessionId: call.sessionId,
    conferenceId: attendant?.heard?.conferenceId ?? seat?.room ?? conferenceId,
    terminalAddress: terminalAddress ?? '0.0.0.0',
    remotePort: media.port,
    localPort,
    codec: codec.name,
    payloadType: codec.payloadType,
    // A preference of the terminal (RFC 4566 6); it is kept, because the output timeline counts in it.
    ptimeMs: previous?.ptimeMs ?? media.ptimeMs,
    eventPayloadType: media.eventPayloadType,
    direction:
      terminalAddress === undefined
        ? 'inactive'
        : meet(permitted(call, leg, said), media.direction),
    muted: isSilenced || onlyListens || null,
    gainDb: seat?.gainDb ?? previous?.gainDb ?? 0,
    twin: call.exchange.options.tables.phoneBook.get(user)?.twin ?? true,
  }
}

/** A first sequence number of 32 random bits: below 2^15, so that the first wrap is far (RFC 3711 3.3.1),
 * and not small: baresip 1.0 plays silence after the second copy of a packet whose number is below
 * 3,000, as if the numbers between had been lost. */
export function firstSequence(random: number): number {
  return 0x1000 + (random % 0x7000)
}

/** A random start of the output timeline (RFC 3550 5.1), equal on both nodes by replication. */
function timeline(call: Call, tick0: number) {
  const { random32 } = call.exchange.options
  return {
    ssrc: random32(),
    seq0: firstSequence(random32()),
    ts0: random32(),
    tick0,
    endTick: null,
    tone: null,
    inputMaps: [],
  }
}
