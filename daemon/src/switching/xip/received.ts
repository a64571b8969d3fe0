//! How a call has come through another system: its Diversion (RFC 5806) and History-Info (RFC 7044), read, and
//! written anew from what was understood. Nothing of them goes on as it came: whoever is told of it believes us.
import { limits } from '../../limits.ts'
import type { Received } from '../../tables/diversion.ts'
import { header, type NameAddress, type SipRequest, type SipUri } from '../../wire/sip/message.ts'
import { decimal, harmlessText, unquote } from '../../wire/sip/scan.ts'
import { headerList, nameAddressText, parseNameAddress } from '../../wire/sip/write.ts'

/** Of one header; what stands behind them is not looked at. */
const entriesReadMax = 64
/** Of one entry, as it was read and as it is written. */
const lengthMax = 256

interface ReceivedCall extends Omit<Received, 'accounts'> {
  /** Everybody who has had the call before and has sent it on, as the other system names him. */
  readonly former: readonly SipUri[]
}

/** @param isTarget whom the call is for, in the last entry of History-Info
 * @returns null: it says nothing that can be understood. */
export function readReceived(
  request: SipRequest,
  isTarget: (uri: SipUri) => boolean,
): ReceivedCall | null {
  const isHidden = hides(header(request, 'Privacy') ?? '')
  const diversions = entriesOf(request, 'Diversion').flatMap((one) => diversionOf(one, isHidden))
  const history = entriesOf(request, 'History-Info').flatMap((one) => historyOf(one, isHidden))
  if (diversions.length + history.length === 0) return null
  const last = history.at(-1)
  const isTold = last !== undefined && isTarget(last.uri)
  const before = isTold ? history.slice(0, -1) : history
  return {
    diversions: firstAnd(diversions.map(({ text }) => text).toReversed()).toReversed(),
    history: firstAnd(before.map(({ text }) => text)),
    index: last === undefined ? '1' : isTold ? last.index : `${last.index}.1`,
    former: [...diversions, ...before].map(({ uri }) => uri),
  }
}

function entriesOf(request: SipRequest, name: string): NameAddress[] {
  return headerList(request, name)
    .slice(0, entriesReadMax)
    .flatMap((text) => (text.length > lengthMax ? [] : (parseNameAddress(text) ?? [])))
}

/** The beginning of the way, and its latest steps. */
function firstAnd(steps: readonly string[]): string[] {
  const most = limits.diversionsMax
  return steps.length <= most ? [...steps] : [steps[0] ?? '', ...steps.slice(1 - most)]
}

interface Entry {
  readonly uri: SipUri
  readonly text: string
}

/** RFC 5806 4. */
const reasons = [
  'unknown',
  'user-busy',
  'no-answer',
  'unavailable',
  'unconditional',
  'time-of-day',
  'do-not-disturb',
  'deflection',
  'follow-me',
  'out-of-service',
  'away',
]

function diversionOf({ displayName, uri, parameters }: NameAddress, isHidden: boolean): Entry[] {
  const asked = unquote(parameters.get('reason') ?? '').toLowerCase()
  const count = decimal(parameters.get('counter') ?? '', 99)
  const privacy = unquote(parameters.get('privacy') ?? 'off').toLowerCase()
  const said = new Map([
    ['reason', reasons.includes(asked) ? asked : 'unknown'],
    ['counter', String(Math.max(count ?? 1, 1))],
  ])
  const shown = { displayName, uri: { ...uri, headers: '' }, parameters: said }
  return written(shown, { isHidden: isHidden || privacy !== 'off' })
}

const indexForm = /^\d{1,3}(?:\.\d{1,3}){0,9}$/

function historyOf(
  { displayName, uri, parameters }: NameAddress,
  isHidden: boolean,
): (Entry & { index: string })[] {
  const index = parameters.get('index') ?? ''
  if (!indexForm.test(index)) return []
  const said = new Map([['index', index]])
  for (const name of ['rc', 'mp', 'np']) {
    const of = parameters.get(name) ?? ''
    if (indexForm.test(of)) said.set(name, of)
  }
  const { reason, privacy } = headersOf(uri)
  const shown = { displayName, uri: { ...uri, headers: reason }, parameters: said }
  const entries = written(shown, { isHidden: isHidden || hides(privacy) })
  return entries.map((entry) => ({ ...entry, index }))
}

/** RFC 3323 4.2, RFC 7044 10.1. */
function hides(privacy: string): boolean {
  const wanted = privacy.toLowerCase().split(/[\s;,]+/)
  return ['history', 'header', 'session'].some((one) => wanted.includes(one))
}

/** What stands behind the `?` of an entry: why the call left it, and whether it may be shown. */
function headersOf({ headers }: SipUri): { reason: string; privacy: string } {
  const found = { reason: '', privacy: '' }
  for (const part of headers.split('&')) {
    const [name = '', value = ''] = part.split('=', 2)
    if (name.toLowerCase() === 'privacy') found.privacy = unescaped(value)
    if (name.toLowerCase() !== 'reason' || found.reason !== '') continue
    const [, protocol, cause] =
      /^(SIP|Q\.850)\s*;\s*cause\s*=\s*(\d{1,3})(?:\D|$)/i.exec(unescaped(value)) ?? []
    if (cause !== undefined) found.reason = `Reason=${protocol?.toUpperCase()}%3Bcause%3D${cause}`
  }
  return found
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

const nobody: SipUri = {
  scheme: 'sip',
  user: 'anonymous',
  host: 'anonymous.invalid',
  port: null,
  parameters: new Map(),
  headers: '',
}

/** Of the URI its user, its place and why it was called are known to us; all else stays behind. */
function written(
  { displayName, uri, parameters }: NameAddress,
  { isHidden }: { readonly isHidden: boolean },
): Entry[] {
  const { scheme, user, host, port, headers } = uri
  // A number of a tel URI that is not global means nothing elsewhere (RFC 3966 5.1.5).
  if (user === null || user === '' || (scheme === 'tel' && !user.startsWith('+'))) return []
  const cause = uri.parameters.get('cause') ?? ''
  const isPhone = uri.parameters.get('user') === 'phone'
  const known = new Map([
    ...(/^\d{3}$/.test(cause) ? [['cause', cause] as const] : []),
    ...(isPhone ? [['user', 'phone'] as const] : []),
  ])
  const clean: SipUri = { scheme, user, host, port, parameters: known, headers }
  const name = displayName === null ? null : harmlessText(displayName)
  const shown = isHidden
    ? { displayName: null, uri: { ...nobody, headers }, parameters }
    : { displayName: name === '' ? null : name, uri: clean, parameters }
  const text = nameAddressText(shown)
  return text.length > lengthMax ? [] : [{ uri: clean, text }]
}
