//! The other contacts of an account that is called (RFC 3261 16.6, 16.7): those with the highest q ring
//! together, then those with the next one. The first 2xx has the call, all others are cancelled, and of
//! refusals the best one counts. One branch is the leg's own dialog; the others are in the record of the
//! member, and the one that answers changes places with it.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { Dialog } from '../../tables/dialog.ts'
import type { Binding, User } from '../../tables/user.ts'
import { type Fork, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import type { SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { parseNameAddress, parseUri, writeSip } from '../../wire/sip/write.ts'
import { ackOf, establish, nextRequest, tagOf } from '../dialog/dialog.ts'
import { answerIn, isReadable, pendingClientOf, requestIn } from '../dialog/pending.ts'
import { bindingsOf } from '../registrar/bindings.ts'
import type { Call } from './call.ts'
import type { Failed } from './events.ts'
import type { Link } from './links.ts'
import { longer } from './longer.ts'
import { isSettingUp } from './sessions.ts'

type ForkSlot = `fork-${number}`

/** RFC 3326: the telephone that stops ringing does not show a missed call. */
export const answeredElsewhere = 'SIP;cause=200;text="Call completed elsewhere"'

export function isFork(slot: Link['slot']): slot is ForkSlot {
  return slot.startsWith('fork-')
}

/** Those beside the first contact, in the order in which they are called; null: there are none. */
export function forksOf(callee: User): Fork[] | null {
  const [first, ...others] = bindingsOf(callee)
  const qOf = ({ q }: Binding) => q ?? 1_000
  const ranks = [...new Set([...(first === undefined ? [] : [first]), ...others].map(qOf))]
  const usable = others.filter(
    ({ contact }) => contact !== callee.contact && parseUri(contact) !== null,
  )
  const forks = usable.map((binding): Fork => {
    const { contact, address, port, path } = binding
    return {
      state: 'waiting',
      turn: ranks.indexOf(qOf(binding)),
      target: contact,
      routeSet: path ?? [],
      destination: { address, port },
      tag: null,
      pending: null,
    }
  })
  return forks.length === 0 ? null : forks
}

function forksIn(call: Call, leg: Leg): readonly Fork[] {
  return call.member(leg).forks ?? []
}

function changeFork(call: Call, leg: Leg, index: number, patch: Partial<Fork>): void {
  const forks = forksIn(call, leg).map((fork, at) => (at === index ? { ...fork, ...patch } : fork))
  call.changeMember(leg, { forks })
}

function clockOf(call: Call, leg: Leg) {
  return { sessionId: call.sessionId, timer: 'service', service: 'fork', leg } as const
}

/** Starts the time after which those of the next turn are called. */
export function watchTurn(call: Call, leg: Leg): void {
  if (!forksIn(call, leg).some(({ state }) => state === 'waiting')) return
  const { exchange, now } = call
  exchange.timers.start(clockOf(call, leg), now.monotonicMs + limits.forkTurnMs)
}

/** The first INVITE of the leg has left: it goes to the contacts of the same turn, too. */
export function callForks(call: Call, leg: Leg): void {
  if (forksIn(call, leg).some(({ state }) => state !== 'waiting')) return
  callTurn(call, leg, 0)
  watchTurn(call, leg)
}

/** @returns those that are called now. */
function callTurn(call: Call, leg: Leg, turn: number): number[] {
  const own = call.dialog(leg).pendingClient
  if (own === null || own.method !== 'INVITE') return []
  const invite = requestIn(own)
  const called: number[] = []
  for (const [index, fork] of forksIn(call, leg).entries()) {
    if (fork.state !== 'waiting' || fork.turn !== turn) continue
    sendInvite(call, leg, { index, fork, invite })
    called.push(index)
  }
  return called
}

/** As a proxy does it: the same request with another Request-URI, so that a telephone that is reached
 * twice sees that (RFC 3261 8.2.2.2). */
function sendInvite(
  call: Call,
  leg: Leg,
  { index, fork, invite }: { index: number; fork: Fork; invite: SipRequest },
): void {
  const { exchange, now } = call
  const uri = parseUri(fork.target)
  assert(uri !== null, 'a contact was read when it was taken')
  const route = fork.routeSet.flatMap((text) => parseNameAddress(text) ?? [])
  const made = { ...invite, uri: { ...uri, headers: '' }, route }
  const sent = exchange.layer.request(made, fork.destination, now.monotonicMs)
  const pending = pendingClientOf(sent.request, fork.destination)
  bind(call, leg, sent.id, index)
  changeFork(call, leg, index, { state: 'open', pending })
  call.emit(sent.output, true)
}

/** A branch that wants another INVITE gets it, as the next request of the call. */
function inviteAgain(
  call: Call,
  leg: Leg,
  { index, again }: { readonly index: number; readonly again: SipRequest },
): void {
  const { exchange, now } = call
  const fork = forksIn(call, leg)[index]
  assert(fork !== undefined, 'a branch has its place')
  const number = call.dialog(leg).localSeq + 1
  const made = { ...again, cseq: { number, method: 'INVITE' } }
  const sent = exchange.layer.request(made, fork.destination, now.monotonicMs)
  const pending = pendingClientOf(sent.request, fork.destination)
  bind(call, leg, sent.id, index)
  call.changeDialog(leg, { localSeq: number })
  changeFork(call, leg, index, { state: 'open', pending })
  call.emit(sent.output, true)
}

function bind({ exchange, sessionId }: Call, leg: Leg, id: string, index: number): void {
  exchange.links.bind(id, { sessionId, leg, slot: `fork-${index}` })
}

/** The branch becomes the leg's own, and that one takes its place among the others. */
function promote(call: Call, leg: Leg, index: number): void {
  const { exchange, sessionId } = call
  const fork = forksIn(call, leg)[index]
  const { remoteTarget, routeSet, destination, pendingClient } = call.dialog(leg)
  assert(fork !== undefined && remoteTarget !== null, 'a branch has its place and its target')
  exchange.links.swap(
    { sessionId, leg, slot: 'pendingClient' },
    { sessionId, leg, slot: `fork-${index}` },
  )
  call.changeDialog(leg, {
    remoteTarget: fork.target,
    routeSet: fork.routeSet,
    destination: fork.destination,
    pendingClient: fork.pending,
  })
  changeFork(call, leg, index, {
    state: pendingClient === null ? 'done' : 'open',
    target: remoteTarget,
    routeSet,
    destination,
    pending: pendingClient,
  })
}

/** A response in a branch that is not the leg's own; none, as null, when it has been silent.
 * @returns true: it is the leg's own branch now, and the response is dealt with as such. */
export function takesOver(
  call: Call,
  leg: Leg,
  { slot, response }: { readonly slot: ForkSlot; readonly response: SipResponse | null },
): boolean {
  const index = Number(slot.slice('fork-'.length))
  const pending = forksIn(call, leg)[index]?.pending ?? null
  if (pending === null) return false
  const status = response?.status ?? 408
  if (pending.method === 'BYE') {
    if (status >= 200) finish(call, leg, index)
    return false
  }
  const isOpen = !pending.cancelled && isSettingUp(call.member(leg))
  if (status < 200) {
    changeFork(call, leg, index, { pending: { ...pending, proceeding: true } })
    if (isOpen && status > 100) promote(call, leg, index)
    return isOpen && status > 100
  }
  if (status < 300 && response !== null) {
    if (isOpen) promote(call, leg, index)
    else hangUp(call, leg, index, response)
    return isOpen
  }
  if (isOpen && status === 422 && response !== null) {
    const again = longer(call, leg, { response, pending })
    if (again !== null) {
      inviteAgain(call, leg, { index, again })
      return false
    }
  }
  if (isOpen && status >= 600) {
    promote(call, leg, index)
    return true
  }
  if (isOpen) remember(call, leg, status, response)
  finish(call, leg, index)
  return false
}

/** The leg's own branch is refused. @returns true: another one goes on. */
export function goesOn(call: Call, { leg, status, response }: Failed): boolean {
  const forks = forksIn(call, leg)
  const { pendingClient } = call.dialog(leg)
  if (forks.length === 0 || pendingClient === null || !isSettingUp(call.member(leg))) return false
  if (pendingClient.cancelled || status >= 600) return false
  const open = forks.findIndex((fork) => isRinging(fork))
  const next = open >= 0 ? open : callNextTurn(call, leg)
  if (next < 0) return false
  remember(call, leg, status, response)
  promote(call, leg, next)
  finish(call, leg, next)
  return true
}

function isRinging({ state, pending }: Fork): boolean {
  return state === 'open' && pending?.method === 'INVITE' && !pending.cancelled
}

/** @returns one of those who are called now, or -1. */
function callNextTurn(call: Call, leg: Leg): number {
  const waiting = forksIn(call, leg).filter(({ state }) => state === 'waiting')
  if (waiting.length === 0) return -1
  const called = callTurn(call, leg, Math.min(...waiting.map(({ turn }) => turn)))
  watchTurn(call, leg)
  return called[0] ?? -1
}

/** Nobody of this turn has answered in time: they ring no more, and the next ones do. */
export function onTurnOver(call: Call, leg: Leg): void {
  const { pendingClient } = call.dialog(leg)
  if (!isSettingUp(call.member(leg)) || pendingClient === null || pendingClient.cancelled) return
  const ringing = forksIn(call, leg).flatMap((fork, index) => (isRinging(fork) ? [index] : []))
  const next = callNextTurn(call, leg)
  if (next < 0) return
  promote(call, leg, next)
  for (const index of [...ringing, next]) cancel(call, leg, index, null)
}

/** RFC 3261 16.7 step 6. */
function remember(call: Call, leg: Leg, status: number, response: SipResponse | null): void {
  const best = call.member(leg).refusal
  if (best !== null && rank(best.status) <= rank(status)) return
  const text = response === null ? null : writeSip(response)
  const isShort = text !== null && text.length <= limits.sdpBytesMax
  call.changeMember(leg, { refusal: { status, response: isShort ? text : null } })
}

/** The lower the better: the lowest class, in it what helps the caller to try again, then what a person
 * may have said; silence says least. */
function rank(status: number): number {
  if (status >= 600) return 0
  const within = [401, 407, 415, 420, 484, 486].indexOf(status)
  const place = status === 408 ? 99 : within < 0 ? 50 : within
  return Math.floor(status / 100) * 100 + place
}

/** What the leg has come to when its last branch is refused. */
export function bestOf(call: Call, failed: Failed): Failed {
  const { leg, status } = failed
  const best = call.has(leg) ? call.member(leg).refusal : null
  if (best === null) return failed
  call.changeMember(leg, { refusal: null })
  if (rank(status) <= rank(best.status)) return failed
  const response = best.response === null ? null : answerIn(best.response)
  return { leg, status: best.status, response }
}

/** All branches but the leg's own: it has answered, or is cancelled itself. */
export function cancelForks(call: Call, leg: Leg, reason: string | null = answeredElsewhere): void {
  for (const [index, fork] of forksIn(call, leg).entries()) {
    if (fork.state === 'waiting') changeFork(call, leg, index, { state: 'done' })
    else if (isRinging(fork)) cancel(call, leg, index, reason)
  }
}

function cancel(call: Call, leg: Leg, index: number, reason: string | null): void {
  const pending = forksIn(call, leg)[index]?.pending ?? null
  if (pending === null || pending.method !== 'INVITE') return
  changeFork(call, leg, index, { pending: { ...pending, cancelled: true, cancelReason: reason } })
  cancelAgain(call, leg, { index, afterReplication: true })
}

function cancelAgain(
  call: Call,
  leg: Leg,
  { index, afterReplication }: { index: number; afterReplication: boolean },
): void {
  const { exchange, sessionId, now } = call
  const id = exchange.links.idOf({ sessionId, leg, slot: `fork-${index}` })
  const reason = forksIn(call, leg)[index]?.pending?.cancelReason ?? null
  if (id === undefined) return
  call.emit(exchange.layer.cancel(id, now.monotonicMs, reason), afterReplication)
}

export function cancelForksAgain(call: Call): void {
  for (const member of call.session.members) {
    for (const [index, fork] of (member.forks ?? []).entries()) {
      if (fork.pending?.cancelled !== true) continue
      cancelAgain(call, legOf(member), { index, afterReplication: false })
    }
  }
}

/** True while a branch beside the leg's own is to be settled. */
export function hasOpenForks({ forks }: Pick<Member, 'forks'>): boolean {
  return (forks ?? []).some(({ state }) => state === 'open')
}

function finish(call: Call, leg: Leg, index: number): void {
  changeFork(call, leg, index, { state: 'done', pending: null })
  if (hasOpenForks(call.member(leg))) return
  if (forksIn(call, leg).every(({ state }) => state === 'done')) {
    call.changeMember(leg, { forks: null })
  }
}

/** A 2xx of a branch that is not wanted any more. */
function hangUp(call: Call, leg: Leg, index: number, response: SipResponse): void {
  const fork = forksIn(call, leg)[index]
  if (fork === undefined) return
  const { target: remoteTarget, routeSet, destination } = fork
  const base = { ...call.dialog(leg), remoteTarget, routeSet, destination }
  if (!end(call, leg, { base, index, response })) finish(call, leg, index)
}

/** A second 2xx to the INVITE of the leg, with another tag: a proxy has forked it, and one call is enough
 * (RFC 3261 13.2.2.4). */
export function refuseFork(call: Call, leg: Leg, response: SipResponse): void {
  const forks = forksIn(call, leg)
  const tag = tagOf(response.to)
  const known = forks.findIndex((fork) => fork.tag === tag)
  if (known < 0 && forks.length >= limits.forksMax) return
  end(call, leg, { base: call.dialog(leg), index: known < 0 ? forks.length : known, response })
}

/** ACK, and a BYE that is in the record until it is answered. */
function end(
  call: Call,
  leg: Leg,
  { base, index, response }: { base: Dialog; index: number; response: SipResponse },
): boolean {
  const { exchange, now } = call
  const dialog = establish(base, response)
  if (!isReadable(dialog)) return false
  const ack = exchange.layer.outside(ackOf(dialog, response.cseq.number), dialog.destination)
  call.emit({ send: [ack], events: [] }, true)
  const known = forksIn(call, leg)[index]
  if (known?.tag != null) return true
  const parts = { method: 'BYE', contact: null, headers: [], body: '' }
  const made = nextRequest(dialog, parts)
  const sent = exchange.layer.request(made.request, dialog.destination, now.monotonicMs)
  const fork: Fork = {
    state: 'open',
    turn: known?.turn ?? 0,
    target: dialog.remoteTarget ?? base.remoteTarget ?? '',
    routeSet: dialog.routeSet,
    destination: dialog.destination,
    tag: dialog.remoteTag,
    pending: pendingClientOf(sent.request, dialog.destination),
  }
  call.changeMember(leg, { forks: forksIn(call, leg).toSpliced(index, 1, fork) })
  bind(call, leg, sent.id, index)
  call.emit(sent.output, true)
  return true
}
