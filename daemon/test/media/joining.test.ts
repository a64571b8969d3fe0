//! A conference grows, and the standby hears late of its new member: those who were there lose nothing, at
//! neither node, also when the primary dies meanwhile.
import test from 'ava'
import fc from 'fast-check'
import { FakeNode, firstTick, legRecord, payloadOf, rtp, type Sent } from './fake-node.ts'
import { FakePair, records, voicePackets } from './fake-pair.ts'

const newcomer = 3

interface Story {
  /** Members before. */
  readonly before: number
  readonly lateTicks: number
  /** The new member is silent for so many ticks. */
  readonly silentTicks: number
  /** Null: nobody dies. */
  readonly killAfter: number | null
  readonly step: number
}

const story: fc.Arbitrary<Story> = fc.record({
  before: fc.integer({ min: 1, max: 3 }),
  lateTicks: fc.integer({ min: 0, max: 25 }),
  silentTicks: fc.integer({ min: 0, max: 30 }),
  killAfter: fc.option(fc.integer({ min: 0, max: 40 })),
  step: fc.integer({ min: 1, max: 20 }),
})

interface Outcome {
  readonly pair: FakePair
  /** The standby was told before the new member was to be heard. */
  readonly inTime: boolean
  /** From this slot on the standby is the only one that serves. */
  readonly killSlot: number
}

function grow({ before, lateTicks, silentTicks, killAfter, step }: Story): Outcome {
  const [joins, ...legs] = [records[newcomer], ...records.slice(0, before)]
  if (joins === undefined) throw new Error('there is a record for it')
  const atTick = 60
  const speaksMs = (atTick + silentTicks) * 20
  const packets = voicePackets(200).filter(
    ({ port, atMs }) => port !== joins.localPort || atMs >= speaksMs,
  )
  const delayMs = (node: number, packet: number) => (node * 5 + packet * step) % 20
  // Node 2 is told everything in time and never serves.
  const pair = new FakePair({ packets, delayMs, nodes: 3, legs })
  pair.run(atTick)
  const toldTick = pair.tick + lateTicks
  pair.add(joins, [0, lateTicks, 0])
  const killTick = killAfter ?? 60
  pair.run(Math.max(killTick, lateTicks + 1))
  const heardFrom = pair.nodes[0]?.maps.find(({ mediaId }) => mediaId === joins.mediaId)
  const killSlot = killAfter === null ? Number.POSITIVE_INFINITY : pair.tick * 4
  if (killAfter !== null) pair.leave(0)
  pair.run(80)
  const fromTick = heardFrom?.map.fromTick ?? Number.POSITIVE_INFINITY
  return { pair, killSlot, inTime: toldTick + 5 <= fromTick }
}

function toMembers(sent: readonly Sent[], before: number): Map<string, string> {
  const own = sent.filter(({ localPort }) => localPort < 20_000 + 2 * before)
  return new Map(
    own.map(({ localPort, bytes }) => [
      `${localPort} ${Buffer.from(bytes).readUInt16BE(2)}`,
      Buffer.from(bytes).toString('hex'),
    ]),
  )
}

/** What is wrong at the standby; null: nothing. */
function faultOf(one: Story): string | null {
  const { pair, inTime, killSlot } = grow(one)
  const witness = pair.nodes[2]?.sockets.sent ?? []
  const expected = toMembers(witness, one.before)
  const all = pair.nodes[1]?.sockets.sent ?? []
  // Told later than that, it sent before what it believed, and alone it sends what it has.
  const compared = inTime ? all : pair.sent(1).filter(({ slot }) => slot < killSlot)
  for (const [key, hex] of toMembers(compared, one.before)) {
    if (expected.get(key) !== hex) return `the standby differs in ${key}`
  }
  const needed = toMembers(
    inTime ? witness : witness.filter(({ slot }) => slot >= killSlot),
    one.before,
  )
  const sent = toMembers(all, one.before)
  const lost = [...needed.keys()].filter((key) => !sent.has(key))
  return lost.length > 0 ? `the standby does not send ${lost.join(', ')}` : null
}

test('a member that the standby hears of late takes nothing from those who were there', (t) => {
  const property = fc.property(story, (one) => {
    const fault = faultOf(one)
    if (fault !== null) throw new Error(fault)
  })
  t.notThrows(() => fc.assert(property, { numRuns: 60 }))
})

test('half a second late, of a member that speaks only later: no packet is missing, none is another one', (t) => {
  const late = { before: 3, lateTicks: 25, silentTicks: 30, step: 7 } as const
  for (const killAfter of [null, 26, 30]) t.is(faultOf({ ...late, killAfter }), null)
})

test('a first map that is told after its tick is heard only in the frames that it shaped', (t) => {
  const node = new FakeNode()
  node.engine.setRole('standby')
  node.order({ kind: 'conference-set', legs: [legRecord(0), legRecord(1)] })
  node.run(20, (tick, phase) => {
    const k = tick - firstTick
    const voice = { ssrc: 9, sequence: k, timestamp: k * 160, payload: payloadOf(k) }
    if (phase === 0) node.sockets.arrive(20_002, rtp(voice))
  })
  node.takeSent(20_000)
  const map = { ssrc: 9, timestamp: 0, tick: firstTick + 2, fromTick: firstTick + 15 }
  node.order({ kind: 'member-update', leg: legRecord(1, { inputMaps: [map] }) })
  node.run(20)
  t.is(node.takeSent(20_000).length, 15)
})
