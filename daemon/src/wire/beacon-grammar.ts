//! The grammar of the state beacon (S2.43): one description, by which the reader judges a document and
//! from which `npm run docs` makes etc/vccs-beacon.xsd. A later version adds its elements inside
//! `extension`; what is incompatible gets another namespace.
import type { XmlElement, XmlNode } from './xml.ts'

export const beaconNamespace = 'urn:vccs:beacon:1'

/** Regular expressions without anchors, in the part that XML Schema and JavaScript share. */
const valueTypes = {
  word: '[a-z0-9][a-z0-9\\-]{0,31}',
  boot: '[0-9a-f]{16}',
  flag: 'true|false',
  count: '0|[1-9][0-9]{0,8}',
  number: '0|[1-9][0-9]{0,14}',
  milliseconds: '(0|[1-9][0-9]{0,8})(\\.[0-9]{1,3})?',
  time: '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z',
  role: 'starting|standby|primary',
  linkState: 'up|down|unknown',
} as const
type ValueType = keyof typeof valueTypes

interface ElementRule {
  /** A question mark behind the type: may be missing. */
  readonly attributes: Readonly<Record<string, ValueType | `${ValueType}?`>>
  /** In this order. */
  readonly children: readonly ChildRule[]
  /** Whatever is well-formed. */
  readonly open?: true
}

interface ChildRule {
  readonly name: string
  readonly min: 0 | 1
  readonly max: number
  readonly rule: ElementRule
}

const leaf = (attributes: ElementRule['attributes']): ElementRule => ({ attributes, children: [] })

const beaconRule: ElementRule = {
  attributes: {
    site: 'word',
    node: 'word',
    boot: 'boot',
    sequence: 'number',
    sentAt: 'time',
    periodMs: 'count',
    role: 'role',
    alone: 'flag',
    term: 'number',
  },
  children: [
    {
      name: 'peer',
      min: 0,
      max: 1,
      rule: leaf({ node: 'word', role: 'role', term: 'number', heardMsAgo: 'milliseconds' }),
    },
    {
      name: 'link',
      min: 0,
      max: 3,
      rule: leaf({
        name: 'word',
        state: 'linkState',
        heardMsAgo: 'milliseconds?',
        rttMs: 'milliseconds?',
      }),
    },
    { name: 'sync', min: 1, max: 1, rule: leaf({ inStep: 'flag', pending: 'count' }) },
    {
      name: 'service',
      min: 1,
      max: 1,
      rule: leaf({ calls: 'count', usersOnline: 'count', users: 'count' }),
    },
    {
      name: 'alarms',
      min: 1,
      max: 1,
      rule: leaf({ critical: 'count', urgent: 'count', notUrgent: 'count', informative: 'count' }),
    },
    { name: 'extension', min: 0, max: 1, rule: { attributes: {}, children: [], open: true } },
  ],
}

/** @returns what does not fit, or null. */
export function beaconFault(root: XmlElement): string | null {
  if (root.name !== 'beacon') return `the root is <${root.name}>, not <beacon>`
  if (root.attributes.get('xmlns') !== beaconNamespace) return `not in ${beaconNamespace}`
  return elementFault(root, beaconRule)
}

function elementFault(element: XmlElement, rule: ElementRule): string | null {
  const space = element.attributes.get('xmlns')
  if (space !== undefined && space !== beaconNamespace) return `<${element.name}> is of ${space}`
  if (rule.open === true) return null
  return attributesFault(element, rule) ?? childrenFault(element, rule)
}

function attributesFault({ name, attributes }: XmlElement, rule: ElementRule): string | null {
  for (const key of attributes.keys()) {
    if (key !== 'xmlns' && !Object.hasOwn(rule.attributes, key)) return `${name}: unknown ${key}`
  }
  for (const [key, type] of Object.entries(rule.attributes)) {
    const value = attributes.get(key)
    if (value === undefined && !type.endsWith('?')) return `${name}: ${key} is missing`
    if (value !== undefined && !fits(value, type)) return `${name}: ${key} is not a ${plain(type)}`
  }
  return null
}

/** Children come in the order of the rule; between them only blanks. */
function childrenFault(element: XmlElement, rule: ElementRule): string | null {
  const { name } = element
  const inner: XmlElement[] = []
  for (const child of element.children) {
    if (typeof child !== 'string') inner.push(child)
    // An element without child rules is empty: XML Schema allows not even blanks there.
    else if (rule.children.length === 0 || !/^[ \t\n]*$/.test(child)) return `${name}: holds text`
  }
  let at = 0
  for (const { name: wanted, min, max, rule: inside } of rule.children) {
    let count = 0
    for (; inner[at]?.name === wanted && count < max; at += 1, count += 1) {
      const fault = elementFault(inner[at] as XmlElement, inside)
      if (fault !== null) return fault
    }
    if (count < min) return `${name}: <${wanted}> is missing`
  }
  const surplus = inner[at]
  return surplus === undefined ? null : `${name}: <${surplus.name}> is not expected here`
}

function fits(value: string, type: string): boolean {
  return new RegExp(`^(?:${valueTypes[plain(type)]})$`).test(value)
}

function plain(type: string): ValueType {
  return type.replace('?', '') as ValueType
}

/** The grammar as an XML Schema. */
export function beaconSchemaDocument(): string {
  const types = Object.entries(valueTypes).flatMap(([name, pattern]) => [
    `  <xs:simpleType name="${name}">`,
    `    <xs:restriction base="xs:string"><xs:pattern value="${pattern}"/></xs:restriction>`,
    '  </xs:simpleType>',
  ])
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!-- Made from daemon/src/wire/beacon-grammar.ts by `npm run docs`; do not edit. -->',
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"',
    `           xmlns="${beaconNamespace}" targetNamespace="${beaconNamespace}"`,
    '           elementFormDefault="qualified">',
    ...types,
    ...schemaElement({ name: 'beacon', min: 1, max: 1, rule: beaconRule }, '  ', false),
    '</xs:schema>',
    '',
  ].join('\n')
}

function schemaElement(child: ChildRule, indent: string, inside = true): string[] {
  const { name, min, max, rule } = child
  const occurs = inside ? ` minOccurs="${min}" maxOccurs="${max}"` : ''
  const lines = [`<xs:element name="${name}"${occurs}>`]
  if (rule.open === true) {
    lines.push(
      '  <xs:complexType mixed="true">',
      '    <xs:sequence>',
      '      <xs:any namespace="##any" processContents="skip" minOccurs="0" maxOccurs="unbounded"/>',
      '    </xs:sequence>',
      '    <xs:anyAttribute namespace="##any" processContents="skip"/>',
      '  </xs:complexType>',
    )
  } else {
    lines.push('  <xs:complexType>')
    if (rule.children.length > 0) {
      const inner = rule.children.flatMap((one) => schemaElement(one, '      '))
      lines.push('    <xs:sequence>', ...inner, '    </xs:sequence>')
    }
    for (const [key, type] of Object.entries(rule.attributes)) {
      const use = type.endsWith('?') ? 'optional' : 'required'
      lines.push(`    <xs:attribute name="${key}" type="${plain(type)}" use="${use}"/>`)
    }
    lines.push('  </xs:complexType>')
  }
  lines.push('</xs:element>')
  return lines.map((line) => `${indent}${line}`)
}

/** Elements of an extension as plain values, for JSON. */
export function plainNodes(nodes: readonly XmlNode[]): unknown[] {
  return nodes.flatMap((node): unknown[] => {
    if (typeof node === 'string') return node.trim() === '' ? [] : [node]
    const { name, attributes, children } = node
    return [{ name, attributes: Object.fromEntries(attributes), children: plainNodes(children) }]
  })
}
