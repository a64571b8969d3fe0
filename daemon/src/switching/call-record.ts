//! Call records (呼叫记录, S1.138, ADR 0026): what a session remembers of itself, what is kept when it has
//! ended, and which of two records of one session counts. Pure: both nodes make the same from a session.
import {
  type CallRecord,
  type History,
  type Party,
  partiesMax,
  type RoleChange,
  type RtpFigures,
  reasonMax,
  roleChangesMax,
  servicesMax,
} from '../tables/call-record.ts'
import { type Conference, legOf, type Member } from '../tables/wired-conference.ts'

const none: History = { called: '', parties: [], services: [], roles: [], reason: '' }

/** Of a session that begins. @param called the number that was dialled */
export function newHistory(called: string): History {
  return { ...none, called }
}

/** The session with what its members do by now. The same object when nothing is new.
 * @param nowMs Unix milliseconds */
export function withHistory(session: Conference, nowMs: number): Conference {
  const wallMs = Math.round(nowMs)
  const history = session.history ?? newHistory(firstCallee(session))
  const endMs = session.ended === null ? null : Math.round(session.ended.atMs)
  const parties = history.parties.map((party) => {
    const member = session.members.find((one) => legOf(one) === party.leg)
    return partyNow(party, member, endMs ?? wallMs)
  })
  for (const member of session.members) {
    const leg = legOf(member)
    if (parties.length >= partiesMax || parties.some((party) => party.leg === leg)) continue
    const { user: number, side } = member
    const invitedAtMs = history.parties.length === 0 ? Math.round(session.startedAtMs) : wallMs
    const times = { invitedAtMs, joinedAtMs: null, leftAtMs: null }
    const way = member.trunk === null ? {} : { trunk: member.trunk.name }
    const fresh = { leg, number, side, ...way, ...times, rtp: null }
    parties.push(partyNow(fresh, member, endMs ?? wallMs))
  }
  const isNew =
    session.history === null ||
    parties.length !== history.parties.length ||
    parties.some((party, index) => party !== history.parties[index])
  const services = servicesOf(session, history.services)
  if (!isNew && services === history.services) return session
  return { ...session, history: { ...history, parties, services } }
}

/** What the state of a session says of the services that it has used. */
function servicesOf(session: Conference, used: string[]): string[] {
  const { state, type, diversions, queued, intrusion } = session
  const { attendant, callBack } = session
  const seen = [
    ...(state === 'hold' ? ['hold'] : []),
    ...(type === 'ordinary' || type === 'service' ? [] : [type]),
    ...((diversions ?? []).length > 0 ? ['forward'] : []),
    ...(queued === null ? [] : ['queue']),
    ...(intrusion === null ? [] : ['intrusion']),
    ...(callBack === null ? [] : [calledBack]),
    ...(attendant === null ? [] : [attendantNames[attendant.kind]]),
  ].filter((name) => !used.includes(name))
  return seen.length === 0 ? used : [...used, ...seen].slice(0, servicesMax)
}

const calledBack = 'call-back'
const attendantNames = { confirmation: 'setting', monitoring: 'monitoring' } as const

function partyNow(party: Party, member: Member | undefined, nowMs: number): Party {
  if (party.leftAtMs !== null) return party
  const state = member?.state ?? 'released'
  const joins = state === 'talking' || state === 'hold'
  const leaves = state === 'releasing' || state === 'released'
  if (joins && party.joinedAtMs === null) return { ...party, joinedAtMs: nowMs }
  return leaves ? { ...party, leftAtMs: nowMs } : party
}

function firstCallee({ members }: Conference): string {
  return members.find(({ side }) => side === 'callee')?.user ?? ''
}

/** A service was used. @param name e.g. `transfer`. */
export function withService(session: Conference, name: string): Conference {
  const history = session.history ?? newHistory(firstCallee(session))
  const { services } = history
  if (services.includes(name) || services.length >= servicesMax) return session
  return { ...session, history: { ...history, services: [...services, name] } }
}

/** Why it ends. @param reason value of a Reason header */
export function withReason(session: Conference, reason: string): Conference {
  const history = session.history ?? newHistory(firstCallee(session))
  return { ...session, history: { ...history, reason: reason.slice(0, reasonMax) } }
}

/** Another node serves the session since then. */
export function withRoleChange(session: Conference, change: RoleChange): Conference {
  const history = session.history ?? newHistory(firstCallee(session))
  if (history.roles.some(({ term }) => term === change.term)) return session
  const roles = [...history.roles, change].slice(-roleChangesMax)
  return { ...session, history: { ...history, roles } }
}

/** Figures of the RTP of one leg. */
export function withStatistics(session: Conference, leg: string, rtp: RtpFigures): Conference {
  const { history } = session
  if (history === null) return session
  const parties = history.parties.map((party) => (party.leg === leg ? { ...party, rtp } : party))
  return { ...session, history: { ...history, parties } }
}

/** What a call record says of an ended session; null while it lives. Either node can write it: the
 * session number is its key. */
export function callRecordOf(session: Conference): CallRecord | null {
  const { ended } = session
  if (ended === null) return null
  const { atMs, by, status } = ended
  return { ...factsOf(session), endedAtMs: Math.round(atMs), endedBy: by, status }
}

/** The record of a session that nobody knows any more, as it was last seen.
 * @param seenAtMs Unix milliseconds */
export function interruptedRecord(session: Conference, seenAtMs: number): CallRecord {
  const facts = factsOf(session)
  const endedAtMs = Math.max(Math.round(seenAtMs), facts.startedAtMs)
  const status = facts.answeredAtMs === null ? 500 : 200
  return { ...facts, endedAtMs, endedBy: 'node', status }
}

function factsOf(session: Conference) {
  const { sessionId, type, callType, subject, priority } = session
  const startedAtMs = Math.round(session.startedAtMs)
  const answeredAtMs = session.answeredAtMs === null ? null : Math.round(session.answeredAtMs)
  const whole = withHistory(session, startedAtMs).history ?? none
  const { called, parties, services, roles, reason } = whole
  // The switch has called both sides of a call back, first who wanted it.
  const asker = services.includes(calledBack) ? parties[0]?.number : undefined
  const invited = session.callBack?.asker ?? asker ?? ''
  const caller = parties.find(({ side }) => side === 'caller')?.number ?? invited
  const names = { sessionId, type, callType, subject, priority, caller, called }
  return { ...names, startedAtMs, answeredAtMs, parties, services, roles, reason }
}

/** A record by a node that may have known less of the session than another one, which saw it alive: an
 * answer that came on the other side of a cut was an answer.
 * @param alive what the other one would have recorded then */
export function completedBy(record: CallRecord, alive: CallRecord): CallRecord {
  const { answeredAtMs } = alive
  if (record.answeredAtMs !== null || answeredAtMs === null) return record
  if (answeredAtMs > record.endedAtMs) return record
  const parties = record.parties.map((party) => {
    const known = alive.parties.find(({ leg }) => leg === party.leg)
    return party.joinedAtMs === null && known !== undefined
      ? { ...party, joinedAtMs: known.joinedAtMs }
      : party
  })
  return { ...record, answeredAtMs, parties, status: 200 }
}

/** Which of two records of one session counts, when the nodes saw different ends. Negative: `a` does. A
 * total order, so that both nodes keep the same one, whatever came first:
 *
 * 1. an end that was seen, before one that was only inferred from a lost session;
 * 2. an answered call, before one that was not: the answer was heard, on one side of the cut;
 * 3. an end by a terminal, before one by the switch, which may have ended what it could not hear;
 * 4. the earlier end, as from then on one side was gone (of inferred ends the later one: it lived);
 * 5. what says more: statistics, role changes, services, parties;
 * 6. the smaller text. */
export function compareRecords(a: CallRecord, b: CallRecord): number {
  const seen = Number(a.endedBy === 'node') - Number(b.endedBy === 'node')
  const answered = Number(a.answeredAtMs === null) - Number(b.answeredAtMs === null)
  const byTerminal = Number(isByTerminal(b)) - Number(isByTerminal(a))
  const first = seen || answered || byTerminal
  if (first !== 0) return first
  const earlier = a.endedAtMs - b.endedAtMs
  if (earlier !== 0) return a.endedBy === 'node' ? -earlier : earlier
  const more = weightOf(b) - weightOf(a)
  if (more !== 0) return more
  const [left, right] = [recordText(a), recordText(b)]
  if (left === right) return 0
  return left < right ? -1 : 1
}

/** The same text for equal records, whatever the order of their keys on their way here. */
export function recordText(record: CallRecord): string {
  return JSON.stringify(inOrder(record))
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inOrder)
  const fields = value as Record<string, unknown>
  const sorted: Record<string, unknown> = {}
  for (const key of Object.keys(fields).sort()) sorted[key] = inOrder(fields[key])
  return sorted
}

function isByTerminal({ endedBy }: CallRecord): boolean {
  return endedBy === 'caller' || endedBy === 'callee'
}

function weightOf({ parties, services, roles }: CallRecord): number {
  const told = parties.filter(({ rtp }) => rtp !== null).length
  return ((told * 32 + roles.length) * 64 + services.length) * 512 + parties.length
}
