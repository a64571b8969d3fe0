//! Replaces (RFC 3891): which dialog a new one, or the target of a REFER, takes the place of.

import { type Conference, legOf, type Member } from '../../tables/wired-conference.ts'
import { scanParameters } from '../../wire/sip/parameters.ts'
import { Cursor } from '../../wire/sip/scan.ts'
import type { LegName, Sessions } from '../wired/sessions.ts'

export interface Replaces {
  readonly callId: string
  readonly toTag: string
  readonly fromTag: string
  readonly isEarlyOnly: boolean
}

/** Stands for a tag that is not known yet: the called telephone has not answered. */
export const unknownTag = '0'

/** `call-id;to-tag=...;from-tag=...[;early-only]`; null: it is none. */
export function readReplaces(text: string): Replaces | null {
  const end = text.indexOf(';')
  const callId = (end < 0 ? text : text.slice(0, end)).trim()
  const cursor = new Cursor(end < 0 ? '' : text.slice(end))
  const { parameters, complete } = scanParameters(cursor)
  const toTag = parameters.get('to-tag') ?? null
  const fromTag = parameters.get('from-tag') ?? null
  if (callId === '' || !complete || !cursor.ended || toTag === null || fromTag === null) return null
  return { callId, toTag, fromTag, isEarlyOnly: parameters.has('early-only') }
}

export interface ReplacedLeg {
  readonly session: Conference
  readonly member: Member
  readonly name: LegName
}

/** The leg of this dialog, also when it is over. Telephones read the tags of a dialog package either as
 * those of the watched telephone or as ours, so that both ways are right. */
export function replacedLeg(sessions: Sessions, replaces: Replaces): ReplacedLeg | null {
  const { callId, toTag, fromTag } = replaces
  const pairs = [
    [toTag, fromTag],
    [fromTag, toTag],
  ] as const
  for (const [ours, theirs] of pairs) {
    const name = sessions.leg(callId, ours)
    const session = name === undefined ? undefined : sessions.get(name.sessionId)
    const member = session?.members.find((one) => legOf(one) === name?.leg)
    if (name === undefined || session === undefined || member === undefined) continue
    if ((member.dialog.remoteTag ?? unknownTag) === theirs) return { session, member, name }
  }
  return null
}
