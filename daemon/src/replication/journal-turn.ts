//! A turn in the journal: what one event has changed, under one checksum, read whole or not at all. As JSON: records are
//! JSON values, and V8 writes them in a third of the time that msgpack takes, several times a call. A record that the
//! journal has already is told by what is different in it. Pure.
//!
//! ```text
//!   0 length of what follows   4 magic "VCJ3"   8 CRC-32 of the pair key and the JSON   12 JSON, UTF-8
//! ```
//!
//! The checksum finds what a crash tore and what memory lost; the file is one that only this node writes.
import { crc32 } from 'node:zlib'
import { assert } from '../assert.ts'
import { type RecordAddress, tableNames } from '../tables/address.ts'
import type { SlotView } from '../tables/table.ts'
import type { AnyRecord, Tables } from '../tables/tables.ts'
import { isSealed, tagBytes } from '../wire/authentication-tag.ts'
import { type Difference, differencesOf, withDifferences } from './record-difference.ts'

/** A record to write. */
export interface JournalRow {
  readonly now: SlotView<AnyRecord>
  /** What the journal has in this slot; null: what is there now is written whole. */
  readonly known: SlotView<AnyRecord> | null
}

/** One record as it was written; null: it was deleted. */
interface Written {
  readonly address: RecordAddress
  readonly key: string
  readonly version: number
  readonly record: AnyRecord | null
}

/** A difference from a record that is not there: while the journal is written anew, the whole record follows. */
const noBase = 'no-base'

interface Turn {
  readonly term: number
  readonly records: readonly Written[]
}

const magic = 0x56434a33
const headBytes = 12
/** The form of earlier versions, which a switch unit that is started by a newer supervisor may find: whole records, an
 * HMAC behind them. */
const sealedMagic = 0x56434a32
const sealedHeadBytes = 8

/** Nothing for no record. */
export function writeTurn(term: number, rows: readonly JournalRow[], key: Uint8Array): Uint8Array {
  if (rows.length === 0) return new Uint8Array(0)
  const text = JSON.stringify({ term, records: rows.map(rowText) })
  const bytes = Buffer.allocUnsafe(headBytes + Buffer.byteLength(text))
  bytes.writeUInt32BE(bytes.length - 4, 0)
  bytes.writeUInt32BE(magic, 4)
  bytes.write(text, headBytes)
  bytes.writeUInt32BE(sumOf(bytes.subarray(headBytes), key), 8)
  return bytes
}

function rowText({ now, known }: JournalRow): readonly unknown[] {
  const { address, key, version, record } = now
  const row = [address.table, address.slot, key, version]
  if (known === null || known.key !== key || known.record === null || record === null) {
    return [...row, record]
  }
  return [...row, known.version, differencesOf(known.record, record)]
}

function sumOf(json: Uint8Array, key: Uint8Array): number {
  return crc32(json, crc32(key))
}

/** The turn at this place; null when it is not whole, or not of this pair. `length`: with its own length. */
export function readTurn(
  bytes: Uint8Array,
  at: number,
  { tables, key }: { readonly tables: Tables; readonly key: Uint8Array },
): (Turn & { readonly length: number }) | null {
  const body = prefixed(bytes, at)
  const json = body === null ? null : jsonOf(body, bytes.subarray(at, at + 4 + body.length), key)
  const turn = json === null ? null : readJson(json, tables)
  return body === null || turn === null ? null : { ...turn, length: 4 + body.length }
}

/** The JSON of a turn that is whole; null: it is damaged, or not of this pair. */
function jsonOf(body: Uint8Array, turn: Uint8Array, key: Uint8Array): Uint8Array | null {
  if (body.length < 8) return null
  const form = viewOf(body).getUint32(0)
  const json = turn.subarray(headBytes)
  if (form === magic) return sumOf(json, key) === viewOf(body).getUint32(4) ? json : null
  if (form !== sealedMagic || !isSealed(turn, key)) return null
  return turn.subarray(sealedHeadBytes, turn.length - tagBytes)
}

function readJson(json: Uint8Array, tables: Tables): Turn | null {
  const said = parsed(Buffer.from(json).toString('utf8'))
  if (said === null || typeof said.term !== 'number' || !Array.isArray(said.records)) return null
  const rows = said.records.map((row) => rowOf(row, tables))
  if (rows.includes(null)) return null
  const isRecord = (row: Written | typeof noBase | null) => row !== null && row !== noBase
  return { term: said.term, records: rows.filter(isRecord) }
}

/** The sum is right, so that a switch unit of this pair has written it; of another version, perhaps. */
function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
}

function rowOf(row: unknown, tables: Tables): Written | typeof noBase | null {
  if (!Array.isArray(row)) return null
  const [table, slot, key, version, ...rest] = row as unknown[]
  const name = tableNames.find((one) => one === table)
  if (name === undefined || typeof key !== 'string') return null
  if (!isCount(slot) || !isCount(version)) return null
  const address = { table: name, slot }
  if (rest.length < 2) return checked({ address, key, version, value: rest[0] ?? null }, tables)
  const [knownVersion, differences] = rest
  if (!isCount(knownVersion) || !areDifferences(differences)) return null
  const known = tables.resolve(address)
  if (known === null || known.key !== key || known.version !== knownVersion) return noBase
  const value = withDifferences(known.record, differences) ?? null
  return value === null ? null : checked({ address, key, version, value }, tables)
}

function areDifferences(value: unknown): value is Difference[] {
  return Array.isArray(value) && value.every((one) => Array.isArray(one) && Array.isArray(one[0]))
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
