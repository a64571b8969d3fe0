//! All links and the terminal LAN are cut in two, both nodes serve, and all heals: one primary, and the
//! calls of both halves go on without a lost packet (ADR 0001).
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Capture } from '../../scripts/capture/capture.ts'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import type { NodeName } from '../../scripts/net/netns.ts'
import { until } from '../../scripts/waiting.ts'
import { heard, lostIn, type PhonePair, putDown, talk } from './call.ts'

const members = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'] as const
type Member = (typeof members)[number]
let lab: Lab
/** On the half of a, on the half of b, and with one telephone on each half. */
let calls: readonly PhonePair[]

interface LogLine {
  readonly text: string
  readonly time: string
  readonly unit: string
  readonly [field: string]: unknown
}

/** The node that comes first is primary; the other one takes over when all is cut, has the higher term,
 * and wins. */
async function start(first: NodeName): Promise<void> {
  const users = labUsers(1001, members.length)
  lab = Lab.create({ members, users, secondHalf: ['p3', 'p4', 'p6'] })
  const node = first === 'a' ? lab.a : lab.b
  await node.start()
  await lab.primary()
  await lab.other(node).start()
  await lab.loadSite()
  await lab.inStep()
  const phones = await Promise.all(
    members.map((member, index) =>
      lab.phone(member, { user: `${1001 + index}`, toneHz: 437.5 + 50 * index, answer: 'auto' }),
    ),
  )
  calls = [0, 2, 4].flatMap((at) => {
    const [caller, callee] = [phones[at], phones[at + 1]]
    return caller === undefined || callee === undefined ? [] : [{ caller, callee }]
  })
}

test.afterEach.always(async () => {
  await lab?.close()
})

async function part(): Promise<void> {
  lab.network.splitLan()
  for (const link of lab.network.links) lab.network.cut(link)
  await until(
    async () => {
      const opinions = await Promise.all([lab.a, lab.b].map((node) => node.opinion()))
      return opinions.every(({ role }) => role === 'primary')
    },
    { what: 'two primaries' },
  )
}

/** @returns when it was done, Unix milliseconds. */
function heal(): number {
  lab.network.joinLan()
  const atMs = Date.now()
  for (const link of lab.network.links) lab.network.heal(link)
  return atMs
}

function lines(node: LabNode, text: string, sinceMs: number): LogLine[] {
  return node
    .wholeLog()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine)
    .filter((line) => line.text === text && Date.parse(line.time) >= sinceMs)
}

async function liveCalls(node: LabNode): Promise<number> {
  return (await node.opinion()).service?.calls ?? -1
}

/** Ports and bridge numbers in use. */
async function resources(node: LabNode): Promise<number> {
  const { sync } = await node.opinion()
  return sync?.tables.find(({ table }) => table === 'conference-resource')?.records ?? -1
}

async function allPackets(captures: readonly Capture[]): Promise<Map<Member, UdpPacket[]>> {
  const packets = await Promise.all(captures.map((capture) => capture.stop()))
  return new Map(members.map((member, index) => [member, packets[index] ?? []]))
}

async function holdsAndResumes(t: ExecutionContext, pair: PhonePair): Promise<void> {
  const { caller } = pair
  await caller.hold()
  await delay(300)
  await caller.resume()
  await delay(300)
  t.pass()
}

for (const winner of ['a', 'b'] as const) {
  test.serial(
    `both halves go on when two primaries meet and ${winner} stays primary`,
    async (t) => {
      await start(winner === 'a' ? 'b' : 'a')
      const [near, far, across] = calls
      if (!near || !far || !across) throw new Error('no telephones')
      await talk(across)
      await part()
      const captures = await Promise.all(members.map((member) => lab.capture(member)))
      await Promise.all([talk(near), talk(far)])
      await delay(1_500)
      const healedMs = heal()
      const primary = await lab.inStep()
      t.is(primary.node, winner)
      const loser = lab.other(primary)
      const [lost] = lines(loser, 'role', healedMs).filter(({ unit }) => unit === 'pair')
      const oneAfterMs = Date.parse(lost?.time ?? '') - healedMs
      const [gave] = lines(loser, 'merge', healedMs)
      const [took] = lines(primary, 'merge', healedMs)
      t.log({ oneAfterMs, gave, took })
      t.true(oneAfterMs <= 200)
      t.true(gave?.ok)
      t.deepEqual(took?.closed, [])
      t.is(await liveCalls(primary), 3)
      t.is(await liveCalls(loser), 3)
      await delay(2_000)
      const judgedMs = Date.now()
      for (const pair of calls) await holdsAndResumes(t, pair)
      for (const pair of calls) await putDown(pair.callee, pair)
      const packets = await allPackets(captures)
      for (const member of members) {
        const address = lab.network.address(member)
        const there = packets.get(member) ?? []
        t.true(heard(there, address).length > 0, member)
        const window = { fromMs: healedMs - 1_000, toMs: judgedMs }
        t.is(lostIn(there, address, window), 0, `lost by ${member}`)
        const refused = sipMessages(there).filter(({ status }) => (status ?? 0) >= 400)
        t.deepEqual(
          refused.map(({ status }) => status),
          [],
          member,
        )
      }
      t.is(await lab.inStep(), primary)
      for (const node of [lab.a, lab.b]) {
        await until(async () => (await resources(node)) === 0, { what: `ports of ${node.name}` })
        t.is(await liveCalls(node), 0)
      }
    },
  )
}
