//! Plain records of the tables that many tests fill; a test says what it wants to be otherwise.
import type { PhoneBookEntry } from '../../src/tables/phone-book.ts'
import type { User } from '../../src/tables/user.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import type { Endpoint } from '../../src/wire/sip/message.ts'

/** An account without a password that anyone knows. */
export function plainAccount(number: string, more: Partial<PhoneBookEntry> = {}): PhoneBookEntry {
  return {
    number,
    type: 'telephone',
    displayName: '',
    ha1Md5: '0'.repeat(32),
    ha1Sha256: '0'.repeat(64),
    digest: 'md5',
    profile: null,
    priority: 2,
    twin: true,
    ...more,
  }
}

/** A telephone that is registered, by its number as Call-ID. */
export function plainUser(
  number: string,
  { address, port }: Endpoint,
  more: Partial<User> = {},
): User {
  return {
    user: number,
    type: 'telephone',
    status: 'online',
    contact: `sip:${number}@${address}:${port}`,
    address,
    port,
    registeredAtMs: 0,
    expiresAtMs: 1_000_000,
    callId: number,
    cseq: 1,
    q: null,
    path: null,
    instance: null,
    others: null,
    ...more,
  }
}

export function plainLeg(more: Partial<WiredMedia> = {}): WiredMedia {
  return {
    mediaId: 'm',
    sessionId: 's',
    conferenceId: 1,
    terminalAddress: '10.0.0.1',
    remotePort: 4_000,
    localPort: 20_000,
    codec: 'PCMA',
    payloadType: 8,
    ptimeMs: 20,
    eventPayloadType: null,
    direction: 'sendrecv',
    gainDb: 0,
    muted: null,
    tone: null,
    endTick: null,
    twin: true,
    ssrc: 1,
    seq0: 2,
    ts0: 3,
    tick0: 4,
    controlTick: 4,
    inputMaps: [],
    ...more,
  }
}
