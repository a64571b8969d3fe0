//! Grammars of our XML documents (S2.43): one description, by which the reader judges a document and from
//! which `npm run docs` makes the XML Schema. What is incompatible with it gets another namespace.
import type { XmlElement } from './xml.ts'

export interface ElementRule {
  /** Name of a value type; a question mark behind it: may be missing. */
  readonly attributes: Readonly<Record<string, string>>
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

export interface Grammar {
  readonly namespace: string
  /** Of the root element. */
  readonly name: string
  readonly rule: ElementRule
  /** Regular expressions without anchors, in the part that XML Schema and JavaScript share. */
  readonly types: Readonly<Record<string, string>>
  /** Where it is written, for the reader of the schema. */
  readonly source: string
}

export const leaf = (attributes: ElementRule['attributes']): ElementRule => ({
  attributes,
  children: [],
})

/** An element in which later versions and the site put what they like (S2.41). */
export const extensionRule: ChildRule = {
  name: 'extension',
  min: 0,
  max: 1,
  rule: { attributes: {}, children: [], open: true },
}

/** @returns what does not fit, or null. */
export function grammarFault(root: XmlElement, grammar: Grammar): string | null {
  if (root.name !== grammar.name) return `the root is <${root.name}>, not <${grammar.name}>`
  if (root.attributes.get('xmlns') !== grammar.namespace) return `not in ${grammar.namespace}`
  return elementFault(root, grammar.rule, grammar)
}

function elementFault(element: XmlElement, rule: ElementRule, grammar: Grammar): string | null {
  const space = element.attributes.get('xmlns')
  if (space !== undefined && space !== grammar.namespace) return `<${element.name}> is of ${space}`
  if (rule.open === true) return null
  return attributesFault(element, rule, grammar) ?? childrenFault(element, rule, grammar)
}

function attributesFault(
  { name, attributes }: XmlElement,
  rule: ElementRule,
  { types }: Grammar,
): string | null {
  for (const key of attributes.keys()) {
    if (key !== 'xmlns' && !Object.hasOwn(rule.attributes, key)) return `${name}: unknown ${key}`
  }
  for (const [key, type] of Object.entries(rule.attributes)) {
    const value = attributes.get(key)
    if (value === undefined && !type.endsWith('?')) return `${name}: ${key} is missing`
    if (value !== undefined && !whole(types[plain(type)] ?? '').test(value)) {
      return `${name}: ${key} is not a ${plain(type)}`
    }
  }
  return null
}

/** Children come in the order of the rule; between them only blanks. */
function childrenFault(element: XmlElement, rule: ElementRule, grammar: Grammar): string | null {
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
      const fault = elementFault(inner[at] as XmlElement, inside, grammar)
      if (fault !== null) return fault
    }
    if (count < min) return `${name}: <${wanted}> is missing`
  }
  const surplus = inner[at]
  return surplus === undefined ? null : `${name}: <${surplus.name}> is not expected here`
}

const compiled = new Map<string, RegExp>()

/** Of the few patterns of the grammars, each is made once. */
function whole(pattern: string): RegExp {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  const made = new RegExp(`^(?:${pattern})$`)
  compiled.set(pattern, made)
  return made
}

function plain(type: string): string {
  return type.replace('?', '')
}

/** The grammar as an XML Schema. */
export function schemaDocument({ namespace, name, rule, types, source }: Grammar): string {
  const simple = Object.entries(types).flatMap(([type, pattern]) => [
    `  <xs:simpleType name="${type}">`,
    `    <xs:restriction base="xs:string"><xs:pattern value="${pattern}"/></xs:restriction>`,
    '  </xs:simpleType>',
  ])
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<!-- Made from ${source} by \`npm run docs\`; do not edit. -->`,
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"',
    `           xmlns="${namespace}" targetNamespace="${namespace}"`,
    '           elementFormDefault="qualified">',
    ...simple,
    ...schemaElement({ name, min: 1, max: 1, rule }, '  ', false),
    '</xs:schema>',
    '',
  ].join('\n')
}

function schemaElement(child: ChildRule, indent: string, inside = true): string[] {
  const { name, min, max, rule } = child
  const most = max === Number.POSITIVE_INFINITY ? 'unbounded' : max
  const occurs = inside ? ` minOccurs="${min}" maxOccurs="${most}"` : ''
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
