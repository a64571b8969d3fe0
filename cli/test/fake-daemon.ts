//! A control server with scripted handlers, and a terminal that remembers what was written on it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { operationNotification } from '../../daemon/src/control/api.ts'
import type { CallDetail, RecordItem } from '../../daemon/src/control/call-schema.ts'
import type { Operation } from '../../daemon/src/control/operation-schema.ts'
import { startControlServer } from '../../daemon/src/control/server.ts'
import type { AskPeer, ControlHandlers } from '../../daemon/src/control/session.ts'
import { failure, success } from '../../daemon/src/result.ts'
import { back, move } from '../../daemon/test/oam/drill-fixture.ts'
import { healthyStatus } from '../../daemon/test/oam/status-fixture.ts'
import { runCli } from '../src/cli.ts'
import type { Io, Question } from '../src/terminal.ts'

const at = '2026-03-14T12:31:02.118Z'

const effect = {
  calls: 39,
  kept: 38,
  lost: 1,
  sipLate: 1,
  sipLateMsMax: 512,
  sipOpen: 0,
  complete: true,
}

const operation = {
  id: '3f2a1c',
  kind: 'switchover',
  node: 'vccs-a',
  operator: 'anna (root)',
  via: 'local',
  reason: 'PSU swap',
  startedAt: at,
  endedAt: at,
  state: 'done',
  detail: 'vccs-a to vccs-b: the peer is primary',
  tookMs: 22,
  progress: null,
  report: null,
} as const

export const drillOperation: Operation = {
  ...operation,
  id: 'd0d0d0',
  kind: 'drill',
  report: {
    schema: 'vccs/drill-report/1',
    operation: 'd0d0d0',
    node: 'vccs-a',
    operator: 'anna (root)',
    reason: 'monthly drill',
    startedAt: at,
    endedAt: at,
    outcome: 'passed',
    findings: [],
    checks: [{ name: 'peer', outcome: 'ok', detail: 'vccs-b is up' }],
    moves: [move, back],
  },
}

export const switchoverBody = {
  op: '3f2a1c',
  force: false,
  from: 'vccs-a',
  to: 'vccs-b',
  termBefore: 17,
  termAfter: 18,
  safe: true,
  checks: [
    { name: 'peer', outcome: 'ok', detail: 'vccs-b is up' },
    { name: 'links', outcome: 'ok', detail: '3/3 links up' },
  ],
  callsAtRisk: 0,
  detail: '',
} as const

const rtp = {
  packetsSent: 3_006,
  packetsReceived: 3_005,
  packetsLost: 1,
  packetsLate: 0,
  jitterMsMax: 4.2,
  farPacketsLost: 0,
}
const party = { invitedAt: '2026-03-14T12:30:00.000Z', leftAt: at, rtp: null } as const
export const callRecord: RecordItem = {
  sessionId: '7f3a12ab90cd7f3a12ab90cd',
  type: 'ordinary',
  callType: 'da-ida',
  subject: '',
  priority: 'urgent',
  caller: '1001',
  called: '1002',
  startedAt: '2026-03-14T12:30:00.000Z',
  answeredAt: '2026-03-14T12:30:02.000Z',
  endedAt: at,
  talkedMs: 60_118,
  endedBy: 'callee',
  status: 200,
  reason: 'Q.850;cause=16',
  parties: [
    { ...party, leg: 'a', number: '1001', side: 'caller', joinedAt: '2026-03-14T12:30:02.000Z' },
    {
      ...party,
      leg: 'b',
      number: '1002',
      side: 'callee',
      joinedAt: '2026-03-14T12:30:02.000Z',
      rtp,
    },
  ],
  services: ['hold'],
  roles: [{ at: '2026-03-14T12:30:30.000Z', term: 18 }],
}
const unanswered: RecordItem = {
  ...callRecord,
  sessionId: '000000000000000000000000',
  answeredAt: null,
  talkedMs: 0,
  status: 486,
  called: '=1+1',
  services: [],
  roles: [],
}

const callDetail: CallDetail = {
  sessionId: '7f3a-12',
  type: 'ordinary',
  state: 'communicating',
  callType: 'da-ida',
  subject: '',
  priority: 'urgent',
  called: '1005',
  startedAt: '2026-03-14T12:30:00.000Z',
  answeredAt: '2026-03-14T12:30:02.000Z',
  conferenceId: 4,
  services: ['forward'],
  diversions: [{ from: '1005', to: '1002', reason: 'no-answer' }],
  members: [
    {
      leg: 'a',
      number: '1001',
      side: 'caller',
      state: 'talking',
      address: '192.168.1.50:5062',
      callId: 'f81d4fae-7dec@192.168.1.50',
      waiting: [],
      media: {
        localPort: 20_000,
        remote: '192.168.1.50:4000',
        codec: 'PCMA',
        ptimeMs: 20,
        direction: 'sendrecv',
        gainDb: 0,
        twin: true,
        rtp,
      },
    },
    {
      leg: 'b',
      number: '1002',
      side: 'callee',
      state: 'ringing',
      address: '192.168.1.51:5060',
      callId: '0123456789abcdef@10.0.0.9',
      waiting: ['INVITE'],
      media: null,
    },
  ],
}
const traced = (
  [
    ['in', 'a', '1001', 'INVITE sip:1005@10.0.0.9 (sdp)'],
    ['out', 'a', '1001', '100 Trying, INVITE'],
    ['out', 'b', '1002', 'INVITE sip:1002@192.168.1.51:5060 (sdp)'],
    ['in', 'b', '1002', '180 Ringing, INVITE'],
  ] as const
).map(([direction, leg, number, summary], index) => ({
  sequence: index + 1,
  at,
  direction,
  leg,
  number,
  address: '192.168.1.50:5062',
  summary,
  text: `${summary}\r\nAuthorization: Digest masked\r\n\r\n`,
}))
const position = {
  position: 'TWR-1',
  name: 'Tower 1',
  role: 'executive',
  account: '1001',
  connection: 'connected',
  loginName: 'anna',
  expiresAt: '2026-03-14T12:41:02.118Z',
  terminals: ['192.168.1.50:5062'],
  calls: 1,
  doNotDisturb: false,
  forward: 'busy to 1009',
} as const
const group = {
  name: 'approach',
  displayName: 'Approach',
  number: '500',
  mode: 'first',
  noAnswerSeconds: 20,
  members: [
    { number: '1001', online: true, calls: 1 },
    { number: '1002', online: false, calls: 0 },
  ],
} as const
const conference = {
  name: 'briefing',
  displayName: 'Morning briefing',
  number: '600',
  kind: 'preset',
  locked: false,
  hasPin: true,
  membersMax: 10,
  session: 'c0ffee-1',
  startedAt: '2026-03-14T12:30:00.000Z',
  members: [
    { number: '1001', leg: 'a', state: 'talking', mayTalk: true, muted: true, gainDb: 0 },
    { number: '1002', leg: null, state: 'absent', mayTalk: false, muted: false, gainDb: -6 },
  ],
} as const
const trunk = {
  name: 'acc-north',
  displayName: 'ACC North',
  peer: '192.168.9.1:5060',
  account: null,
  calls: 2,
  capacity: 30,
  state: 'up',
  detail: 'answered 12 s ago',
  routes: [{ name: 'north', pattern: '4XXX', priority: 1, class: '', place: 1 }],
} as const

const changed = (dryRun: boolean) => {
  return { dryRun, applied: !dryRun, revision: 143, peer: dryRun ? null : ('stored' as const) }
}

const changes = [
  { kind: 'changed', path: 'accounts.1001.name', before: 'Tower', after: 'Tower 1' } as const,
]
const alarm = {
  code: 'link-down',
  subject: 'net-b',
  severity: 'not-urgent',
  text: 'One link to the peer is silent.',
  detail: 'silent for 512 ms',
  effect: 'None on calls; the other links carry the pair.',
  next: 'Check the cable.',
  raisedAt: at,
  clearedAt: null,
} as const
const logLine = {
  sequence: 7,
  at,
  level: 'info',
  unit: 'switch',
  text: 'registered',
  fields: { user: '1001', port: 5062 },
} as const

const accountDifferences = {
  table: 'accounts',
  rowsHere: 12,
  rowsPeer: 11,
  onlyHere: 1,
  onlyPeer: 0,
  different: 1,
  rows: [
    { key: '1001', found: 'only-here' as const },
    { key: '1002', found: 'different' as const },
  ],
}
const repairedRows = ['1001', '1002'].map((key) => {
  return { table: 'accounts', key, action: 'written' as const, failure: null }
})

/** Answers of a healthy pair. */
export const healthyHandlers: ControlHandlers = {
  status: async () => success(healthyStatus()),
  why: async ({ if: question }) =>
    success({
      node: 'vccs-a',
      decisions: [
        {
          at,
          rule: 'peer-lost',
          from: 'standby',
          to: 'primary',
          term: 17,
          because: 'no heartbeat on any of 3 links for 5 periods (500 ms)',
          evidence: ['net-a last heard 503 ms ago', 'net-b last heard 504 ms ago'],
          alternatives: ['address order would have chosen this node too'],
          monotonicMs: 84_012.5,
          pairMs: 84_012.75,
          operation: null,
          operator: null,
          effect,
        },
      ],
      hypothesis:
        question === undefined
          ? null
          : {
              question,
              from: 'primary',
              to: 'primary',
              rule: 'peer-heard',
              because: 'the peer would still be heard on 2 of 3 links',
              alarms: [{ code: 'link-down', subject: 'net-b' }],
            },
    }),
  op: async ({ id }) =>
    id === undefined || id === operation.id || id === drillOperation.id
      ? success({
          node: 'vccs-a',
          operations: [id === drillOperation.id ? drillOperation : operation],
        })
      : failure('operation-unknown', `no operation ${id} is known here`),
  pause: async ({ announce }, { notify }) => {
    if (announce) notify(operationNotification, { op: operation.id })
    return success({ op: operation.id, paused: true, detail: 'paused on both nodes' })
  },
  resume: async ({ announce }, { notify }) => {
    if (announce) notify(operationNotification, { op: operation.id })
    return success({ op: operation.id, paused: false, detail: 'resumed on both nodes' })
  },
  reinit: async ({ dryRun, announce }, { notify }) => {
    if (announce) notify(operationNotification, { op: operation.id })
    const counts = { records: 40, recordsPeer: 42 }
    return success({ op: dryRun ? null : operation.id, dryRun, node: 'vccs-b', ...counts })
  },
  drill: async ({ dryRun, announce }, { notify }) => {
    if (announce) notify(operationNotification, { op: drillOperation.id })
    const op = dryRun ? null : drillOperation.id
    const checks = [...switchoverBody.checks]
    return success({ op, dryRun, safe: true, checks, nextAt: at })
  },
  'op.copy': async () => success({}),
  history: async () =>
    success({
      node: 'vccs-a',
      entries: [
        {
          ...{ at, node: 'vccs-a', from: 'primary', to: 'primary', term: 19, rule: 'merge' },
          because: 'two nodes that both served met',
          ...{ operation: null, operator: null, reason: null, effect: null },
          merge: {
            ...{ side: 'took', ok: true, tookMs: 75, given: 3, users: 1, shiftTicks: 0 },
            ...{ adopted: 1, updated: 0, kept: 1, ended: 0, renumbered: 1, unreadable: 0 },
            ...{ closedCount: 2, closed: [{ sessionId: 's-7', rule: 'same-terminal' }] },
          },
        },
        {
          merge: null,
          at,
          node: 'vccs-a',
          from: 'primary',
          to: 'standby',
          term: 18,
          rule: 'handed-over',
          because: 'PSU swap',
          operation: operation.id,
          operator: operation.operator,
          reason: operation.reason,
          effect: null,
        },
      ],
    }),
  switchover: async ({ dryRun, force, announce }, { notify }) => {
    if (announce) notify(operationNotification, { op: operation.id })
    return success({
      ...switchoverBody,
      op: dryRun ? null : operation.id,
      checks: [...switchoverBody.checks],
      dryRun,
      force,
      done: !dryRun,
      tookMs: dryRun ? null : 22,
    })
  },
  'sync-db': async ({ dryRun }) =>
    success({
      op: null,
      dryRun,
      from: 'vccs-a',
      to: 'vccs-b',
      differences: 2,
      tables: [accountDifferences],
      repair: dryRun ? null : { repaired: 2, failed: 0, rows: repairedRows, tookMs: 9 },
    }),
  'sync.status': async () =>
    success({
      node: 'vccs-b',
      role: 'standby',
      realTime: {
        inStep: true,
        peer: 'following',
        pending: 0,
        tables: [{ table: 'user', records: 40, pending: 0, hash: '0011223344556677' }],
        comparedMsAgo: 1_204,
        compared: 31,
        differing: 1,
        damaged: 1,
        repaired: 2,
        refused: { forged: 3 },
      },
      staticData: {
        state: 'idle',
        needsPeer: false,
        revision: 143,
        hash: 'ab'.repeat(32),
        newest: 0,
        operations: 12,
        failures: 1,
      },
    }),
  'sync.verify': async () =>
    success({
      node: 'vccs-a',
      equal: false,
      realTime: [{ table: 'user', here: 40, peer: 40, equal: true }],
      staticData: [accountDifferences],
    }),
  'sync.failures': async () =>
    success({
      node: 'vccs-b',
      total: 1,
      failures: [
        {
          at,
          source: '00ff00ff00ff00ff',
          seq: 12,
          table: 'accounts',
          op: 'delete',
          key: '1009',
          reason: 'there is no such row',
        },
      ],
    }),
  'config.get': async ({ path }) => success({ path, value: { name: 'Tower', twin: true } }),
  'config.set': async ({ dryRun }) =>
    success({ ...changed(dryRun), changes: [...changes], changesTotal: 1 }),
  'config.validate': async ({ text }) =>
    success(
      text.includes('good')
        ? { valid: true, problems: [] }
        : {
            valid: false,
            problems: [
              { code: 'config-value', line: 3, column: 5, path: 'accounts', text: 'is not a list' },
            ],
          },
    ),
  'config.apply': async ({ dryRun }) =>
    success({ ...changed(dryRun), changes: [...changes], changesTotal: 9 }),
  'config.export': async () => success({ revision: 142, text: 'site: tower\n' }),
  'config.diff': async ({ text }) =>
    success(
      text.includes('good')
        ? { revision: 142, changes: [], changesTotal: 0 }
        : { revision: 142, changes: [...changes], changesTotal: changes.length },
    ),
  calls: async () =>
    success({
      calls: [
        {
          sessionId: '7f3a-12',
          state: 'communicating',
          type: 'ordinary',
          caller: '1001',
          callee: '1002',
          callType: 'DA/IDA',
          priority: 'normal',
          startedAt: '2026-03-14T12:30:00.000Z',
          answeredAt: '2026-03-14T12:30:02.000Z',
          conferenceId: 4,
          members: 2,
        },
      ],
      asOf: at,
    }),
  'call.show': async ({ sessionId }) =>
    callDetail.sessionId.startsWith(sessionId)
      ? success({ call: callDetail })
      : failure('not-found', `no call ${sessionId}; one that has ended is in \`vccs cdr\``),
  'call.release': async ({ sessionId, reason }) =>
    callDetail.sessionId.startsWith(sessionId)
      ? success({ sessionId: callDetail.sessionId, reason })
      : failure('not-found', `no call ${sessionId}`),
  'call.trace': async ({ after }) =>
    success({
      sessionId: callDetail.sessionId,
      node: 'vccs-a',
      messages: traced.filter(({ sequence }) => sequence > after),
      more: false,
      cut: false,
      live: true,
    }),
  positions: async () =>
    success({ positions: [{ ...position, terminals: [...position.terminals] }], asOf: at }),
  groups: async () => success({ groups: [{ ...group, members: [...group.members] }] }),
  conferences: async () =>
    success({ conferences: [{ ...conference, members: [...conference.members] }] }),
  'conference.order': async ({ conference: name, order }) =>
    name === 'briefing'
      ? success({ conference: name, order })
      : failure('not-found', `no conference ${name}`),
  trunks: async () => success({ trunks: [{ ...trunk, routes: [...trunk.routes] }] }),
  cdr: async ({ after, limit }) => {
    const next = { endedAtMs: Date.parse(callRecord.endedAt), sessionId: callRecord.sessionId }
    const rest = { next: limit === 1 && after === undefined ? next : null, kept: 2, waiting: 0 }
    return success({ records: after === undefined ? [callRecord] : [unanswered], ...rest })
  },
  'cdr.show': async ({ sessionId }) =>
    callRecord.sessionId.startsWith(sessionId)
      ? success({ record: callRecord })
      : failure('not-found', `no call record ${sessionId}`),
  'cdr.import': async ({ document, dryRun }) => {
    const records = document.match(/<record /g)?.length ?? 0
    return success({ dryRun, records, added: records })
  },
  'cdr.compare': async () => failure('control-verb', 'cdr.compare is for the peer only'),
  users: async () =>
    success({
      users: [
        {
          user: '1001',
          type: 'telephone',
          status: 'online',
          contact: 'sip:1001@192.168.1.50:5062',
          address: '192.168.1.50',
          port: 5062,
          registeredAt: '2026-03-14T12:00:00.000Z',
          expiresAt: '2026-03-14T12:41:02.118Z',
        },
      ],
      asOf: at,
    }),
  alarms: async ({ history }) => success({ active: [alarm], history: history ? [alarm] : [] }),
  log: async ({ follow }) => success({ lines: [logLine], following: follow }),
  version: async () => success({ node: 'vccs-a', version: '0.1.0', runtime: 'v24.21.0' }),
  'release-call': async ({ sessionId }) =>
    sessionId === '7f3a-12'
      ? success({ sessionId })
      : failure('not-found', 'There is no such call'),
}

export interface FakeDaemon {
  readonly socket: string
  readonly directory: string
  close(): Promise<void>
}

/** `changed` replaces some handlers. */
export async function startFakeDaemon(
  changed: Partial<ControlHandlers> = {},
  askPeer: AskPeer = async () => failure('peer-unreachable', 'The peer does not answer'),
): Promise<FakeDaemon> {
  const directory = await mkdtemp(join(tmpdir(), 'vccs-cli-'))
  const socket = join(directory, 'control.sock')
  const started = await startControlServer({
    path: socket,
    handlers: { ...healthyHandlers, ...changed },
    askPeer,
    onDefect: (text) => {
      throw new Error(text)
    },
  })
  if (!started.ok) throw new Error(started.failure.detail)
  const close = async () => {
    await started.value.close()
    await rm(directory, { recursive: true })
  }
  return { socket, directory, close }
}

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface FakeTerminal {
  readonly interactive?: boolean
  readonly outIsTerminal?: boolean
  readonly columns?: number
  readonly env?: Record<string, string>
  /** Answers to questions, in order; `true` and `false` to confirmations. */
  readonly answers?: readonly (string | boolean)[]
  readonly stop?: AbortSignal
  readonly onOut?: (text: string) => void
  readonly onSleep?: () => void
  readonly nowMs?: () => number
}

/** Runs a command line in this process, from the source. */
export async function vccs(
  argv: readonly string[],
  terminal: FakeTerminal = {},
): Promise<Outcome & { questions: string[] }> {
  let out = ''
  let err = ''
  const questions: string[] = []
  const answers = [...(terminal.answers ?? [])]
  const ask = (message: string) => {
    questions.push(message)
    return answers.shift()
  }
  const io: Io = {
    out: (text) => {
      out += text
      terminal.onOut?.(text)
    },
    drained: async () => undefined,
    err: (text) => {
      err += text
    },
    interactive: terminal.interactive ?? false,
    outIsTerminal: terminal.outIsTerminal ?? false,
    columns: terminal.columns ?? 80,
    env: terminal.env ?? { LANG: 'en_GB.UTF-8' },
    nowMs: terminal.nowMs ?? (() => Date.parse(at)),
    sleep: async () => {
      terminal.onSleep?.()
      // What waits in a socket is read meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 1))
    },
    stop: terminal.stop ?? new AbortController().signal,
    confirm: async (message) => ask(message) === true,
    input: async ({ message }: Question) => String(ask(message) ?? ''),
  }
  const installation = {
    root: join(import.meta.dirname, '../src'),
    commands: './commands.ts',
    version: '0.1.0',
  }
  const code = await runCli(argv, installation, io)
  return { code, out, err, questions }
}
