//! What a mutated message may do, looked at from outside: it changes a session only when it names its dialog,
//! a registration only with the password, and nothing smuggled leaves.
import type { CoreEffect } from '../../src/switching/effects.ts'
import type { Conference } from '../../src/tables/wired-conference.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import type { Stage } from '../../test/switching/core-stage.ts'
import { smuggled } from './mutations.ts'

interface View {
  readonly sessions: ReadonlyMap<string, Conference>
  readonly users: ReadonlyMap<string, unknown>
}

/** Records are never changed in place, so that a copy of the references is enough. */
export function viewOf({ tables }: Stage): View {
  const sessions = [...tables.wiredConference.values()].map((one) => [one.sessionId, one] as const)
  const users = [...tables.user.values()].map((one) => [one.user, one] as const)
  return { sessions: new Map(sessions), users: new Map(users) }
}

/** @returns what is wrong; null: nothing. */
export function judge(
  stage: Stage,
  { before, text }: { before: View; text: string },
  effects: readonly CoreEffect[],
): string | null {
  const after = viewOf(stage)
  for (const [sessionId, session] of before.sessions) {
    if (after.sessions.get(sessionId) === session || names(session, text)) continue
    return `session ${sessionId} changed by a message that does not name its dialog`
  }
  for (const [user, record] of before.users) {
    if (after.users.get(user) === record || text.includes('Authorization')) continue
    return `the registration of ${user} changed without its password`
  }
  for (const effect of effects) {
    const wrong = effect.kind === 'send' ? wrongIn(effect.outgoing.text) : null
    if (wrong !== null) return wrong
  }
  return null
}

/** The Call-ID, and a tag or a branch that only the other end of the dialog can know. */
function names({ members }: Conference, text: string): boolean {
  return members.some(({ dialog }) => {
    const { callId, localTag, pendingServer, pendingClient, relayClient } = dialog
    const branches = [...(pendingServer?.via ?? []), pendingClient?.request, relayClient?.request]
      .map((via) => /branch=([^;\r\n]+)/.exec(via ?? '')?.[1])
      .filter((branch) => branch !== undefined)
    const secrets = [localTag, ...branches]
    return text.includes(callId) && secrets.some((secret) => text.includes(secret))
  })
}

function wrongIn(text: string): string | null {
  const head = text.slice(0, text.indexOf('\r\n\r\n'))
  if (head.split(/\r\n|\r|\n/).some((line) => line.trimStart().startsWith(smuggled))) {
    return `a smuggled line left: ${JSON.stringify(head)}`
  }
  const parsed = parseSip(Buffer.from(text, 'utf8'))
  if (parsed.kind === 'malformed') return `left malformed (${parsed.why}): ${JSON.stringify(text)}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(unquoted(head))) {
    return `a control character left: ${JSON.stringify(head)}`
  }
  return null
}

/** Quoted pairs may hold control characters (RFC 3261 25.1). */
function unquoted(head: string): string {
  return head.replaceAll(/\\[^\r\n]/g, '')
}

/** Whether the tables fit each other. @returns what is wrong; null: nothing. */
export function inconsistency({ tables }: Stage): string | null {
  const sessions = new Map([...tables.wiredConference.values()].map((one) => [one.sessionId, one]))
  const live = [...sessions.values()].filter(({ state }) => state !== 'released')
  for (const { mediaId, sessionId } of tables.wiredMedia.values()) {
    if (!sessions.has(sessionId)) return `leg ${mediaId} of no session`
  }
  const held = new Map<string, string>()
  for (const { conferenceId, sessionId, members } of live) {
    held.set(`conference:${conferenceId}`, sessionId)
    for (const { localPort, state } of members) {
      if (state === 'releasing' || state === 'released') continue
      if (held.has(`port:${localPort}`)) return `port ${localPort} twice`
      held.set(`port:${localPort}`, sessionId)
    }
  }
  for (const [resource, sessionId] of held) {
    const record = tables.conferenceResource.get(resource)
    if (record?.sessionId !== sessionId) return `${resource} is not held by ${sessionId}`
  }
  if (tables.conferenceResource.size !== held.size) {
    return `${tables.conferenceResource.size} resources held for ${held.size}`
  }
  return null
}
