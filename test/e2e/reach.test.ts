//! The three ways in which terminals reach the pair: in each, a call goes on through the death of the
//! primary, the return of the dead node and a planned switchover. What the system missed of the
//! terminals' own voice meanwhile is measured.
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { ReachMode } from '../../daemon/src/oam/node-config.ts'
import type { Capture } from '../../scripts/capture/capture.ts'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'
import { isRtp } from '../../scripts/capture/rtp-analysis.ts'
import { between, ofTerminal, sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { lanInterface, serviceAddress, serviceAddressB } from '../../scripts/net/netns.ts'
import { knowsTwoServers } from '../../scripts/net/two-servers.ts'
import { until } from '../../scripts/waiting.ts'
import { lostIn, type PhonePair, putDown, registerPhones, talk, wholeTones } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { twinsEqual } from './twins.ts'

const members = ['p1', 'p2'] as const
type Member = (typeof members)[number]

interface Story {
  readonly t: ExecutionContext
  readonly mode: ReachMode
  readonly lab: Lab
  readonly pair: PhonePair
  readonly watch: SilentStandbyWatch
  /** What comes to and leaves each node. */
  readonly atNode: ReadonlyMap<LabNode, Capture>
  readonly atPhone: Readonly<Record<Member, Capture>>
}

interface Happened {
  readonly first: LabNode
  readonly second: LabNode
  readonly killMs: number
  readonly backMs: number
  readonly switchMs: number
  readonly endMs: number
}

/** The lab of the last test, for the next one if it asks for the same. */
let last: { readonly name: string; readonly lab: Lab; readonly pair: PhonePair } | undefined

test.afterEach.always(async () => {
  await Promise.allSettled([last?.pair.caller.hangUp(), last?.pair.callee.hangUp()])
})

test.after.always(() => last?.lab.close())

async function begin(
  t: ExecutionContext,
  mode: ReachMode,
  mediaBackend: 'ffi' | 'dgram' = 'ffi',
): Promise<Story> {
  const name = `${mode} ${mediaBackend}`
  if (last?.name !== name) {
    await last?.lab.close()
    last = undefined
    const lab = await Lab.start({ members, users: labUsers(1001, 2), reach: mode, mediaBackend })
    t.teardown(() => (last === undefined ? lab.close() : undefined))
    if (mode === 'direct') {
      const servers = { first: serviceAddress, second: serviceAddressB }
      for (const member of members) knowsTwoServers(lab.network, member, servers)
    }
    last = { name, lab, pair: await registerPhones(lab) }
  }
  const { lab, pair } = last
  await lab.bothRun()
  const watch = await SilentStandbyWatch.start(lab)
  const [a, b, p1, p2] = await Promise.all([
    lab.capture('a', 'udp portrange 5060-65535'),
    lab.capture('b', 'udp portrange 5060-65535'),
    lab.capture('p1'),
    lab.capture('p2'),
  ])
  const atNode = new Map([
    [lab.a, a],
    [lab.b, b],
  ])
  return { t, mode, lab, pair, watch, atNode, atPhone: { p1, p2 } }
}

/** A call through kill, return and switchover. */
async function happen({ t, lab, pair, watch }: Story): Promise<Happened> {
  await talk(pair)
  await delay(2_000)
  const first = await lab.inStep()
  const second = lab.other(first)
  const { atMs: killMs } = first.killAll()
  watch.primaryIs(second, killMs)
  await delay(2_500)
  const backMs = Date.now()
  await lab.bothRun()
  await delay(1_500)
  const switchMs = Date.now()
  const switched = await second.cli('switchover', '--yes', '--reason', 'test')
  t.is(switched.exitCode, 0, switched.output)
  watch.primaryIs(first, switchMs)
  await delay(1_500)
  const endMs = Date.now()
  await putDown(pair.callee, pair)
  return { first, second, killMs, backMs, switchMs, endMs }
}

/** A call whose telephones hold, resume and hang up at the survivor. */
async function goOn({ lab, pair, watch }: Story): Promise<void> {
  await talk(pair)
  const victim = await lab.inStep()
  const { atMs } = victim.killAll()
  watch.primaryIs(lab.other(victim), atMs)
  await lab.primary()
  for (const phone of [pair.caller, pair.callee]) {
    await phone.hold()
    await delay(300)
    await phone.resume()
    await delay(300)
  }
  await putDown(pair.caller, pair)
  const survivor = lab.other(victim)
  await until(async () => (await survivor.ask('calls', {})).calls.length === 0, {
    what: 'end of the call at the survivor',
  })
}

/** The voice that a phone sent in a time. */
function spoken(
  packets: readonly UdpPacket[],
  address: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): UdpPacket[] {
  return packets.filter(
    (one) => one.source === address && one.timeMs >= fromMs && one.timeMs < toMs && isRtp(one),
  )
}

/** A terminal that knows two servers takes them for one. */
function asOne(packets: readonly UdpPacket[]): UdpPacket[] {
  const name = (address: string) => (address === serviceAddressB ? serviceAddress : address)
  return packets.map((packet) => {
    return { ...packet, source: name(packet.source), destination: name(packet.destination) }
  })
}

const numberOf = (packet: UdpPacket) => packet.payload.readUInt16BE(2)

/** Voice of a phone that none of these captures of the terminal LAN shows as come to its node.
 * @returns packets, and the time from the first to the end of the last of them. */
function missed(
  sent: readonly UdpPacket[],
  arrived: readonly (readonly UdpPacket[])[],
): { packets: number; ms: number } {
  const source = sent[0]?.source
  const known = new Set(
    arrived.flat().flatMap((packet) => (packet.source === source ? [numberOf(packet)] : [])),
  )
  const lost = sent.filter((packet) => !known.has(numberOf(packet)))
  const ms = lost.length === 0 ? 0 : (lost.at(-1)?.timeMs ?? 0) - (lost[0]?.timeMs ?? 0) + 20
  return { packets: lost.length, ms: Math.round(ms) }
}

for (const mode of ['shared', 'direct', 'floating'] as const) {
  test.serial(`reach ${mode}: a call goes on through kill, return and switchover`, async (t) => {
    const story = await begin(t, mode)
    const { lab, pair, watch } = story
    const { first, second, killMs, backMs, switchMs, endMs } = await happen(story)
    const neighbour = lab.network.exec('p1', ['ip', 'neigh', 'show', serviceAddress])
    const ended = await Promise.all([story.atPhone.p1.stop(), story.atPhone.p2.stop()])
    const [p1 = [], p2 = []] = ended.map(asOne)
    const [atFirst = [], atSecond = []] = await Promise.all(
      [first, second].map(async (node) => (await story.atNode.get(node)?.stop()) ?? []),
    )
    for (const [member, packets] of Object.entries({ p1, p2 })) {
      const address = lab.network.address(member)
      const kill = { fromMs: killMs - 1_000, toMs: backMs }
      const change = { fromMs: switchMs - 1_000, toMs: endMs }
      t.is(lostIn(packets, address, kill), 0)
      t.is(lostIn(packets, address, change), 0)
      const messages = ofTerminal(sipMessages(packets), address)
      t.deepEqual(between(messages, killMs, endMs), [])
      // The kernel of the dead node lives, and what comes to it is lost.
      const gap = missed(spoken(packets, address, { ...kill, fromMs: killMs }), [atSecond])
      const planned = missed(spoken(packets, address, change), [atFirst, atSecond])
      const figures = JSON.stringify({ kill: gap, switchover: planned })
      t.log(`${mode}: voice of ${member} that the system missed: ${figures}`)
      t.is(planned.packets, 0)
      if (mode !== 'floating') t.is(gap.packets, 0)
    }
    if (mode === 'floating') t.regex(neighbour, new RegExp(lab.network.mac(first.node)))
    else wholeTones(t, { lab, pair }, { p1, p2 })
    await goOn(story)
    const { violations, sentByA, sentByB } = await watch.finish()
    t.deepEqual(violations, [])
    twinsEqual(t, { sentByA: asOne(sentByA), sentByB: asOne(sentByB) }, 300)
  })
}

interface Relayed {
  readonly taken: number
  readonly refused: number
}

/** Packets that the media unit of a node has heard through the other one. */
async function relayedTo(node: LabNode): Promise<Relayed> {
  const relay = (await node.opinion()).media?.relay
  return { taken: relay?.taken ?? 0, refused: relay?.refused ?? 0 }
}

function wrongNeighbour(backend: 'ffi' | 'dgram'): void {
  test.serial(
    `reach floating: whoever has the wrong node in its ARP cache is served, over ${backend}`,
    async (t) => {
      const { lab, pair, watch, atPhone } = await begin(t, 'floating', backend)
      const standby = lab.other(await lab.inStep())
      // As a terminal that missed every announcement.
      const mac = lab.network.mac(standby.node)
      const wrong = ['lladdr', mac, 'dev', lanInterface, 'nud', 'permanent']
      lab.network.exec('p1', ['ip', 'neigh', 'replace', serviceAddress, ...wrong])
      const nodes = [lab.a, lab.b]
      const before = await Promise.all(nodes.map(relayedTo))
      const fromMs = Date.now()
      await talk(pair)
      await delay(2_500)
      const toMs = Date.now()
      for (const [index, node] of nodes.entries()) {
        const now = await relayedTo(node)
        const taken = now.taken - (before[index]?.taken ?? 0)
        const refused = now.refused - (before[index]?.refused ?? 0)
        t.true(taken > 50, `${node.name} heard through the other: ${taken}`)
        // At the set-up a leg is there a moment later than at the node that hears its first packets.
        t.true(refused < taken / 4, `${refused} refused`)
      }
      await putDown(pair.caller, pair)
      lab.network.exec('p1', ['ip', 'neigh', 'del', serviceAddress, 'dev', lanInterface])
      const { violations } = await watch.finish()
      const [p1, p2] = await Promise.all([atPhone.p1.stop(), atPhone.p2.stop()])
      for (const [member, packets] of Object.entries({ p1, p2 })) {
        const address = lab.network.address(member)
        t.is(lostIn(packets, address, { fromMs: fromMs + 500, toMs }), 0)
      }
      if (backend === 'ffi') wholeTones(t, { lab, pair }, { p1, p2 })
      t.deepEqual(violations, [])
    },
  )
}

wrongNeighbour('ffi')

test.serial('reach floating: nobody hears that a unit of the primary died', async (t) => {
  const { lab, pair, watch, atPhone } = await begin(t, 'floating')
  await talk(pair)
  await delay(1_500)
  const victim = await lab.inStep()
  const survivor = lab.other(victim)
  const { atMs } = await victim.killUnit('switch')
  watch.primaryIs(survivor, atMs)
  const mac = new RegExp(lab.network.mac(survivor.node))
  const known = () => lab.network.exec('p1', ['ip', 'neigh', 'show', serviceAddress])
  await until(() => mac.test(known()), { what: 'announcement of the survivor', everyMs: 5 })
  t.log(`a terminal knows the survivor ${Date.now() - atMs} ms after the death of a unit`)
  await delay(2_000)
  const toMs = Date.now()
  await putDown(pair.callee, pair)
  const [p1, p2] = await Promise.all([atPhone.p1.stop(), atPhone.p2.stop()])
  for (const [member, packets] of Object.entries({ p1, p2 })) {
    const address = lab.network.address(member)
    t.is(lostIn(packets, address, { fromMs: atMs - 1_000, toMs }), 0)
  }
  // The media unit lives and relays what comes until the terminals know of the survivor.
  wholeTones(t, { lab, pair }, { p1, p2 })
  t.deepEqual((await watch.finish()).violations, [])
})

test.serial(
  'reach floating: after cut links, a standstill and a dead supervisor one node has the address',
  async (t) => {
    const { lab, pair, atPhone } = await begin(t, 'floating')
    const known = () => lab.network.exec('p1', ['ip', 'neigh', 'show', serviceAddress])
    const isKnown = (node: LabNode) => known().includes(lab.network.mac(node.node))
    const become = (node: LabNode) =>
      until(() => isKnown(node), { what: `${node.name} in the ARP cache of a terminal` })
    await talk(pair)
    await delay(1_500)
    const fromMs = Date.now()

    // Each believes that it is alone, and both claim the address.
    await lab.inStep()
    for (const link of lab.network.links) lab.network.cut(link)
    await until(
      async () => (await Promise.all([lab.a.opinion(), lab.b.opinion()])).every((one) => one.alone),
      { what: 'two primaries' },
    )
    for (const link of lab.network.links) lab.network.heal(link)
    const first = await lab.inStep()
    await become(first)

    const second = lab.other(first)
    const { wake } = first.stopAll()
    await become(second)
    await delay(1_000)
    wake()
    t.is(await lab.inStep(), second)
    // Longer than from one announcement to the next: the woken one makes none.
    for (let look = 0; look < 15; look += 1) {
      t.true(isKnown(second), known())
      await delay(100)
    }

    second.killSupervisor()
    await delay(500)
    // Nobody answers for the address now, and what is known of it is forgotten.
    lab.network.exec('p1', ['ip', 'neigh', 'flush', 'dev', lanInterface])
    await second.start()
    await become(second)
    t.is(await lab.inStep(), second)
    const toMs = Date.now()
    await putDown(pair.callee, pair)
    for (const member of members) {
      const address = lab.network.address(member)
      const packets = await atPhone[member].stop()
      t.is(lostIn(packets, address, { fromMs, toMs }), 0, member)
    }
  },
)

wrongNeighbour('dgram')
