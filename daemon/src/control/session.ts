//! Requests of the control socket: one line in, one line out. No input or output happens here.
import { errors } from '../errors.ts'
import { type Failure, failure, type Result, success } from '../result.ts'
import {
  type BodyOf,
  type CheckedParamsOf,
  isVerb,
  type RpcError,
  requestSchema,
  type Verb,
  verbs,
} from './api.ts'
import type { Line } from './lines.ts'

/** Who asks. */
export interface Caller {
  readonly via: 'local' | 'peer'
  /** The user at the other end of the control socket, by the word of the kernel; null: not known. */
  readonly user: string | null
}

/** What a handler may do besides answering. */
export interface CallContext {
  readonly caller: Caller
  /** Sends a notification; false: the client is gone or too slow, and this one was dropped. */
  notify(method: string, params: object): boolean
  /** Notifications will come: the connection stays, although nothing may move for long. */
  keepOpen(): void
  /** Aborted when the connection ends. */
  readonly closed: AbortSignal
}

/** One function per verb, given by the composing file. The `schema` is stamped on here. */
export type ControlHandlers = {
  readonly [V in Verb]: (
    params: CheckedParamsOf<V>,
    context: CallContext,
  ) => Promise<Result<BodyOf<V>>>
}

/** Asks the peer through the authenticated pair channel; there `answerVerb` is called. */
export type AskPeer = (verb: Verb, params: Record<string, unknown>) => Promise<Result<unknown>>

export interface Answering {
  readonly handlers: ControlHandlers
  readonly askPeer: AskPeer
  /** False: the peer is dead or cut off, so that nothing that is sent to it arrives. Absent: who knows. */
  readonly hearsPeer?: () => boolean
  /** Told when a handler throws or gives a result that does not fit its schema. */
  readonly onDefect: (text: string) => void
}

/** A context without notifications, for requests that come from the peer. */
export const withoutStream: CallContext = {
  caller: { via: 'peer', user: null },
  notify: () => false,
  keepOpen: () => undefined,
  closed: new AbortController().signal,
}

/** Checks the parameters, calls the handler and checks what it gives. */
export async function answerVerb(
  request: { readonly verb: string; readonly params: unknown },
  answering: Answering,
  context: CallContext = withoutStream,
): Promise<Result<object>> {
  const { verb } = request
  if (!isVerb(verb)) return failure('control-verb', `there is no verb "${verb.slice(0, 64)}"`)
  const params = verbs[verb].params.safeParse(request.params)
  if (!params.success) return failure('control-params', firstIssue(params.error))
  // The union of all handlers cannot be called with the union of all parameters; the table pairs
  // them, and both are checked at run time.
  const handler = answering.handlers[verb] as (
    params: unknown,
    context: CallContext,
  ) => Promise<Result<object>>
  let answer: Result<object>
  try {
    answer = await handler(params.data, context)
  } catch (error) {
    answering.onDefect(`verb ${verb}: ${error instanceof Error ? error.stack : String(error)}`)
    return failure('internal', `the verb ${verb} failed unexpectedly`)
  }
  if (!answer.ok) return answer
  const result = verbs[verb].result.safeParse({ ...answer.value, schema: `vccs/${verb}/1` })
  if (result.success) return success(result.data)
  answering.onDefect(`verb ${verb}: its result does not fit: ${firstIssue(result.error)}`)
  return failure('internal', `the verb ${verb} gave a wrong result`)
}

/** @returns the answer to one line, without line feed. */
export async function handleLine(
  line: Line,
  answering: Answering,
  context: CallContext,
): Promise<string> {
  const value = parseJson(line)
  if (value === undefined) return errorLine(null, failure('control-syntax', 'not JSON').failure)
  const request = requestSchema.safeParse(value)
  if (!request.success) {
    const detail = `not a request: ${firstIssue(request.error)}`
    return errorLine(idOf(value), failure('control-syntax', detail).failure, -32_600)
  }
  const { id, method } = request.data
  const { node = 'self', ...params } = request.data.params
  if (node !== 'self' && node !== 'peer') {
    return errorLine(id, failure('control-params', 'node: self or peer').failure)
  }
  const answer =
    node === 'peer'
      ? await forward({ verb: method, params }, answering, context)
      : await answerVerb({ verb: method, params }, answering, context)
  if (!answer.ok) return errorLine(id, answer.failure)
  return JSON.stringify({ jsonrpc: '2.0', id, result: answer.value })
}

async function forward(
  request: { readonly verb: string; readonly params: Record<string, unknown> },
  answering: Answering,
  { caller }: CallContext,
): Promise<Result<unknown>> {
  const { verb, params } = request
  if (!isVerb(verb)) return failure('control-verb', `there is no verb "${verb}"`)
  const checked = verbs[verb].params.safeParse(params)
  if (!checked.success) return failure('control-params', firstIssue(checked.error))
  if ('follow' in checked.data && checked.data.follow) {
    return failure('control-params', 'follow: not on the peer; ask again with `after`')
  }
  // What was never sent was not done, and may be said again.
  if ('operator' in checked.data && answering.hearsPeer?.() === false) {
    return failure('peer-unreachable', `the peer is not heard; ${verb} was not sent to it`)
  }
  // The peer cannot see who is at this socket.
  const signed =
    'operator' in checked.data
      ? { ...params, operator: operatorName(caller, checked.data.operator) }
      : params
  try {
    const answer = await answering.askPeer(verb, signed)
    const late = !answer.ok && answer.failure.code === 'peer-unreachable'
    if (!late || !('operator' in checked.data)) return answer
    // It may be at work still: a switchover takes longer than a question may.
    return failure('timed-out', `${answer.failure.detail}; whether it does ${verb} is unknown`)
  } catch (error) {
    answering.onDefect(`peer ${verb}: ${error instanceof Error ? error.stack : String(error)}`)
    return failure('internal', 'asking the peer failed unexpectedly')
  }
}

/** The name for the history: what was given, and behind it whom the kernel saw. */
export function operatorName({ user }: Caller, given: string): string {
  if (user === null) return given === '' ? 'unknown' : given.slice(0, 64)
  return given === '' || given === user ? user : `${given} (${user})`.slice(0, 64)
}

const rpcCodes: Partial<Record<Failure['code'], number>> = {
  'control-syntax': -32_700,
  'control-verb': -32_601,
  'control-params': -32_602,
  internal: -32_603,
}

/** @returns one line that answers request `id` with an error of the registry. */
export function errorLine(
  id: string | number | null,
  { code, detail }: Failure,
  rpcCode?: number,
): string {
  const entry = errors[code]
  const error: RpcError = {
    code: rpcCode ?? rpcCodes[code] ?? -32_000,
    message: detail,
    data: { code, next: entry.next, exit: entry.exit },
  }
  return JSON.stringify({ jsonrpc: '2.0', id, error })
}

function parseJson(line: Line): unknown {
  if (line === null) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function idOf(value: unknown): string | number | null {
  if (typeof value !== 'object' || value === null || !('id' in value)) return null
  const { id } = value
  if (typeof id === 'number') return id
  return typeof id === 'string' && id.length <= 64 ? id : null
}

interface Issues {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]
}

function firstIssue({ issues }: Issues): string {
  const [issue] = issues
  if (issue === undefined) return 'unknown'
  const path = issue.path.map(String).join('.')
  return `${path === '' ? '' : `${path}: `}${issue.message}`.slice(0, 300)
}
