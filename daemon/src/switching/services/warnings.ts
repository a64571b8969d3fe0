//! What the members of a conversation are told when another call enters or ends it (ED-137 sheet 5.6): an INFO to
//! each, and a tone that their terminals may not make by themselves.
import type { TonePattern } from '../../tables/tone.ts'
import { type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import { playTone } from '../bridge/leg-changes.ts'
import type { Call } from '../wired/call.ts'

export function isInside({ state }: Member): boolean {
  return state === 'talking' || state === 'hold'
}

export function warn(
  call: Call,
  { text, tone }: { readonly text: string; readonly tone: TonePattern },
): void {
  const { wiredMedia } = call.exchange.options.tables
  for (const member of call.session.members) {
    if (!isInside(member)) continue
    tell(call, legOf(member), text)
    const record = wiredMedia.get(member.mediaId)
    if (record !== undefined) wiredMedia.put(playTone(record, tone, call.now.tick))
  }
}

/** @returns false: another request of ours is on its way to the terminal. */
export function tell(call: Call, leg: Leg, text: string): boolean {
  if (call.dialog(leg).relayClient !== null) return false
  const headers = [{ name: 'Content-Type', value: 'text/plain' }]
  call.request(leg, 'relayClient', { method: 'INFO', headers, body: text })
  return true
}
