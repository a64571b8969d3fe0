//! The heartbeat datagram: fixed layout (DESIGN 5.4). Integers and times are 64-bit floats, big endian,
//! so that one check tells a good number. What a newer version says behind the layout is passed over.
//!
//! ```text
//!   0 magic "VCHB"   4 version   5 kind   6 role   7 flags   8 link   9 links heard
//!  10 length of the name   11 pause count   12 name, 32 bytes   44 boot id, 8 bytes
//!  52 sequence, term, sessions, sync pending, switch counter, media counter, 8 bytes each
//! 100 sent at, echo sent at, echo received at, 8 bytes each   124 additions   last 16 bytes: tag
//! ```
//! The rules for versions are in ADR 0019: magic, version, role, boot id, sequence and the tag at the
//! end have their places in every version, so that an incompatible peer is known for one.
import { assert } from '../assert.ts'
import { type Role, tieBreaks } from '../bus/messages.ts'
import { isSealed, seal, tagBytes } from './authentication-tag.ts'
import type { Heartbeat } from './heartbeat-types.ts'

const magic = 0x56434842
const version = 2
const nameBytesMax = 32
const countersAt = 52
const timesAt = 100
const tagAt = 124
/** Size of the heartbeats of this version, and the smallest of any. */
export const heartbeatBytes = tagAt + tagBytes
/** One small datagram, whatever is added. */
const heartbeatBytesMax = 512

const kinds = ['heartbeat', 'goodbye', 'handover', 'take', 'refused', 'take-forced'] as const
const roles = ['starting', 'standby', 'primary'] as const satisfies readonly Role[]
const flagAlone = 1
const flagInStep = 2
const flagReady = 4
const flagHeld = 8
const flagStoodIn = 16
/** Bits 5 and 6 of the flags; a version without them goes by the first. */
const tieBreakShift = 5

const counters = [
  'sequence',
  'term',
  'sessions',
  'syncPending',
  'switchCounter',
  'mediaCounter',
] as const
const times = ['sentAt', 'echoSentAt', 'echoReceivedAt'] as const

/** Cheap faults first: `not-a-heartbeat`, then `forged`. A value that is out of range under a good tag
 * is `not-a-heartbeat` as well. */
type HeartbeatFault = 'not-a-heartbeat' | 'forged'

/** What can be read of an authentic heartbeat whose version is not ours. */
export interface ForeignHeartbeat {
  readonly kind: 'foreign'
  readonly version: number
  /** Null: a role that this version does not know. */
  readonly role: Role | null
  readonly bootId: string
  readonly sequence: number
}

/** Writes and seals a heartbeat. The values must be in range: they are our own. */
export function encodeHeartbeat(value: Heartbeat, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(heartbeatBytes)
  const view = new DataView(bytes.buffer)
  const kind = kinds.indexOf(value.kind)
  const role = roles.indexOf(value.role)
  assert(kind >= 0 && role >= 0, 'a heartbeat has a known kind and role')
  assert(isName(value.node), 'a node name is 1 to 32 printable ASCII characters')
  assert(/^[0-9a-f]{16}$/.test(value.bootId), 'a boot id is 16 hexadecimal digits')
  view.setUint32(0, magic)
  view.setUint8(4, version)
  view.setUint8(5, kind)
  view.setUint8(6, role)
  const alone = value.alone ? flagAlone : 0
  const inStep = value.inStep ? flagInStep : 0
  const held = value.held ? flagHeld : 0
  const stoodIn = value.stoodIn ? flagStoodIn : 0
  const ready = value.ready ? flagReady : 0
  const tieBreak = tieBreaks.indexOf(value.tieBreak) << tieBreakShift
  view.setUint8(7, alone | inStep | ready | held | stoodIn | tieBreak)
  view.setUint8(8, value.link)
  view.setUint8(9, value.linksHeard)
  view.setUint8(10, value.node.length)
  view.setUint8(11, value.pauseCount)
  bytes.set(Buffer.from(value.node, 'latin1'), 12)
  bytes.set(Buffer.from(value.bootId, 'hex'), 44)
  for (const [n, name] of counters.entries()) view.setFloat64(countersAt + 8 * n, value[name])
  for (const [n, name] of times.entries()) view.setFloat64(timesAt + 8 * n, value[name])
  seal(bytes, key)
  return bytes
}

/** Reads a datagram of the network. A kind that only a newer version knows is read as a plain
 * heartbeat: what it says of its sender holds, what it asks for is not done. */
export function decodeHeartbeat(
  bytes: Uint8Array,
  key: Uint8Array,
): Heartbeat | ForeignHeartbeat | HeartbeatFault {
  if (bytes.length < heartbeatBytes || bytes.length > heartbeatBytesMax) return 'not-a-heartbeat'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== magic) return 'not-a-heartbeat'
  if (!isSealed(bytes, key)) return 'forged'
  const read = view.getUint8(4) === version ? readValues(bytes, view) : readForeign(bytes, view)
  return read ?? 'not-a-heartbeat'
}

function readForeign(bytes: Uint8Array, view: DataView): ForeignHeartbeat | null {
  const sequence = view.getFloat64(countersAt)
  if (!Number.isSafeInteger(sequence) || sequence < 0) return null
  const bootId = Buffer.from(bytes.subarray(44, countersAt)).toString('hex')
  const role = roles[view.getUint8(6)] ?? null
  return { kind: 'foreign', version: view.getUint8(4), role, bootId, sequence }
}

function readValues(bytes: Uint8Array, view: DataView): Heartbeat | null {
  const kind = kinds[view.getUint8(5)] ?? 'heartbeat'
  const role = roles[view.getUint8(6)]
  const nameBytes = view.getUint8(10)
  const node = Buffer.from(bytes.subarray(12, 12 + nameBytes)).toString('latin1')
  if (role === undefined || !isName(node)) return null
  const counter = (n: number): number => view.getFloat64(countersAt + 8 * n)
  const time = (n: number): number => view.getFloat64(timesAt + 8 * n)
  if (!counters.every((_, n) => Number.isSafeInteger(counter(n)) && counter(n) >= 0)) return null
  if (!times.every((_, n) => Number.isFinite(time(n)))) return null
  const flags = view.getUint8(7)
  return {
    kind,
    node,
    bootId: Buffer.from(bytes.subarray(44, countersAt)).toString('hex'),
    sequence: counter(0),
    link: view.getUint8(8),
    role,
    alone: (flags & flagAlone) !== 0,
    term: counter(1),
    sessions: counter(2),
    syncPending: counter(3),
    inStep: (flags & flagInStep) !== 0,
    ready: (flags & flagReady) !== 0,
    switchCounter: counter(4),
    mediaCounter: counter(5),
    sentAt: time(0),
    echoSentAt: time(1),
    echoReceivedAt: time(2),
    linksHeard: view.getUint8(9),
    held: (flags & flagHeld) !== 0,
    stoodIn: (flags & flagStoodIn) !== 0,
    tieBreak: tieBreaks[(flags >> tieBreakShift) & 3] ?? 'larger-address',
    pauseCount: view.getUint8(11),
  }
}

function isName(text: string): boolean {
  if (text.length === 0 || text.length > nameBytesMax) return false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 0x21 || code > 0x7e) return false
  }
  return true
}
