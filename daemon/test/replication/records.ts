//! A record of each table, for the tests.
import type { TableName } from '../../src/tables/address.ts'
import { defaultProfile } from '../../src/tables/profile.ts'
import { user } from './pair-simulation.ts'

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
  timer: { intervalS: 1_800, refresher: 'us', said: true },
  provisional: 180,
  final: null,
}

const member = {
  user: '1001',
  side: 'caller',
  leg: 'a',
  state: 'ringing',
  mediaId: 's-a',
  localPort: 20_000,
  lastDigit: '1.2',
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
    timer: { intervalS: 1_800, refresher: 'us', atMs: 1 },
    pendingServer: pending,
    pendingClient: null,
    relayServer: null,
    relayClient: null,
  },
  seat: {
    mayTalk: true,
    muted: true,
    gainDb: -3,
    wg67Version: 'phone.01',
    sinceMs: 1_700_000_000_001,
    room: 8,
    digits: '12',
    failures: 1,
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
  legCount: 2,
  focus: {
    number: '700',
    displayName: 'Crew',
    owner: '1001',
    locked: true,
    membersMax: 16,
    membersMin: 1,
    pinHash: 'c'.repeat(64),
    name: 'crew',
    away: [{ user: '1002', status: 408, atMs: 3 }],
  },
  diversions: [{ from: '1002', to: '1003', reason: 'no-answer', atMs: 1 }],
  queued: { number: '1003', sinceMs: 1, calledAtMs: null },
  history: {
    called: '1002',
    parties: [
      {
        leg: 'a',
        number: '1001',
        side: 'caller',
        invitedAtMs: 1_700_000_000_000,
        joinedAtMs: null,
        leftAtMs: null,
        rtp: {
          packetsSent: 9,
          packetsReceived: 8,
          packetsLost: 1,
          packetsLate: 0,
          jitterMsMax: 4.5,
          farPacketsLost: 0,
        },
      },
    ],
    services: ['hold'],
    roles: [{ atMs: 1_700_000_000_500, term: 4 }],
    reason: 'Q.850;cause=16',
  },
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
  muted: true,
  tone: {
    name: 'busy',
    parts: [
      { hz: [425, 1_000], ms: 200 },
      { hz: [], ms: 400 },
    ],
    times: 3,
    levelDbm0: -10,
    replaces: false,
    fromTick: 85_000_000_002,
    untilTick: 85_000_000_900,
  },
  twin: false,
  ssrc: 4_294_967_295,
  seq0: 65_535,
  ts0: 4_000_000_000,
  tick0: 85_000_000_000,
  controlTick: 85_000_000_001,
  endTick: 85_000_000_950,
  inputMaps: [{ ssrc: 1, timestamp: 2, tick: 3, fromTick: 4 }],
}

/** One record of each table with all of its fields. */
export const oneOfEach: Readonly<Record<TableName, object>> = {
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
    profile: {
      ...defaultProfile('position'),
      settings: {
        doNotDisturb: true,
        forward: { always: '1', busy: '2', noAnswer: '3', notRegistered: '4' },
      },
    },
  },
  /** S1.88. */
  'conference-resource': { resource: 'port:20000', kind: 'port', number: 20_000, sessionId: 's' },
  subscription: {
    subscriptionId: 'c0ffee',
    subscriber: '1001',
    watched: '1002',
    event: 'dialog',
    eventId: 'key-7',
    dialog: {
      callId: 'c',
      localTag: 'l',
      remoteTag: 'r',
      localUri: '<sip:1002@vccs.test>',
      remoteUri: '<sip:1001@vccs.test>',
      localSeq: 3,
      remoteSeq: 2,
      routeSet: ['<sip:10.0.0.3;lr>'],
      remoteTarget: 'sip:1001@10.0.0.2',
      destination: { address: '10.0.0.2', port: 5060 },
    },
    expiresAtMs: 9,
    told: 'digest',
    toldTick: 70,
  },
}
