//! All links and the terminal LAN are cut in two, both nodes serve, and all heals: one primary, and the
//! calls of both halves go on without a lost packet (ADR 0001).
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Capture } from '../../scripts/capture/capture.ts'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab, type LabOptions } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import type { NodeName } from '../../scripts/net/netns.ts'
import type { BaresipPhone } from '../../scripts/phones/baresip.ts'
import { until } from '../../scripts/waiting.ts'
import { heard, heardWhole, lostIn, type PhonePair, putDown, talk } from './call.ts'

const members = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'] as const
type Member = (typeof members)[number]
/** One telephone on each half cannot take a packet twice. */
const singles = ['1002', '1004']
const toneHz = [437.5, 487.5, 537.5, 587.5, 637.5, 687.5] as const
let lab: Lab
/** On the half of a, on the half of b, and with one telephone on each half. */
let calls: readonly PhonePair[]

interface LogLine {
  readonly text: string
  readonly time: string
  readonly unit: string
  readonly ok?: boolean
  readonly closed?: readonly { readonly rule: string }[]
  readonly [field: string]: unknown
}

/** The node that comes first is primary; the other one takes over when all is cut, has the higher term,
 * and wins. */
async function start(first: NodeName): Promise<void> {
  await startPair(first)
  const phones = await Promise.all(
    members.map((member, index) =>
      lab.phone(member, { user: `${1001 + index}`, toneHz: toneHz[index] ?? 0, answer: 'auto' }),
    ),
  )
  calls = [0, 2, 4].flatMap((at) => {
    const [caller, callee] = [phones[at], phones[at + 1]]
    return caller === undefined || callee === undefined ? [] : [{ caller, callee }]
  })
}

async function startPair(first: NodeName, more: Partial<LabOptions> = {}): Promise<void> {
  const users = labUsers(1001, members.length).map((user) =>
    singles.includes(user.user) ? { ...user, twin: false } : user,
  )
  lab = Lab.create({ members, users, secondHalf: ['p3', 'p4', 'p6'], ...more })
  const node = first === 'a' ? lab.a : lab.b
  await node.start()
  await lab.primary()
  await lab.other(node).start()
  await lab.loadSite()
  await lab.inStep()
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
      // Who has lost says so before it gives what it has.
      t.true(Date.parse(lost?.time ?? '') <= Date.parse(gave?.time ?? ''))
      t.true(gave?.ok)
      t.deepEqual(took?.closed, [])
      const told = await primary.cli('history')
      t.regex(told.output, /stays primary +term \d+ +\(merge\)[\s\S]*closed +none/)
      t.regex((await loser.cli('history')).output, /becomes standby .*\(merge\)/)
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

test.serial('a number that was called on both halves keeps the older call', async (t) => {
  await startPair('a')
  const near = await Promise.all([
    lab.phone('p1', { user: '1001', toneHz: 437.5, answer: 'auto' }),
    lab.phone('p2', { user: '1002', toneHz: 487.5, answer: 'auto' }),
  ])
  const far = await lab.phone('p3', { user: '1003', toneHz: 537.5, answer: 'auto' })
  await part()
  await talk({ caller: near[0], callee: near[1] })
  // On the other half another telephone logs in with that number, and is called.
  const second = await lab.phone('p4', { user: '1002', toneHz: 587.5, answer: 'auto' })
  const younger = { caller: far, callee: second }
  await talk(younger)
  const captures = await Promise.all(members.map((member) => lab.capture(member)))
  await delay(1_500)
  const closed = [far, second].map((phone) => phone.next('CALL_CLOSED'))
  const healedMs = heal()
  await Promise.all(closed)
  const primary = await lab.inStep()
  const [took] = lines(primary, 'merge', healedMs)
  t.is(took?.closed?.[0]?.rule, 'same-terminal')
  t.regex((await primary.cli('history')).output, /closed +\S+ \(same-terminal\)/)
  t.is(await liveCalls(primary), 1)
  t.is(await liveCalls(lab.other(primary)), 1)
  await delay(1_000)
  const judgedMs = Date.now()
  await putDown(near[0], { caller: near[0], callee: near[1] })
  const packets = await allPackets(captures)
  for (const member of ['p1', 'p2'] as const) {
    const window = { fromMs: healedMs - 1_000, toMs: judgedMs }
    const there = packets.get(member) ?? []
    t.is(lostIn(there, lab.network.address(member), window), 0, `lost by ${member}`)
  }
  for (const member of ['p3', 'p4'] as const) {
    const byes = sipMessages(packets.get(member) ?? []).filter(
      ({ method, status, destination }) =>
        method === 'BYE' && status === undefined && destination === lab.network.address(member),
    )
    t.true(byes.length > 0, member)
    for (const { text } of byes) t.regex(text, /^Reason: SIP ?;cause=480 ?;text="same-terminal"/m)
  }
  for (const node of [lab.a, lab.b]) {
    await until(async () => (await resources(node)) === 0, { what: `ports of ${node.name}` })
  }
})

test.serial('clocks that went apart by far: nobody hears how one of them jumps', async (t) => {
  await startPair('a', { secondsAhead: { b: 100 } })
  const one = await lab.phone('p1', { user: '1001', toneHz: 437.5, answer: 'auto' })
  const two = await lab.phone('p2', { user: '1002', toneHz: 487.5, answer: 'auto' })
  await part()
  // As after a loss of power: b counts its ticks by a clock that nobody has seen.
  lab.b.killAll()
  rmSync(join(lab.directory, 'b/run/pair-clock.json'))
  await lab.b.start()
  await until(async () => (await lab.b.opinion()).role === 'primary', { what: 'b serving' })
  const three = await lab.phone('p3', { user: '1003', toneHz: 537.5, answer: 'auto' })
  const four = await lab.phone('p4', { user: '1004', toneHz: 587.5, answer: 'auto' })
  const captures = await Promise.all(members.map((member) => lab.capture(member)))
  await Promise.all([talk({ caller: one, callee: two }), talk({ caller: three, callee: four })])
  await delay(1_500)
  const healedMs = heal()
  const primary = await lab.inStep()
  const [gave] = lines(lab.other(primary), 'merge', healedMs)
  t.log({ gave })
  t.true(Math.abs(Number(gave?.shiftTicks)) > 4_000)
  t.is(await liveCalls(primary), 2)
  await delay(2_000)
  const judgedMs = Date.now()
  await putDown(two, { caller: one, callee: two })
  await putDown(three, { caller: three, callee: four })
  const packets = await allPackets(captures)
  for (const member of ['p1', 'p2', 'p3', 'p4'] as const) {
    const window = { fromMs: healedMs - 1_000, toMs: judgedMs }
    const there = packets.get(member) ?? []
    t.is(lostIn(there, lab.network.address(member), window), 0, `lost by ${member}`)
  }
  const heardBy = (member: Member, phone: BaresipPhone, hears: number) => {
    const address = lab.network.address(member)
    return { phone, address, toneHz: hears, packets: packets.get(member) ?? [] }
  }
  // Who has no twin hears nothing for the 40 ms after the change in which the winner knows no voice yet.
  heardWhole(t, [heardBy('p1', one, toneHz[1]), heardBy('p3', three, toneHz[3])])
})
