//! Tones of a call: the hold tone for whoever is held, and those that services play. They are in the records
//! of the legs, so that a take-over changes nothing in what is heard.

import { isSounding, type TonePattern } from '../../tables/tone.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import { type Leg, legOf } from '../../tables/wired-conference.ts'
import type { Direction } from '../../tables/wired-media.ts'
import { playTone, stopTone } from '../bridge/leg-changes.ts'
import type { Call } from '../wired/call.ts'
import { isHold, meet } from '../wired/direction.ts'
import { answerTo, connect, permitted } from '../wired/media.ts'
import { isPresent, isSettingUp } from '../wired/sessions.ts'
import { mediaOf } from '../xip/media.ts'

const holdTone = 'hold'

/** In a call between two, one side holds and the other one hears that it is held, in place of what the
 * holding telephone sends. A conference goes on without who holds. */
export function setHoldTones(call: Call): void {
  const present = call.session.members.filter((one) => isPresent(one) && !isSettingUp(one))
  for (const member of present) {
    const others = present.filter((one) => one !== member)
    const isHeld = others.length === 1 && others[0]?.state === 'hold'
    if (isHeld) play(call, legOf(member), toneSet(call.exchange.plan.tones).hold)
    else stop(call, legOf(member), holdTone)
  }
}

/** What is said to a leg when the other one says `direction`: a terminal that is held goes on listening,
 * to the hold tone, also when nothing is sent by who holds. */
export function saidToHeld(call: Call, leg: Leg, direction: Direction): Direction {
  const isHeld = isHold(direction) && call.session.callType === 'da-ida'
  return isHeld ? 'sendonly' : permitted(call, leg, direction)
}

/** Somebody talks to them: nobody hears a tone any more. */
export function stopTones(call: Call): void {
  for (const member of call.session.members) stop(call, legOf(member))
}

/** The terminal of the leg hears a tone, until it is over or stopped. */
export function play(call: Call, leg: Leg, pattern: TonePattern): void {
  const { wiredMedia } = call.exchange.options.tables
  const record = wiredMedia.get(call.member(leg).mediaId)
  const sounds = record?.tone?.name === pattern.name && isSounding(record.tone, call.now.tick)
  if (record === undefined || sounds) return
  wiredMedia.put(playTone(record, pattern, call.now.tick))
}

/** Early media for a caller: he hears a tone before anybody has answered.
 * @returns our answer to his offer; '': he made none, and hears nothing. */
export function playEarly(call: Call, leg: Leg, pattern: TonePattern): string {
  const { pendingServer, localSdp } = call.dialog(leg)
  const offer = pendingServer?.body ?? ''
  const media = offer === '' ? null : mediaOf(offer)
  if (media === null) return ''
  const isConnected = call.exchange.options.tables.wiredMedia.get(call.member(leg).mediaId)
  const said = meet('sendrecv', media.direction)
  const body = isConnected === undefined ? answerTo(call, leg, offer, said) : localSdp
  if (isConnected === undefined) {
    call.changeDialog(leg, { localSdp: body, remoteSdp: offer })
    connect(call, leg, media, said)
  }
  play(call, leg, pattern)
  return body
}

/** @param name only this tone; absent: any. */
export function stop(call: Call, leg: Leg, name?: string): void {
  const { wiredMedia } = call.exchange.options.tables
  const record = wiredMedia.get(call.member(leg).mediaId)
  if (record === undefined || record.tone === null) return
  if (name === undefined || record.tone.name === name) {
    wiredMedia.put(stopTone(record, call.now.tick))
  }
}
