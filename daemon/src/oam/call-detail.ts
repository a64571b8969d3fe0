//! One call as an operator looks at it: from tables 3 and 4, and what the media unit says.
import type { LegStatistics } from '../bus/messages.ts'
import type { CallDetail } from '../control/call-schema.ts'
import { type Conference, legOf, type Member } from '../tables/wired-conference.ts'
import type { WiredMedia } from '../tables/wired-media.ts'

interface VoiceSources {
  readonly media: { get(mediaId: string): WiredMedia | undefined }
  rtp(mediaId: string): LegStatistics | null
}

export function callDetail(session: Conference, sources: VoiceSources): CallDetail {
  const { sessionId, type, state, callType, subject, priority, history, conferenceId } = session
  const callee = session.members.find(({ side }) => side === 'callee')?.user ?? ''
  return {
    sessionId,
    type,
    state,
    callType,
    subject,
    priority,
    called: history?.called ?? callee,
    startedAt: iso(session.startedAtMs),
    answeredAt: session.answeredAtMs === null ? null : iso(session.answeredAtMs),
    conferenceId,
    services: [...(history?.services ?? [])],
    diversions: (session.diversions ?? []).map(({ from, to, reason }) => ({ from, to, reason })),
    members: session.members.map((member) => memberDetail(member, sources)),
  }
}

function memberDetail(member: Member, { media, rtp }: VoiceSources): CallDetail['members'][number] {
  const { user: number, side, state, mediaId, dialog } = member
  const leg = media.get(mediaId)
  const { pendingServer, pendingClient, relayServer, relayClient } = dialog
  const open = [pendingServer, relayServer].filter((one) => one !== null && one.final === null)
  const waiting = [...open, pendingClient, relayClient].flatMap((one) => one?.method ?? [])
  const own = { leg: legOf(member), number, side, state, waiting, callId: dialog.callId }
  const { address, port } = dialog.destination
  if (leg === undefined) return { ...own, address: placeOf(address, port), media: null }
  const { localPort, codec, ptimeMs, direction, gainDb, twin } = leg
  const told = rtp(mediaId)
  const remote = placeOf(leg.terminalAddress, leg.remotePort)
  const figures = told === null ? null : figuresOf(told)
  const voice = { localPort, remote, codec, ptimeMs, direction, gainDb, twin, rtp: figures }
  return { ...own, address: placeOf(address, port), media: voice }
}

function figuresOf({ mediaId: _id, ended: _ended, ...figures }: LegStatistics) {
  return figures
}

function placeOf(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
