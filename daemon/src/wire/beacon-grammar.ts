//! The grammar of the state beacon (S2.43), from which etc/vccs-beacon.xsd is made, too. A later version
//! adds its elements inside `extension`.
import type { XmlElement, XmlNode } from './xml.ts'
import { type ElementRule, extensionRule, type Grammar, grammarFault, leaf } from './xml-grammar.ts'

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
    extensionRule,
  ],
}

export const beaconGrammar: Grammar = {
  namespace: beaconNamespace,
  name: 'beacon',
  rule: beaconRule,
  types: valueTypes,
  source: 'daemon/src/wire/beacon-grammar.ts',
}

/** @returns what does not fit, or null. */
export function beaconFault(root: XmlElement): string | null {
  return grammarFault(root, beaconGrammar)
}

/** Elements of an extension as plain values, for JSON. */
export function plainNodes(nodes: readonly XmlNode[]): unknown[] {
  return nodes.flatMap((node): unknown[] => {
    if (typeof node === 'string') return node.trim() === '' ? [] : [node]
    const { name, attributes, children } = node
    return [{ name, attributes: Object.fromEntries(attributes), children: plainNodes(children) }]
  })
}
