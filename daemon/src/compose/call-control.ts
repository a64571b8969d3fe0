//! The verbs of one call: what it consists of, its end, and its messages.
import type { BodyOf, CheckedParamsOf } from '../control/api.ts'
import { type CallContext, type ControlHandlers, operatorName } from '../control/session.ts'
import { callDetail } from '../oam/call-detail.ts'
import { failure, type Result, success } from '../result.ts'
import type { Core } from '../switching/core.ts'
import type { Conference } from '../tables/wired-conference.ts'
import { type AtPrimary, makeAtPrimary } from './at-primary.ts'
import { type CallTrace, withSentByPeer } from './call-trace.ts'
import type { CoreRunner } from './core-runner.ts'
import type { LogHub } from './log-hub.ts'
import type { MediaLink } from './media-link.ts'
import type { StatusParts } from './node-status.ts'

export interface CallControlParts extends StatusParts {
  readonly core: Core
  readonly runner: CoreRunner
  readonly log: LogHub
  readonly trace: CallTrace
  readonly mediaLink: Pick<MediaLink, 'legStatistics'>
}

type Handlers = Pick<ControlHandlers, 'call.show' | 'call.release' | 'call.trace'>

export function makeCallControl(parts: CallControlParts): Handlers {
  const atPrimary = makeAtPrimary(parts.configuration, parts.askPeer)
  return {
    'call.show': async ({ sessionId }) => {
      const found = find(parts, sessionId)
      if (!found.ok) return found
      const { legStatistics } = parts.mediaLink
      const media = parts.tables.table('wired-media')
      const rtp = (mediaId: string) => legStatistics.of(mediaId)
      return success({ call: callDetail(found.value, { media, rtp }) })
    },
    'call.release': (params, context) => release(parts, atPrimary, params, context),
    'call.trace': (params) => {
      if (params.sentHere) return Promise.resolve(trace(parts, params))
      return atPrimary('call.trace', params, () => wholeTrace(parts, params))
    },
  }
}

/** The live session whose number begins like this. */
function find({ tables }: CallControlParts, prefix: string): Result<Conference> {
  const found = [...tables.table('wired-conference').values()].filter(
    ({ sessionId, state }) => state !== 'released' && sessionId.startsWith(prefix),
  )
  const [first, ...others] = found
  if (first === undefined) {
    return failure('not-found', `no call ${prefix}; one that has ended is in \`vccs cdr\``)
  }
  if (others.length === 0) return success(first)
  const names = found.slice(0, 5).map(({ sessionId }) => sessionId)
  return failure('ambiguous', `${prefix} is the beginning of several: ${names.join(', ')}`)
}

async function release(
  parts: CallControlParts,
  atPrimary: AtPrimary,
  params: CheckedParamsOf<'call.release'>,
  { caller }: CallContext,
): Promise<Result<BodyOf<'call.release'>>> {
  const operator = operatorName(caller, params.operator)
  return atPrimary('call.release', { ...params, operator }, async () => {
    const found = find(parts, params.sessionId)
    if (!found.ok) return found
    const { sessionId } = found.value
    const { core, runner, log } = parts
    let done = false
    runner.run((now) => {
      const effects = core.release(sessionId, now, reasonHeader(params.reason))
      done = effects !== null
      return effects ?? []
    })
    if (!done) return failure('not-found', `the call ${sessionId} has just ended`)
    const { reason } = params
    log.info('an operator released a call', { session: sessionId, operator, reason })
    return success({ sessionId, reason })
  })
}

/** RFC 3326; Q.850 cause 31 is a normal end without a better name. */
function reasonHeader(text: string): string {
  const shown = text === '' ? 'released by the operator' : text
  return `Q.850;cause=31;text="${shown.replaceAll(/[^\x20-\x7e]|["\\]/g, '?')}"`
}

/** Of a call that has changed its primary each node has sent a part. */
async function wholeTrace(
  parts: CallControlParts,
  params: CheckedParamsOf<'call.trace'>,
): Promise<Result<BodyOf<'call.trace'>>> {
  const own = trace(parts, params)
  if (!own.ok || params.after > 0) return own
  const { sessionId } = own.value
  const asked = await parts.askPeer('call.trace', { sessionId, sentHere: true })
  // It may be away, or of a version that does not know the question.
  const sent = asked.ok ? (asked.value as BodyOf<'call.trace'>).messages : []
  return success({ ...own.value, messages: withSentByPeer(own.value.messages, sent) })
}

function trace(
  parts: CallControlParts,
  { sessionId: prefix, after, sentHere }: CheckedParamsOf<'call.trace'>,
): Result<BodyOf<'call.trace'>> {
  const [sessionId, ...others] = parts.trace.sessionsLike(prefix)
  if (sessionId === undefined) {
    return failure('not-found', `no messages of a call ${prefix} are kept here`)
  }
  if (others.length > 0 && sessionId !== prefix) {
    const names = [sessionId, ...others.slice(0, 4)].join(', ')
    return failure('ambiguous', `${prefix} is the beginning of several: ${names}`)
  }
  const session = parts.tables.table('wired-conference').get(sessionId)
  const live = session !== undefined && session.state !== 'released'
  const facts = { sessionId, node: parts.config.node, live }
  if (!sentHere) return success({ ...facts, ...parts.trace.of(sessionId, after) })
  return success({ ...facts, messages: parts.trace.sent(sessionId), more: false, cut: false })
}
