//! Event package `conference` (RFC 4575): who is in a conference, and how.
import type { Direction } from '../../tables/wired-media.ts'
import { element, writeXml, type XmlElement } from '../../wire/xml.ts'
import type { Exchange } from '../wired/exchange.ts'
import { boundedXml, type EventPackage, entityOf, type Look, nameOf } from './event-package.ts'

/** A member as the others see it. */
export interface FocusMember {
  readonly number: string
  readonly role: 'moderator' | 'participant' | 'listener'
  readonly status: 'dialing-out' | 'alerting' | 'connected' | 'on-hold'
  /** The switch invited it, or it has dialled in. */
  readonly joined: 'dialed-in' | 'dialed-out'
  /** From its own point of view (RFC 4575 5.8): who is muted only receives. */
  readonly media: Direction
}

/** A conference as its subscribers see it. */
export interface FocusView {
  readonly subject: string
  readonly membersMax: number
  readonly isActive: boolean
  readonly members: readonly FocusMember[]
}

/** Finds the conference that is reached by this number; null: there is none. */
type FocusSource = (exchange: Exchange, number: string) => FocusView | null

const xmlns = 'urn:ietf:params:xml:ns:conference-info'

export function conferencePackage(focusOf: FocusSource): EventPackage {
  return {
    name: 'conference',
    contentType: 'application/conference-info+xml',
    admit: (exchange, { watched }) => (focusOf(exchange, watched) === null ? 404 : null),
    look(exchange, watched): Look | null {
      const focus = focusOf(exchange, watched)
      if (focus === null) return null
      return {
        text: JSON.stringify(focus),
        document: (version) =>
          boundedXml(focus.members, (members) =>
            conferenceInfo(exchange, { watched, version, focus, members }),
          ),
      }
    },
    // RFC 4575 5.1.
    farewell: (exchange, watched, version) =>
      writeXml(
        element('conference-info', {
          xmlns,
          entity: entityOf(exchange, watched),
          state: 'deleted',
          version,
        }),
      ),
  }
}

interface Told {
  readonly watched: string
  readonly version: number
  readonly focus: FocusView
  readonly members: readonly FocusMember[]
}

function conferenceInfo(exchange: Exchange, { watched, version, focus, members }: Told) {
  const entity = entityOf(exchange, watched)
  return element('conference-info', { xmlns, entity, state: 'full', version }, [
    element('conference-description', {}, [
      ...(focus.subject === '' ? [] : [element('subject', {}, [focus.subject])]),
      element('maximum-user-count', {}, [String(focus.membersMax)]),
    ]),
    element('conference-state', {}, [
      element('user-count', {}, [String(focus.members.length)]),
      element('active', {}, [String(focus.isActive)]),
    ]),
    element(
      'users',
      {},
      members.map((member) => userElement(exchange, member)),
    ),
  ])
}

function userElement(exchange: Exchange, member: FocusMember): XmlElement {
  const entity = entityOf(exchange, member.number)
  const name = nameOf(exchange, member.number)
  return element('user', { entity, state: 'full' }, [
    ...(name === null ? [] : [element('display-text', {}, [name])]),
    element('roles', {}, [element('entry', {}, [member.role])]),
    element('endpoint', { entity, state: 'full' }, [
      element('status', {}, [member.status]),
      element('joining-method', {}, [member.joined]),
      element('media', { id: '1' }, [
        element('type', {}, ['audio']),
        element('status', {}, [member.media]),
      ]),
    ]),
  ])
}
