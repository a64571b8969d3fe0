//! `vccs beacon` on the loopback: shows what is authentic, counts what is not, tells silence.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { beaconOf } from '../../daemon/src/oam/beacon-content.ts'
import { beaconKey } from '../../daemon/src/oam/key-file.ts'
import { encodeBeacon } from '../../daemon/src/wire/beacon.ts'
import { healthyStatus } from '../../daemon/test/oam/status-fixture.ts'
import { vccs } from './fake-daemon.ts'

const folder = mkdtempSync(join(tmpdir(), 'vccs-beacon-'))
const keyFile = join(folder, 'beacon.key')
const secret = 'k'.repeat(40)
writeFileSync(keyFile, `${secret}\n`, { mode: 0o600 })
test.after.always(() => rmSync(folder, { recursive: true }))

/** The fake terminal's clock stands still here. */
const wallMs = Date.parse('2026-03-14T12:31:02.118Z')

function datagram(sequence: number, key = beaconKey(Buffer.from(secret))): Uint8Array {
  const tags = { room: 'A1' }
  const identity = { boot: '0'.repeat(16), sequence, periodMs: 2_000, tags }
  const content = beaconOf(healthyStatus(), identity)
  if (content === null) throw new Error('the fixture has no role')
  return encodeBeacon({ ...content, sentAt: new Date(wallMs).toISOString() }, key)
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}

/** Sends again and again until stopped: the listener may not be there yet. */
function sendTo(port: number, datagrams: readonly Uint8Array[]): () => void {
  const socket = createSocket('udp4')
  // As long as nobody listens ICMP may say so.
  socket.on('error', () => undefined)
  const timer = setInterval(() => {
    for (const bytes of datagrams) socket.send(bytes, port, '127.0.0.1')
  }, 20)
  return () => {
    clearInterval(timer)
    socket.close()
  }
}

const line = (port: number, ...more: string[]) => {
  return ['beacon', '--group', 'none', '--port', String(port), '--key', keyFile, ...more]
}

test('the first beacon is shown and ends --once', async (t) => {
  const port = await freePort()
  const stop = sendTo(port, [datagram(1)])
  const result = await vccs(line(port, '--once'))
  stop()
  t.is(result.code, 0)
  t.is(result.err, '')
  t.regex(result.out, /vccs-a is primary, term/)
  t.regex(result.out, /room: A1/)
  t.true(result.out.split('\n').every((text) => text.length <= 80))
})

test('as JSON a beacon is one object with its schema and the counters', async (t) => {
  const port = await freePort()
  const stop = sendTo(port, [datagram(1)])
  const result = await vccs(line(port, '--once', '--json'))
  stop()
  const { schema, node, role, extension, counters } = JSON.parse(result.out)
  t.deepEqual([schema, node, role], ['vccs/beacon/1', 'vccs-a', 'primary'])
  t.deepEqual(extension, [{ name: 'room', attributes: {}, children: ['A1'] }])
  t.is(counters.shown, 1)
})

test('forged and repeated beacons are counted and not shown', async (t) => {
  const port = await freePort()
  const forged = datagram(3, new Uint8Array(32))
  const stop = sendTo(port, [datagram(1), forged, datagram(1)])
  const done = new AbortController()
  const result = await vccs(line(port, '--json'), {
    stop: done.signal,
    onSleep: () => setTimeout(() => done.abort(), 300),
  })
  stop()
  const shown = result.out.trim().split('\n')
  t.is(shown.length, 1)
  t.is(JSON.parse(shown[0] ?? '').sequence, 1)
})

test('a key that is not there, or open to others, is told with its code', async (t) => {
  const missing = await vccs(['beacon', '--once', '--json', '--key', join(folder, 'none')])
  t.is(missing.code, 7)
  t.is(JSON.parse(missing.out).error.code, 'key-missing')
  const open = join(folder, 'open.key')
  writeFileSync(open, secret, { mode: 0o644 })
  const readable = await vccs(['beacon', '--once', '--json', '--key', open])
  t.is(readable.code, 5)
})

test('silence ends --once with code 4 and what was dropped', async (t) => {
  const port = await freePort()
  let nowMs = wallMs
  const result = await vccs(line(port, '--once'), {
    nowMs: () => nowMs,
    onSleep: () => {
      nowMs += 1_000
    },
  })
  t.is(result.code, 4)
  t.is(result.out, '')
  t.regex(result.err, /No beacon for 6 s; 0 forged, 0 malformed and 0 old ones were dropped/)
  t.regex(result.err, /Next: {2}Check --key/)
})

test('silence is said while listening, and is the exit code at the end', async (t) => {
  const port = await freePort()
  let nowMs = wallMs
  const done = new AbortController()
  const result = await vccs(line(port), {
    stop: done.signal,
    nowMs: () => nowMs,
    onSleep: () => {
      nowMs += 1_000
      if (nowMs - wallMs > 9_000) done.abort()
    },
  })
  t.is(result.code, 4)
  t.regex(result.out, /no beacon for 6 s: no primary is heard here/)
  t.regex(result.out, /no beacon for 8 s/)
})
