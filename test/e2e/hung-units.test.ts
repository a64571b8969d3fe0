//! One unit of the primary stands still: the node steps down by itself, the peer serves, the supervisor
//! ends the hung unit and starts it anew; one that wakes up before is silent. How many milliseconds the
//! take-over needs is logged; judged is in what order the nodes say that they did it.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'
import { isRtp, streamName } from '../../scripts/capture/rtp-analysis.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode, UnitName } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { holesIn, lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'

let lab: Lab
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'probe'], users: labUsers(1001, 2) })
  pair = await registerPhones(lab)
})

test.afterEach.always(async () => {
  await Promise.allSettled([pair?.caller.hangUp(), pair?.callee.hangUp()])
})

test.after.always(async () => {
  await lab?.close()
})

const units = ['switch', 'media', 'pair'] as const
/** A unit that stands still is found by its own pair unit, which says so and gives up the role; or by the
 * peer, which hears no sign of its life. A pair unit that stands still is missed like a dead node. */
const rules: Readonly<Record<(typeof units)[number], readonly string[]>> = {
  switch: ['goodbye', 'peer-has-no-role', 'peer-unit-dead'],
  media: ['goodbye', 'peer-has-no-role', 'peer-unit-dead'],
  pair: ['peer-silent'],
}

/** When the node that did not serve first answered SIP after `fromMs`, in milliseconds from there. */
async function measured(
  survivor: LabNode,
  hang: () => Promise<number>,
): Promise<{ tookMs: number; atMs: number }> {
  const capture = await lab.capture('probe')
  const probe = await lab.probe('probe')
  const atMs = await hang()
  await until(async () => (await survivor.opinion()).role === 'primary', { what: 'take-over' })
  await delay(200)
  await probe.stop()
  const mac = lab.network.mac(survivor.node)
  const answer = sipMessages(await capture.stop()).find(
    (m) => m.status !== undefined && m.ethernetSource === mac && m.timeMs > atMs,
  )
  return { tookMs: (answer?.timeMs ?? Number.POSITIVE_INFINITY) - atMs, atMs }
}

/** More than a twin comes after the first copy, and far less than a unit here stands still. */
const longBeforeMs = 1_000

async function unitState(node: LabNode, unit: UnitName) {
  return (await node.opinion()).units.find((one) => one.unit === unit)
}

/** The word of the supervisor; that of the pair unit, that the unit died, goes when the next one lives. */
async function saysThatItStoodStill(node: LabNode, unit: UnitName): Promise<boolean> {
  const { active } = await node.ask('alarms', {})
  return active.some(
    ({ code, subject, detail }) =>
      code === 'unit-restarted' && subject === unit && /stood still/.test(detail),
  )
}

/** When a node first wrote a line of its log after `fromMs`. */
function lineMs(node: LabNode, { text, fromMs }: { text: RegExp; fromMs: number }): number {
  const times = node
    .wholeLog()
    .split('\n')
    .filter((line) => text.test(line))
    .map((line) => Date.parse((JSON.parse(line) as { time: string }).time))
  return times.find((time) => time >= fromMs) ?? Number.NaN
}

for (const unit of units) {
  test.serial(
    `a ${unit} that hangs costs the role and no voice, and is started anew`,
    async (t) => {
      const victim = await lab.inStep()
      const survivor = lab.other(victim)
      await talk(pair)
      await delay(1_000)
      const phone = await lab.capture('p1')
      let hungPid = 0
      const { tookMs, atMs } = await measured(survivor, async () => {
        const stopped = await victim.stopUnit(unit)
        hungPid = stopped.pid
        return stopped.atMs
      })
      t.log(`first SIP answer ${tookMs.toFixed(0)} ms after ${unit} stood still`)
      const { term } = await survivor.opinion()
      const { decisions } = await survivor.ask('why', {})
      const taken = decisions.find((one) => one.to === 'primary' && one.term === term)
      t.true(rules[unit].includes(taken?.rule ?? ''), taken?.rule)
      const again = await until(
        async () => {
          const state = await unitState(victim, unit)
          return state?.state === 'up' && state.pid !== hungPid ? state : undefined
        },
        { what: `return of ${unit}` },
      )
      t.true(again.restarts > 0)
      await until(async () => (await victim.opinion()).role === 'standby', { what: 'a standby' })
      const what = 'alarm that it stood still'
      await until(() => saysThatItStoodStill(victim, unit), { what })
      // Nobody waited for the end of the hung unit: the peer served before.
      const ended = new RegExp(`"of":"${unit}".*"text":"unit hangs and is ended"`)
      const endedMs = lineMs(victim, { text: ended, fromMs: atMs })
      t.true(Date.parse(taken?.at ?? '') < endedMs, `${taken?.at}, ended ${endedMs}`)
      const window = { fromMs: atMs - 200, toMs: Date.now() - 200 }
      const packets = await phone.stop()
      const address = lab.network.address('p1')
      t.is(lostIn(packets, address, window), 0, holesIn(packets, address, atMs))
      await putDown(pair.callee, pair)
    },
  )
}

for (const unit of units) {
  test.serial(`a ${unit} that wakes up after 3 s finds its node silent`, async (t) => {
    const victim = await lab.inStep()
    const survivor = lab.other(victim)
    await talk(pair)
    await delay(1_000)
    const own = `udp and ether src ${lab.network.mac(victim.node)}`
    const sent = await lab.capture(victim.node, own)
    const phone = await lab.capture('p1')
    await delay(300)
    const probe = await lab.probe('probe')
    const { atMs, wake, pid } = await victim.stopUnit(unit)
    await delay(3_000)
    t.is((await survivor.opinion()).role, 'primary')
    const wokenMs = wake()
    await until(async () => (await victim.opinion()).role === 'standby', { what: 'a standby' })
    await lab.inStep()
    await probe.stop()
    const endMs = Date.now()
    const packets = await sent.stop()
    t.is((await unitState(victim, unit))?.pid, pid, 'it was not ended')
    t.deepEqual(
      sipMessages(packets).filter(({ timeMs }) => timeMs >= wokenMs),
      [],
    )
    const window = { fromMs: atMs - 200, toMs: endMs - 200 }
    const atPhone = await phone.stop()
    const address = lab.network.address('p1')
    t.is(lostIn(atPhone, address, window), 0, holesIn(atPhone, address, atMs))
    // What it knows, it has read in its first turn; the ticks that it missed are not sent.
    const woken = packets.filter((one) => one.timeMs >= wokenMs && one.destination === address)
    for (const [leg, stale] of staleIn(woken, atPhone, wokenMs)) t.true(stale <= 1, leg)
    await putDown(pair.callee, pair)
  })
}

/** Packets of each stream that were heard long before their sender woke up. */
function staleIn(
  sent: readonly UdpPacket[],
  heardAt: readonly UdpPacket[],
  wokenMs: number,
): Map<string, number> {
  const number = (packet: UdpPacket) => `${streamName(packet)} ${packet.payload.readUInt16BE(2)}`
  const before = heardAt.filter((one) => isRtp(one) && one.timeMs < wokenMs - longBeforeMs)
  const known = new Set(before.map(number))
  const stale = sent.filter((packet) => isRtp(packet) && known.has(number(packet)))
  return new Map([...Map.groupBy(stale, streamName)].map(([leg, all]) => [leg, all.length]))
}
