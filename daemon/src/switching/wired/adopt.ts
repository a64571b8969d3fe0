//! Carries out the plan of a merge (`merge.ts`) on the records, transactions and clocks of this node.
import { profileOf } from '../../tables/profile.ts'
import { equalValues } from '../../tables/record-value.ts'
import type { Binding, User } from '../../tables/user.ts'
import { type Conference, type Leg, legOf } from '../../tables/wired-conference.ts'
import type { WiredMedia } from '../../tables/wired-media.ts'
import { dissolve, takeOut } from '../bridge/bridge.ts'
import type { CoreTables } from '../core-types.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { bindingsOf, userWith } from '../registrar/bindings.ts'
import { Call, withSession } from './call.ts'
import type { Exchange } from './exchange.ts'
import {
  areOneConference,
  type MergeAction,
  type MergeRule,
  newerMember,
  withUsedNumbers,
} from './merge.ts'
import { unionOf } from './merge-members.ts'
import { dropMember, endCall, linger, resourcesOf } from './release.ts'
import { restoreMembers, restoreSession } from './restore.ts'
import { isOver, isPresent } from './sessions.ts'

interface Adoption {
  readonly exchange: Exchange
  /** Media records of the given sessions, by session, in the ticks of this node. */
  readonly legs: ReadonlyMap<string, readonly WiredMedia[]>
  /** From this tick on, what has changed holds. */
  readonly controlTick: number
}

/** What became of one session. */
export interface Outcome {
  readonly sessionId: string
  readonly kind: MergeAction['kind']
  readonly given: boolean
  readonly rule: MergeRule | null
}

/** @returns what leaves because of it, and what was done: less than planned when the session has ended
 * since, or when there is no room. */
export function carryOut(
  adoption: Adoption,
  action: MergeAction,
  now: Now,
): { effects: CoreEffect[]; outcome: Outcome } {
  const { sessionId } = action.session
  switch (action.kind) {
    case 'adopt':
      return adopt(adoption, action, now)
    case 'update':
    case 'keep':
    case 'end': {
      const effects = join(adoption, action, now)
      return { effects, outcome: outcomeOf(action.kind, sessionId) }
    }
    case 'end-silently': {
      const effects = endSilently(adoption, action, now)
      return { effects, outcome: outcomeOf(action.kind, sessionId) }
    }
    case 'close':
      return close(adoption, action, now)
    case 'drop':
      return {
        effects: [],
        outcome: { sessionId, kind: 'drop', given: true, rule: action.rule },
      }
  }
}

function outcomeOf(kind: MergeAction['kind'], sessionId: string): Outcome {
  return { sessionId, kind, given: false, rule: null }
}

/** A session that both nodes have, and that may have changed since the plan. */
function join(adoption: Adoption, action: MergeAction, now: Now): CoreEffect[] {
  const { exchange } = adoption
  const { session, kind } = action
  const current = exchange.sessions.get(session.sessionId)
  if (current === undefined || isOver(current)) return []
  if (kind === 'keep' && areOneConference(current, session)) {
    return joinMembers(adoption, { current, given: session }, now)
  }
  if (kind === 'keep' || (kind === 'update' && !takeResources(exchange, current, session))) {
    exchange.sessions.save(withUsedNumbers(current, session))
    return []
  }
  if (kind === 'end') free(adoption, current)
  else {
    exchange.links.forget(session.sessionId)
    putLegs(adoption, session)
  }
  exchange.sessions.save(session)
  restoreSession(exchange, session, now)
  return []
}

/** Members who came to the other node are members here; who left there has left. One for whom there is
 * no port is told so. */
function joinMembers(
  adoption: Adoption,
  sides: { readonly current: Conference; readonly given: Conference },
  now: Now,
): CoreEffect[] {
  const { exchange } = adoption
  const { current } = sides
  const { sessionId, conferenceId } = current
  const union = unionOf(current, sides.given, newerMember)
  const homeless: Leg[] = []
  for (const member of union.left) {
    exchange.links.forget(sessionId, legOf(member))
    if (takeOut(exchange.options.tables, member, now.tick)) {
      exchange.endingLegs.add(member.mediaId, now.monotonicMs)
    }
    exchange.resources.giveBackPort(sessionId, member.localPort)
  }
  for (const leg of union.given) {
    const member = union.session.members.find((one) => legOf(one) === leg)
    const ports = member === undefined ? [] : [member.localPort]
    const room = member?.seat?.room ?? null
    const wanted = { conferenceId, ports, rooms: room === null ? [] : [room] }
    if (!exchange.resources.claim(sessionId, wanted)) homeless.push(leg)
  }
  exchange.sessions.save(union.session)
  const added = union.session.members.filter((one) => union.given.includes(legOf(one)))
  const housed = added.filter((one) => !homeless.includes(legOf(one)))
  putLegs(adoption, { ...union.session, members: housed })
  restoreMembers(exchange, { ...union.session, members: added }, now)
  return withSession(exchange, { sessionId, now }, (call) => {
    for (const leg of homeless) dropMember(call, leg, { status: 503 })
    if (call.session.members.every((one) => !isPresent(one))) {
      endCall(call, { by: 'switch', status: 200 })
    }
  })
}

/** Both nodes may have set up the same call, each with numbers of its own.
 * @returns false when the numbers of the given record are not free. */
function takeResources(exchange: Exchange, own: Conference, given: Conference): boolean {
  const [from, to] = [resourcesOf(own), resourcesOf(given)]
  if (JSON.stringify(from) === JSON.stringify(to)) return true
  const { resources } = exchange
  resources.giveBack(own.sessionId, from)
  if (resources.claim(own.sessionId, to)) return true
  resources.claim(own.sessionId, from)
  return false
}

function endSilently(adoption: Adoption, { session }: MergeAction, now: Now): CoreEffect[] {
  const { exchange } = adoption
  const current = exchange.sessions.get(session.sessionId)
  if (current === undefined || isOver(current)) return []
  free(adoption, current)
  const call = new Call(exchange, current, now)
  call.change({ state: 'released', ended: { atMs: now.wallMs, status: 200, by: 'switch' } })
  const none = { pendingClient: null, pendingServer: null, relayClient: null, relayServer: null }
  for (const member of current.members) {
    call.changeDialog(legOf(member), none)
    call.changeMember(legOf(member), { state: 'released' })
  }
  linger(call)
  return call.commit()
}

function adopt(
  adoption: Adoption,
  action: MergeAction,
  now: Now,
): { effects: CoreEffect[]; outcome: Outcome } {
  const { exchange } = adoption
  const { session } = action
  const { sessionId } = session
  const resources = resourcesOf(session)
  const isLive = !isOver(session)
  if (isLive && !exchange.resources.claim(sessionId, resources)) {
    return close(adoption, { kind: 'close', session, given: true, rule: 'no-room' }, now)
  }
  if (!exchange.sessions.save(session)) {
    exchange.resources.giveBack(sessionId, resources)
    return { effects: [], outcome: { sessionId, kind: 'drop', given: true, rule: 'no-room' } }
  }
  if (isLive) putLegs(adoption, session)
  restoreSession(exchange, session, now)
  return { effects: [], outcome: { sessionId, kind: 'adopt', given: true, rule: null } }
}

/** The legs as given, in their bridge. */
function putLegs({ exchange, legs, controlTick }: Adoption, session: Conference): void {
  const { wiredMedia } = exchange.options.tables
  const { sessionId, conferenceId, members } = session
  for (const leg of legs.get(sessionId) ?? []) {
    if (!members.some(({ mediaId }) => mediaId === leg.mediaId)) continue
    const isMoved = leg.conferenceId !== conferenceId
    wiredMedia.put(isMoved ? { ...leg, conferenceId, controlTick } : leg)
  }
}

function free({ exchange }: Adoption, session: Conference): void {
  // What was open goes on without this session: an answer finds it by its dialog.
  exchange.links.forget(session.sessionId)
  dissolve(exchange.options.tables, session)
  exchange.resources.giveBack(session.sessionId, resourcesOf(session))
  exchange.timers.stop({ sessionId: session.sessionId, timer: 'no-answer' })
}

function close(
  { exchange }: Adoption,
  action: MergeAction & { kind: 'close' },
  now: Now,
): { effects: CoreEffect[]; outcome: Outcome } {
  const { session, given, rule } = action
  const outcome: Outcome = { sessionId: session.sessionId, kind: 'close', given, rule }
  // Of a given one only the signalling goes on here, to its end: media and ports of it are not in
  // these tables.
  if (given && exchange.sessions.save(session)) restoreSession(exchange, session, now, false)
  const current = exchange.sessions.get(session.sessionId)
  if (current === undefined || isOver(current)) return { effects: [], outcome }
  const call = new Call(exchange, current, now)
  const isAnswered = current.answeredAtMs !== null
  call.log('warn', 'merge: a session is closed', { rule, given, answered: isAnswered })
  const headers = [{ name: 'Reason', value: reasonOf(rule) }]
  endCall(call, { by: 'switch', status: isAnswered ? 200 : 480, headers })
  return { effects: call.commit(), outcome }
}

/** RFC 3326. */
function reasonOf(rule: MergeRule): string {
  return `SIP ;cause=480 ;text="${rule}"`
}

/** The newer contacts count, as many as the account may have.
 * @returns how many users were taken. */
export function adoptUsers(tables: CoreTables, users: readonly User[]): number {
  let taken = 0
  for (const user of users) {
    const entry = tables.phoneBook.get(user.user)
    const contactsMax = entry === undefined ? 1 : profileOf(entry).line.contacts
    const own = tables.user.get(user.user)
    const next = own === undefined ? user : mergedUser(own, user, contactsMax)
    if (next === null || (own !== undefined && equalValues(next, own))) continue
    if (tables.user.put(next).ok) taken++
  }
  return taken
}

function mergedUser(own: User, given: User, contactsMax: number): User | null {
  const bindings: Binding[] = []
  for (const one of [...bindingsOf(own), ...bindingsOf(given)].toSorted(byAge)) {
    if (bindings.length >= contactsMax) break
    if (!bindings.some(({ contact }) => contact === one.contact)) bindings.push(one)
  }
  return userWith(own, bindings)
}

function byAge(a: Binding, b: Binding): number {
  if (a.callId === b.callId && a.cseq !== b.cseq) return b.cseq - a.cseq
  return b.registeredAtMs - a.registeredAtMs
}
