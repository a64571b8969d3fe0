//! Processes that are stopped and wake up: a node that no longer serves says nothing before it knows.
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Capture } from '../../scripts/capture/capture.ts'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'
import { isRtp, streamName } from '../../scripts/capture/rtp-analysis.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'

/** Standstills of a whole node; the longest takes a minute and is run on request. */
const secondsOf = process.env.VCCS_LONG === undefined ? [1, 10] : [1, 10, 60]

/** Of 500 ms of silence one heartbeat of 100 ms may be due before a hiccup. */
const hiccupMsMax = 380

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

/** When the node first wrote this line after `fromMs`. */
function lineMs(node: LabNode, { text, fromMs }: { text: RegExp; fromMs: number }): number {
  for (const line of node.wholeLog().split('\n')) {
    if (!text.test(line)) continue
    const { time } = JSON.parse(line) as { time: string }
    if (Date.parse(time) >= fromMs) return Date.parse(time)
  }
  throw new Error(`${node.name} has not written ${text} since ${new Date(fromMs).toISOString()}`)
}

interface Woken {
  readonly victim: LabNode
  readonly survivor: LabNode
  readonly stoppedMs: number
  readonly wokenMs: number
  readonly endMs: number
  /** What the woken node itself put on the terminal LAN. */
  readonly sent: readonly UdpPacket[]
  readonly atPhone: readonly UdpPacket[]
}

/** A call stands, probes ask, and the primary stands still for a while. */
async function standStill(seconds: number): Promise<Woken> {
  const victim = await lab.inStep()
  const survivor = lab.other(victim)
  await talk(pair)
  await delay(1_500)
  const own = `udp and ether src ${lab.network.mac(victim.node)}`
  const captures: Capture[] = await Promise.all([lab.capture(victim.node, own), lab.capture('p1')])
  const probe = await lab.probe('probe')
  const { atMs: stoppedMs, wake } = victim.stopAll()
  await delay(seconds * 1_000)
  const wokenMs = wake()
  await lab.inStep()
  await delay(1_000)
  const endMs = Date.now()
  await probe.stop()
  const [sent = [], atPhone = []] = await Promise.all(captures.map((capture) => capture.stop()))
  return { victim, survivor, stoppedMs, wokenMs, endMs, sent, atPhone }
}

function saidNothing(t: ExecutionContext, { victim, wokenMs, sent }: Woken): void {
  const knownMs = lineMs(victim, { text: /"unit":"pair".*"suspended"/, fromMs: wokenMs })
  t.log(`woken after ${(knownMs - wokenMs).toFixed(0)} ms it knew that it had stood still`)
  const later = sent.filter(({ timeMs }) => timeMs >= wokenMs)
  // It is standby from then on: no SIP at all, before or after.
  t.deepEqual(sipMessages(later), [])
  const before = later.filter((packet) => packet.timeMs < knownMs && isRtp(packet))
  const each = Map.groupBy(before, streamName)
  for (const [leg, packets] of each) t.true(packets.length <= 1, `${leg}: ${packets.length}`)
}

for (const seconds of secondsOf) {
  test.serial(`a primary that stood still for ${seconds} s wakes up silent`, async (t) => {
    const woken = await standStill(seconds)
    const { victim, survivor, stoppedMs, endMs, atPhone } = woken
    t.is((await survivor.opinion()).role, 'primary')
    t.is((await victim.opinion()).role, 'standby')
    saidNothing(t, woken)
    const address = lab.network.address('p1')
    const window = { fromMs: stoppedMs - 500, toMs: endMs - 200 }
    t.is(lostIn(atPhone, address, window), 0)
    await putDown(pair.callee, pair)
  })
}

test.serial(
  'a standby that stood still says nothing of calls that have ended meanwhile',
  async (t) => {
    const primary = await lab.inStep()
    const standby = lab.other(primary)
    await talk(pair)
    await delay(1_500)
    const own = `udp and ether src ${lab.network.mac(standby.node)}`
    const capture = await lab.capture(standby.node, own)
    const { wake } = standby.stopAll()
    await delay(2_000)
    await putDown(pair.callee, pair)
    const wokenMs = wake()
    await lab.inStep()
    const sent = (await capture.stop()).filter(({ timeMs }) => timeMs >= wokenMs)
    // It may have been stopped in the middle of a tick: the rest of it leaves when it goes on.
    const rest = Map.groupBy(sent.filter(isRtp), streamName)
    for (const [leg, packets] of rest) t.is(packets.length, 1, leg)
    t.deepEqual(sipMessages(sent), [])
    t.is((await standby.opinion()).role, 'standby')
  },
)

test.serial('a hiccup of 300 ms of a whole primary moves nothing and loses nothing', async (t) => {
  const primary = await lab.inStep()
  const { term } = await primary.opinion()
  await talk(pair)
  await delay(1_500)
  const capture = await lab.capture('p1')
  await delay(500)
  const fromMs = Date.now()
  let longestMs = 0
  for (let hiccup = 0; hiccup < 5; hiccup += 1) {
    const { atMs, wake } = primary.stopAll()
    await delay(300)
    longestMs = Math.max(longestMs, wake() - atMs)
    await delay(500)
  }
  const toMs = Date.now()
  await delay(500)
  t.is(lostIn(await capture.stop(), lab.network.address('p1'), { fromMs, toMs }), 0)
  // A busy machine wakes it later: what the peer then misses is a node, and no hiccup.
  if (longestMs < hiccupMsMax) t.like(await primary.opinion(), { role: 'primary', term })
  else t.log(`role not judged: a hiccup took ${longestMs} ms`)
  await lab.inStep()
  await putDown(pair.callee, pair)
})

test.serial('a node alone that stood still goes on by itself with its calls', async (t) => {
  const alone = await lab.inStep()
  await talk(pair)
  lab.other(alone).killAll()
  await until(async () => (await alone.opinion()).alone, { what: 'a node alone' })
  const { wake } = alone.stopAll()
  await delay(3_000)
  const wokenMs = wake()
  // Until then `primary` may be what it said before it stood still.
  await until(() => lineMs(alone, { text: /"unit":"pair".*"suspended"/, fromMs: wokenMs }) > 0, {
    what: 'word of the standstill',
  })
  await until(
    async () => {
      const { role, service } = await alone.opinion()
      return role === 'primary' && service?.calls === 1
    },
    { what: 'primary again with its call' },
  )
  const capture = await lab.capture('p1')
  const fromMs = Date.now() + 200
  await delay(1_500)
  t.is(lostIn(await capture.stop(), lab.network.address('p1'), { fromMs, toMs: fromMs + 1_000 }), 0)
  await putDown(pair.callee, pair)
  await lab.bothRun()
})
