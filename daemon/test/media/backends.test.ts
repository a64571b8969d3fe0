//! Both back ends as real processes with real sockets on loopback.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import { parseRtp, type RtpPacket } from '../../src/wire/rtp.ts'
import { legRecord, payloadOf, rtp } from './fake-node.ts'
import { type LiveOptions, LiveUnit } from './live-unit.ts'

interface Phone {
  readonly socket: Socket
  readonly port: number
  readonly heard: RtpPacket[]
  /** Resolves when the packet that `test` wants is heard. */
  until(test: (packet: RtpPacket) => boolean): Promise<RtpPacket>
}

async function openPhone(address: string): Promise<Phone> {
  const socket = createSocket('udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  // A unit that closes its port before the last packet is told by ICMP.
  socket.on('error', () => undefined)
  const heard: RtpPacket[] = []
  const waiting = new Set<(packet: RtpPacket) => void>()
  socket.on('message', (bytes) => {
    const packet = parseRtp(Uint8Array.from(bytes))
    if (packet === null) return
    heard.push(packet)
    for (const tell of waiting) tell(packet)
  })
  return {
    socket,
    port: socket.address().port,
    heard,
    until: (wanted) =>
      new Promise((resolve) => {
        const tell = (packet: RtpPacket) => {
          if (!wanted(packet)) return
          waiting.delete(tell)
          resolve(packet)
        }
        waiting.add(tell)
      }),
  }
}

/** Sends one voice until it is stopped. */
function speak(phone: Phone, to: { port: number; address: string }): () => void {
  let k = 0
  const timer = setInterval(() => {
    const voice = { ssrc: 5, sequence: k & 0xffff, timestamp: k * 160, payload: payloadOf(k) }
    phone.socket.send(rtp(voice), to.port, to.address)
    k++
  }, 20)
  return () => clearInterval(timer)
}

function isVoice(packet: RtpPacket): boolean {
  return packet.payload.some((code) => code !== 0xd5)
}

async function carriesACall(t: ExecutionContext, options: LiveOptions): Promise<void> {
  const unit = new LiveUnit()
  const phoneAddress = '127.0.0.9'
  const phones = await Promise.all([1, 2, 3].map(() => openPhone(phoneAddress)))
  const [one, two, stranger] = phones
  if (one === undefined || two === undefined || stranger === undefined) throw new Error('phones')
  try {
    await unit.start(options)
    unit.tell('pair', {
      kind: 'role',
      role: 'primary',
      alone: true,
      term: 1,
      because: 'test',
      peerServedAtMs: null,
    })
    const { tick } = await unit.until('media-alive')
    const leg = (n: number, phone: Phone): WiredMedia =>
      legRecord(n, {
        localPort: 31_000 + 2 * n,
        terminalAddress: phoneAddress,
        remotePort: phone.port,
        seq0: 65_530,
        eventPayloadType: 101,
        tick0: tick + 10,
      })
    const legs = [leg(0, one), leg(1, two)]
    for (const record of legs) t.true((await unit.order({ kind: 'member-add', leg: record })).ok)
    const taken = await unit.order({
      kind: 'member-add',
      leg: { ...leg(2, one), localPort: 31_000 },
    })
    t.deepEqual([taken.ok, taken.detail], [false, 'port 31000: is in use'])

    const firstMap = unit.until('input-mapped')
    const stop = speak(one, { port: 31_000, address: options.serviceAddress })
    const stopStranger = speak(stranger, { port: 31_002, address: options.serviceAddress })
    t.is((await firstMap).mediaId, 'm0')
    await two.until(isVoice)
    await two.until(isVoice)

    // The switch goes away and comes back: the legs go on, and equal ones stay as they are.
    const heardBefore = two.heard.length
    await unit.loseSwitch(options)
    legs[0] = { ...leg(0, one), inputMaps: unit.maps('m0') }
    t.true((await unit.order({ kind: 'conference-set', legs })).ok)
    await two.until(isVoice)
    t.true(two.heard.length > heardBefore)
    stop()
    stopStranger()

    // A machine that stalls may skip packets, but never sends one with wrong numbers.
    for (const phone of [one, two]) {
      const packets = phone.heard.map(({ sequence }) => (sequence - 65_530) & 0xffff)
      t.deepEqual(
        packets,
        [...new Set(packets)].sort((a, b) => a - b),
      )
      t.deepEqual(
        phone.heard.map(({ timestamp }) => timestamp),
        packets.map((k) => 5_000 + 160 * k),
      )
    }
    // Nobody but the phone of the SDP is heard.
    t.false(one.heard.some(isVoice))
    const statistics = await unit.until('media-statistics', ({ legs }) => legs === 2)
    t.is(statistics.backend, options.backend)

    // A key of the telephone reaches the switch, and so does the last word about each leg.
    const digit = unit.until('digit')
    const event = { ssrc: 5, sequence: 9_000, timestamp: 900_000, payloadType: 101 }
    const key = rtp({ ...event, payload: Uint8Array.of(11, 10, 0, 160) })
    for (let copy = 0; copy < 3; copy++) one.socket.send(key, 31_000, options.serviceAddress)
    t.like(await digit, { mediaId: 'm0', digit: '#', mark: '5.900000' })

    const lastWords = legs.map(({ mediaId }) =>
      unit.until('leg-statistics', (message) =>
        message.legs.some((leg) => leg.mediaId === mediaId && leg.ended),
      ),
    )
    const ended = unit.until('conference-ended')
    for (const { mediaId } of legs) await unit.order({ kind: 'member-delete', mediaId })
    t.is((await ended).conferenceId, 1)
    const told = (await Promise.all(lastWords)).flatMap((message) => message.legs)
    t.true(told.some((leg) => leg.mediaId === 'm0' && leg.packetsReceived > 0))
    t.is(unit.messages.filter((message) => message.kind === 'digit').length, 1)
    const free = createSocket('udp4')
    free.bind(31_000, options.serviceAddress)
    await once(free, 'listening')
    free.close()
  } finally {
    for (const phone of phones) phone.socket.close()
    await unit.stop()
  }
}

test('the FFI back end carries a call, over a bus of unix sockets', (t) =>
  carriesACall(t, { backend: 'ffi', serviceAddress: '127.0.0.21' }))

test('the dgram back end carries a call, over a bus of unix sockets', (t) =>
  carriesACall(t, { backend: 'dgram', serviceAddress: '127.0.0.22' }))

test('the FFI back end carries a call, over a bus of TCP', (t) =>
  carriesACall(t, { backend: 'ffi', serviceAddress: '127.0.0.23', tcpPort: 31_710 }))
