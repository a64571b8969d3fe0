//! The grammar of call records as XML (S2.40, S2.44): the fields, their types and what they mean. Made from
//! it: etc/vccs-records.xsd and docs/records.md. A later version adds its fields inside `extension`.
import type { XmlElement } from './xml.ts'
import { type ElementRule, extensionRule, type Grammar, grammarFault, leaf } from './xml-grammar.ts'

export const recordsNamespace = 'urn:vccs:records:1'

const rtpRule: ElementRule = {
  attributes: {
    packetsSent: 'number',
    packetsReceived: 'number',
    packetsLost: 'number',
    packetsLate: 'number',
    jitterMsMax: 'number',
    farPacketsLost: 'number',
  },
  children: [extensionRule],
}

const partyRule: ElementRule = {
  attributes: {
    leg: 'text',
    number: 'text',
    side: 'side',
    invitedAt: 'time',
    joinedAt: 'time?',
    leftAt: 'time?',
  },
  children: [{ name: 'rtp', min: 0, max: 1, rule: rtpRule }, extensionRule],
}

const roleRule: ElementRule = {
  attributes: { at: 'time', term: 'number' },
  children: [extensionRule],
}

const recordRule: ElementRule = {
  attributes: {
    sessionId: 'text',
    type: 'text',
    callType: 'text',
    subject: 'text',
    priority: 'text',
    caller: 'text',
    called: 'text',
    startedAt: 'time',
    answeredAt: 'time?',
    endedAt: 'time',
    endedBy: 'end',
    status: 'whole',
    reason: 'text',
  },
  children: [
    { name: 'party', min: 0, max: 128, rule: partyRule },
    { name: 'service', min: 0, max: 32, rule: leaf({ name: 'text' }) },
    { name: 'role', min: 0, max: 16, rule: roleRule },
    extensionRule,
  ],
}

export const recordsGrammar: Grammar = {
  namespace: recordsNamespace,
  name: 'records',
  rule: {
    attributes: {},
    children: [{ name: 'record', min: 0, max: Number.POSITIVE_INFINITY, rule: recordRule }],
  },
  types: {
    text: '[\\s\\S]*',
    number: '-?[0-9]{1,20}(\\.[0-9]{1,30})?(e[+\\-]?[0-9]{1,3})?',
    whole: '-?[0-9]{1,15}',
    time: '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3,12}Z',
    side: 'caller|callee',
    end: 'caller|callee|switch|node',
  },
  source: 'daemon/src/wire/record-grammar.ts',
}

/** @returns what does not fit, or null. */
export function recordsFault(root: XmlElement): string | null {
  return grammarFault(root, recordsGrammar)
}

interface FieldNotes {
  readonly element: string
  readonly what: string
  readonly rule: ElementRule
  readonly notes: Readonly<Record<string, string>>
  /** Fields of `extension`: they came later, and a reader before them takes the document all the same. */
  readonly later?: Readonly<Record<string, string>>
}

/** The field definition table (what table 1 is in S2), by elements. */
export const recordFields: readonly FieldNotes[] = [
  {
    element: 'record',
    what: 'One session, from its first message to its end.',
    rule: recordRule,
    notes: {
      sessionId: 'number of the session; there is one record a session',
      type: 'kind of the session (S1.81), e.g. ordinary, group, temporary, preset',
      callType: 'ED-137 call type as received; empty: none',
      subject: 'Subject header as received; empty: none',
      priority: 'Priority header as received; empty: none',
      caller: 'number of who called',
      called: 'number that was dialled',
      startedAt: 'the first message came',
      answeredAt: 'the call was answered; missing: it never was',
      endedAt: 'the session ended',
      endedBy: 'who ended it; node: both nodes lost it, and one last knew it then',
      status: 'final SIP status of the set-up; 200 of an answered call',
      reason: 'value of the Reason header of the end (RFC 3326); empty: none',
    },
  },
  {
    element: 'party',
    what: 'One leg of the session, in the order in which they came.',
    rule: partyRule,
    notes: {
      leg: 'name of the leg in its session: a, b, c ...',
      number: 'number of the terminal',
      side: 'caller: the terminal invited the switch; callee: the switch invited it',
      invitedAt: 'it was invited, or invited the switch',
      joinedAt: 'it could talk from then on; missing: it never could',
      leftAt: 'it left; missing: it was there to the end',
    },
    later: { trunk: 'name of the trunk that it goes over; missing: a terminal of this site' },
  },
  {
    element: 'rtp',
    what: 'The voice of a leg, as the node counted it that served last; missing: nothing is known.',
    rule: rtpRule,
    notes: {
      packetsSent: 'to the terminal',
      packetsReceived: 'from the terminal',
      packetsLost: 'of those from the terminal, missing',
      packetsLate: 'of those from the terminal, too late to be played',
      jitterMsMax: 'highest jitter (RFC 3550 6.4.1), ms',
      farPacketsLost: 'of ours, missing by the word of the terminal',
    },
  },
  {
    element: 'service',
    what: 'A service that was used, each once, in the order of the first use.',
    rule: leaf({ name: 'text' }),
    notes: { name: 'e.g. hold, forward, transfer, intrude' },
  },
  {
    element: 'role',
    what: 'Another node began to serve while the session lived.',
    rule: roleRule,
    notes: { at: 'when', term: 'its term' },
  },
]
