//! The sender of the beacon, on the loopback: when it speaks, and what it does when it cannot.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { BeaconSender } from '../../src/compose/beacon-sender.ts'
import { limits } from '../../src/limits.ts'
import { beaconKey } from '../../src/oam/key-file.ts'
import type { NodeConfig } from '../../src/oam/node-config.ts'
import { parseNodeConfig } from '../../src/oam/node-config-load.ts'
import { type Beacon, decodeBeacon } from '../../src/wire/beacon.ts'
import { healthyStatus } from '../oam/status-fixture.ts'

const secret = 'k'.repeat(40)

/** A receiver on the loopback, the key file, and a sender that knows both. */
async function stage(t: ExecutionContext, beacon: Record<string, unknown> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'vccs-beacon-'))
  const keyFile = join(folder, 'beacon.key')
  writeFileSync(keyFile, secret, { mode: 0o600 })
  const socket = createSocket('udp4')
  const heard: (Beacon | string)[] = []
  const waiting: (() => void)[] = []
  socket.on('message', (bytes) => {
    heard.push(decodeBeacon(bytes, beaconKey(Buffer.from(secret))))
    for (const resolve of waiting.splice(0)) resolve()
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.on('error', (error) => t.log(error.message))
  const receivers = [{ address: '127.0.0.1', port: socket.address().port }]
  const written = { keyFile, group: null, interface: 'lo', receivers, ...beacon }
  const parsed = parseNodeConfig(`node: vccs-a
site: tower
links: [ { name: net-a, own: 192.168.1.200, peer: 192.168.1.201 } ]
pair: { keyFile: pair.key }
service: { address: 192.168.1.210, interface: eth0 }
beacon: ${JSON.stringify(written)}
`)
  if (!parsed.ok) throw new Error(parsed.failure.detail)
  const config: NodeConfig = parsed.value
  const alarms: string[] = []
  const sender = new BeaconSender({
    config,
    alarms: {
      raise: (code, _subject, detail) => alarms.push(`${code}: ${detail}`),
      clear: (code) => alarms.push(`${code} ended`),
    },
    status: healthyStatus,
  })
  t.teardown(() => {
    sender.close()
    socket.close()
    rmSync(folder, { recursive: true })
  })
  const next = async (count: number) => {
    while (heard.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  return { sender, heard, next, alarms, keyFile }
}

test('the primary sends every 2 s and at once when it begins, a standby nothing', async (t) => {
  const { sender, heard, next } = await stage(t)
  sender.advance('standby', 0)
  sender.advance('standby', 10_000)
  sender.advance('primary', 10_050)
  await next(1)
  // Nothing between the periods, and one at each.
  for (let ms = 10_100; ms <= 10_050 + 2 * limits.beaconMs; ms += 50) sender.advance('primary', ms)
  await next(3)
  sender.advance('standby', 14_100)
  sender.advance('primary', 14_150)
  await next(4)
  const sequences = heard.map((one) => (typeof one === 'string' ? one : one.sequence))
  t.deepEqual(sequences, [1, 2, 3, 4])
})

test('a standby speaks when it is configured to', async (t) => {
  const { sender, heard, next } = await stage(t, { standby: true, tags: { room: 'A1' } })
  sender.advance('standby', 5_000)
  await next(1)
  const [beacon] = heard
  if (beacon === undefined || typeof beacon === 'string') return t.fail(String(beacon))
  t.is(beacon.extension.length > 0, true)
})

test('without an address of its own, or without its key, the node raises an alarm and tries again', async (t) => {
  const noAddress = await stage(t, { interface: 'none0' })
  noAddress.sender.advance('primary', 0)
  await new Promise(setImmediate)
  t.deepEqual(noAddress.alarms, ['beacon-failed: none0 has no IPv4 address of this node'])
  const noKey = await stage(t)
  rmSync(noKey.keyFile)
  noKey.sender.advance('primary', 0)
  await new Promise(setImmediate)
  t.regex(noKey.alarms[0] ?? '', /^beacon-failed: key file .*no such file/)
  writeFileSync(noKey.keyFile, secret, { mode: 0o600 })
  noKey.sender.advance('primary', limits.beaconMs)
  await noKey.next(1)
  t.is(noKey.alarms.at(-1), 'beacon-failed ended')
})

test('a node file without a beacon sends none', (t) => {
  const parsed = parseNodeConfig(`node: vccs-a
site: tower
links: [ { name: net-a, own: 192.168.1.200, peer: 192.168.1.201 } ]
pair: { keyFile: pair.key }
service: { address: 192.168.1.210, interface: eth0 }
`)
  if (!parsed.ok) return t.fail(parsed.failure.detail)
  t.is(parsed.value.beacon, null)
  const sender = new BeaconSender({
    config: parsed.value,
    alarms: { raise: () => t.fail(), clear: () => t.fail() },
    status: () => {
      throw new Error('nobody asks')
    },
  })
  t.notThrows(() => sender.advance('primary', 0))
})
