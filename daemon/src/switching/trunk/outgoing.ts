//! A call that goes out over a trunk (中继路由, S1.11, S1.125): the first way, and the next one when it leads
//! nowhere. The ways that are left are in the record of the member, so that the other node goes on with them.
import { limits } from '../../limits.ts'
import { profileOf } from '../../tables/profile.ts'
import type { User } from '../../tables/user.ts'
import type { Leg, Member } from '../../tables/wired-conference.ts'
import { parseUri, uriText } from '../../wire/sip/write.ts'
import type { CoreEffect, Now } from '../effects.ts'
import type { RoutePlan, TrunkPlan } from '../plan.ts'
import type { Call } from '../wired/call.ts'
import type { Failed } from '../wired/events.ts'
import type { Exchange } from '../wired/exchange.ts'
import { offerTo } from '../wired/media.ts'
import { redirect } from '../wired/redirect.ts'
import { refuse } from '../wired/refuse.ts'
import type { SetUp } from '../wired/setup.ts'
import { openSession } from '../wired/setup-terminal.ts'
import { mediaOf } from '../xip/media.ts'
import { chooseTrunk, nextTrunk, type TrunkChoice, type TrunkView } from './choice.ts'
import { translated } from './numbers.ts'
import { placeOf } from './places.ts'
import { loginHeader } from './sign-in.ts'

/** Somebody behind another system, in the place of a registration. */
type OutsideUser = User & { readonly trunk: NonNullable<Member['trunk']> }

/** @param routes all that fit the number, the best one first. */
export function callTrunk(
  work: SetUp,
  { routes, number }: { readonly routes: readonly RoutePlan[]; readonly number: string },
): CoreEffect[] {
  const { exchange, invitation } = work
  const { request, now } = invitation
  const hops = Math.min((request.maxForwards ?? limits.sipMaxForwards) - 1, limits.trunkHopsMax)
  if (hops <= 0) return refuse(exchange, invitation, 483)
  const choice = chooseTrunk(routes, askerOf(work), viewOf(exchange, now))
  const callee = outsideUser(exchange, choice, { number, hops, now })
  if (callee === null) return refuse(exchange, invitation, statusOf(choice))
  return openSession(work, callee)
}

/** The trunk that the call would take if it had a free line; null: one has, or the call may take none. */
export function crowdedTrunk(work: SetUp, routes: readonly RoutePlan[]): string | null {
  const view = viewOf(work.exchange, work.invitation.now)
  const asker = askerOf(work)
  if (chooseTrunk(routes, asker, view).kind === 'trunk') return null
  const wanted = chooseTrunk(routes, asker, { ...view, load: () => 0 })
  return wanted.kind === 'trunk' ? wanted.trunk.name : null
}

/** A call that somebody has forwarded goes out with his rights. */
function askerOf({ exchange, invitation, xip }: SetUp) {
  const from = invitation.caller?.trunk ?? null
  const forwarder = xip.diversions.at(-1)?.from
  const payer = forwarder ?? xip.sourceUser
  const entry = exchange.options.tables.phoneBook.get(payer)
  if (from !== null && forwarder === undefined) {
    const trunk = exchange.plan.trunks.find(({ name }) => name === from)
    return { classes: trunk?.classes ?? [], from }
  }
  const classes = entry === undefined ? [] : profileOf(entry).rights.trunkClasses
  return { classes, from: null }
}

function viewOf(exchange: Exchange, now: Now): TrunkView {
  const { plan, options, trunkLoad, trunkProber, addresses } = exchange
  return {
    plan,
    load: (name) => trunkLoad.of(name),
    isThere: (name) => trunkProber.isThere(name),
    isReachable: (trunk) => {
      const place = placeOf(trunk, { plan, tables: options.tables }, now.wallMs)
      if (place === null) return false
      return !(addresses.includes(place.address) && place.port === options.sipPort)
    },
  }
}

/** Somebody outside, for a call that stands already: it is forwarded or transferred there.
 * @param payer with whose rights it goes out
 * @returns the status that says why it cannot */
export function calleeOutside(
  exchange: Exchange,
  { routes, number }: { readonly routes: readonly RoutePlan[]; readonly number: string },
  { payer, now }: { readonly payer: string; readonly now: Now },
): OutsideUser | number {
  const entry = exchange.options.tables.phoneBook.get(payer)
  const classes = entry === undefined ? [] : profileOf(entry).rights.trunkClasses
  // Who pays is no account: he is outside himself, and has no rights here.
  if (entry === undefined) return 403
  const choice = chooseTrunk(routes, { classes, from: null }, viewOf(exchange, now))
  const callee = outsideUser(exchange, choice, { number, hops: limits.trunkHopsMax, now })
  return callee ?? statusOf(choice)
}

function statusOf(choice: TrunkChoice): number {
  return choice.kind === 'refused' ? choice.status : 503
}

function outsideUser(
  exchange: Exchange,
  choice: TrunkChoice,
  { number, hops, now }: { readonly number: string; readonly hops: number; readonly now: Now },
): OutsideUser | null {
  if (choice.kind === 'refused') return null
  const { trunk, way, rest } = choice
  const { plan, options } = exchange
  const place = placeOf(trunk, { plan, tables: options.tables }, now.wallMs)
  if (place === null) return null
  const called = translated(number, trunk.outgoing.called)
  return {
    user: number,
    type: 'gateway',
    status: 'online',
    contact: contactOf(trunk, called, place),
    ...place,
    registeredAtMs: now.wallMs,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
    callId: '',
    cseq: 0,
    q: null,
    path: null,
    instance: null,
    others: null,
    trunk: { name: trunk.name, route: way.route, ways: rest, hops, credentials: null },
  }
}

function contactOf(trunk: TrunkPlan, called: string, place: { address: string; port: number }) {
  const { address, port } = place
  const host = address.includes(':') ? `[${address}]` : address
  return `sip:${escaped(called)}@${host}:${trunk.peer === null ? port : trunk.peer.port}`
}

/** `#` is no character of a user (RFC 3261 25.1). */
function escaped(number: string): string {
  return number.replaceAll('#', '%23')
}

/** The other system refuses, asks for a password, or says nothing. @returns true: the call goes on. */
export function onTrunkRefused(call: Call, failed: Failed): boolean {
  if (signsIn(call, failed)) return true
  const why = whyElsewhere(call, failed)
  return why !== null && goElsewhere(call, failed.leg, { why, silent: false })
}

/** It asks for a password, and gets it. */
export function signsIn(call: Call, { leg, status, response }: Failed): boolean {
  const { trunk, side } = call.member(leg)
  if (trunk === null || side !== 'callee' || response === null) return false
  if (status !== 401 && status !== 407) return false
  return trunk.credentials === null && signIn(call, leg, response)
}

type WhyElsewhere = '5xx' | 'no-answer'

function whyElsewhere(call: Call, { leg, status, response }: Failed): WhyElsewhere | null {
  const { trunk, side } = call.member(leg)
  if (trunk === null || side !== 'callee') return null
  if (response === null || status === 408) return 'no-answer'
  return status >= 500 && status < 600 ? '5xx' : null
}

/** The next way of a call that could not go out on the last one; null: there is none. */
export function nextWay(call: Call, failed: Failed): OutsideUser | null {
  const why = whyElsewhere(call, failed)
  return why === null ? null : wayAfter(call, failed.leg, why)
}

/** Its time to say anything is over. */
export function onTrunkSilent(call: Call, leg: Leg): void {
  const { state, dialog } = call.member(leg)
  if (call.session.state !== 'ringing' || state !== 'calling') return
  if (dialog.pendingClient === null || dialog.pendingClient.proceeding) return
  if (goElsewhere(call, leg, { why: 'no-answer', silent: true })) return
  call.log('info', 'a trunk says nothing, and there is no other way')
}

function goElsewhere(
  call: Call,
  leg: Leg,
  { why, silent }: { readonly why: WhyElsewhere; readonly silent: boolean },
): boolean {
  const callee = wayAfter(call, leg, why)
  return callee !== null && redirect(call, leg, { callee, silent, unsaid: true })
}

function wayAfter(call: Call, leg: Leg, why: WhyElsewhere): OutsideUser | null {
  const { exchange, now } = call
  const { trunk, user: number } = call.member(leg)
  if (trunk === null) return null
  const route = exchange.plan.routes.find(({ name }) => name === trunk.route)
  if (route === undefined || !route.failOver.includes(why)) return null
  const choice = nextTrunk(trunk.ways, viewOf(exchange, now))
  const callee = outsideUser(exchange, choice, { number, hops: trunk.hops, now })
  if (callee === null) return null
  const fields = { number, from: trunk.name, to: callee.trunk.name, why }
  call.log('warn', 'a call goes another way', fields)
  return callee
}

/** RFC 3261 22.2: the same INVITE again, with the password. */
function signIn(call: Call, leg: Leg, response: NonNullable<Failed['response']>): boolean {
  const { trunk, dialog } = call.member(leg)
  const target = dialog.remoteTarget === null ? null : parseUri(dialog.remoteTarget)
  if (trunk === null || target === null) return false
  const uri = uriText({ ...target, headers: '' })
  const credentials = loginHeader(call, leg, { response, method: 'INVITE', uri })
  if (credentials === null) return false
  call.changeMember(leg, { trunk: { ...trunk, credentials } })
  const offered = mediaOf(dialog.localSdp)
  const first = offered?.codecs[0]?.name ?? 'PCMA'
  call.invite(leg, offerTo(call, leg, offered?.direction ?? 'sendrecv', first))
  return true
}
