//! A position sets its forwarding by an OPTIONS with a body (ED-137 sheet 5.11). Request and update say the
//! same to the switch: from now on there; a release has no target. The setting is in the record of table 7.
import { profileOf } from '../../tables/profile.ts'
import { type Endpoint, header, type SipHeader, type SipRequest } from '../../wire/sip/message.ts'
import { tagOf } from '../dialog/dialog.ts'
import type { Now } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import { trunkOfRequest } from '../trunk/places.ts'
import type { Exchange } from '../wired/exchange.ts'
import { directoryOf } from '../wired/setup.ts'
import { type Forwarding, forwardingText, readForwarding } from '../xip/forwarding.ts'
import { store } from './set-by-dialling.ts'
import { isOfSite } from './site-uri.ts'

interface Answer {
  readonly status: number
  readonly headers: readonly SipHeader[]
  readonly body: string
}

/** @param request of a sender who is known: From is his account.
 * @returns null: an OPTIONS without such a body. */
export function forwardByOptions(
  exchange: Exchange,
  { request, source }: { readonly request: SipRequest; readonly source: Endpoint },
  now: Now,
): Answer | null {
  const isOutside = tagOf(request.to) === null
  const asked = isOutside && request.body !== '' ? readForwarding(request.body) : null
  if (asked === null) return null
  const { plan, options } = exchange
  const { head, tails } = asked
  // Another system may name anybody in From.
  const site = { plan, tables: options.tables }
  const isTrunk = trunkOfRequest({ request, source }, site, now.wallMs) !== null
  if (isTrunk || head !== request.from.uri.user) return refusal(403)
  const [tail] = tails
  if (tail === undefined) {
    set(exchange, head, null)
    return said(exchange, request, asked)
  }
  const uri = { scheme: 'sip', user: tail, host: asked.hosts[0] ?? '' } as const
  if (!isOfSite(exchange, uri, now.wallMs)) return refusal(403)
  const chain = targetsFrom(exchange, tail)
  if (chain.includes(head)) return refusal(482)
  if (destinationOf(tail, directoryOf(exchange)).kind === 'refusal') return refusal(404)
  if (!set(exchange, head, tail)) return refusal(403)
  return said(exchange, request, { head, tails: chain.toReversed() })
}

/** The number and all to which it is forwarded itself, the last one last. */
function targetsFrom({ options }: Exchange, number: string): string[] {
  const targets = [number]
  for (;;) {
    const entry = options.tables.phoneBook.get(targets.at(-1) ?? '')
    const next = entry === undefined ? null : profileOf(entry).settings.forward.always
    if (next === null || targets.includes(next)) return targets
    targets.push(next)
  }
}

function set(exchange: Exchange, number: string, always: string | null): boolean {
  return store(exchange, number, (settings) => ({
    ...settings,
    forward: { ...settings.forward, always },
  }))
}

function refusal(status: number): Answer {
  return { status, headers: [], body: '' }
}

function said(exchange: Exchange, request: SipRequest, forwarding: Forwarding): Answer {
  const value = header(request, 'Content-Type') ?? 'application/xml'
  const body = forwardingText(forwarding, exchange.commonAddress)
  return { status: 200, headers: [{ name: 'Content-Type', value }], body }
}
