//! Tones of a conference (ED-137 sheet 5.13): who is in hears that somebody comes or goes, so that nobody
//! listens unnoticed; and who is asked for its PIN hears that the digits are awaited, or were wrong. All of
//! it follows from what changes in the record of the session, whatever has changed it.
import { limits } from '../../limits.ts'
import { isSounding, type TonePattern } from '../../tables/tone.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import type { WiredMedia } from '../../tables/wired-media.ts'
import { playTone, stopTone } from '../bridge/leg-changes.ts'
import { isConnected } from '../conference/seat.ts'
import type { Now } from '../effects.ts'
import type { Exchange } from '../wired/exchange.ts'
import { isOver } from '../wired/sessions.ts'
import type { Service, SessionChange } from './service.ts'

export const conferenceTones: Service = {
  name: 'conference-tones',
  changed: (exchange, change) => {
    const { next } = change
    if (next === null || next.focus === null || isOver(next)) return []
    if (exchange.plan.conferenceTones) tellOthers(exchange, change, next)
    for (const member of next.members) askOrWarn(exchange, change.previous, member)
    return []
  },
}

/** The legs that hear each other. */
function inside({ members }: Conference): ReadonlySet<Leg> {
  const there = members.filter((one) => isConnected(one) && one.seat?.room === null)
  return new Set(there.map(legOf))
}

/** Who comes hears it with the others: he is in. Who talked before it was a conference has not come. */
function tellOthers(exchange: Exchange, { previous }: SessionChange, next: Conference): void {
  if (previous === null || previous.focus === null) return
  const [before, after] = [inside(previous), inside(next)]
  const hasCome = [...after].some((leg) => !before.has(leg))
  const hasGone = [...before].some((leg) => !after.has(leg))
  if (!hasCome && !hasGone) return
  // In a large one the tones would be all that is heard, and each is a change of every leg.
  if (after.size < 2 - Number(hasGone) || after.size > limits.conferenceToneMembersMax) return
  const pattern = toneSet(exchange.plan.tones)[hasCome ? 'conference-join' : 'conference-leave']
  const heard = next.members.filter((member) => after.has(legOf(member)))
  exchange.followUps.push((now) => {
    for (const member of heard) notice(exchange, member, pattern, now)
    return []
  })
}

/** Beside what he hears, and in the place of no other tone. */
function notice(exchange: Exchange, member: Member, pattern: TonePattern, now: Now): void {
  const record = legRecordOf(exchange, member)
  if (record === undefined || record.endTick !== null) return
  if (record.tone !== null && isSounding(record.tone, now.tick)) return
  exchange.options.tables.wiredMedia.put(playTone(record, pattern, now.tick))
}

/** Dial tone until the first digit, as of any telephone; of a PIN that is wrong the caller is told. */
function askOrWarn(exchange: Exchange, previous: Conference | null, member: Member): void {
  const { seat } = member
  const former = previous?.members.find((one) => legOf(one) === legOf(member))?.seat ?? null
  if (seat === null || !isConnected(member)) return
  const isAsked = seat.room !== null
  if (!isAsked && (former === null || former.room === null)) return
  const isWrong = isAsked && former !== null && seat.failures > former.failures
  const awaitsFirst = isAsked && seat.digits === '' && seat.failures === 0
  const set = toneSet(exchange.plan.tones)
  exchange.followUps.push((now) => {
    const { wiredMedia } = exchange.options.tables
    const record = legRecordOf(exchange, member)
    if (record === undefined || record.endTick !== null) return []
    const dials = record.tone?.name === set.dial.name
    if (isWrong) wiredMedia.put(playTone(record, set['wrong-operation'], now.tick))
    else if (awaitsFirst && !dials) wiredMedia.put(playTone(record, set.dial, now.tick))
    else if (!awaitsFirst && dials) wiredMedia.put(stopTone(record, now.tick))
    return []
  })
}

function legRecordOf({ options }: Exchange, { mediaId }: Member): WiredMedia | undefined {
  return options.tables.wiredMedia.get(mediaId)
}
