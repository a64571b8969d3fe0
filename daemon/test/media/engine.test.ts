//! The engine in virtual time: input, mapping, commands, output.
import test from 'ava'
import type { InputMap } from '../../src/tables/wired-media.ts'
import { FakeNode, firstTick, legRecord, parsed, payloadOf, rtp } from './fake-node.ts'

const ssrc = 0xabc
const silence = new Uint8Array(160).fill(0xd5)

/** Both legs in one bridge, leg 0 speaks packet k at tick firstTick + k. */
function talk(node: FakeNode, ticks: number, lost: (k: number) => boolean = () => false): void {
  node.run(ticks, (tick, phase) => {
    const k = tick - firstTick
    if (phase !== 1 || lost(k)) return
    const sequence = k & 0xffff
    node.sockets.arrive(
      20_000,
      rtp({ ssrc, sequence, timestamp: k * 160 + 7_000, payload: payloadOf(k) }),
    )
  })
}

function twoParties(more: Parameters<typeof legRecord>[1] = {}): FakeNode {
  const node = new FakeNode()
  node.engine.setRole('primary')
  node.order({ kind: 'member-add', leg: legRecord(0, more) })
  node.order({ kind: 'member-add', leg: legRecord(1, more) })
  return node
}

function payloads(node: FakeNode, port: number): Uint8Array[] {
  return node.takeSent(port).map((sent) => parsed(sent).payload)
}

test('the primary maps a new stream six ticks ahead and plays it without a change', (t) => {
  const node = twoParties()
  talk(node, 40)
  const map = node.maps[0]?.map
  t.is(node.maps.length, 1)
  t.is(map?.fromTick, firstTick + 2 + 6)
  const heard = payloads(node, 20_002)
  t.is(heard.length, 40)
  t.deepEqual(heard.slice(0, 8), new Array(8).fill(silence))
  // Two ticks of delay, and packets are frames.
  for (let n = 8; n < 40; n++) t.deepEqual(heard[n], payloadOf(n - 2), `tick ${n}`)
})

test('a lost packet is concealed by a fading repetition, and the next ones are in place', (t) => {
  const whole = twoParties()
  const holed = twoParties()
  talk(whole, 40)
  talk(holed, 40, (k) => k === 20)
  const expected = payloads(whole, 20_002)
  const heard = payloads(holed, 20_002)
  const differ = heard.flatMap((payload, n) =>
    Buffer.compare(payload, expected[n] ?? silence) === 0 ? [] : [n],
  )
  t.deepEqual(differ, [22])
  t.false(Buffer.from(heard[22] ?? silence).equals(silence))
  t.is(holed.engine.counters.packetsLost, 1)
})

test('reordered and repeated packets are heard as if they had come in order, once', (t) => {
  const plain = twoParties()
  const shaken = twoParties()
  talk(plain, 60)
  shaken.run(60, (tick, phase) => {
    if (phase !== 1) return
    const k = tick - firstTick
    // After the first ten, pairs come late and swapped, each packet twice.
    const now = k < 10 ? [k] : k % 2 === 1 ? [k, k - 1, k] : []
    for (const j of now) {
      const voice = { ssrc, sequence: j, timestamp: j * 160 + 7_000, payload: payloadOf(j) }
      shaken.sockets.arrive(20_000, rtp(voice))
    }
  })
  t.deepEqual(payloads(shaken, 20_002), payloads(plain, 20_002))
  t.is(shaken.engine.counters.packetsLate, 0)
})

test('a stream with another SSRC takes over after three packets', (t) => {
  const node = twoParties()
  talk(node, 30)
  node.run(30, (tick, phase) => {
    if (phase !== 1) return
    const k = tick - firstTick
    const voice = { ssrc: 99, sequence: k, timestamp: k * 160 + 12_345, payload: payloadOf(k) }
    node.sockets.arrive(20_000, rtp(voice))
  })
  t.deepEqual(
    node.maps.map(({ map }) => [map.ssrc, map.fromTick - firstTick]),
    [
      [ssrc, 8],
      [99, 38],
    ],
  )
  const heard = payloads(node, 20_002)
  t.deepEqual(heard[50], payloadOf(48))
})

test('a fast and a slow sender clock are followed for minutes without a loss', (t) => {
  for (const skew of [1.0005, 0.9995]) {
    const node = twoParties()
    let sent = 0
    node.run(15_000, (tick, phase) => {
      const elapsedMs = (tick - firstTick) * 20 + phase * 5
      while (sent * 20 <= elapsedMs * skew) {
        const voice = {
          ssrc,
          sequence: sent & 0xffff,
          timestamp: sent * 160,
          payload: payloadOf(sent & 255),
        }
        node.sockets.arrive(20_000, rtp(voice))
        sent++
      }
      node.sockets.sent.length = 0
    })
    // 300 s at 500 ppm are 150 ms: about fifteen shifts of 10 ms.
    t.true(node.maps.length >= 13 && node.maps.length <= 18, `${node.maps.length} maps`)
    t.is(node.engine.counters.packetsLate, 0)
    t.is(node.engine.counters.packetsLost, 0)
    const last = node.maps.at(-1)?.map
    const play = ((last?.timestamp ?? 0) + 160 * (node.tick - 1 - (last?.tick ?? 0))) >>> 0
    const ahead = sent * 160 - play
    t.true(ahead > 160 && ahead < 800, `${ahead} samples are held`)
  }
})

test('a standby maps nothing, and plays with the maps it is given', (t) => {
  const node = twoParties()
  node.engine.setRole('standby')
  talk(node, 20)
  t.deepEqual(node.maps, [])
  t.deepEqual(payloads(node, 20_002), new Array(20).fill(silence))
  const map: InputMap = {
    ssrc,
    timestamp: 7_000 + 26 * 160,
    tick: firstTick + 28,
    fromTick: firstTick + 28,
  }
  node.order({ kind: 'member-update', leg: legRecord(0, { inputMaps: [map] }) })
  talk(node, 20)
  t.deepEqual(payloads(node, 20_002)[15], payloadOf(33))
})

test('packet times of 10 and 30 ms carry the same voice as 20 ms', (t) => {
  const joined = (ptimeMs: 10 | 20 | 30) => {
    const node = twoParties({ ptimeMs })
    talk(node, 61)
    const sent = node.takeSent(20_002)
    const samples = ptimeMs * 8
    for (const [k, packet] of sent.entries()) {
      t.is(parsed(packet).timestamp, 5_000 + k * samples)
      t.is(parsed(packet).sequence, 100 + k)
      t.is(parsed(packet).payload.length, samples)
      t.is(parsed(packet).marker, k === 0)
      const atSlot = ptimeMs === 30 ? 4 + 6 * k : (ptimeMs / 5) * k
      t.is(packet.slot, firstTick * 4 + 1 + atSlot)
    }
    return Buffer.concat(sent.map((packet) => parsed(packet).payload)).subarray(0, 60 * 160)
  }
  const expected = joined(20)
  t.deepEqual(joined(10), expected)
  t.deepEqual(joined(30), expected)
})

test('any packet time from 10 to 60 ms and either law is understood', (t) => {
  for (const milliseconds of [10, 20, 30, 40, 50, 60]) {
    const node = twoParties()
    const samples = milliseconds * 8
    node.run(60, (tick, phase) => {
      const atMs = (tick - firstTick) * 20 + phase * 5
      if (atMs % milliseconds !== 0) return
      const k = atMs / milliseconds
      const payload = payloadOf(k, samples)
      node.sockets.arrive(20_000, rtp({ ssrc, sequence: k, timestamp: k * samples, payload }))
    })
    const said = Buffer.concat(Array.from({ length: 200 }, (_, k) => payloadOf(k, samples)))
    const heard = Buffer.concat(payloads(node, 20_002).slice(30))
    t.true(said.includes(heard), `${milliseconds} ms`)
    t.is(node.engine.counters.packetsLate, 0)
  }
})

test('new parameters hold from their tick on, not before', (t) => {
  const node = twoParties()
  talk(node, 20)
  const controlTick = node.tick + 10
  const record = legRecord(1, { codec: 'PCMU', payloadType: 0, controlTick })
  node.order({ kind: 'member-update', leg: record })
  talk(node, 20)
  const types = node.takeSent(20_002).map((sent) => parsed(sent).payloadType)
  t.deepEqual(types, [...new Array(30).fill(8), ...new Array(10).fill(0)])
})

test('directions decide who is heard and who is sent to; time goes on in silence', (t) => {
  const node = twoParties()
  node.order({ kind: 'member-add', leg: legRecord(2, { direction: 'sendonly' }) })
  node.order({ kind: 'member-add', leg: legRecord(3, { direction: 'recvonly' }) })
  node.order({ kind: 'member-add', leg: legRecord(4, { direction: 'inactive' }) })
  const voice = (k: number) => rtp({ ssrc, sequence: k, timestamp: k * 160, payload: payloadOf(k) })
  node.run(30, (tick, phase) => {
    if (phase === 1) node.sockets.arrive(20_004, voice(tick - firstTick))
  })
  t.deepEqual(payloads(node, 20_002), new Array(30).fill(silence))
  node.run(30, (tick, phase) => {
    if (phase === 1) node.sockets.arrive(20_006, voice(tick - firstTick))
  })
  t.deepEqual(payloads(node, 20_004)[59], payloadOf(57))
  t.is(node.takeSent(20_006).length + node.takeSent(20_008).length, 0)
  node.order({ kind: 'member-update', leg: legRecord(4, { direction: 'sendonly' }) })
  node.run(2)
  t.is(parsed(node.takeSent(20_008)[0] ?? t.fail()).sequence, 100 + 60)
})

test('a leg without a twin is silent until its node is the primary', (t) => {
  const node = new FakeNode()
  node.order({ kind: 'member-add', leg: legRecord(0, { twin: false }) })
  node.engine.setRole('standby')
  node.run(10)
  t.is(node.takeSent(20_000).length, 0)
  node.engine.setRole('primary')
  node.run(1)
  t.is(parsed(node.takeSent(20_000)[0] ?? t.fail()).sequence, 110)
})

test('a leg that moves to another bridge misses no packet', (t) => {
  for (const conferenceId of [2, 3, 4, 5]) {
    const node = twoParties()
    node.run(5)
    node.order({ kind: 'member-update', leg: legRecord(0, { conferenceId }) })
    node.run(5)
    const sequences = node.takeSent(20_000).map((sent) => parsed(sent).sequence)
    t.deepEqual(
      sequences,
      Array.from({ length: 10 }, (_, k) => 100 + k),
    )
  }
})
