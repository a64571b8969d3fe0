//! Heartbeats and sync frames between the nodes.
import test from 'ava'
import fc from 'fast-check'
import { tableNames } from '../../src/tables/address.ts'
import { seal } from '../../src/wire/authentication-tag.ts'
import { decodeHeartbeat, encodeHeartbeat, heartbeatBytes } from '../../src/wire/heartbeat.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import { readRecord, serialiseRecord } from '../../src/wire/sync-body.ts'
import { decodeSyncFrame, encodeSyncFrame } from '../../src/wire/sync-frame.ts'
import type { SyncFrame } from '../../src/wire/sync-frame-types.ts'

const key = new Uint8Array(32).fill(7)
const otherKey = new Uint8Array(32).fill(8)

const count = fc.maxSafeNat()
const bootId = fc.string({
  unit: fc.constantFrom(...'0123456789abcdef'),
  minLength: 16,
  maxLength: 16,
})
const time = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const heartbeat: fc.Arbitrary<Heartbeat> = fc.record({
  kind: fc.constantFrom('heartbeat', 'goodbye', 'handover', 'take', 'refused'),
  node: fc.string({ unit: fc.constantFrom(...'abz-09'), minLength: 1, maxLength: 32 }),
  bootId,
  sequence: count,
  link: fc.nat(2),
  role: fc.constantFrom('starting', 'standby', 'primary'),
  alone: fc.boolean(),
  term: count,
  sessions: count,
  syncPending: count,
  inStep: fc.boolean(),
  ready: fc.boolean(),
  switchCounter: count,
  mediaCounter: count,
  sentAt: time,
  echoSentAt: time,
  echoReceivedAt: time,
  linksHeard: fc.nat(7),
  held: fc.boolean(),
  stoodIn: fc.boolean(),
  tieBreak: fc.constantFrom('larger-address', 'smaller-address', 'larger-name'),
  pauseCount: fc.nat(255),
})

const sample: Heartbeat = fc.sample(heartbeat, { numRuns: 1, seed: 1 })[0] as Heartbeat

test('heartbeats are read back equal', (t) => {
  fc.assert(
    fc.property(heartbeat, (value) => {
      const bytes = encodeHeartbeat(value, key)
      t.is(bytes.length, heartbeatBytes)
      t.deepEqual(decodeHeartbeat(bytes, key), value)
    }),
  )
})

test('a heartbeat with any bit changed is refused', (t) => {
  const bytes = encodeHeartbeat(sample, key)
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = bytes.slice()
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    t.is(typeof decodeHeartbeat(changed, key), 'string')
  }
})

test('each fault of a heartbeat has its name', (t) => {
  const bytes = encodeHeartbeat(sample, key)
  t.is(decodeHeartbeat(bytes, otherKey), 'forged')
  t.is(decodeHeartbeat(bytes.subarray(1), key), 'not-a-heartbeat')
  t.is(decodeHeartbeat(bytes.subarray(0, 100), key), 'not-a-heartbeat')
  t.is(decodeHeartbeat(new Uint8Array(0), key), 'not-a-heartbeat')
  const newer = bytes.slice()
  newer[4] = 3
  t.is(decodeHeartbeat(newer, key), 'forged')
})

test('values out of range are refused even under a good tag', (t) => {
  const spoil = (at: number, value: number): unknown => {
    const bytes = encodeHeartbeat(sample, key)
    bytes[at] = value
    seal(bytes, key)
    return decodeHeartbeat(bytes, key)
  }
  // Role, length of the name, a control character in it, a negative term, an infinite time.
  for (const [at, value] of [
    [6, 3],
    [10, 33],
    [12, 1],
    [60, 0xff],
    [100, 0x7f],
  ] as const) {
    const read = spoil(at, value)
    if (at !== 100) t.is(read, 'not-a-heartbeat', `byte ${at}`)
    else t.true(read === 'not-a-heartbeat' || typeof read === 'object')
  }
})

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)))
const header = { bootId, term: count, sequence: count }
const u32 = fc.nat(0xffff_ffff)
const address = fc.record({ table: fc.constantFrom(...tableNames), slot: u32 })
const ref = count
const body = fc.string({ maxLength: 300 })
const frame: fc.Arbitrary<SyncFrame> = fc.oneof(
  fc
    .record({ ...header, address, version: u32, key: fc.string({ maxLength: 40 }), record: json })
    .map(({ record, ...rest }) => {
      const serialised = serialiseRecord(record)
      const length = serialised.body.length
      return { ...rest, ...serialised, length, kind: 'record' as const }
    }),
  fc
    .record({ ...header, address, version: u32, length: u32, bootId })
    .map((rest) => ({ ...rest, hash: serialiseRecord(rest).hash, kind: 'ack' as const })),
  fc.record({ ...header, kind: fc.constant('request-all' as const), ref }),
  fc.record({ ...header, kind: fc.constant('all-sent' as const), ref, count }),
  fc.record({
    ...header,
    kind: fc.constant('request-table' as const),
    ref,
    table: fc.constantFrom(...tableNames),
  }),
  fc.record({
    ...header,
    kind: fc.constantFrom('rows' as const, 'rows-ack', 'request', 'response'),
    ref,
    body,
  }),
  fc.record({
    ...header,
    kind: fc.constant('heard' as const),
    ref,
    address: fc.ipV4(),
    port: fc.integer({ min: 1, max: 0xffff }),
    body: fc.uint8Array({ maxLength: 2_000 }),
  }),
  fc.record(header).map((rest) => ({
    ...rest,
    kind: 'table-hashes' as const,
    open: { user: [1, 70_000] },
    hashes: Object.fromEntries(tableNames.map((name) => [name, `${name}!`])) as Record<
      (typeof tableNames)[number],
      string
    >,
  })),
)

function encoded(value: SyncFrame): Uint8Array {
  const bytes = encodeSyncFrame(value, key)
  if (bytes === 'too-long') throw new Error(bytes)
  return bytes
}

test('sync frames are read back equal', (t) => {
  fc.assert(
    fc.property(frame, (value) => t.deepEqual(decodeSyncFrame(encoded(value), key), value)),
    { numRuns: 300 },
  )
})

test('a record is compressed when that is shorter', (t) => {
  const record = { text: 'a'.repeat(5_000) }
  const serialised = serialiseRecord(record)
  const mark = {
    address: { table: 'user', slot: 1 },
    version: 2,
    length: serialised.body.length,
  } as const
  const value: SyncFrame = {
    kind: 'record',
    bootId: '0123456789abcdef',
    term: 1,
    sequence: 3,
    key: 'k',
    ...mark,
    ...serialised,
  }
  const bytes = encoded(value)
  t.true(bytes.length < 200)
  // As a socket gives it: a Buffer, whose memory is used again.
  const datagram = Buffer.from(bytes)
  const read = decodeSyncFrame(datagram, key)
  datagram.fill(0)
  t.deepEqual(read, value)
  t.deepEqual(typeof read === 'object' && read.kind === 'record' && readRecord(read.body), record)
})

test('equal records give equal bytes, whatever the order of their keys', (t) => {
  const a = serialiseRecord({ x: 1, y: { b: [1, 2.5], a: null }, z: undefined })
  const b = serialiseRecord({ y: { a: null, b: [1, 2.5] }, x: 1 })
  t.deepEqual(a, b)
  t.not(serialiseRecord({ x: 2 }).hash, a.hash)
  t.is(readRecord(Uint8Array.of(0xc1)), undefined)
})

const request: SyncFrame = {
  kind: 'request',
  bootId: '0123456789abcdef',
  term: 1,
  sequence: 1,
  ref: 1,
  body: 'x'.repeat(2_000),
}

test('a sync frame with any byte changed is refused', (t) => {
  const bytes = encoded(request)
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = bytes.slice()
    changed[at] = (changed[at] ?? 0) ^ 0x10
    t.is(typeof decodeSyncFrame(changed, key), 'string')
  }
})

test('each fault of a sync frame has its name', (t) => {
  const bytes = encoded(request)
  t.is(decodeSyncFrame(bytes, otherKey), 'forged')
  t.is(decodeSyncFrame(bytes.subarray(0, 60), key), 'not-a-sync-frame')
  t.is(decodeSyncFrame(encodeHeartbeat(sample, key), key), 'not-a-sync-frame')
  const newer = bytes.slice()
  newer[4] = 9
  t.is(decodeSyncFrame(newer, key), 'forged')
  seal(newer, key)
  t.is(decodeSyncFrame(newer, key), 'version')
  t.is(encodeSyncFrame({ ...request, body: 'x'.repeat(300_000) } as SyncFrame, key), 'too-long')
})

test('values that make no frame are refused even under a good tag', (t) => {
  const spoil = (change: (bytes: Uint8Array) => void): unknown => {
    const bytes = encoded(request)
    change(bytes)
    seal(bytes, key)
    return decodeSyncFrame(bytes, key)
  }
  const changes: Record<string, (bytes: Uint8Array) => void> = {
    'a record without its table': (bytes) => bytes.fill(0, 5, 6),
    'broken compressed data': (bytes) => bytes.fill(0xff, 60, 70),
    'compressed data taken for plain': (bytes) => bytes.fill(0, 6, 7),
    'a negative term': (bytes) => bytes.fill(0xff, 8, 16),
  }
  for (const [what, change] of Object.entries(changes)) t.is(spoil(change), 'body', what)
})

test('a small frame cannot unfold into a large one', (t) => {
  // 250,000 equal bytes pass; the limit of a body stops what is beyond, before it is made.
  const large = { ...request, body: 'y'.repeat(250_000) } as SyncFrame
  t.true(encoded(large).length < 2_000)
  t.deepEqual(decodeSyncFrame(encoded(large), key), large)
})
