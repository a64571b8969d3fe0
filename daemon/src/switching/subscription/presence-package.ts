//! Event package `presence` (RFC 3856) with the document of RFC 3863: whether a number can be reached,
//! and whether it is in a call (RFC 4480).
import { element, writeXml, type XmlElement } from '../../wire/xml.ts'
import type { Now } from '../effects.ts'
import { isOnline } from '../wired/caller.ts'
import type { Exchange } from '../wired/exchange.ts'
import { isShown } from './dialog-package.ts'
import { type EventPackage, entityOf, type Look } from './event-package.ts'

type PresenceState = 'offline' | 'registered' | 'busy'

export const presencePackage: EventPackage = {
  name: 'presence',
  contentType: 'application/pidf+xml',
  admit: (exchange, { watched }) =>
    exchange.options.tables.phoneBook.get(watched) === undefined ? 404 : null,
  look(exchange, watched, now): Look | null {
    if (exchange.options.tables.phoneBook.get(watched) === undefined) return null
    const state = stateOf(exchange, watched, now)
    // This document has no version (RFC 3863 4.1).
    return { text: state, document: () => writeXml(presence(entityOf(exchange, watched), state)) }
  },
}

function stateOf(exchange: Exchange, watched: string, now: Now): PresenceState {
  const user = exchange.options.tables.user.get(watched)
  if (user === undefined || !isOnline(user, now)) return 'offline'
  return exchange.sessions.of(watched).some(isShown) ? 'busy' : 'registered'
}

function presence(entity: string, state: PresenceState): XmlElement {
  const xmlns = 'urn:ietf:params:xml:ns:pidf'
  const basic = state === 'offline' ? 'closed' : 'open'
  const person = element('person', { xmlns: `${xmlns}:data-model`, id: 'person' }, [
    element('activities', { xmlns: `${xmlns}:rpid` }, [element('on-the-phone', {})]),
  ])
  return element('presence', { xmlns, entity }, [
    element('tuple', { id: 'telephone' }, [
      element('status', {}, [element('basic', {}, [basic])]),
      element('note', {}, [state]),
    ]),
    ...(state === 'busy' ? [person] : []),
  ])
}
