//! Why somebody lifts a handset: one entry a service, with how often it is wanted.

import { forwardingText } from '../../src/switching/xip/forwarding.ts'
import { dialogOf } from './habits.ts'
import type { Handset } from './handset.ts'
import { forwarded, guests, hotline, positions, service, systems, telephones } from './site.ts'
import type { Talk } from './talk.ts'
import type { Town } from './town.ts'

/** @returns the call; null: there was no occasion. */
type Errand = (town: Town) => { handset: Handset; talk: Talk } | null

const everybody = [...telephones, ...positions]
const ed137 = ['WG67-Version: phone.01, phone.02']
const emergency = [...ed137, 'Subject: DA/IDA call', 'Priority: emergency']

interface Dialled {
  readonly from?: readonly string[]
  readonly more?: readonly string[]
  readonly body?: string | null
}

/** Somebody without a call dials this. */
function dials(to: (town: Town) => string | null, { from = everybody, more, body }: Dialled = {}) {
  return (town: Town) => {
    const handset = town.idle(from)
    const number = handset === null ? null : to(town)
    if (handset === null || number === null) return null
    return { handset, talk: handset.call(number, more, body) }
  }
}

const anybody = (town: Town) => town.random.pick(everybody)
const free = (town: Town) => town.idle(everybody)?.number ?? null
const talking = (town: Town) =>
  town.some(everybody, ({ state }) => state === 'up')?.handset.number ?? null
const ringing = (town: Town, numbers = everybody) =>
  town.some(numbers, ({ state, outgoing }) => state === 'ringing' && !outgoing)
const pickupGroup = telephones.slice(0, 24)

function withDigits(digits: string, to: (town: Town) => string | null) {
  return (town: Town) => {
    const number = to(town)
    return number === null ? null : digits + number
  }
}

function gives(town: Town, dialled: ReturnType<Errand>): ReturnType<Errand> {
  const { random, timeline } = town
  if (dialled === null) return null
  const { handset, talk } = dialled
  timeline.after(random.between(100, 4_000), () => handset.cancel(talk))
  return dialled
}

/** With its own other telephone, or in place of another one that rings. */
function replaces(town: Town): ReturnType<Errand> {
  const isOwn = town.random.chance(0.6)
  const found = isOwn
    ? town.some(everybody, ({ state }) => state === 'up')
    : ringing(town, pickupGroup)
  if (found === null) return null
  const handset = isOwn ? found.handset : town.idle(pickupGroup)
  if (handset === null) return null
  const early = isOwn ? '' : ';early-only'
  const more = [`Replaces: ${dialogOf(found.talk)}${early}`]
  return { handset, talk: handset.call('101', more) }
}

function joins(town: Town): ReturnType<Errand> {
  const found = town.some(everybody, ({ state }) => state === 'up')
  const handset = town.idle(positions)
  if (found === null || handset === null) return null
  return { handset, talk: handset.call('101', [`Join: ${dialogOf(found.talk)}`]) }
}

function setting(town: Town): string {
  const { random } = town
  const number = random.pick(telephones)
  return random.pick([
    '*78',
    '*79',
    '*79',
    '*70',
    '*70',
    '*70',
    `*72${number}`,
    '*73',
    `*90${number}`,
    '*91',
    `*52${number}`,
    '*53',
    `*54${number}`,
    '*55',
  ])
}

function sessionTimer(town: Town): string[] {
  const refresher = town.random.pick(['', ';refresher=uac', ';refresher=uas'])
  return ['Supported: timer', `Session-Expires: ${town.random.pick([60, 90, 120])}${refresher}`]
}

function monitoring(town: Town): string[] {
  const subject = town.random.pick(['monitoring', 'G/G monitoring', 'A/G monitoring'])
  return [...ed137, `Subject: ${subject}`]
}

function outside(town: Town): string {
  return `7${town.random.whole(1_000, 9_999)}`
}

/** Who has found a line busy asks for it a moment later. */
function callsBack(town: Town): ReturnType<Errand> {
  const dialled = dials(talking, { from: telephones })(town)
  if (dialled === null) return null
  const { handset, talk } = dialled
  town.timeline.after(town.random.between(500, 6_000), () => {
    if (talk.state === 'over' && !town.isClosing) handset.call('*66')
  })
  return dialled
}

/** Some of them have been here before. */
function forwardedOutside(town: Town): ReturnType<Errand> {
  const { random } = town
  const former = random.pick([random.pick(forwarded), String(random.whole(1_000, 9_999))])
  const more = [
    `Diversion: <sip:${former}@${service}>;reason=no-answer;counter=1`,
    `History-Info: <sip:${former}@${service}>;index=1, <sip:3101@${service}>;index=1.1`,
  ]
  const to = withDigits('3', (one) => one.random.pick([...forwarded, '101']))
  return dials(to, { from: systems.slice(0, 2), more })(town)
}

const instantAccess = [...ed137, 'Subject: IA call', 'Priority: urgent']

/** Another system that may monitor, and one that may not. */
function monitorsFromOutside(town: Town): ReturnType<Errand> {
  const asked = withDigits('3', (one) => one.random.pick(positions))
  return dials(asked, { from: systems.slice(0, 2), more: monitoring(town) })(town)
}

export const errands: readonly (readonly [weight: number, name: string, errand: Errand])[] = [
  [22, 'plain', dials(free)],
  [6, 'to anybody', dials(anybody)],
  [8, 'to the pick-up group', dials((town) => town.idle(pickupGroup)?.number ?? null)],
  [4, 'given up', (town) => gives(town, dials(free)(town))],
  [2, 'given up while it waits', (town) => gives(town, dials(() => '170')(town))],
  [2, 'without offer', dials(free, { body: null })],
  [1, 'with a bad offer', dials(free, { body: 'v=0' })],
  [1, 'to nobody', dials(() => '999')],
  [1, 'to itself', (town) => toItself(town)],
  [1, 'of an unknown kind', dials(free, { more: ['Subject: tea'] })],
  [3, 'with a session timer', (town) => dials(free, { more: sessionTimer(town) })(town)],
  [2, 'reliable answers', dials(free, { more: ['Supported: 100rel'] })],
  [3, 'ED-137', dials(free, { more: [...ed137, 'Subject: DA/IDA call', 'Priority: normal'] })],
  [3, 'to a busy line', dials(talking)],
  [5, 'to a position', dials((town) => town.random.pick(positions.slice(0, 4)))],
  [3, 'group, first', dials(() => '800')],
  [2, 'group, all', dials(() => '801')],
  [4, 'meet-me', dials(() => '700')],
  [4, 'meet-me with PIN', dials(() => '701')],
  [1, 'preset', dials(() => '710')],
  [2, 'locked', dials(() => '720', { from: telephones.slice(3, 12) })],
  [6, 'forwarded', dials((town) => town.random.pick(forwarded))],
  [1, 'sets something', dials(setting)],
  [1, 'hot line', dials(() => '102', { from: [hotline] })],
  [5, 'intrusion', dials(withDigits('*37', talking), { from: positions })],
  [4, 'emergency', dials(talking, { from: positions, more: emergency })],
  [6, 'forced release', dials(withDigits('*38', talking), { from: positions })],
  [2, 'urgent', dials(withDigits('*36', anybody), { from: positions })],
  [2, 'emergency code', dials(withDigits('*39', anybody), { from: positions })],
  [3, 'IA', dials(anybody, { more: instantAccess })],
  [2, 'IA to a trunk', dials(outside, { from: positions, more: instantAccess })],
  [1, 'IA by dialling to a trunk', dials(withDigits('*34', outside))],
  [
    2,
    'IA from a trunk',
    dials(withDigits('3', anybody), { from: systems.slice(0, 2), more: instantAccess }),
  ],
  [1, 'monitoring from a trunk', monitorsFromOutside],
  [
    1,
    'monitoring to a trunk',
    (town) => dials(outside, { from: positions, more: monitoring(town) })(town),
  ],
  [2, 'monitoring', (town) => dials(anybody, { from: positions, more: monitoring(town) })(town)],
  [3, 'central monitoring', dials(withDigits('*35', talking), { from: positions })],
  [3, 'call back', dials(withDigits('*66', talking), { from: telephones })],
  [2, 'call back of the last one', callsBack],
  [1, 'call back no more', dials(() => '*86', { from: telephones })],
  [4, 'pick-up', (town) => pickUp(town, () => '*8')],
  [4, 'pick-up of a number', (town) => pickUp(town, (number) => `**${number}`)],
  [3, 'Replaces', replaces],
  [2, 'Join', joins],
  [4, 'trunk', dials(outside)],
  [2, 'trunk with a password', dials((town) => `0${town.random.whole(10, 99)}`)],
  [3, 'from a trunk', dials(withDigits('3', anybody), { from: systems.slice(0, 2) })],
  [2, 'from a trunk, forwarded there', forwardedOutside],
  [2, 'from a trunk with a password', dials(anybody, { from: ['far3'] })],
  [2, 'to a guest', dials((town) => town.random.pick(guests))],
  [1, 'of a guest', dials(free, { from: guests })],
]

function toItself(town: Town): ReturnType<Errand> {
  const handset = town.idle(everybody)
  return handset === null ? null : { handset, talk: handset.call(handset.number) }
}

function pickUp(town: Town, digits: (number: string) => string): ReturnType<Errand> {
  const found = ringing(town, pickupGroup)
  const handset = town.idle(pickupGroup)
  if (found === null || handset === null) return null
  return { handset, talk: handset.call(digits(found.handset.number)) }
}

const packages = ['dialog', 'presence', 'conference', 'reg'] as const

/** What is no call. */
export const chores: readonly ((town: Town) => void)[] = [
  (town) => {
    const handset = town.handset(town.random.pick(everybody))
    const event = town.random.pick(packages)
    const watched = event === 'conference' ? '700' : town.random.pick(everybody)
    const expires = town.random.pick([30, 60, 90])
    const asked = { more: [`Event: ${event}`, `Expires: ${expires}`] }
    const talk = handset.outside('SUBSCRIBE', watched, {
      ...asked,
      final: ({ status, to }) => {
        talk.remoteTag = to.parameters.get('tag') ?? ''
        if (status >= 300 || town.random.chance(0.4)) return
        const isEnd = town.random.chance(0.5)
        const again = { more: [`Event: ${event}`, `Expires: ${isEnd ? 0 : expires}`] }
        const inMs = town.random.between(500, 25_000)
        town.timeline.after(inMs, () => handset.ask(talk, 'SUBSCRIBE', again))
      },
    })
  },
  (town) => {
    const number = town.random.pick(guests)
    const expires = town.random.pick([0, 60, 60, 120])
    town.handset(number).outside('REGISTER', number, { more: [`Expires: ${expires}`] })
  },
  (town) => {
    town.handset(town.random.pick(everybody)).outside('OPTIONS', '101')
  },
  (town) => {
    town.handset(town.random.pick(guests)).outside('MESSAGE', '101')
  },
  (town) => {
    const number = town.random.pick(positions)
    const tails = town.random.chance(0.5) ? [] : [town.random.pick(telephones)]
    town.handset(number).outside('OPTIONS', number, {
      more: ['Content-Type: application/ed137+xml'],
      body: forwardingText({ head: number, tails }, service),
    })
  },
]
