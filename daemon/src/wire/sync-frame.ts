//! Frames of the replication, one a datagram (DESIGN 6, S1.99-S1.113): records, their ACKs, the
//! catch-up (索取), table hashes, rows of the database and control requests to the peer.
//!
//! ```text
//!   0 magic "VCSY"   4 version   5 kind   6 flags (1: compressed)   7 table, 255: none
//!   8 term, 8 bytes   16 boot id, 8 bytes   24 sequence, 8 bytes
//!  32 slot   36 record version   40 length of the serialised record, 4 bytes each
//!  44 hash of the serialised record, 16 bytes   60 payload   end: tag, 16 bytes
//! ```
//! What is the same in every version, and what a reader may pass over: ADR 0019.
//! The payload of a record is its key (length in two bytes, UTF-8) and the serialised record; that of
//! an ACK is empty; that of the others is one msgpack object.
import { isUtf8 } from 'node:buffer'
import { assert } from '../assert.ts'
import { limits } from '../limits.ts'
import { type TableName, tableNames } from '../tables/address.ts'
import { isSealed, seal, tagBytes } from './authentication-tag.ts'
import { compressed, hashOf, inflated, readRecord, serialiseRecord } from './sync-body.ts'
import type { RecordMark, SyncBody, SyncFrame, SyncHeader } from './sync-frame-types.ts'

const magic = 0x56435359
const version = 2
const noTable = 255
const flagCompressed = 1
/** Flags that change how the payload is read: one that is not known here makes the frame unreadable.
 * The upper four say more about it and may be passed over. */
const flagsToKnow = 0x0f
const slotAt = 32
const hashAt = 44
const payloadAt = 60
/** Key of a record: its length field holds 16 bits. */
const keyBytesMax = 65_535

const kinds = [
  'record',
  'ack',
  'request-all',
  'all-sent',
  'table-hashes',
  'request-table',
  'rows',
  'rows-ack',
  'request',
  'response',
  'not-known',
  'give',
  'give-ack',
  'given',
  'heard',
] as const satisfies readonly SyncBody['kind'][]

/** Cheap faults first. After a good tag: `version`: an incompatible peer; `flags`: the payload is in a
 * form that only a newer version reads; `body`: values that make no frame. */
type SyncFrameFault = 'not-a-sync-frame' | 'forged' | 'version' | 'flags' | 'body'

/** An authentic frame of a kind that only a newer version knows. */
interface UnknownFrame extends SyncHeader {
  readonly kind: 'unknown'
  readonly code: number
}

/** Writes and seals a frame. `too-long`: it fits no datagram. */
export function encodeSyncFrame(frame: SyncFrame, key: Uint8Array): Uint8Array | 'too-long' {
  const payload = payloadOf(frame)
  if (payload.length > limits.syncBodyBytesMax) return 'too-long'
  const shorter = compressed(payload)
  const carried = shorter ?? payload
  const size = payloadAt + carried.length + tagBytes
  if (size > limits.syncFrameBytesMax) return 'too-long'
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  assert(/^[0-9a-f]{16}$/.test(frame.bootId), 'a boot id is 16 hexadecimal digits')
  view.setUint32(0, magic)
  view.setUint8(4, version)
  view.setUint8(5, kinds.indexOf(frame.kind))
  view.setUint8(6, shorter === null ? 0 : flagCompressed)
  view.setUint8(7, noTable)
  view.setFloat64(8, frame.term)
  bytes.set(Buffer.from(frame.bootId, 'hex'), 16)
  view.setFloat64(24, frame.sequence ?? 0)
  if (frame.kind === 'record' || frame.kind === 'ack') writeMark(frame, bytes, view)
  bytes.set(carried, payloadAt)
  seal(bytes, key)
  return bytes
}

function writeMark(mark: RecordMark, bytes: Uint8Array, view: DataView): void {
  assert(/^[0-9a-f]{32}$/.test(mark.hash), 'a hash is 32 hexadecimal digits')
  view.setUint8(7, tableNames.indexOf(mark.address.table))
  view.setUint32(slotAt, mark.address.slot)
  view.setUint32(slotAt + 4, mark.version)
  view.setUint32(slotAt + 8, mark.length)
  bytes.set(Buffer.from(mark.hash, 'hex'), hashAt)
}

function payloadOf(frame: SyncFrame): Uint8Array {
  if (frame.kind === 'ack') return new Uint8Array(0)
  if (frame.kind === 'record') {
    const name = Buffer.from(frame.key)
    assert(name.length <= keyBytesMax, 'a key has at most 65,535 bytes')
    assert(frame.length === frame.body.length, 'the length of a record is that of its body')
    const payload = new Uint8Array(2 + name.length + frame.body.length)
    new DataView(payload.buffer).setUint16(0, name.length)
    payload.set(name, 2)
    payload.set(frame.body, 2 + name.length)
    return payload
  }
  const { bootId: _, term: __, sequence: ___, kind: ____, ...values } = frame
  return serialiseRecord(values).body
}

/** Reads a datagram of the network. Nothing of it is used before its tag is right. */
export function decodeSyncFrame(
  bytes: Uint8Array,
  key: Uint8Array,
): SyncFrame | UnknownFrame | SyncFrameFault {
  if (bytes.length < payloadAt + tagBytes || bytes.length > limits.syncFrameBytesMax) {
    return 'not-a-sync-frame'
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== magic) return 'not-a-sync-frame'
  if (!isSealed(bytes, key)) return 'forged'
  if (view.getUint8(4) !== version) return 'version'
  const header = readHeader(bytes, view)
  if (header === null) return 'body'
  const code = view.getUint8(5)
  const kind = kinds[code]
  if (kind === undefined) return { ...header, kind: 'unknown', code }
  if ((view.getUint8(6) & flagsToKnow & ~flagCompressed) !== 0) return 'flags'
  const body = readBody(kind, bytes, view)
  return body === null ? 'body' : { ...header, ...body }
}

function readHeader(bytes: Uint8Array, view: DataView): SyncHeader | null {
  const term = view.getFloat64(8)
  const sequence = view.getFloat64(24)
  if (!isCount(term) || !isCount(sequence)) return null
  return { bootId: Buffer.from(bytes.subarray(16, 24)).toString('hex'), term, sequence }
}

function readBody(kind: SyncBody['kind'], bytes: Uint8Array, view: DataView): SyncBody | null {
  const carried = bytes.subarray(payloadAt, bytes.length - tagBytes)
  const isCompressed = (view.getUint8(6) & flagCompressed) !== 0
  // A copy (`slice` of a Buffer is none): the datagram's memory may be used again.
  const payload = isCompressed
    ? inflated(carried, limits.syncBodyBytesMax)
    : new Uint8Array(carried)
  if (payload === null) return null
  if (kind === 'record' || kind === 'ack') {
    const mark = readMark(bytes, view)
    if (mark === null) return null
    if (kind === 'record') return readRecordPayload(mark, payload)
    return { kind, ...mark }
  }
  const values = readRecord(payload)
  return isObject(values) ? readValues(kind, values) : null
}

function readMark(bytes: Uint8Array, view: DataView): RecordMark | null {
  const table = tableNames[view.getUint8(7)]
  if (table === undefined) return null
  return {
    address: { table, slot: view.getUint32(slotAt) },
    version: view.getUint32(slotAt + 4),
    length: view.getUint32(slotAt + 8),
    hash: Buffer.from(bytes.subarray(hashAt, payloadAt)).toString('hex'),
  }
}

/** Null as well when length or hash are not those of the record. */
function readRecordPayload(mark: RecordMark, payload: Uint8Array): SyncBody | null {
  if (payload.length < 2) return null
  const end = 2 + (((payload[0] ?? 0) << 8) | (payload[1] ?? 0))
  if (payload.length !== end + mark.length) return null
  const name = payload.subarray(2, end)
  const body = payload.subarray(end)
  if (!isUtf8(name) || hashOf(body) !== mark.hash) return null
  return { kind: 'record', ...mark, key: Buffer.from(name).toString('utf8'), body }
}

type Values = { readonly [name: string]: unknown }

function readValues(
  kind: Exclude<SyncBody['kind'], 'record' | 'ack'>,
  values: Values,
): SyncBody | null {
  if (kind === 'table-hashes') return readHashes(values)
  if (kind === 'not-known') return isKind(values.code) ? { kind, code: values.code } : null
  const ref = values.ref
  if (!isCount(ref)) return null
  switch (kind) {
    case 'request-all':
      return { kind, ref }
    case 'all-sent':
      return isCount(values.count) ? { kind, ref, count: values.count } : null
    case 'request-table': {
      const table = tableNames.find((name) => name === values.table)
      return table === undefined ? null : { kind, ref, table }
    }
    case 'rows':
    case 'rows-ack':
    case 'request':
    case 'response':
    case 'given':
      return typeof values.body === 'string' ? { kind, ref, body: values.body } : null
    case 'give':
    case 'give-ack':
      return readPart(kind, ref, values)
    case 'heard':
      return readHeard(ref, values)
  }
}

function readHeard(ref: number, { address, port, body }: Values): SyncBody | null {
  if (typeof address !== 'string' || !isCount(port) || port === 0 || port > 0xffff) return null
  if (!isIpv4Text(address) || !(body instanceof Uint8Array)) return null
  if (body.length > limits.sipMessageBytesMax) return null
  // A copy: what was decoded lies in the memory of the whole frame.
  return { kind: 'heard', ref, address, port, body: new Uint8Array(body) }
}

function isIpv4Text(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)
}

/** Of the tables that both versions know. */
function readHashes({ hashes, open = {} }: Values): SyncBody | null {
  if (!isObject(hashes) || !isObject(open)) return null
  const known: Partial<Record<TableName, string>> = {}
  const underWay: Partial<Record<TableName, number[]>> = {}
  for (const table of tableNames) {
    const hash = hashes[table]
    if (typeof hash !== 'string') continue
    const slots = open[table] ?? []
    if (!Array.isArray(slots) || !slots.every(isCount)) return null
    known[table] = hash
    if (slots.length > 0) underWay[table] = slots
  }
  return { kind: 'table-hashes', hashes: known, open: underWay }
}

function readPart(kind: 'give' | 'give-ack', ref: number, values: Values): SyncBody | null {
  const { index, count, body } = values
  if (!isCount(index)) return null
  if (kind === 'give-ack') return { kind, ref, index }
  if (!isCount(count) || index >= count || typeof body !== 'string') return null
  return { kind, ref, index, count, body }
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The kind of a frame is one byte. */
function isKind(value: unknown): value is number {
  return isCount(value) && value <= 0xff
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
