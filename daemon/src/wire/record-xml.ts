//! Call records as an XML document and back, without loss (S2.40, S2.45). What this version does not know of
//! a record stands in its `extension`, a field each, as JSON, and is kept. A character that XML cannot hold
//! is written as backslash, u and four hexadecimal digits, a backslash as two.
import { type CallRecord, callRecordSchema } from '../tables/call-record.ts'
import { recordsFault, recordsNamespace } from './record-grammar.ts'
import { element, writeXml, type XmlElement } from './xml.ts'
import { readXml } from './xml-read.ts'

export const recordsHead = `<?xml version="1.0" encoding="UTF-8"?>\n<records xmlns="${recordsNamespace}">\n`
export const recordsEnd = '</records>\n'

/** A whole document. */
export function recordsDocument(records: readonly CallRecord[]): string {
  return `${recordsHead}${records.map(recordText).join('')}${recordsEnd}`
}

/** One element with its line end, to stand between head and end. */
export function recordText(record: CallRecord): string {
  const text = writeXml(recordElement(record))
  // The document has one declaration, at its head.
  return text.slice(text.indexOf('\n') + 1)
}

/** @param bytesMax of the whole document. @returns its records, or what is wrong with it. */
export function readRecords(
  document: string | Uint8Array,
  { bytesMax, elementsMax }: { bytesMax: number; elementsMax: number },
): CallRecord[] | string {
  const bytes = typeof document === 'string' ? new TextEncoder().encode(document) : document
  const root = readXml(bytes, bytesMax, elementsMax)
  if (typeof root === 'string') return root
  const fault = recordsFault(root)
  if (fault !== null) return fault
  const records: CallRecord[] = []
  for (const [index, one] of childrenOf(root, 'record').entries()) {
    const parsed = callRecordSchema.safeParse(recordOf(one))
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      return `record ${index + 1}: ${issue?.path.join('.')}: ${issue?.message}`
    }
    records.push(parsed.data)
  }
  return records
}

function recordElement(record: CallRecord): XmlElement {
  const { startedAtMs, answeredAtMs, endedAtMs, parties, services, roles, ...rest } = record
  const { sessionId, type, callType, subject, priority, caller, called, ...more } = rest
  const { endedBy, status, reason, ...unknown } = more
  const fields = {
    ...texts({ sessionId, type, callType, subject, priority, caller, called }),
    ...{ startedAt: iso(startedAtMs), answeredAt: iso(answeredAtMs), endedAt: iso(endedAtMs) },
    ...{ endedBy, status, ...texts({ reason }) },
  }
  return element('record', fields, [
    ...parties.map(partyElement),
    ...services.map((name) => element('service', texts({ name }))),
    ...roles.map(({ atMs, term, ...other }) =>
      element('role', { at: iso(atMs), term }, extension(other)),
    ),
    ...extension(unknown),
  ])
}

function partyElement(party: CallRecord['parties'][number]): XmlElement {
  const { leg, number, side, invitedAtMs, joinedAtMs, leftAtMs, rtp, ...unknown } = party
  const times = { invitedAt: iso(invitedAtMs), joinedAt: iso(joinedAtMs), leftAt: iso(leftAtMs) }
  const children = [...(rtp === null ? [] : [rtpElement(rtp)]), ...extension(unknown)]
  return element('party', { ...texts({ leg, number }), side, ...times }, children)
}

type Rtp = NonNullable<CallRecord['parties'][number]['rtp']>

function rtpElement(rtp: Rtp): XmlElement {
  const { packetsSent, packetsReceived, packetsLost, packetsLate, ...more } = rtp
  const { jitterMsMax, farPacketsLost, ...unknown } = more
  const counts = { packetsSent, packetsReceived, packetsLost, packetsLate }
  return element('rtp', { ...counts, jitterMsMax, farPacketsLost }, extension(unknown))
}

function extension(unknown: object): XmlElement[] {
  const fields = Object.entries(unknown).map(([name, value]) =>
    element('field', texts({ name }), [escaped(JSON.stringify(value) ?? 'null')]),
  )
  return fields.length === 0 ? [] : [element('extension', {}, fields)]
}

function recordOf(record: XmlElement): object {
  const { answeredAt, startedAt, endedAt, status, ...rest } = fieldsOf(record)
  return {
    ...unknownOf(record),
    ...rest,
    startedAtMs: msOf(startedAt),
    answeredAtMs: msOf(answeredAt),
    endedAtMs: msOf(endedAt),
    status: Number(status),
    parties: childrenOf(record, 'party').map(partyOf),
    services: childrenOf(record, 'service').map((one) => fieldsOf(one).name),
    roles: childrenOf(record, 'role').map((one) => {
      const { at, term } = fieldsOf(one)
      return { ...unknownOf(one), atMs: msOf(at), term: Number(term) }
    }),
  }
}

function partyOf(party: XmlElement): object {
  const { invitedAt, joinedAt, leftAt, ...rest } = fieldsOf(party)
  const [rtp] = childrenOf(party, 'rtp')
  return {
    ...unknownOf(party),
    ...rest,
    invitedAtMs: msOf(invitedAt),
    joinedAtMs: msOf(joinedAt),
    leftAtMs: msOf(leftAt),
    rtp: rtp === undefined ? null : rtpOf(rtp),
  }
}

function rtpOf(rtp: XmlElement): object {
  const counts = Object.entries(fieldsOf(rtp)).map(([name, value]) => [name, Number(value)])
  return { ...unknownOf(rtp), ...Object.fromEntries(counts) }
}

/** Attributes of an element that fits the grammar. */
function fieldsOf({ attributes }: XmlElement): Partial<Record<string, string>> {
  const known = [...attributes].filter(([name]) => name !== 'xmlns')
  return Object.fromEntries(known.map(([name, value]) => [name, unescaped(value)]))
}

function unknownOf(parent: XmlElement): object {
  const fields = childrenOf(parent, 'extension').flatMap((one) => childrenOf(one, 'field'))
  const known = fields.flatMap((one): [string, unknown][] => {
    const name = unescaped(one.attributes.get('name') ?? '')
    const [text] = one.children
    if (name === '' || name === '__proto__' || typeof text !== 'string') return []
    try {
      return [[name, JSON.parse(unescaped(text))]]
    } catch {
      return []
    }
  })
  return Object.fromEntries(known)
}

function childrenOf({ children }: XmlElement, name: string): XmlElement[] {
  return children.filter((one): one is XmlElement => typeof one !== 'string' && one.name === name)
}

/** Unix milliseconds as ISO 8601 with all their decimals; null stays out of the document. */
function iso<T extends number | null>(ms: T): T extends null ? string | null : string {
  if (ms === null) return null as never
  const whole = Math.floor(ms)
  const [, decimals = ''] = String(ms).split('.')
  return new Date(whole).toISOString().replace('Z', `${decimals}Z`) as never
}

function msOf(time: string | undefined): number | null {
  if (time === undefined) return null
  const [, head = '', decimals = ''] = /^(.{23})(\d*)Z$/.exec(time) ?? []
  const whole = Date.parse(`${head}Z`)
  return decimals === '' ? whole : Number(`${whole}.${decimals}`)
}

function texts<T extends Record<string, string>>(fields: T): T {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, escaped(value)]),
  ) as T
}

/** The backslash, and what XML 1.0 cannot hold (section 2.2). */
const special = /\\|[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

function escaped(text: string): string {
  return text.replace(special, (one) =>
    one === '\\' ? '\\\\' : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function unescaped(text: string): string {
  return text.replace(/\\(?:\\|u([0-9a-f]{4}))/g, (_whole, code: string | undefined) =>
    code === undefined ? '\\' : String.fromCharCode(Number.parseInt(code, 16)),
  )
}
