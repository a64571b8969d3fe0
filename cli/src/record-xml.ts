//! Call records as XML (S2.40): each field is an element of its name, each member of a list an `item`; what
//! a record has not is left out.
import { element, writeXml, type XmlElement } from '../../daemon/src/wire/xml.ts'

export const recordsHead =
  '<?xml version="1.0" encoding="UTF-8"?>\n<records xmlns="urn:vccs:cdr-export:1">\n'
export const recordsEnd = '</records>\n'

/** One line or more with their end. */
export function recordXml(record: object): string {
  const text = writeXml(elementOf('record', record))
  // The document has one declaration, at its head.
  return text.slice(text.indexOf('\n') + 1)
}

function elementOf(name: string, value: unknown): XmlElement {
  if (Array.isArray(value)) {
    return element(
      name,
      {},
      value.map((one) => elementOf('item', one)),
    )
  }
  if (typeof value !== 'object' || value === null) return element(name, {}, [String(value)])
  const fields = Object.entries(value).filter(([, one]) => one !== null && one !== undefined)
  return element(
    name,
    {},
    fields.map(([key, one]) => elementOf(key, one)),
  )
}
