//! Members of a bridge: mute, loudness, moves between bridges, the end of a member. Each holds from a
//! tick on, so that two nodes do it at the same instant.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import { aLawToLinear, linearToALaw } from '../../src/wire/g711.ts'
import { FakeNode, firstTick, legRecord, parsed, rtp, type Sent } from './fake-node.ts'
import { FakePair, members, voicePackets } from './fake-pair.ts'

/** A sine of this amplitude at the member. */
function hum(k: number, amplitude: number): Uint8Array {
  return Uint8Array.from({ length: 160 }, (_, i) =>
    linearToALaw(Math.round(amplitude * Math.sin(((k * 160 + i) * 2 * Math.PI) / 32))),
  )
}

function speak(node: FakeNode, ticks: number, amplitudes: readonly number[]): void {
  node.run(ticks, (tick, phase) => {
    if (phase !== 0) return
    const k = tick - firstTick
    for (const [n, amplitude] of amplitudes.entries()) {
      if (amplitude === 0) continue
      const voice = { ssrc: n + 1, sequence: k, timestamp: k * 160, payload: hum(k, amplitude) }
      node.sockets.arrive(20_000 + 2 * n, rtp(voice))
    }
  })
}

function loudness(sent: readonly Sent[]): number {
  const samples = sent.flatMap((one) => Array.from(parsed(one).payload, aLawToLinear))
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length)
}

function conference(legs: readonly WiredMedia[]): FakeNode {
  const node = new FakeNode()
  node.engine.setRole('primary')
  node.order({ kind: 'conference-set', legs: [...legs] })
  return node
}

test('the gain of a member is heard to half a decibel from -30 to +12', (t) => {
  for (const gainDb of [-30, -18, -6, 0, 6, 12]) {
    const node = conference([legRecord(0, { gainDb }), legRecord(1)])
    speak(node, 20, [6_000])
    node.takeSent(20_002)
    speak(node, 30, [6_000])
    const db = 20 * Math.log10(loudness(node.takeSent(20_002)) / (6_000 / Math.SQRT2))
    t.true(Math.abs(db - gainDb) < 0.5, `${gainDb} dB is heard as ${db}`)
  }
})

test('in a conference a member with more weight is louder than one with less', (t) => {
  const shares = [-12, 0, 12].map((gainDb) => {
    const node = conference([legRecord(0, { gainDb }), legRecord(1), legRecord(2)])
    // Two frequencies: both members speak, equally loud at their telephones.
    node.run(60, (tick, phase) => {
      if (phase !== 0) return
      const k = tick - firstTick
      for (const n of [0, 1]) {
        const payload = Uint8Array.from({ length: 160 }, (_, i) =>
          linearToALaw(Math.round(3_000 * Math.sin(((k * 160 + i) * 2 * Math.PI) / (16 << n)))),
        )
        const voice = { ssrc: n + 1, sequence: k, timestamp: k * 160, payload }
        node.sockets.arrive(20_000 + 2 * n, rtp(voice))
      }
    })
    const samples = node
      .takeSent(20_004)
      .slice(20)
      .flatMap((sent) => Array.from(parsed(sent).payload, aLawToLinear))
    const at = (period: number) => {
      const parts = [Math.cos, Math.sin].map((f) =>
        samples.reduce((sum, x, i) => sum + x * f((i * 2 * Math.PI) / period), 0),
      )
      return Math.hypot(...parts)
    }
    return at(16) / at(32)
  })
  const [less = 0, same = 0, more = 0] = shares
  t.true(Math.abs(same - 1) < 0.05, `equal: ${same}`)
  // Weights follow the loudness after the gain, so that a difference is heard as more than itself.
  t.true(less < 0.3 && more > 4, `${less} ${more}`)
})

test('a muted member is not heard from its tick on, hears the others, and its direction stays', (t) => {
  const node = conference([legRecord(0), legRecord(1)])
  speak(node, 40, [4_000, 2_000])
  node.takeSent(20_000)
  node.takeSent(20_002)
  const muted = legRecord(0, { muted: true, controlTick: node.tick + limits.decisionLeadTicks })
  node.order({ kind: 'member-update', leg: { ...muted, inputMaps: maps(node, 'm0') } })
  speak(node, limits.decisionLeadTicks, [4_000, 2_000])
  t.true(loudness(node.takeSent(20_002)) > 2_000)
  speak(node, 20, [4_000, 2_000])
  t.is(loudness(node.takeSent(20_002)), 8, 'silence, at once')
  t.true(loudness(node.takeSent(20_000)) > 1_000)
  const again = { ...muted, muted: false, controlTick: node.tick + 1, inputMaps: maps(node, 'm0') }
  node.order({ kind: 'member-update', leg: again })
  speak(node, 10, [4_000, 2_000])
  t.true(loudness(node.takeSent(20_002).slice(1)) > 2_000)
})

function maps(node: FakeNode, mediaId: string): WiredMedia['inputMaps'] {
  return node.maps.filter((message) => message.mediaId === mediaId).map(({ map }) => map)
}

test('a member ends at its tick for all, whenever its leg is deleted', (t) => {
  const endTick = firstTick + 50
  const deletions = [0, 3, 40].map((later) => {
    const node = conference([legRecord(0), legRecord(1), legRecord(2)])
    speak(node, 40, [4_000, 3_000])
    const leg = legRecord(0, { endTick, controlTick: endTick, inputMaps: maps(node, 'm0') })
    node.order({ kind: 'member-update', leg })
    speak(node, 10 + later, [4_000, 3_000])
    node.order({ kind: 'member-delete', mediaId: 'm0' })
    speak(node, 50 - later, [4_000, 3_000])
    t.is(node.takeSent(20_000).length, 50, 'nothing is sent to it from its last tick on')
    t.deepEqual([...node.engine.legs.keys()], ['m1', 'm2'])
    const bytes = [...node.takeSent(20_002), ...node.takeSent(20_004)].map((sent) => sent.bytes)
    return Buffer.concat(bytes).toString('hex')
  })
  t.is(deletions[1], deletions[0])
  t.is(deletions[2], deletions[0])
})

test('a deletion without a tick is what makes two nodes differ', (t) => {
  const heard = [0, 2].map((later) => {
    const node = conference([legRecord(0), legRecord(1), legRecord(2)])
    speak(node, 40 + later, [4_000, 3_000])
    node.order({ kind: 'member-delete', mediaId: 'm0' })
    speak(node, 20 - later, [4_000, 3_000])
    const bytes = node.takeSent(20_004).map((sent) => sent.bytes)
    return Buffer.concat(bytes).toString('hex')
  })
  t.not(heard[0], heard[1])
})

interface Change {
  readonly member: number
  readonly to: number
  readonly after: number
  readonly lateTicks: number
  readonly kind: 'move' | 'mute' | 'gain' | 'codec'
  readonly switchOver: boolean
}

const change: fc.Arbitrary<Change> = fc.record({
  member: fc.integer({ min: 0, max: members - 1 }),
  to: fc.integer({ min: 1, max: 6 }),
  after: fc.integer({ min: 1, max: 30 }),
  lateTicks: fc.constantFrom(0, 0, 2, 8, 15),
  kind: fc.constantFrom('move', 'move', 'mute', 'gain', 'codec'),
  switchOver: fc.boolean(),
})

function changed(record: WiredMedia, { kind, to }: Change): WiredMedia {
  if (kind === 'move') return { ...record, conferenceId: to }
  if (kind === 'mute') return { ...record, muted: to > 3 }
  if (kind === 'gain') return { ...record, gainDb: to * 2 - 6 }
  return to > 3
    ? { ...record, codec: 'PCMU', payloadType: 0 }
    : { ...record, codec: 'PCMA', payloadType: 8 }
}

/** @returns what one of two nodes did that the other one would not have done; null: nothing. */
function differenceAfter(changes: readonly Change[]): string | null {
  // Node 2 is told everything in time and never serves.
  const ticks = changes.reduce((sum, { after, lateTicks }) => sum + after + lateTicks, 110)
  const pair = new FakePair({
    packets: voicePackets(800).filter(({ atMs }) => atMs < ticks * 20),
    delayMs: (node, packet) => (node * 5 + packet * 7) % 20,
    nodes: 3,
  })
  pair.run(60)
  let primary = 0
  for (const one of changes) {
    pair.run(one.after)
    if (one.switchOver) {
      primary = 1 - primary
      pair.switchOver(primary)
    }
    const late = [0, 0, 0]
    late[1 - primary] = one.lateTicks
    pair.change(`m${one.member}`, (record) => changed(record, one), late)
    pair.run(one.lateTicks)
  }
  pair.run(40)
  const expected = new Map(pair.sent(2).map((sent) => [key(sent), content(sent)]))
  const missing = new Set(expected.keys())
  for (const n of [0, 1]) {
    const keys = pair.nodes[n]?.sockets.sent.map(key) ?? []
    if (new Set(keys).size < keys.length) return `node ${n} sends a packet twice`
    for (const sent of pair.sent(n)) {
      if (expected.get(key(sent)) !== content(sent)) return `node ${n} differs in ${key(sent)}`
    }
    for (const one of keys) missing.delete(one)
  }
  if (missing.size > 0) return `nobody sends ${[...missing].join(', ')}`
  return missingOfWitness(pair)
}

function missingOfWitness(pair: FakePair): string | null {
  for (const [n, ptimeMs] of [20, 10, 30, 20].entries()) {
    const numbers = pair
      .sent(2)
      .filter((sent) => sent.localPort === 20_000 + 2 * n)
      .map(({ bytes }) => ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0))
    const packets = Math.floor(((pair.tick - firstTick) * 20) / ptimeMs)
    if (numbers.length < packets - 2) return `leg ${n}: ${numbers.length} of ${packets}`
    if (!numbers.every((number, k) => number === 100 + k)) return `leg ${n} has a gap`
  }
  return null
}

test('who becomes primary just after it was told late leaves the voice to the peer until it is the same', (t) => {
  const told = { member: 0, to: 1, after: 1, lateTicks: 0, switchOver: false } as const
  const changes: Change[] = [
    { ...told, kind: 'gain', lateTicks: 8 },
    { ...told, kind: 'move', switchOver: true },
    { ...told, kind: 'move' },
  ]
  t.is(differenceAfter(changes), null)
})

test('legs move between bridges without a lost or doubled packet, at the same instant on both nodes', (t) => {
  const moves = fc.property(fc.array(change, { minLength: 4, maxLength: 14 }), (changes) => {
    const difference = differenceAfter(changes)
    if (difference !== null) throw new Error(difference)
  })
  t.notThrows(() => fc.assert(moves, { numRuns: 40 }))
})

function key({ localPort, bytes }: Sent): string {
  return `${localPort} ${((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)}`
}

function content({ bytes }: Sent): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

test('a leg says what it has sent and received now and then, and at its end', (t) => {
  const node = conference([legRecord(0), legRecord(1)])
  const periodTicks = limits.legStatisticsMs / limits.tickMs
  node.run(periodTicks, (tick, phase) => {
    const k = tick - firstTick
    // One in ten is lost on its way.
    if (phase !== 0 || k % 10 === 3) return
    const voice = { ssrc: 1, sequence: k, timestamp: k * 160, payload: hum(k, 1_000) }
    node.sockets.arrive(20_000, rtp(voice))
  })
  const told = () =>
    node.messages.flatMap((message) => (message.kind === 'leg-statistics' ? message.legs : []))
  t.deepEqual(
    told()
      .map(({ mediaId }) => mediaId)
      .toSorted(),
    ['m0', 'm1'],
  )
  t.true(told().every(({ ended }) => !ended))
  node.order({ kind: 'member-delete', mediaId: 'm0' })
  node.run(1)
  const last = told().at(-1)
  t.deepEqual(last, {
    mediaId: 'm0',
    packetsSent: periodTicks,
    packetsReceived: periodTicks - periodTicks / 10,
    packetsLost: periodTicks / 10,
    packetsLate: 0,
    jitterMsMax: last?.jitterMsMax ?? -1,
    farPacketsLost: 0,
    ended: true,
  })
  t.true((last?.jitterMsMax ?? -1) >= 0 && (last?.jitterMsMax ?? 99) < 20)
})
