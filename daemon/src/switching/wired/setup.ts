//! The set-up of a call (S1.43, S1.44): who calls whom, may they, and with which resources; then the
//! records, then the INVITE to the callee.
import { limits } from '../../limits.ts'
import type { User } from '../../tables/user.ts'
import type { Conference, Member } from '../../tables/wired-conference.ts'
import type { Endpoint, NameAddress } from '../../wire/sip/message.ts'
import { parseUri } from '../../wire/sip/write.ts'
import type { SessionResources } from '../bridge/resources.ts'
import { dialogOfInvite, dialogToTerminal, ownContact } from '../dialog/dialog.ts'
import { isReadable, pendingServerOf } from '../dialog/pending.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { xipFromInvite } from '../xip/from-sip.ts'
import { refusalExtras, xipRecord } from '../xip/to-sip.ts'
import type { Xip } from '../xip/xip.ts'
import { Call } from './call.ts'
import type { Exchange } from './exchange.ts'
import { offerTo } from './media.ts'
import { namesOf, type SessionNames } from './names.ts'
import { type OpenRequest, refuse } from './refuse.ts'

interface Invitation extends OpenRequest {
  readonly source: Endpoint
}

/** An INVITE outside of dialogs. */
export function setUp(exchange: Exchange, invitation: Invitation): CoreEffect[] {
  const { request, source, now } = invitation
  const names = namesOf(request, exchange.options.secret)
  const { sessionId } = names
  // RFC 3261 8.2.2.2: the same request on another way; repetitions end in the transaction layer.
  if (exchange.sessions.get(sessionId) !== undefined) return refuse(exchange, invitation, 482)
  const stranger = checkCaller(exchange, invitation)
  if (stranger !== null) return stranger
  const parsed = xipFromInvite(request, sessionId, source)
  if (!parsed.ok) {
    const { refusal } = parsed
    return [
      ...refuse(exchange, invitation, refusal.status, refusalExtras(refusal)),
      { kind: 'log', level: 'info', text: refusal.why, fields: { callId: request.callId } },
    ]
  }
  const callee = findCallee(exchange, parsed.xip, now)
  if (typeof callee === 'number') return refuse(exchange, invitation, callee)
  return openSession(exchange, invitation, { xip: parsed.xip, callee, names })
}

/** A caller that is registered from this address is known; everyone else shows the password. */
function checkCaller(exchange: Exchange, invitation: Invitation): CoreEffect[] | null {
  const { request, source, now } = invitation
  const { tables } = exchange.options
  const number = request.from.uri.user ?? ''
  const account = tables.phoneBook.get(number)
  if (account === undefined) return refuse(exchange, invitation, 403)
  const user = tables.user.get(number)
  if (user !== undefined && isOnline(user, now) && isFrom(user, source)) return null
  const verdict = exchange.digest.check(request, { username: number, account }, now.wallMs)
  switch (verdict.kind) {
    case 'accepted':
      return null
    case 'malformed':
      return refuse(exchange, invitation, 400, { reason: 'Bad Authorization' })
    case 'forbidden':
      return refuse(exchange, invitation, 403)
    case 'challenge': {
      // 407 is for proxies; the switch is the end of this dialog (RFC 3261 22.2).
      const headers = exchange.digest.challenges(verdict.stale, account.digest, now.wallMs)
      return refuse(exchange, invitation, 401, { headers })
    }
  }
}

function isFrom(user: User, source: Endpoint): boolean {
  return user.address === source.address && user.port === source.port
}

function isOnline(user: User, now: Now): boolean {
  return user.status === 'online' && user.expiresAtMs > now.wallMs
}

/** The callee's registration, or the status that refuses the call. */
function findCallee(exchange: Exchange, xip: Xip, now: Now): User | number {
  const { tables, sipPort } = exchange.options
  const entry = tables.phoneBook.get(xip.destinationUser)
  if (entry === undefined) return 404
  // A radio is reached through the wireless services only (ED-137 sheet 2.5).
  if (entry.type === 'radio') return 603
  const user = tables.user.get(xip.destinationUser)
  if (user === undefined || !isOnline(user, now)) return 480
  // Someone registered the switch itself: the call would come back for ever.
  if (exchange.addresses.includes(user.address) && user.port === sipPort) return 482
  const isBusy = exchange.sessions.isBusy(entry.number) || entry.number === xip.sourceUser
  // A gateway has many lines.
  return isBusy && entry.type !== 'gateway' ? 486 : user
}

interface Checked {
  readonly xip: Xip
  readonly callee: User
  readonly names: SessionNames
}

function openSession(exchange: Exchange, invitation: Invitation, checked: Checked): CoreEffect[] {
  const { xip } = checked
  const { request, source, now } = invitation
  const { sessions, resources, timers } = exchange
  const members = makeMembers(exchange, invitation, checked)
  const pending = pendingServerOf(request, source)
  if (members === null || pending === null) return refuse(exchange, invitation, 400)
  if (!hasRoom(exchange, members.length)) return refuse(exchange, invitation, 503)
  const taken = resources.take(xip.sessionId, members.length)
  if (taken === null) return refuse(exchange, invitation, 503)
  const session = makeSession(members, { xip, taken, startedAtMs: now.wallMs })
  if (!sessions.save(session)) {
    resources.giveBack(xip.sessionId, taken)
    return refuse(exchange, invitation, 503)
  }
  exchange.started += 1
  const call = new Call(exchange, session, now)
  call.accept('a', 'pendingServer', { id: invitation.id, pending })
  const direction = xip.media?.direction ?? 'sendrecv'
  const first = xip.media?.codecs[0]?.name ?? 'PCMA'
  const offer = offerTo(call, 'b', direction, first)
  call.invite('b', offer, (request.maxForwards ?? limits.sipMaxForwards) - 1)
  const { sessionId } = session
  timers.start({ sessionId, timer: 'no-answer' }, now.monotonicMs + limits.noAnswerMs)
  return call.commit()
}

function hasRoom({ sessions }: Exchange, legs: number): boolean {
  return sessions.size < limits.sessionsMax && sessions.legCount + legs <= limits.legsMax
}

function makeSession(
  members: Member[],
  how: { xip: Xip; taken: SessionResources; startedAtMs: number },
): Conference {
  const { xip, taken, startedAtMs } = how
  return {
    sessionId: xip.sessionId,
    type: 'ordinary',
    state: 'ringing',
    startedAtMs,
    answeredAtMs: null,
    conferenceId: taken.conferenceId,
    ...xipRecord(xip),
    ended: null,
    members: members.map((member, index) => ({
      ...member,
      localPort: taken.ports[index] ?? member.localPort,
    })),
  }
}

/** @returns null when the INVITE has no usable Contact or From, or is larger than a record. */
function makeMembers(
  exchange: Exchange,
  { request, source }: Invitation,
  { xip, callee, names }: Checked,
): Member[] | null {
  const { sessionId } = xip
  const registered = exchange.options.tables.user.get(xip.sourceUser)
  const callerDialog = dialogOfInvite(request, {
    localTag: names.callerTag,
    sdpSession: names.callerSdp,
    fallback: registered?.status === 'online' ? endpointOf(registered) : source,
  })
  if (callerDialog === null || parseUri(callee.contact) === null) return null
  // RFC 3261 8.1.1.3: without a tag in From the dialog cannot be told from others.
  if (callerDialog.remoteTag === null) return null
  const calleeDialog = dialogToTerminal({
    callId: `${names.calleeCallId}@${exchange.commonAddress}`,
    localTag: names.calleeTag,
    sdpSession: names.calleeSdp,
    localUri: addressOf(exchange, xip.sourceUser, request.from.displayName),
    remoteUri: addressOf(exchange, callee.user, null),
    remoteTarget: callee.contact,
    destination: endpointOf(callee),
  })
  if (!isReadable(callerDialog) || !isReadable(calleeDialog)) return null
  const common = { state: 'calling' as const, localPort: 1 }
  return [
    {
      ...common,
      user: xip.sourceUser,
      side: 'caller',
      leg: 'a',
      mediaId: `${sessionId}-a`,
      dialog: callerDialog,
    },
    {
      ...common,
      user: callee.user,
      side: 'callee',
      leg: 'b',
      mediaId: `${sessionId}-b`,
      dialog: calleeDialog,
    },
  ]
}

function addressOf(exchange: Exchange, user: string, displayName: string | null): NameAddress {
  const { uri, parameters } = ownContact(exchange.options, user)
  const known = exchange.options.tables.phoneBook.get(user)?.displayName
  return { displayName: displayName ?? (known || null), uri: { ...uri, port: null }, parameters }
}

function endpointOf({ address, port }: User): Endpoint {
  return { address, port }
}
