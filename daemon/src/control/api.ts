//! The verbs of the control socket: one definition of parameters and result each, shared with the
//! CLI (which takes only the types, so that it starts without zod).
import { z } from 'zod'
import { decisionRecordSchema, roles } from '../bus/messages.ts'
import {
  callParams,
  callReleaseParams,
  callReleaseShape,
  callShowShape,
  callTraceParams,
  callTraceShape,
  cdrImportParams,
  cdrImportShape,
  cdrParams,
  cdrShape,
  cdrShowParams,
  cdrShowShape,
} from './call-schema.ts'
import { effectSchema, historyEntrySchema, operationSchema } from './operation-schema.ts'
import {
  conferenceOrderParams,
  conferenceOrderShape,
  conferencesShape,
  groupsShape,
  positionsShape,
  trunksShape,
} from './site-schema.ts'
import { alarmItemSchema, checkSchema, statusResultSchema, timeSchema } from './status-schema.ts'
import { syncDbShape, syncFailuresShape, syncStatusShape, syncVerifyShape } from './sync-schema.ts'

const reasonSchema = z.string().max(200)
const textSchema = z.string().max(4_194_304)
const pathSchema = z.string().min(1).max(256)
const dryRun = z.boolean().default(false)
const count = z.int().min(0)

/** Result of one verb. Unknown keys are dropped, so that a newer peer may say more. */
const result = <V extends string, S extends z.ZodRawShape>(verb: V, shape: S) =>
  z.object({ schema: z.literal(`vccs/${verb}/1` as const), ...shape })

const decisionSchema = decisionRecordSchema.omit({ atMs: true }).extend({
  at: timeSchema,
  /** Null: the change of role was ordered by nobody, or no role changed. */
  operation: z.string().nullable(),
  operator: z.string().nullable(),
  /** What a take-over did to the calls; null: this was none, or it is not known any more. */
  effect: effectSchema.nullable(),
})
export type Decision = z.infer<typeof decisionSchema>

const hypothesisSchema = z.object({
  /** The question as understood, e.g. `net-b down`. */
  question: z.string(),
  from: z.enum(roles),
  to: z.enum(roles),
  rule: z.string(),
  because: z.string(),
  /** Codes of the alarms that would be raised, with their subject. */
  alarms: z.array(z.object({ code: z.string(), subject: z.string() })),
})

const changeSchema = z.object({
  kind: z.enum(['added', 'removed', 'changed']),
  /** Dotted path, e.g. `accounts.1001.name`. */
  path: z.string(),
  before: z.json(),
  after: z.json(),
})
export type ConfigChange = z.infer<typeof changeSchema>

const changesShape = {
  /** The first ones, when there are too many for one answer. */
  changes: z.array(changeSchema),
  changesTotal: z.int(),
}

const problemSchema = z.object({
  code: z.string(),
  /** From 1; null when the problem has no place in the text. */
  line: z.int().nullable(),
  column: z.int().nullable(),
  path: z.string(),
  text: z.string(),
})

const callSchema = z.object({
  sessionId: z.string(),
  state: z.string(),
  type: z.string(),
  caller: z.string(),
  callee: z.string(),
  callType: z.string(),
  priority: z.string(),
  startedAt: timeSchema,
  answeredAt: timeSchema.nullable(),
  conferenceId: z.int(),
  members: count,
})
export type CallItem = z.infer<typeof callSchema>

const userItemSchema = z.object({
  user: z.string(),
  type: z.string(),
  status: z.enum(['online', 'offline']),
  contact: z.string().nullable(),
  address: z.string().nullable(),
  port: z.int().nullable(),
  registeredAt: timeSchema.nullable(),
  expiresAt: timeSchema.nullable(),
})
export type UserItem = z.infer<typeof userItemSchema>

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
const logLineSchema = z.object({
  /** Grows by one with every line of this start of the daemon. */
  sequence: z.int(),
  at: timeSchema,
  level: z.enum(logLevels),
  unit: z.string(),
  text: z.string(),
  fields: z.record(z.string(), z.json()),
})
export type LogLine = z.infer<typeof logLineSchema>

/** What every verb takes that is recorded as an operation (`vccs op`). */
const orderShape = {
  reason: reasonSchema.default(''),
  /** The person, when the user of the control socket is shared. */
  operator: z.string().max(64).default(''),
  /** True: the number of the operation is told at once, as the notification `op.started`. */
  announce: z.boolean().default(false),
}
const operationId = z.string().regex(/^[0-9a-f]{4,16}$/, 'is not the number of an operation')

const switchoverResult = result('switchover', {
  /** Number of the operation; null for a dry run. */
  op: z.string().nullable(),
  dryRun: z.boolean(),
  /** True when the role has moved. */
  done: z.boolean(),
  force: z.boolean(),
  from: z.string(),
  to: z.string(),
  termBefore: z.number(),
  termAfter: z.number(),
  safe: z.boolean(),
  checks: z.array(checkSchema),
  callsAtRisk: count,
  detail: z.string(),
  tookMs: z.number().nullable(),
})

const syncDbResult = result('sync-db', {
  /** Number of the operation; null for a dry run. */
  op: z.string().nullable().default(null),
  ...syncDbShape,
})

/** `under-way`: it did not say in time that it has it. `absent`: no peer is heard. */
const peerCopySchema = z.enum(['stored', 'under-way', 'absent'])
export type PeerCopy = z.infer<typeof peerCopySchema>

const changeResult = <V extends string>(verb: V) =>
  result(verb, {
    dryRun: z.boolean(),
    /** False in a dry run and when nothing had to change. */
    applied: z.boolean(),
    /** Revision of the configuration after this. */
    revision: z.number(),
    /** Whether the peer has it on its disk, too; null when nothing was applied. */
    peer: peerCopySchema.nullable().default(null),
    ...changesShape,
  })

const pauseResult = <V extends 'pause' | 'resume'>(verb: V) =>
  result(verb, { op: z.string(), paused: z.boolean(), detail: z.string() })

export const verbs = {
  status: {
    /** `own`: do not ask the peer (this is how a node asks its peer). */
    params: z.strictObject({ opinions: z.enum(['both', 'own']).default('both') }),
    result: statusResultSchema,
  },
  why: {
    params: z.strictObject({ if: z.string().min(1).max(200).optional() }),
    result: result('why', {
      node: z.string(),
      decisions: z.array(decisionSchema),
      hypothesis: hypothesisSchema.nullable(),
    }),
  },
  switchover: {
    params: z.strictObject({ dryRun, ...orderShape, force: z.boolean().default(false) }),
    result: switchoverResult,
  },
  op: {
    /** Without `id`: the last ones, the newest first. `own`: do not ask the peer. */
    params: z.strictObject({
      id: operationId.optional(),
      opinions: z.enum(['both', 'own']).default('both'),
    }),
    result: result('op', { node: z.string(), operations: z.array(operationSchema) }),
  },
  /** Maintenance: no role changes by itself until `resume`. */
  pause: { params: z.strictObject(orderShape), result: pauseResult('pause') },
  resume: { params: z.strictObject(orderShape), result: pauseResult('resume') },
  /** Empties this standby and fills it again from the primary; `op` tells how far it is. */
  reinit: {
    params: z.strictObject({ dryRun, ...orderShape }),
    result: result('reinit', {
      op: z.string().nullable(),
      dryRun: z.boolean(),
      node: z.string(),
      /** Records here, and at the primary. */
      records: count,
      recordsPeer: count,
    }),
  },
  /** A switchover away and back, measured; `op` tells how far it is and holds the report. */
  drill: {
    params: z.strictObject({ dryRun, ...orderShape }),
    result: result('drill', {
      op: z.string().nullable(),
      dryRun: z.boolean(),
      safe: z.boolean(),
      checks: z.array(checkSchema),
      /** The next scheduled one; null: none. */
      nextAt: timeSchema.nullable(),
    }),
  },
  /** From node to node only: what became of an operation, so that either can be asked. */
  'op.copy': {
    params: z.strictObject({ operation: operationSchema }),
    result: result('op.copy', {}),
  },
  history: {
    params: z.strictObject({ lines: z.int().min(1).max(500).default(20) }),
    /** The newest first. */
    result: result('history', { node: z.string(), entries: z.array(historyEntrySchema) }),
  },
  'sync-db': { params: z.strictObject({ dryRun, ...orderShape }), result: syncDbResult },
  'sync.status': {
    params: z.strictObject({}),
    result: result('sync.status', syncStatusShape),
  },
  'sync.verify': {
    params: z.strictObject({}),
    result: result('sync.verify', syncVerifyShape),
  },
  'sync.failures': {
    params: z.strictObject({ lines: z.int().min(1).max(1_000).default(50) }),
    result: result('sync.failures', syncFailuresShape),
  },
  'config.get': {
    params: z.strictObject({ path: pathSchema }),
    result: result('config.get', { path: z.string(), value: z.json() }),
  },
  'config.set': {
    params: z.strictObject({ path: pathSchema, value: z.json(), dryRun }),
    result: changeResult('config.set'),
  },
  'config.validate': {
    params: z.strictObject({ text: textSchema }),
    result: result('config.validate', { valid: z.boolean(), problems: z.array(problemSchema) }),
  },
  'config.apply': {
    params: z.strictObject({ text: textSchema, dryRun }),
    result: changeResult('config.apply'),
  },
  'config.export': {
    params: z.strictObject({}),
    result: result('config.export', { revision: z.number(), text: z.string() }),
  },
  'config.diff': {
    params: z.strictObject({ text: textSchema }),
    result: result('config.diff', { revision: z.number(), ...changesShape }),
  },
  calls: {
    params: z.strictObject({}),
    result: result('calls', { calls: z.array(callSchema), asOf: timeSchema }),
  },
  'call.show': { params: callParams, result: result('call.show', callShowShape) },
  'call.release': { params: callReleaseParams, result: result('call.release', callReleaseShape) },
  'call.trace': { params: callTraceParams, result: result('call.trace', callTraceShape) },
  positions: { params: z.strictObject({}), result: result('positions', positionsShape) },
  groups: { params: z.strictObject({}), result: result('groups', groupsShape) },
  conferences: { params: z.strictObject({}), result: result('conferences', conferencesShape) },
  'conference.order': {
    params: conferenceOrderParams,
    result: result('conference.order', conferenceOrderShape),
  },
  trunks: { params: z.strictObject({}), result: result('trunks', trunksShape) },
  cdr: { params: cdrParams, result: result('cdr', cdrShape) },
  /** `sessionId` may be the beginning of one. */
  'cdr.show': { params: cdrShowParams, result: result('cdr.show', cdrShowShape) },
  'cdr.import': { params: cdrImportParams, result: result('cdr.import', cdrImportShape) },
  /** From node to node only: `compose/call-exchange.ts`. */
  'cdr.compare': {
    params: z.strictObject({ question: z.unknown() }),
    result: result('cdr.compare', { answer: z.unknown() }),
  },
  users: {
    params: z.strictObject({}),
    result: result('users', { users: z.array(userItemSchema), asOf: timeSchema }),
  },
  alarms: {
    params: z.strictObject({ history: z.boolean().default(false) }),
    result: result('alarms', {
      active: z.array(alarmItemSchema),
      /** Ended alarms, newest first; empty unless asked for. */
      history: z.array(alarmItemSchema),
    }),
  },
  log: {
    /** `after`: only lines with a higher sequence number (for polling a peer). */
    params: z.strictObject({
      follow: z.boolean().default(false),
      lines: z.int().min(0).max(1_000).default(50),
      level: z.enum(logLevels).default('info'),
      after: z.int().min(0).optional(),
    }),
    result: result('log', { lines: z.array(logLineSchema), following: z.boolean() }),
  },
  version: {
    params: z.strictObject({}),
    result: result('version', { node: z.string(), version: z.string(), runtime: z.string() }),
  },
  'release-call': {
    params: z.strictObject({ sessionId: z.string().min(1).max(64) }),
    result: result('release-call', { sessionId: z.string() }),
  },
} as const satisfies Record<string, { params: z.ZodObject; result: z.ZodObject }>

export type Verb = keyof typeof verbs
/** What a caller may send. */
export type ParamsOf<V extends Verb> = z.input<(typeof verbs)[V]['params']>
/** What a handler gets: checked, defaults filled in. */
export type CheckedParamsOf<V extends Verb> = z.output<(typeof verbs)[V]['params']>
export type ResultOf<V extends Verb> = z.output<(typeof verbs)[V]['result']>
/** A result before the session stamps its `schema` on it. */
export type BodyOf<V extends Verb> = Omit<ResultOf<V>, 'schema'>

export function isVerb(name: string): name is Verb {
  return Object.hasOwn(verbs, name)
}

/** Method of the notifications of `log` with `follow`; its parameters are one `LogLine`. */
export const logNotification = 'log.line'
/** Method of the notification of a verb with `announce`; its parameters are `{ op }`. */
export const operationNotification = 'op.started'

/** JSON-RPC 2.0. `node` goes beside the parameters of the verb, see `session.ts`. */
export const requestSchema = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string().max(64), z.number(), z.null()]),
  method: z.string().max(64),
  params: z.record(z.string(), z.unknown()).default({}),
})

export interface RpcError {
  readonly code: number
  /** One sentence: what went wrong here. */
  readonly message: string
  readonly data: { readonly code: string; readonly next: string; readonly exit: number }
}
