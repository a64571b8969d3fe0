//! Both nodes served while no link was there, and now they hear each other (ADR 0001): which session
//! goes on, and which ends. Pure and total: the same two sides give the same plan, and every session of
//! both is in it.
//!
//! | own | given | then |
//! |---|---|---|
//! | - | live | adopted, unless it conflicts |
//! | - | over | adopted: its BYE may still be on the way |
//! | ended meanwhile | live | dropped; when a terminal was not told, closed |
//! | live | live | the record with more signalling progress goes on, in doubt the own one |
//! | live | over | ended as the given record says |
//! | live | ended meanwhile | ended without SIP; when a terminal was not told, closed |
//! | over | any | as the own record says |
//! | live | - | goes on, unless it conflicts |
//!
//! Two sessions of the two sides conflict when they hold the same port, or when one calls a terminal
//! that the other has, and that terminal is no gateway. The older one is kept: first those that were
//! answered, by the time of it. A bridge number that both hold costs nothing: the given one gets another.
import { limits } from '../../limits.ts'
import type { Dialog } from '../../tables/dialog.ts'
import { type Conference, legOf, type Member } from '../../tables/wired-conference.ts'
import { isOver, isPresent } from './sessions.ts'

/** What one node knows. */
interface MergeSide {
  readonly sessions: readonly Conference[]
  /** Sessions that ended here while the nodes were apart. False: a terminal was not told. */
  readonly ended: ReadonlyMap<string, boolean>
  /** Of two sessions that cannot go on both, its own is kept, whatever their age. */
  readonly goesFirst?: boolean
}

export type MergeRule =
  | 'same-port'
  | 'same-terminal'
  /** Its members are in the older session of the same conference now (`unite.ts`). */
  | 'same-conference'
  | 'no-room'
  | 'no-bridge-number'
  | 'ended-there'
  | 'ended-here'

export type MergeAction =
  /** The given session becomes one of this node. */
  | { readonly kind: 'adopt'; readonly session: Conference }
  /** A session of both goes on as given. */
  | { readonly kind: 'update'; readonly session: Conference }
  /** A session of both goes on as it is here; the sequence numbers of both sides are used up. */
  | { readonly kind: 'keep'; readonly session: Conference }
  /** An own live session is over as the given record says. */
  | { readonly kind: 'end'; readonly session: Conference }
  /** An own live session is over, and its terminals know it. */
  | { readonly kind: 'end-silently'; readonly session: Conference }
  /** BYE to both terminals. `given`: a session of the peer, of which nothing is in the tables. */
  | {
      readonly kind: 'close'
      readonly session: Conference
      readonly given: boolean
      readonly rule: MergeRule
    }
  /** A given session that ended here. */
  | { readonly kind: 'drop'; readonly session: Conference; readonly rule: MergeRule }

interface Plan {
  /** In the order in which they have to be done: what is freed first, then what is taken. */
  readonly actions: readonly MergeAction[]
  /** Given sessions whose bridge has another number here. */
  readonly renumbered: number
}

/** @param isGateway a terminal with many lines. */
export function planMerge(
  own: MergeSide,
  given: MergeSide,
  isGateway: (user: string) => boolean,
): Plan {
  const actions: MergeAction[] = []
  const mine = byId(own.sessions)
  const theirs = byId(given.sessions)
  const rivals: Rival[] = []
  const common: Conference[] = []
  for (const session of sorted(own.sessions)) {
    if (isOver(session)) continue
    const other = theirs.get(session.sessionId)
    if (other !== undefined) {
      const action = joinSession(session, other)
      actions.push(action)
      if (action.kind !== 'end')
        common.push(areOneConference(session, other) ? session : action.session)
    } else if (given.ended.has(session.sessionId)) {
      const isTold = given.ended.get(session.sessionId) === true
      actions.push(
        isTold
          ? { kind: 'end-silently', session }
          : { kind: 'close', session, given: false, rule: 'ended-there' },
      )
    } else rivals.push({ session, given: false })
  }
  for (const session of sorted(given.sessions)) {
    if (mine.has(session.sessionId)) continue
    if (isOver(session)) actions.push({ kind: 'adopt', session })
    else if (own.ended.get(session.sessionId) === true) {
      actions.push({ kind: 'drop', session, rule: 'ended-here' })
    } else if (own.ended.has(session.sessionId)) {
      actions.push({ kind: 'close', session, given: true, rule: 'ended-here' })
    } else rivals.push({ session, given: true })
  }
  rivals.sort(own.goesFirst === true ? compareOwnFirst : compareRivals)
  const settled = settleRivals(rivals, common, isGateway)
  actions.push(...settled.actions)
  return { actions: inOrder(actions), renumbered: settled.renumbered }
}

interface Rival {
  readonly session: Conference
  readonly given: boolean
}

/** A session that both sides know and that lives here. */
function joinSession(own: Conference, given: Conference): MergeAction {
  if (isOver(given)) return { kind: 'end', session: given }
  if (areOneConference(own, given)) return { kind: 'keep', session: given }
  if (compareProgress(given, own) > 0) {
    return { kind: 'update', session: withUsedNumbers(given, own) }
  }
  return { kind: 'keep', session: withUsedNumbers(own, given) }
}

/** Their members are put together when the plan is carried out (`merge-members.ts`). */
export function areOneConference(own: Conference, given: Conference): boolean {
  return own.focus !== null && given.focus !== null
}

/** The one that has seen more of the signalling, in doubt the own one. */
export function newerMember(own: Member, given: Member): Member {
  const numbers = ({ localSeq, remoteSeq }: Dialog) => localSeq + (remoteSeq ?? 0)
  const isGiven = numbers(given.dialog) > numbers(own.dialog)
  return isGiven ? withNumbersOf(given, own.dialog) : withNumbersOf(own, given.dialog)
}

/** Both nodes may have spoken in the dialogs: what either has used is used (RFC 3261 12.2.1.1). */
export function withUsedNumbers(session: Conference, other: Conference): Conference {
  const members = session.members.map((member) => {
    const same = other.members.find((one) => legOf(one) === legOf(member))
    return same === undefined ? member : withNumbersOf(member, same.dialog)
  })
  return { ...session, members }
}

function withNumbersOf(member: Member, other: Dialog): Member {
  const { dialog } = member
  const remoteSeq =
    dialog.remoteSeq === null || other.remoteSeq === null
      ? (dialog.remoteSeq ?? other.remoteSeq)
      : Math.max(dialog.remoteSeq, other.remoteSeq)
  return {
    ...member,
    dialog: {
      ...dialog,
      localSeq: Math.max(dialog.localSeq, other.localSeq),
      remoteSeq,
      sdpVersion: Math.max(dialog.sdpVersion, other.sdpVersion),
    },
  }
}

/** Positive: `a` has seen more of the signalling. */
function compareProgress(a: Conference, b: Conference): number {
  return stageOf(a) - stageOf(b) || numbersOf(a) - numbersOf(b)
}

function stageOf({ answeredAtMs }: Conference): number {
  return answeredAtMs === null ? 0 : 1
}

function numbersOf({ members }: Conference): number {
  return members.reduce((sum, { dialog }) => sum + dialog.localSeq + (dialog.remoteSeq ?? 0), 0)
}

/** Goes through the sessions of one side only, as they are sorted, the oldest first: each is kept that goes
 * with all that are kept already. So a session ends only because of an older one that goes on. */
function settleRivals(
  rivals: readonly Rival[],
  common: readonly Conference[],
  isGateway: (user: string) => boolean,
): { actions: MergeAction[]; renumbered: number } {
  const actions: MergeAction[] = []
  const kept = { own: new Holdings(), given: new Holdings() }
  const numbers = new Set(common.map((session) => session.conferenceId))
  const adopted: Conference[] = []
  let legs = common.reduce((sum, session) => sum + legsOf(session), 0)
  for (const { session, given } of rivals) {
    const other = given ? kept.own : kept.given
    const rule =
      legs + legsOf(session) > limits.legsMax ? 'no-room' : other.conflict(session, isGateway)
    if (rule !== null) {
      actions.push({ kind: 'close', session, given, rule })
      continue
    }
    legs += legsOf(session)
    const holdings = given ? kept.given : kept.own
    holdings.add(session)
    if (given) adopted.push(session)
    else numbers.add(session.conferenceId)
  }
  const numbered = renumber(adopted, numbers)
  actions.push(...numbered.actions)
  return { actions, renumbered: numbered.renumbered }
}

function legsOf({ members }: Conference): number {
  return members.filter(isPresent).length
}

/** Gives each adopted session a bridge number that nobody has: its own if possible. */
function renumber(
  adopted: readonly Conference[],
  taken: Set<number>,
): { actions: MergeAction[]; renumbered: number } {
  const clashing: Conference[] = []
  const actions: MergeAction[] = []
  for (const session of adopted) {
    if (taken.has(session.conferenceId)) clashing.push(session)
    else actions.push({ kind: 'adopt', session })
    taken.add(session.conferenceId)
  }
  for (const session of clashing) {
    const conferenceId = freeNumber(taken, session.conferenceId)
    if (conferenceId === null) {
      actions.push({ kind: 'close', session, given: true, rule: 'no-bridge-number' })
      continue
    }
    taken.add(conferenceId)
    actions.push({ kind: 'adopt', session: { ...session, conferenceId } })
  }
  return { actions, renumbered: clashing.length }
}

/** Bridges are spread over a tick by their number: one with the same rest keeps its place in it. */
const placesInTick = 4

function freeNumber(taken: ReadonlySet<number>, wanted: number): number | null {
  const rest = wanted % placesInTick
  for (let number = rest === 0 ? placesInTick : rest; number <= limits.sessionsMax; ) {
    if (!taken.has(number)) return number
    number += placesInTick
  }
  for (let number = 1; number <= limits.sessionsMax; number++) {
    if (!taken.has(number)) return number
  }
  return null
}

/** Ports and terminals of the sessions that one side keeps. */
class Holdings {
  readonly #ports = new Set<number>()
  readonly #users = new Set<string>()
  readonly #conferences = new Set<string>()

  add({ members, focus }: Conference): void {
    if (focus !== null) this.#conferences.add(focus.number)
    for (const { user, localPort } of members.filter(isPresent)) {
      this.#ports.add(localPort)
      this.#users.add(user)
    }
  }

  /** Why the session cannot live beside those here. A terminal may call again while it talks, but is
   * not called then (`setup.ts`). */
  conflict(session: Conference, isGateway: (user: string) => boolean): MergeRule | null {
    const members = session.members.filter(isPresent)
    if (members.some(({ localPort }) => this.#ports.has(localPort))) return 'same-port'
    // Two sessions of one conference are made one afterwards, whoever is in both.
    if (session.focus !== null && this.#conferences.has(session.focus.number)) return null
    const called = members.filter(({ side }) => side === 'callee')
    const isBusy = called.some(({ user }) => this.#users.has(user) && !isGateway(user))
    return isBusy ? 'same-terminal' : null
  }
}

function compareRivals({ session: a }: Rival, { session: b }: Rival): number {
  return compareAge(a, b)
}

function compareOwnFirst(a: Rival, b: Rival): number {
  return Number(a.given) - Number(b.given) || compareRivals(a, b)
}

/** Negative: `a` is older. A total order, whatever the wall clocks of the nodes say. */
export function compareAge(a: Conference, b: Conference): number {
  const byAnswer = stageOf(b) - stageOf(a) || (a.answeredAtMs ?? 0) - (b.answeredAtMs ?? 0)
  if (byAnswer !== 0) return byAnswer
  return a.startedAtMs - b.startedAtMs || compareText(a.sessionId, b.sessionId)
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function byId(sessions: readonly Conference[]): ReadonlyMap<string, Conference> {
  return new Map(sessions.map((session) => [session.sessionId, session]))
}

function sorted(sessions: readonly Conference[]): Conference[] {
  return [...sessions].sort(compareAge)
}

const order: readonly MergeAction['kind'][] = [
  'end',
  'end-silently',
  'close',
  'drop',
  'keep',
  'update',
  'adopt',
]

function inOrder(actions: readonly MergeAction[]): MergeAction[] {
  return [...actions].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
}
