//! What a SUBSCRIBE asks for (RFC 6665 4.1, 4.2.1), or the answer that refuses it.
import { limits } from '../../limits.ts'
import { header, type SipRequest } from '../../wire/sip/message.ts'
import { scanParameters } from '../../wire/sip/parameters.ts'
import { Cursor, decimal, isToken } from '../../wire/sip/scan.ts'
import { headerList, type ResponseExtras } from '../../wire/sip/write.ts'
import { allowEventsHeader } from '../registrar/capabilities.ts'
import type { EventPackage } from './event-package.ts'

export interface Wish {
  readonly event: EventPackage
  readonly eventId: string | null
  /** 0: tell it once, or end the subscription. */
  readonly seconds: number
}

interface WishRefusal {
  readonly status: number
  readonly extras: ResponseExtras
}

type Packages = ReadonlyMap<string, EventPackage>

/** A record holds this much of it. */
const eventIdLengthMax = 64

export function wishOf(request: SipRequest, packages: Packages): Wish | WishRefusal {
  const named = readEvent(header(request, 'Event') ?? '')
  const event = named === null ? undefined : packages.get(named.name)
  if (named?.name === 'refer') return refusal(403, {})
  if (named === null || event === undefined) {
    return refusal(489, { headers: [allowEventsHeader] })
  }
  if (!isAccepted(request, event.contentType)) {
    return refusal(406, { headers: [{ name: 'Accept', value: event.contentType }] })
  }
  const seconds = secondsOf(request)
  if (seconds > 0 && seconds < limits.subscriptionSecondsMin) {
    const value = String(limits.subscriptionSecondsMin)
    return refusal(423, { headers: [{ name: 'Min-Expires', value }] })
  }
  return { event, eventId: named.id, seconds }
}

/** `package[;id=...]`; other parameters narrow what is told, and everything is told. */
function readEvent(value: string): { name: string; id: string | null } | null {
  const cursor = new Cursor(value)
  const name = cursor.token().toLowerCase()
  const { parameters, complete } = scanParameters(cursor)
  const id = parameters.get('id') ?? null
  if (name === '' || !complete || !cursor.ended) return null
  if (id !== null && (!isToken(id) || id.length > eventIdLengthMax)) return null
  return { name, id }
}

function isAccepted(request: SipRequest, contentType: string): boolean {
  const accepted = headerList(request, 'Accept').map((one) =>
    (one.split(';')[0] ?? '').trim().toLowerCase(),
  )
  const good = [contentType, 'application/*', '*/*']
  return accepted.length === 0 || accepted.some((one) => good.includes(one))
}

/** What is malformed counts as absent (RFC 3261 20.19). */
function secondsOf(request: SipRequest): number {
  const text = header(request, 'Expires')?.trim()
  const given = text === undefined ? null : decimal(text, 0xffff_ffff)
  return Math.min(given ?? limits.subscriptionSecondsDefault, limits.subscriptionSecondsMax)
}

function refusal(status: number, extras: ResponseExtras): WishRefusal {
  return { status, extras }
}
