//! What the people at the handsets do when it rings, and in a call.
import { header } from '../../src/wire/sip/message.ts'
import type { Handset, Owner } from './handset.ts'
import { pin, service, telephones } from './site.ts'
import type { Talk } from './talk.ts'
import type { Town } from './town.ts'

const refusals = [404, 480, 486, 486, 488, 500, 503, 600, 603]
/** A call lasts this long on average; a few are much longer, so that session timers run. */
const talkMs = 9_000
const longTalkMs = 200_000

export function habits(town: Town): Owner {
  return {
    rings: (handset, talk) => rings(town, handset, talk),
    waits: (handset, talk) => asksEarly(town, handset, talk),
    up: (handset, talk) => up(town, handset, talk),
  }
}

function rings(town: Town, handset: Handset, talk: Talk): void {
  const { random, timeline } = town
  if (town.isClosing) handset.answer(talk, 480)
  else if (handset.number.startsWith('far')) arrives(town, handset, talk)
  else if (isForMachines(talk)) handset.answer(talk, 200)
  else if (handset.live.length > 3) handset.answer(talk, 486)
  else {
    const afterMs = random.exponential(1_500)
    const dice = random.unit()
    if (dice < 0.09) handset.answer(talk, random.pick(refusals))
    else if (dice < 0.13) deflect(town, handset, talk)
    else if (dice < 0.17) handset.answer(talk, 180)
    else if (dice < 0.18) handset.vanish(random.between(1_000, 90_000))
    else {
      if (dice < 0.25) handset.answer(talk, 183, reliableLines(town, talk))
      else if (dice < 0.95) handset.answer(talk, 180)
      if (random.chance(0.03)) handset.fork(talk, random.pick([180, 183]))
      if (dice >= 0.18 && dice < 0.95) asksEarly(town, handset, talk)
      timeline.after(afterMs, () => {
        handset.answer(talk, 200, timerLines(talk))
        if (random.chance(0.01)) handset.fork(talk, 200)
      })
    }
  }
}

/** Something in the early dialog, before anybody has answered. */
function asksEarly(town: Town, handset: Handset, talk: Talk): void {
  const { random, timeline } = town
  if (!random.chance(0.15)) return
  timeline.after(random.exponential(800), () => {
    if (talk.state !== 'ringing' || talk.busy || handset.isAway || town.isClosing) return
    town.count('asks before the answer')
    const dice = random.unit()
    if (dice < 0.4) dial(town, { handset, talk, digit: '5' })
    else if (dice < 0.6) handset.ask(talk, 'INFO', note)
    else if (dice < 0.8) handset.ask(talk, 'UPDATE')
    else handset.ask(talk, 'UPDATE', { body: handset.sdp(talk) })
  })
}

/** RFC 3262: half of those who may number their provisional answers. */
function reliableLines(town: Town, { invite }: Talk): string[] {
  const supported = invite === null ? '' : (header(invite, 'Supported') ?? '')
  if (!supported.includes('100rel') || town.random.chance(0.5)) return []
  town.count('reliable answer of the called')
  return ['Require: 100rel', `RSeq: ${town.random.whole(1, 9_999)}`]
}

/** IA and monitoring calls are answered by the terminal itself. */
function isForMachines({ invite }: Talk): boolean {
  const subject = (invite === null ? '' : (header(invite, 'Subject') ?? '')).toLowerCase()
  return subject.startsWith('ia') || subject.includes('monitoring')
}

function deflect(town: Town, handset: Handset, talk: Talk): void {
  const to = town.random.pick(telephones)
  handset.answer(talk, 302, [`Contact: <sip:${to}@${service}>`])
}

/** At another system. */
function arrives(town: Town, handset: Handset, talk: Talk): void {
  const { random, timeline } = town
  const { invite } = talk
  const isShown = invite !== null && header(invite, 'Proxy-Authorization') !== undefined
  if (handset.number === 'far3' && !isShown && random.chance(0.9)) {
    const challenge = 'Digest realm="far.test", nonce="n1", algorithm=MD5, qop="auth"'
    handset.answer(talk, 407, [`Proxy-Authenticate: ${challenge}`])
    return
  }
  const dice = random.unit()
  if (dice < 0.12) handset.answer(talk, 503)
  else if (dice < 0.18) handset.answer(talk, 486)
  else if (dice < 0.22) return
  else {
    handset.answer(talk, dice < 0.4 ? 183 : 180)
    timeline.after(random.exponential(1_500), () => handset.answer(talk, 200, timerLines(talk)))
  }
}

/** RFC 4028: the caller refreshes, when he asked for a time. */
function timerLines({ invite }: Talk): string[] {
  const value = invite === null ? undefined : header(invite, 'Session-Expires')
  if (value === undefined) return []
  return ['Require: timer', `Session-Expires: ${Number.parseInt(value, 10)};refresher=uac`]
}

function up(town: Town, handset: Handset, talk: Talk): void {
  const { random, timeline } = town
  if (town.isClosing) {
    handset.hangUp(talk)
    return
  }
  const isLong = random.chance(0.02)
  const endsInMs = 200 + random.exponential(isLong ? longTalkMs : talkMs)
  timeline.after(endsInMs, () => handset.hangUp(talk))
  if (talk.remoteUser === '701') dialPin(town, handset, talk)
  if (talk.refreshS > 0) refresh(town, handset, talk)
  const count = random.whole(0, 2)
  for (let index = 0; index < count; index++) {
    const [name, doing] = random.pick(doings)
    timeline.after(random.exponential(3_000), () => {
      if (talk.state !== 'up' || handset.isAway || town.isClosing) return
      town.count(name)
      doing(town, handset, talk)
    })
  }
}

function refresh(town: Town, handset: Handset, talk: Talk): void {
  town.timeline.after(talk.refreshS * 500, () => {
    if (talk.state !== 'up' || town.random.chance(0.1)) return
    const method = town.random.chance(0.5) ? 'INVITE' : 'UPDATE'
    const lines = ['Supported: timer', `Session-Expires: ${talk.refreshS};refresher=uac`]
    handset.modify(talk, method, method === 'INVITE' ? handset.sdp(talk) : '', lines)
    town.count('session refresh')
    refresh(town, handset, talk)
  })
}

function dialPin(town: Town, handset: Handset, talk: Talk): void {
  const digits = `${town.random.chance(0.2) ? '99' : ''}${town.random.chance(0.9) ? pin : '1'}#`
  for (const [index, digit] of [...digits].entries()) {
    town.timeline.after(200 + 150 * index, () => dial(town, { handset, talk, digit }))
  }
}

interface Press {
  readonly handset: Handset
  readonly talk: Talk
  readonly digit: string
}

/** In the voice (RFC 4733), or by INFO. */
function dial(town: Town, { handset, talk, digit }: Press): void {
  if (talk.state !== 'up' && talk.state !== 'ringing') return
  const mediaId = town.random.chance(0.5) ? mediaIdOf(town, talk) : null
  if (mediaId !== null) town.pair.digit(mediaId, digit)
  else {
    const body = `Signal=${digit}\r\nDuration=160\r\n`
    handset.ask(talk, 'INFO', { body, more: ['Content-Type: application/dtmf-relay'] })
  }
}

function memberOf(town: Town, { callId }: Talk) {
  for (const session of town.pair.primary.tables.table('wired-conference').values()) {
    const member = session.members.find(({ dialog }) => dialog.callId === callId)
    if (member !== undefined) return { session, member }
  }
  return null
}

function mediaIdOf(town: Town, talk: Talk): string | null {
  return memberOf(town, talk)?.member.mediaId ?? null
}

type Doing = (town: Town, handset: Handset, talk: Talk) => void

function hold(town: Town, handset: Handset, talk: Talk): void {
  talk.direction = talk.direction === 'sendrecv' ? 'sendonly' : 'sendrecv'
  const body = handset.sdp(talk)
  const said = town.random.chance(0.2) ? body.replace('sendonly', 'inactive') : body
  handset.modify(talk, town.random.chance(0.5) ? 'INVITE' : 'UPDATE', said)
  if (talk.direction === 'sendrecv' || town.random.chance(0.2)) return
  town.timeline.after(town.random.exponential(3_000), () => hold(town, handset, talk))
}

function referTo(number: string, replaced: Talk | null = null): string {
  if (replaced === null) return `Refer-To: <sip:${number}@${service}>`
  return `Refer-To: <sip:${number}@${service}?Replaces=${encodeURIComponent(dialogOf(replaced))}>`
}

/** As a header Replaces or Join names it. */
export function dialogOf({ callId, remoteTag, localTag }: Talk): string {
  return `${callId};to-tag=${remoteTag};from-tag=${localTag}`
}

function transfer(town: Town, handset: Handset, talk: Talk): void {
  const more = [referTo(town.random.pick(telephones))]
  if (town.random.chance(0.1)) more.push('Refer-Sub: false')
  handset.ask(talk, 'REFER', { more })
  if (town.random.chance(0.2)) handset.hangUp(talk)
}

/** The other call may ring still, or be refused. */
function attended(town: Town, handset: Handset, talk: Talk): void {
  hold(town, handset, talk)
  const to = town.idle(telephones)?.number ?? '101'
  town.calls += 1
  const second = handset.call(to)
  town.timeline.after(2_000 + town.random.exponential(1_500), () => {
    if (talk.state !== 'up' || second.state === 'over') return
    handset.ask(talk, 'REFER', { more: [referTo(to, second)] })
  })
}

function operate(town: Town, _handset: Handset, talk: Talk): void {
  const found = memberOf(town, talk)
  if (found === null) return
  const { random } = town
  const { sessionId, focus } = found.session
  const { user } = found.member
  const name = focus?.number ?? sessionId
  const add = { kind: 'add', user: random.pick(telephones) } as const
  const order = random.pick([
    add,
    add,
    add,
    { kind: 'drop', user } as const,
    { kind: 'mute', user, muted: random.chance(0.5) } as const,
    { kind: 'gain', user, gainDb: -3 } as const,
    { kind: 'lock', locked: random.chance(0.5) } as const,
    { kind: 'end' } as const,
  ])
  town.pair.order((core, now) => {
    const done = core.conference(name, order, now)
    return done.ok ? done.value : []
  })
}

const codes = ['*41', '*42', '*42', '*43', '*44', '*45', '*46'] as const

/** In a conference; elsewhere these are digits like others. */
function dialCode(town: Town, handset: Handset, talk: Talk): void {
  for (const [index, digit] of [...town.random.pick(codes)].entries()) {
    town.timeline.after(200 * index, () => dial(town, { handset, talk, digit }))
  }
}

/** The owner drops one of the members; others, and those in a call of two, are refused. */
function drops(town: Town, handset: Handset, talk: Talk): void {
  const members = memberOf(town, talk)?.session.members ?? []
  const user = members.length === 0 ? '101' : town.random.pick(members).user
  const to = `Refer-To: <sip:${user}@${service};method=BYE>`
  handset.ask(talk, 'REFER', { more: [to] })
}

function release(town: Town, _handset: Handset, talk: Talk): void {
  const found = memberOf(town, talk)
  if (found === null) return
  town.pair.order((core, now) => core.release(found.session.sessionId, now, 'SIP;cause=200') ?? [])
}

const note = { body: 'call me later', more: ['Content-Type: text/plain'] }

const doings: readonly (readonly [string, Doing])[] = [
  ['hold', hold],
  ['hold', hold],
  ['refreshed', (_town, handset, talk) => handset.modify(talk, 'INVITE', handset.sdp(talk))],
  ['late offer in the call', (_town, handset, talk) => handset.modify(talk, 'INVITE', null)],
  ['UPDATE', (_town, handset, talk) => handset.modify(talk, 'UPDATE', handset.sdp(talk))],
  ['bad offer in the call', (_town, handset, talk) => handset.modify(talk, 'INVITE', 'v=0')],
  ['digit', (town, handset, talk) => dial(town, { handset, talk, digit: '5' })],
  ['digit', (town, handset, talk) => dial(town, { handset, talk, digit: '*' })],
  ['INFO in the call', (_town, handset, talk) => handset.ask(talk, 'INFO', note)],
  ['OPTIONS in the call', (_town, handset, talk) => handset.ask(talk, 'OPTIONS')],
  ['blind transfer', transfer],
  ['blind transfer', transfer],
  ['attended transfer', attended],
  ['operator orders', operate],
  ['dials a code', dialCode],
  ['drops a member', drops],
  ['operator releases', release],
  ['vanishes', (town, handset) => handset.vanish(town.random.between(1_000, 60_000))],
]
