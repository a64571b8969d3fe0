//! Event package `dialog` (RFC 4235): the calls of a number, for busy lamps and for pick-up.
import type { Conference, Member } from '../../tables/wired-conference.ts'
import { element, type XmlElement, type XmlNode } from '../../wire/xml.ts'
import { unknownTag } from '../dialog/replaces.ts'
import type { Exchange } from '../wired/exchange.ts'
import { isOver } from '../wired/sessions.ts'
import { boundedXml, type EventPackage, entityOf, type Look, nameOf } from './event-package.ts'

type DialogState = 'trying' | 'early' | 'confirmed'

interface SeenDialog {
  readonly id: string
  readonly callId: string
  /** As the telephone sees them: `local` is its own. */
  readonly localTag: string
  readonly remoteTag: string
  readonly direction: 'initiator' | 'recipient'
  readonly state: DialogState
  readonly isHeld: boolean
  /** Number of the other party; empty: a conference. */
  readonly peer: string
}

export const dialogPackage: EventPackage = {
  name: 'dialog',
  contentType: 'application/dialog-info+xml',
  admit: (exchange, { watched }) =>
    exchange.options.tables.phoneBook.get(watched) === undefined ? 404 : null,
  look(exchange, watched): Look | null {
    if (exchange.options.tables.phoneBook.get(watched) === undefined) return null
    const dialogs = dialogsOf(exchange, watched)
    return {
      text: JSON.stringify(dialogs),
      document: (version) =>
        boundedXml(dialogs, (some) => dialogInfo(exchange, { watched, version, dialogs: some })),
    }
  },
}

/** A telephone in instantaneous access or monitoring is not busy (ED-137 sheet 5.10). */
export function isShown(session: Conference): boolean {
  return !isOver(session) && ['', 'da-ida'].includes(session.callType)
}

/** Ringing ones first: they are what a pick-up looks for. */
function dialogsOf(exchange: Exchange, watched: string): SeenDialog[] {
  const dialogs = exchange.sessions.of(watched).flatMap((session) => {
    if (!isShown(session)) return []
    return session.members
      .filter((member) => member.user === watched && isIn(member))
      .map((member) => seen(session, member))
  })
  return dialogs.sort((one, other) => rank(one) - rank(other))
}

function rank({ state }: SeenDialog): number {
  return ['early', 'trying', 'confirmed'].indexOf(state)
}

function isIn(member: Member): boolean {
  return member.state !== 'releasing' && member.state !== 'released'
}

function seen(session: Conference, member: Member): SeenDialog {
  const others = session.members.filter((one) => one !== member && isIn(one))
  return {
    id: member.mediaId,
    callId: member.dialog.callId,
    localTag: member.dialog.remoteTag ?? unknownTag,
    remoteTag: member.dialog.localTag,
    direction: member.side === 'caller' ? 'initiator' : 'recipient',
    state: stateOf(member, others),
    isHeld: member.state === 'hold',
    peer: others.length === 1 ? (others[0]?.user ?? '') : '',
  }
}

/** A caller hears it ring when one of those whom it calls rings. */
function stateOf(member: Member, others: readonly Member[]): DialogState {
  if (member.state === 'talking' || member.state === 'hold') return 'confirmed'
  const ringing = member.side === 'caller' ? others : [member]
  return ringing.some((one) => one.state === 'ringing') ? 'early' : 'trying'
}

function dialogInfo(
  exchange: Exchange,
  all: { watched: string; version: number; dialogs: readonly SeenDialog[] },
): XmlElement {
  const { watched, version, dialogs } = all
  const entity = entityOf(exchange, watched)
  const xmlns = 'urn:ietf:params:xml:ns:dialog-info'
  return element(
    'dialog-info',
    { xmlns, version, state: 'full', entity },
    dialogs.map((dialog) => dialogElement(exchange, watched, dialog)),
  )
}

function dialogElement(exchange: Exchange, watched: string, dialog: SeenDialog): XmlElement {
  const held = element('param', { pname: '+sip.rendering', pval: 'no' })
  return element(
    'dialog',
    {
      id: dialog.id,
      'call-id': dialog.callId,
      'local-tag': dialog.localTag,
      'remote-tag': dialog.remoteTag,
      direction: dialog.direction,
    },
    [
      element('state', {}, [dialog.state]),
      party(exchange, 'local', watched, dialog.isHeld ? [held] : []),
      ...(dialog.peer === '' ? [] : [party(exchange, 'remote', dialog.peer, [])]),
    ],
  )
}

function party(
  exchange: Exchange,
  name: 'local' | 'remote',
  number: string,
  parameters: readonly XmlNode[],
): XmlElement {
  const uri = entityOf(exchange, number)
  return element(name, {}, [
    element('identity', { display: nameOf(exchange, number) }, [uri]),
    element('target', { uri }, parameters),
  ])
}
