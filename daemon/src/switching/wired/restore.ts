//! A take-over: from the records of the other node back to transactions and clocks. It sends nothing;
//! what was open goes on by its own timers.
import { limits } from '../../limits.ts'
import { type Conference, legOf, type Member } from '../../tables/wired-conference.ts'
import { takeOut } from '../bridge/bridge.ts'
import { groupOf, ringMsOf } from '../conference/group.ts'
import { lastAnswerOf, requestOf, restoreClient } from '../dialog/pending.ts'
import type { Now } from '../effects.ts'
import { setHoldTones } from '../services/call-tones.ts'
import { tidyMoved } from '../services/move-member.ts'
import { Call } from './call.ts'
import type { Exchange } from './exchange.ts'
import { connect, describedBy, saidTo } from './media.ts'
import { boundEnd, boundMember, linger, resourcesOf } from './release.ts'
import { calledAtMs, isOver, isPresent } from './sessions.ts'

/** Makes this node able to serve every session of the tables. */
export function restoreAll(exchange: Exchange, now: Now): void {
  const { sessions, resources, options } = exchange
  sessions.rebuild()
  tidyMoved(exchange)
  const live = sessions.values().filter((session) => !isOver(session))
  resources.restore(new Map(live.map((session) => [session.sessionId, resourcesOf(session)])))
  // Also a leg whose member did not come any more: nobody would ever take it out of its bridge.
  const known = new Set(live.flatMap(({ members }) => members.map(({ mediaId }) => mediaId)))
  for (const { mediaId } of [...options.tables.wiredMedia.values()]) {
    if (!known.has(mediaId)) options.tables.wiredMedia.delete(mediaId)
  }
  for (const session of sessions.values()) restoreSession(exchange, session, now)
}

/** @param withMedia false: it is about to end. */
export function restoreSession(
  exchange: Exchange,
  session: Conference,
  now: Now,
  withMedia = true,
): void {
  for (const member of session.members) restoreMember(exchange, session, { member, now })
  startClocks(exchange, session, now)
  const restored = new Call(exchange, session, now)
  for (const { restore } of exchange.services) restore?.(restored)
  if (!withMedia || isOver(session)) return
  restoreLegs(new Call(exchange, session, now))
  endLegs(new Call(exchange, session, now))
}

/** Legs of members who have left: their last tick may not have come any more. */
function endLegs({ session, exchange, now }: Call): void {
  const { tables } = exchange.options
  for (const member of session.members) {
    const leg = isPresent(member) ? undefined : tables.wiredMedia.get(member.mediaId)
    if (leg === undefined) continue
    if (leg.endTick === null) takeOut(tables, member, now.tick)
    exchange.endingLegs.add(leg.mediaId, now.monotonicMs)
  }
}

/** Members who come into a session that goes on here. */
export function restoreMembers(exchange: Exchange, session: Conference, now: Now): void {
  for (const member of session.members) restoreMember(exchange, session, { member, now })
  const restored = new Call(exchange, session, now)
  for (const { restore } of exchange.services) restore?.(restored)
}

/** A leg that is described on both sides and whose record did not come in time. Its terminal sees a
 * new stream, which is better than none. */
function restoreLegs(call: Call): void {
  const { wiredMedia } = call.exchange.options.tables
  for (const member of call.session.members) {
    const leg = legOf(member)
    const { mediaId, dialog } = member
    const media = describedBy(call, leg)
    if (!isPresent(member)) continue
    if (media === null || dialog.localSdp === '' || wiredMedia.get(mediaId) !== undefined) continue
    connect(call, leg, media, saidTo(call, leg))
    setHoldTones(call)
  }
}

function restoreMember(
  exchange: Exchange,
  { sessionId }: Conference,
  { member, now }: { readonly member: Member; readonly now: Now },
): void {
  const { dialog } = member
  const leg = legOf(member)
  for (const slot of ['pendingServer', 'relayServer'] as const) {
    const pending = dialog[slot]
    if (pending === null) continue
    const last = lastAnswerOf(pending, dialog.localTag)
    const request = requestOf(pending)
    const id = exchange.layer.restoreServer(request, pending.source, last, now.monotonicMs)
    exchange.links.bind(id, { sessionId, leg, slot })
  }
  for (const slot of ['pendingClient', 'relayClient'] as const) {
    const pending = dialog[slot]
    if (pending === null) continue
    const id = restoreClient(exchange.layer, pending, now.monotonicMs)
    exchange.links.bind(id, { sessionId, leg, slot })
  }
  for (const [index, { pending }] of (member.forks ?? []).entries()) {
    if (pending === null) continue
    const id = restoreClient(exchange.layer, pending, now.monotonicMs)
    exchange.links.bind(id, { sessionId, leg, slot: `fork-${index}` })
  }
  for (const [index, { prack }] of (dialog.early ?? []).entries()) {
    if (prack === null) continue
    const id = restoreClient(exchange.layer, prack, now.monotonicMs)
    exchange.links.bind(id, { sessionId, leg, slot: `prack-${index}` })
  }
}

function startClocks(exchange: Exchange, session: Conference, now: Now): void {
  const { timers } = exchange
  const { sessionId, members } = session
  const sinceMs = calledAtMs(session)
  if (session.state === 'ringing' && session.failure === null && sinceMs !== null) {
    // The wall clocks of the nodes may differ; the wait is never longer than a whole one.
    const wholeMs = ringMs(exchange, session)
    const waitedMs = Math.min(Math.max(now.wallMs - sinceMs, 0), wholeMs)
    timers.start({ sessionId, timer: 'no-answer' }, now.monotonicMs + wholeMs - waitedMs)
  }
  if (members.some(isCancelled)) {
    timers.start({ sessionId, timer: 'cancel-again' }, now.monotonicMs + limits.sipT1Ms)
  }
  if (!isOver(session)) {
    boundMembers(new Call(exchange, session, now))
    return
  }
  boundEnd(new Call(exchange, session, now))
  if (members.every((member) => member.state === 'released')) {
    linger(new Call(exchange, session, now))
  }
}

function isCancelled({ dialog, forks }: Member): boolean {
  const pendings = [dialog.pendingClient, ...(forks ?? []).map(({ pending }) => pending)]
  return pendings.some((pending) => pending?.cancelled === true)
}

function ringMs(exchange: Exchange, session: Conference): number {
  const group = session.type === 'group' ? groupOf(exchange, session) : undefined
  return group === undefined ? limits.noAnswerMs : ringMsOf(group)
}

/** Members who have left a session that goes on. */
function boundMembers(call: Call): void {
  for (const member of call.session.members) {
    if (isPresent(member)) continue
    const isDone = member.state === 'released'
    boundMember(call, legOf(member), isDone ? limits.releasedLingerMs : limits.releasedMsMax)
  }
}
