//! What an event package is (RFC 6665 5), and what its documents are made from.
import { limits } from '../../limits.ts'
import { uriText } from '../../wire/sip/write.ts'
import { writeXml, type XmlElement } from '../../wire/xml.ts'
import { ownContact } from '../dialog/dialog.ts'
import type { Now } from '../effects.ts'
import type { eventNames } from '../registrar/capabilities.ts'
import type { Exchange } from '../wired/exchange.ts'

/** What there is to tell of one number at one moment. */
export interface Look {
  /** Equal texts tell the same; the version is no part of it. */
  readonly text: string
  /** The document. Versions begin at 0 and grow by one with each NOTIFY of a subscription. */
  document(version: number): string
}

export interface EventPackage {
  readonly name: (typeof eventNames)[number]
  readonly contentType: string
  /** @returns null, or the status that refuses the subscription. */
  admit(
    exchange: Exchange,
    wish: { readonly watched: string; readonly subscriber: string },
  ): number | null
  /** @returns null when there is nothing of this number any more: its subscriptions end. */
  look(exchange: Exchange, watched: string, now: Now): Look | null
  /** The last document of a number that is no more; absent: none. */
  farewell?(exchange: Exchange, watched: string, version: number): string
}

/** A number of this site as a URI; the same on both nodes. */
export function entityOf(exchange: Exchange, number: string): string {
  const { sipPort } = exchange.options
  const { uri } = ownContact({ address: exchange.commonAddress, sipPort }, number)
  return uriText({ ...uri, port: null })
}

/** Names are shown on keys; a longer one is cut. */
const nameLengthMax = 64

export function nameOf(exchange: Exchange, number: string): string | null {
  const name = exchange.options.tables.phoneBook.get(number)?.displayName ?? ''
  return name === '' ? null : [...name].slice(0, nameLengthMax).join('')
}

/** The document with as many of its parts as the bound of its length allows, the first ones first. */
export function boundedXml<P>(
  parts: readonly P[],
  write: (parts: readonly P[]) => XmlElement,
): string {
  for (let count = parts.length; ; count = Math.floor(count / 2)) {
    const text = writeXml(write(parts.slice(0, count)))
    if (count === 0 || Buffer.byteLength(text) <= limits.eventDocumentBytesMax) return text
  }
}
