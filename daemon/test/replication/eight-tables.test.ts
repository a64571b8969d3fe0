//! The eight tables of the source with each of their fields (S1.77-S1.93), from one node to the other.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { type TableName, tableNames } from '../../src/tables/address.ts'
import { type AnyRecord, Tables } from '../../src/tables/tables.ts'
import { PairSimulation, user } from './pair-simulation.ts'

const pending = {
  method: 'INVITE',
  via: ['SIP/2.0/UDP 10.0.0.1'],
  from: '<sip:1@x>;tag=a',
  to: '<sip:2@x>',
  callId: 'c',
  cseq: 1,
  recordRoute: [],
  source: { address: '10.0.0.1', port: 5060 },
  body: 'v=0',
  answerInAck: false,
  provisional: 180,
  final: null,
}

const member = {
  user: '1001',
  side: 'caller',
  state: 'ringing',
  mediaId: 's-a',
  localPort: 20_000,
  dialog: {
    callId: 'c',
    localTag: 'l',
    remoteTag: 'r',
    localUri: '<sip:2@x>',
    remoteUri: '<sip:1@x>',
    localSeq: 1,
    remoteSeq: 2,
    routeSet: ['<sip:p;lr>'],
    remoteTarget: 'sip:1@10.0.0.1',
    destination: { address: '10.0.0.1', port: 5060 },
    sdpSession: 3,
    sdpVersion: 4,
    localSdp: 'v=0',
    remoteSdp: 'v=0',
    pendingServer: pending,
    pendingClient: null,
    relayServer: null,
    relayClient: null,
  },
}

/** S1.80: session ID, members, type, state, start time; and what a take-over needs beside. */
const conference = {
  sessionId: 's',
  type: 'preset',
  state: 'ringing',
  startedAtMs: 1_700_000_000_000,
  answeredAtMs: null,
  conferenceId: 7,
  callType: 'ia',
  subject: 'IA call',
  priority: 'urgent',
  wg67Version: 'phone.01',
  ended: null,
  members: [member],
}

/** S1.83: media ID, terminal IP, remote port, local port; S1.84: its session. */
const media = {
  mediaId: 's-a',
  sessionId: 's',
  conferenceId: 7,
  terminalAddress: '10.0.0.1',
  remotePort: 4_000,
  localPort: 20_000,
  codec: 'PCMU',
  payloadType: 0,
  ptimeMs: 30,
  eventPayloadType: 101,
  direction: 'sendonly',
  gainDb: -6,
  twin: false,
  ssrc: 4_294_967_295,
  seq0: 65_535,
  ts0: 4_000_000_000,
  tick0: 85_000_000_000,
  controlTick: 85_000_000_001,
  inputMaps: [{ ssrc: 1, timestamp: 2, tick: 3, fromTick: 4 }],
}

const records: Readonly<Record<TableName, object>> = {
  /** S1.78: registration address, user name, status, type, registration time, time-out. */
  user: user('1001'),
  /** S1.79: position number, login name, connection status, time-out. */
  position: { position: 'TWR-1', loginName: 'li', connection: 'connected', expiresAtMs: 9 },
  'wired-conference': conference,
  'wired-media': media,
  /** S1.85. */
  'wireless-conference': conference,
  /** S1.86: as wired, and account, radio or gateway address, media information, channel state. */
  'wireless-media': {
    ...media,
    radioAccount: 'grs-1',
    radioAddress: '10.0.0.7',
    radioMedia: '121.500',
    channelState: 'receiving',
  },
  /** S1.87: terminal number, password (as HA1 only), priority. */
  'phone-book': {
    number: '1001',
    type: 'telephone',
    displayName: 'Tower',
    ha1Md5: 'a'.repeat(32),
    ha1Sha256: 'b'.repeat(64),
    digest: 'both',
    priority: 1,
    twin: false,
  },
  /** S1.88. */
  'conference-resource': { resource: 'port:20000', kind: 'port', number: 20_000, sessionId: 's' },
}

test('each field of each of the eight tables reaches the standby', (t) => {
  const pair = new PairSimulation()
  pair.join()
  pair.run(50)
  t.is(tableNames.length, 8)
  for (const name of tableNames) {
    pair.change(pair.a, (tables) => tables.any(name).put(records[name] as AnyRecord))
  }
  pair.run(50)
  t.is(pair.a.tables.pending(), 0, 'every flag is NONE')
  for (const name of tableNames) {
    const there = pair.b.tables.resolve({ table: name, slot: 0 })
    t.deepEqual(there?.record, records[name] as AnyRecord, name)
  }
})

test('the tables begin empty, each with its own flags and addresses', (t) => {
  const tables = new Tables()
  t.deepEqual(Object.keys(tables.counts()), [...tableNames])
  t.is(tables.pending(), 0, 'S1.93: every flag begins as NONE')
  for (const name of tableNames) {
    t.is(tables.any(name).flag(0), 'NONE')
    t.is(tables.resolve({ table: name, slot: 0 }), null)
    tables.any(name).put(records[name] as AnyRecord)
    t.is(tables.any(name).flag(0), 'DIRTY')
    t.is(tables.pending(), 1, 'no other flag has changed')
    tables.any(name).setFlag(0, 'NONE')
    t.deepEqual(tables.resolve({ table: name, slot: 0 })?.record, records[name] as AnyRecord)
  }
})

test('a record of a wrong shape is refused by the schema of its own table', (t) => {
  const tables = new Tables()
  for (const name of tableNames) {
    t.deepEqual(tables.any(name).parse(records[name]), records[name] as AnyRecord)
    t.is(tables.any(name).parse({ ...records[name], surplus: 1 }), null, name)
    for (const other of tableNames) {
      const same = name.replace('wireless', 'wired') === other.replace('wireless', 'wired')
      if (!same) t.is(tables.any(name).parse(records[other]), null, `${other} as ${name}`)
    }
  }
})

test('the walk over all flags every 500 ms sends what no change has announced (S1.96)', (t) => {
  const pair = new PairSimulation()
  pair.join()
  pair.change(pair.a, (tables) => tables.any('user').put(user('1001')))
  pair.run(50)
  const before = pair.captured.length
  const sweptMs = pair.a.replicator.status(pair.nowMs).lastSweep?.atMs ?? pair.nowMs
  pair.a.tables.any('user').setFlag(0, 'DIRTY')
  t.true(pair.runUntil(() => pair.a.tables.pending() === 0, 2 * limits.sweepMs))
  t.true(pair.captured.length > before)
  const sweeps = new Set<number>()
  pair.runUntil(() => {
    sweeps.add(pair.a.replicator.status(pair.nowMs).lastSweep?.atMs ?? 0)
    return sweeps.size === 4
  }, 3_000)
  const times = [...sweeps]
  t.deepEqual(
    times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0)),
    [limits.sweepMs, limits.sweepMs, limits.sweepMs],
  )
  t.true((times[0] ?? 0) >= sweptMs)
})
