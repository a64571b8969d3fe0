//! XML documents as values, and their writing (W3C XML 1.0, S2.40-S2.43). Small documents between
//! machines: UTF-8, no document type, names without prefix. The reader is xml-read.ts.

export interface XmlElement {
  readonly name: string
  /** In the order of the document. `xmlns` is one of them. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlNode[]
}

/** A string is character data. */
export type XmlNode = XmlElement | string

export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | boolean | null>>,
  children: readonly XmlNode[] = [],
): XmlElement {
  const known = Object.entries(attributes).flatMap(([key, value]) =>
    value === null ? [] : [[key, String(value)] as const],
  )
  return { name, attributes: new Map(known), children }
}

/** What XML 1.0 cannot hold, not even as a character reference (section 2.2). */
const illegal = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

/** A character that XML cannot hold becomes U+FFFD: what a name holds must not silence the document. */
function escaped(text: string, special: RegExp): string {
  const legal = text.toWellFormed().replace(illegal, '\u{FFFD}')
  return legal.replace(special, (one) => entities[one] ?? one)
}

/** @returns the document with its declaration. Elements that hold only elements have one a line. */
export function writeXml(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${written(root, '')}\n`
}

function written({ name, attributes, children }: XmlElement, indent: string): string {
  const start = [name]
  // A tab or line break would be read as a blank (section 3.3.3).
  for (const [key, value] of attributes) start.push(`${key}="${escaped(value, /[&<>"\t\n\r]/g)}"`)
  const tag = start.join(' ')
  if (children.length === 0) return `<${tag}/>`
  if (children.some((child) => typeof child === 'string')) {
    const inner = children.map((child) =>
      typeof child === 'string' ? escaped(child, /[&<>\r]/g) : written(child, ''),
    )
    return `<${tag}>${inner.join('')}</${name}>`
  }
  const deeper = `${indent}  `
  const lines = children.map((child) =>
    typeof child === 'string' ? child : `${deeper}${written(child, deeper)}`,
  )
  return `<${tag}>\n${lines.join('\n')}\n${indent}</${name}>`
}
