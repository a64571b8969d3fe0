//! The state beacon (S2.13, S2.14): an XML document about the pair and, behind it, a processing
//! instruction with the HMAC-SHA-256 of every byte before it. XML tools read the whole as it is;
//! a receiver checks the tag before it looks at the document.
import { timingSafeEqual } from 'node:crypto'
import type { Role } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import { beaconFault, beaconNamespace } from './beacon-grammar.ts'
import { keyedHash } from './keyed-hash.ts'
import { element, writeXml, type XmlElement, type XmlNode } from './xml.ts'
import { readXml } from './xml-read.ts'

export interface Beacon {
  readonly site: string
  readonly node: string
  /** 16 hexadecimal digits, new at every start of the sender. */
  readonly boot: string
  /** Grows by one with each beacon of a boot. */
  readonly sequence: number
  /** ISO 8601, UTC, with milliseconds. */
  readonly sentAt: string
  readonly periodMs: number
  readonly role: Role
  readonly alone: boolean
  readonly term: number
  /** Null: not heard on any link. */
  readonly peer: {
    readonly node: string
    readonly role: Role
    readonly term: number
    readonly heardMsAgo: number
  } | null
  readonly links: readonly {
    readonly name: string
    readonly state: 'up' | 'down' | 'unknown'
    readonly heardMsAgo: number | null
    readonly rttMs: number | null
  }[]
  readonly sync: { readonly inStep: boolean; readonly pending: number }
  readonly service: { readonly calls: number; readonly usersOnline: number; readonly users: number }
  readonly alarms: {
    readonly critical: number
    readonly urgent: number
    readonly notUrgent: number
    readonly informative: number
  }
  /** What the site or a later version says beyond this (S2.41). */
  readonly extension: readonly XmlNode[]
}

const tagStart = '<?vccs-hmac '
const tagLength = tagStart.length + 64 + 2

/** @param key of the beacon, 32 bytes. */
export function encodeBeacon(beacon: Beacon, key: Uint8Array): Uint8Array {
  return sealDocument(new TextEncoder().encode(writeXml(treeOf(beacon))), key)
}

/** Puts the tag behind a document. */
export function sealDocument(document: Uint8Array, key: Uint8Array): Uint8Array {
  const tag = new TextEncoder().encode(`${tagStart}${tagOf(document, key).toString('hex')}?>`)
  const sealed = new Uint8Array(document.length + tag.length)
  sealed.set(document)
  sealed.set(tag, document.length)
  return sealed
}

/** @returns `forged` when the tag is not right, else what is wrong with an authentic document. */
export function decodeBeacon(
  bytes: Uint8Array,
  key: Uint8Array,
): Beacon | 'forged' | `malformed: ${string}` {
  if (bytes.length > limits.beaconBytesMax) return 'forged'
  const document = bytes.subarray(0, Math.max(0, bytes.length - tagLength))
  const tag = new TextDecoder('latin1').decode(bytes.subarray(document.length))
  const hex = /^<\?vccs-hmac ([0-9a-f]{64})\?>$/.exec(tag)?.[1]
  if (hex === undefined) return 'forged'
  if (!timingSafeEqual(Buffer.from(hex, 'hex'), tagOf(document, key))) return 'forged'
  const root = readXml(document, limits.beaconBytesMax)
  if (typeof root === 'string') return `malformed: ${root}`
  const fault = beaconFault(root)
  return fault === null ? beaconOf(root) : `malformed: ${fault}`
}

function tagOf(document: Uint8Array, key: Uint8Array): Buffer {
  return keyedHash('sha256', key).update(document).digest()
}

function treeOf(beacon: Beacon): XmlElement {
  const { peer, links, sync, service, alarms, extension, ...own } = beacon
  const heardPeer =
    peer === null ? [] : [element('peer', { ...peer, heardMsAgo: rounded(peer.heardMsAgo) })]
  return element('beacon', { xmlns: beaconNamespace, ...own }, [
    ...heardPeer,
    ...links.map((link) =>
      element('link', {
        ...link,
        heardMsAgo: rounded(link.heardMsAgo),
        rttMs: rounded(link.rttMs),
      }),
    ),
    element('sync', { ...sync }),
    element('service', { ...service }),
    element('alarms', { ...alarms }),
    ...(extension.length === 0 ? [] : [element('extension', {}, extension)]),
  ])
}

/** Microseconds are enough, and no exponent may appear. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(Math.max(0, ms) * 1000) / 1000
}

/** Of a document that fits the grammar. */
function beaconOf(root: XmlElement): Beacon {
  const [, text, number] = readers(root)
  const child = (name: string) => {
    return root.children.filter((one) => typeof one !== 'string' && one.name === name)
  }
  const [peer] = child('peer') as XmlElement[]
  const [sync] = child('sync') as XmlElement[]
  const [service] = child('service') as XmlElement[]
  const [alarms] = child('alarms') as XmlElement[]
  const [extension] = child('extension') as XmlElement[]
  return {
    site: text('site'),
    node: text('node'),
    boot: text('boot'),
    sequence: number('sequence'),
    sentAt: text('sentAt'),
    periodMs: number('periodMs'),
    role: text('role') as Role,
    alone: text('alone') === 'true',
    term: number('term'),
    peer: peer === undefined ? null : peerOf(peer),
    links: (child('link') as XmlElement[]).map(linkOf),
    sync: syncOf(sync ?? root),
    service: serviceOf(service ?? root),
    alarms: alarmsOf(alarms ?? root),
    extension: extension?.children ?? [],
  }
}

function readers({ attributes }: XmlElement) {
  const optional = (name: string) => {
    const value = attributes.get(name)
    return value === undefined ? null : Number(value)
  }
  const text = (name: string) => attributes.get(name) ?? ''
  const number = (name: string) => optional(name) ?? 0
  return [optional, text, number] as const
}

function peerOf(peer: XmlElement): NonNullable<Beacon['peer']> {
  const [, text, number] = readers(peer)
  const role = text('role') as Role
  return { node: text('node'), role, term: number('term'), heardMsAgo: number('heardMsAgo') }
}

function linkOf(link: XmlElement): Beacon['links'][number] {
  const [optional, text] = readers(link)
  const state = text('state') as 'up' | 'down' | 'unknown'
  return { name: text('name'), state, heardMsAgo: optional('heardMsAgo'), rttMs: optional('rttMs') }
}

function syncOf(sync: XmlElement): Beacon['sync'] {
  const [, text, number] = readers(sync)
  return { inStep: text('inStep') === 'true', pending: number('pending') }
}

function serviceOf(service: XmlElement): Beacon['service'] {
  const [, , number] = readers(service)
  return {
    calls: number('calls'),
    usersOnline: number('usersOnline'),
    users: number('users'),
  }
}

function alarmsOf(alarms: XmlElement): Beacon['alarms'] {
  const [, , number] = readers(alarms)
  return {
    critical: number('critical'),
    urgent: number('urgent'),
    notUrgent: number('notUrgent'),
    informative: number('informative'),
  }
}
