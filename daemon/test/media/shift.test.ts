//! The pair clock jumps by whole ticks together with the timelines of the legs (ADR 0001): no terminal
//! hears or sees anything of it.
import test from 'ava'
import type { Role } from '../../src/bus/messages.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import { linearToALaw } from '../../src/wire/g711.ts'
import { FakeNode, firstTick, legRecord, rtp } from './fake-node.ts'

const records = [
  legRecord(0, { eventPayloadType: 101 }),
  legRecord(1, { ptimeMs: 10, gainDb: 6, eventPayloadType: 101 }),
  legRecord(2, { ptimeMs: 30, gainDb: -7 }),
]

/** A node whose legs all speak, until its clock has gone by the first and by the other number of ticks.
 * @returns what it sent, in order, and the slots in which it did. */
function play(role: Role, shiftTicks: number | null) {
  const node = new FakeNode()
  node.engine.setRole('primary')
  node.order({ kind: 'conference-set', legs: records })
  let sequence = 0
  const speak = (_now: number, phase: number) => {
    if (phase !== 1) return
    sequence++
    for (const [n] of records.entries()) {
      const timestamp = sequence * 160
      const payload = Uint8Array.from({ length: 160 }, (_, i) =>
        linearToALaw(Math.round(Math.sin((timestamp + i) * 0.1 * (n + 1)) * 3_000)),
      )
      node.sockets.arrive(20_000 + 2 * n, rtp({ ssrc: n + 1, sequence, timestamp, payload }))
    }
  }
  node.run(40, speak)
  for (const record of records) {
    node.order({ kind: 'member-update', leg: { ...record, inputMaps: mapsOf(node, record) } })
  }
  node.engine.setRole(role)
  const before = node.sockets.sent.length
  // A change that waits for its tick while the clock jumps.
  const later = legRecord(1, { ...records[1], controlTick: firstTick + 45, gainDb: -20 })
  node.order({ kind: 'member-update', leg: { ...later, inputMaps: mapsOf(node, later) } })
  if (shiftTicks !== null) {
    node.engine.shift(shiftTicks)
    node.skip(shiftTicks)
  }
  node.run(60, speak)
  const moved = (shiftTicks ?? 0) * 4
  return node.sockets.sent.map(({ localPort, slot, bytes }, index) => ({
    localPort,
    slot: index < before ? slot : slot - moved,
    hex: Buffer.from(bytes).toString('hex'),
  }))
}

function mapsOf(node: FakeNode, record: WiredMedia) {
  return node.maps.filter(({ mediaId }) => mediaId === record.mediaId).map(({ map }) => map)
}

for (const role of ['primary', 'standby'] as const) {
  for (const shiftTicks of [1, 7, -33, 1_000_003]) {
    test(`a ${role} whose clock jumps by ${shiftTicks} ticks sends what it would have sent`, (t) => {
      const plain = play(role, null)
      t.true(plain.length > 300)
      t.deepEqual(play(role, shiftTicks), plain)
    })
  }
}
