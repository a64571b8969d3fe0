//! Event package `reg` (RFC 3680): the binding of the subscriber's own account.
import type { User } from '../../tables/user.ts'
import { element, writeXml, type XmlElement } from '../../wire/xml.ts'
import { isOnline } from '../wired/caller.ts'
import type { Exchange } from '../wired/exchange.ts'
import { type EventPackage, entityOf, type Look } from './event-package.ts'

export const registrationPackage: EventPackage = {
  name: 'reg',
  contentType: 'application/reginfo+xml',
  // A contact says where someone is: that is nobody else's business.
  admit: (_exchange, { watched, subscriber }) => (watched === subscriber ? null : 403),
  look(exchange, watched, now): Look | null {
    if (exchange.options.tables.phoneBook.get(watched) === undefined) return null
    const user = exchange.options.tables.user.get(watched)
    const live = user !== undefined && isOnline(user, now) ? user : null
    const { contact = '', callId = '', cseq = 0 } = live ?? {}
    return {
      text: JSON.stringify([contact, callId, cseq]),
      document: (version) => writeXml(reginfo(exchange, { watched, version, user: live })),
    }
  },
}

function reginfo(
  exchange: Exchange,
  { watched, version, user }: { watched: string; version: number; user: User | null },
): XmlElement {
  const aor = entityOf(exchange, watched)
  const state = user === null ? 'terminated' : 'active'
  return element('reginfo', { xmlns: 'urn:ietf:params:xml:ns:reginfo', version, state: 'full' }, [
    element('registration', { aor, id: 'registration', state }, [
      ...(user === null ? [] : [contactOf(user)]),
    ]),
  ])
}

function contactOf({ contact, callId, cseq }: User): XmlElement {
  return element(
    'contact',
    { id: 'contact', state: 'active', event: 'registered', callid: callId, cseq },
    [element('uri', {}, [contact])],
  )
}
