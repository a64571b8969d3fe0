//! A turn in the journal: what one event has changed, under one authentication tag, read whole or not at all. As
//! JSON: records are JSON values, and V8 writes them in a third of the time that msgpack takes, several times a
//! call. Pure.
//!
//! ```text
//!   0 length of what follows   4 magic "VCJ2"   8 JSON, UTF-8   end: tag, 16 bytes
//! ```
import { assert } from '../assert.ts'
import { type RecordAddress, tableNames } from '../tables/address.ts'
import type { SlotView } from '../tables/table.ts'
import type { AnyRecord, Tables } from '../tables/tables.ts'
import { isSealed, seal, tagBytes } from '../wire/authentication-tag.ts'
import { readRecord } from '../wire/sync-body.ts'
import { decodeSyncFrame } from '../wire/sync-frame.ts'

/** One record as it was written; null: it was deleted. */
interface Written {
  readonly address: RecordAddress
  readonly key: string
  readonly version: number
  readonly record: AnyRecord | null
}

interface Turn {
  readonly term: number
  readonly records: readonly Written[]
}

const magic = 0x56434a32
const headBytes = 8

/** Nothing for no record. */
export function writeTurn(
  term: number,
  records: readonly SlotView<AnyRecord>[],
  key: Uint8Array,
): Uint8Array {
  if (records.length === 0) return new Uint8Array(0)
  const rows = records.map(({ address: { table, slot }, key: name, version, record }) => {
    return [table, slot, name, version, record]
  })
  const text = JSON.stringify({ term, records: rows })
  const bytes = Buffer.allocUnsafe(headBytes + Buffer.byteLength(text) + tagBytes)
  bytes.writeUInt32BE(bytes.length - 4, 0)
  bytes.writeUInt32BE(magic, 4)
  bytes.write(text, headBytes)
  seal(bytes, key)
  return bytes
}

/** The turn at this place; null when it is not whole, or not of this pair. `length`: with its own length. */
export function readTurn(
  bytes: Uint8Array,
  at: number,
  { tables, key }: { readonly tables: Tables; readonly key: Uint8Array },
): (Turn & { readonly length: number }) | null {
  const body = prefixed(bytes, at)
  if (body === null) return null
  const isOfThisForm = body.length >= 4 && viewOf(body).getUint32(0) === magic
  const turn = isOfThisForm
    ? readJson(bytes.subarray(at, at + 4 + body.length), tables, key)
    : readFrames(body, tables, key)
  return turn === null ? null : { ...turn, length: 4 + body.length }
}

function readJson(turn: Uint8Array, tables: Tables, key: Uint8Array): Turn | null {
  if (turn.length < headBytes + tagBytes || !isSealed(turn, key)) return null
  const text = Buffer.from(turn.subarray(headBytes, turn.length - tagBytes)).toString('utf8')
  const said = parsed(text)
  if (said === null || typeof said.term !== 'number' || !Array.isArray(said.records)) return null
  const records = said.records.map((row) => rowOf(row, tables))
  const isGood = (row: Written | null) => row !== null
  return records.every(isGood) ? { term: said.term, records } : null
}

/** The tag is right, so that a switch unit of this pair has written it; of another version, perhaps. */
function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
}

function rowOf(row: unknown, tables: Tables): Written | null {
  if (!Array.isArray(row)) return null
  const [table, slot, key, version, value] = row as unknown[]
  const name = tableNames.find((one) => one === table)
  if (name === undefined || typeof key !== 'string') return null
  if (!isCount(slot) || !isCount(version)) return null
  const address = { table: name, slot }
  return checked({ address, key, version, value: value ?? null }, tables)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Null when it is no record of this version. */
function checked(
  { address, key, version, value }: Omit<Written, 'record'> & { readonly value: unknown },
  tables: Tables,
): Written | null {
  const table = tables.any(address.table)
  if (address.slot >= table.capacity) return null
  if (value === null) return { address, key, version, record: null }
  const record = table.parse(value)
  if (record === null || table.keyOf(record) !== key) return null
  return { address, key, version, record }
}

/** The form of earlier versions: sync frames, each with its length before it. A switch unit that is started by
 * a newer supervisor may find it. */
function readFrames(bytes: Uint8Array, tables: Tables, key: Uint8Array): Turn | null {
  const records: Written[] = []
  let term = 0
  for (let at = 0; at < bytes.length; ) {
    const sealed = prefixed(bytes, at)
    const frame = sealed === null ? 'none' : decodeSyncFrame(sealed, key)
    if (sealed === null || typeof frame === 'string' || frame.kind !== 'record') return null
    const written = checked({ ...frame, value: readRecord(frame.body) ?? null }, tables)
    if (written === null) return null
    records.push(written)
    term = Math.max(term, frame.term)
    at += 4 + sealed.length
  }
  return { term, records }
}

/** The bytes after the length that stands at this place; null when they are not all there. */
function prefixed(bytes: Uint8Array, at: number): Uint8Array | null {
  if (bytes.length - at < 4) return null
  const length = viewOf(bytes).getUint32(at)
  return length > bytes.length - at - 4 ? null : bytes.subarray(at + 4, at + 4 + length)
}

function viewOf(bytes: Uint8Array): DataView {
  assert(bytes.buffer instanceof ArrayBuffer, 'the journal is in memory of this process')
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
