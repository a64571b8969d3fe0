//! What a user sets himself by dialling a feature code: forwarding and do not disturb. The setting is in
//! the record of table 7, so that both nodes have it at once; the database follows. A tone confirms it; when
//! there is no room for a call, 480 with a text that a display shows.
import { type Profile, profileOf } from '../../tables/profile.ts'
import type { FeatureName } from '../../tables/site-words.ts'
import type { CoreEffect } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import type { Exchange } from '../wired/exchange.ts'
import { refuse } from '../wired/refuse.ts'
import { directoryOf, type SetUp } from '../wired/setup.ts'
import { confirm } from './attendant.ts'
import type { Service } from './service.ts'

type Settings = Profile['settings']
type Change = (settings: Settings, number: string) => Settings

export const setByDialling: Service = { name: 'set-by-dialling', invited }

const changes: Readonly<Partial<Record<FeatureName, Change>>> = {
  forwardAlways: forward('always', true),
  forwardAlwaysOff: forward('always', false),
  forwardBusy: forward('busy', true),
  forwardBusyOff: forward('busy', false),
  forwardNoAnswer: forward('noAnswer', true),
  forwardNoAnswerOff: forward('noAnswer', false),
  forwardNotRegistered: forward('notRegistered', true),
  forwardNotRegisteredOff: forward('notRegistered', false),
  forwardOff: (settings) => ({
    ...settings,
    forward: { always: null, busy: null, noAnswer: null, notRegistered: null },
  }),
  doNotDisturb: (settings) => ({ ...settings, doNotDisturb: true }),
  doNotDisturbOff: (settings) => ({ ...settings, doNotDisturb: false }),
}

function forward(when: keyof Settings['forward'], isOn: boolean): Change {
  return (settings, number) => ({
    ...settings,
    forward: { ...settings.forward, [when]: isOn ? number : null },
  })
}

function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  const directory = directoryOf(exchange)
  const dialled = destinationOf(xip.destinationUser, directory)
  if (dialled.kind !== 'feature') return null
  const change = changes[dialled.feature]
  if (change === undefined) return null
  const { argument } = dialled
  // A forwarding to nowhere would lose every call from now on.
  const isNowhere = argument !== '' && destinationOf(argument, directory).kind === 'refusal'
  if (isNowhere || argument === xip.sourceUser) {
    return refuse(exchange, invitation, 404, { reason: 'Not Set' })
  }
  const isSet = store(exchange, xip.sourceUser, (settings) => change(settings, argument))
  if (!isSet) return refuse(exchange, invitation, 403, { reason: 'Not Set' })
  const call = confirm(work)
  if (typeof call !== 'number') return call.commit()
  return refuse(exchange, invitation, 480, { reason: 'Setting Stored' })
}

/** @returns false: the account cannot set it, or there is none. */
export function store(
  exchange: Exchange,
  number: string,
  change: (settings: Settings) => Settings,
): boolean {
  const { phoneBook } = exchange.options.tables
  const entry = phoneBook.get(number)
  // The users behind a gateway are not the gateway.
  if (entry === undefined || entry.type === 'gateway') return false
  const profile = profileOf(entry)
  const settings = change(profile.settings)
  if (JSON.stringify(settings) === JSON.stringify(profile.settings)) return true
  return phoneBook.put({ ...entry, profile: { ...profile, settings } }).ok
}
