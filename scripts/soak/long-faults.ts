//! Faults of a soak that are looked at closely and come on request only: a node that stands still, both nodes
//! cut from each other, and the change of both to another version of the program.
import { setTimeout as delay } from 'node:timers/promises'
import { LiveCapture } from '../capture/live-capture.ts'
import type { Lab } from '../lab.ts'
import type { LabNode } from '../lab-node.ts'
import { lanInterface } from '../net/netns.ts'
import { until } from '../waiting.ts'

/** What is known of such a fault beside the voice and the answers. */
export interface FaultFindings {
  /** What a node that stood still sent before it knew that it had: SIP of it, and RTP of the leg with the most. */
  readonly stale?: { readonly sip: number; readonly rtpOfALeg: number }
  /** From the first link that was whole again to the node that gave its role up, by its log. */
  readonly oneAfterMs?: number
  /** Sessions that could not be kept beside those of the other side, and were ended by rule (ADR 0001). */
  readonly closed?: number
}

interface Watched {
  readonly atMs: number
  repaired(): Promise<void>
  readonly findings?: () => FaultFindings
}

/** A packet that the node had put on its way before it stood still may still leave. */
const aftermathMs = 1_500
const captureMs = 1_500
const sipPort = 5060

/** The whole node stands still, and wakes up when another one serves. */
export async function standStill(lab: Lab, node: LabNode, seconds: number): Promise<Watched> {
  const sent: { atMs: number; leg: string; isSip: boolean }[] = []
  const capture = await LiveCapture.start({
    programs: lab.programs,
    namespace: lab.network.namespace(node.node),
    device: lanInterface,
    filter: `udp and ether src ${lab.network.mac(node.node)}`,
    onFrame: (atMs, bytes) => {
      const udp = 14 + ((bytes[14] ?? 0) & 0x0f) * 4
      const isSip = bytes.readUInt16BE(udp) === sipPort
      sent.push({
        atMs,
        isSip,
        leg: `${bytes.toString('hex', 30, 34)} ${bytes.toString('hex', udp, udp + 4)}`,
      })
    },
  })
  // A program that starts takes the processors for a moment; that is no part of the fault.
  await delay(captureMs)
  const { atMs, wake } = node.stopAll()
  let stale = { sip: 0, rtpOfALeg: 0 }
  return {
    atMs,
    repaired: async () => {
      await delay(seconds * 1_000)
      const wokenMs = wake()
      await until(async () => (await node.opinion()).role === 'standby', { what: 'a standby' })
      await delay(aftermathMs)
      await capture.stop()
      const knewMs = logLineMs(node, /"unit":"pair".*"suspended"/, wokenMs)
      const later = sent.filter((one) => one.atMs >= wokenMs)
      const unknowing = later.filter((one) => !one.isSip && one.atMs < knewMs)
      const legs = [...Map.groupBy(unknowing, ({ leg }) => leg).values()]
      const sip = later.filter((one) => one.isSip).length
      stale = { sip, rtpOfALeg: Math.max(0, ...legs.map((one) => one.length)) }
    },
    findings: () => ({ stale }),
  }
}

const apartMsMin = 800
const apartMsMore = 1_500
/** The links heal one after the other, in any order. */
const healMsMore = 300

/** All links and the terminal LAN are cut in two; both serve; then the links heal in any order.
 * @param lanFirst for a moment both serve one LAN and do not hear each other */
export function cutApart(lab: Lab, random: () => number, lanFirst: boolean): Watched {
  const { network } = lab
  const atMs = Date.now()
  network.splitLan()
  for (const link of network.links) network.cut(link)
  let oneAfterMs = Number.NaN
  let closed = 0
  return {
    atMs,
    repaired: async () => {
      await primaries(lab, 2)
      await delay(apartMsMin + random() * apartMsMore)
      const order = network.links.toSorted(() => random() - 0.5)
      const healingMs = Date.now()
      if (lanFirst) network.joinLan()
      let healedMs = healingMs
      for (const [index, link] of order.entries()) {
        if (index > 0) await delay(random() * healMsMore)
        network.heal(link)
        if (index === 0) healedMs = Date.now()
      }
      if (!lanFirst) {
        await primaries(lab, 1)
        network.joinLan()
      }
      const primary = await lab.inStep()
      const gaveUpMs = logLineMs(lab.other(primary), /"unit":"pair".*"text":"role"/, healingMs)
      oneAfterMs = Math.max(0, gaveUpMs - healedMs)
      closed = closedSince(primary, healingMs)
    },
    findings: () => ({ oneAfterMs, closed }),
  }
}

async function primaries(lab: Lab, count: number): Promise<void> {
  await until(
    async () => {
      const both = await Promise.all([lab.a.opinion(), lab.b.opinion()])
      return both.filter(({ role }) => role === 'primary').length === count
    },
    { what: `${count} of two nodes primary` },
  )
}

/** Both nodes change to another version of the program, one after the other, as an operator does it. */
export function upgrade(lab: Lab, primary: LabNode, programOf: (node: LabNode) => string): Watched {
  const atMs = Date.now()
  const change = async (node: LabNode) => {
    await node.stop()
    node.program = programOf(node)
    await node.start()
    await lab.inStep()
  }
  return {
    atMs,
    repaired: async () => {
      await change(lab.other(primary))
      const order = { dryRun: false, reason: 'upgrade', force: false }
      // Refused while a record is on its way; an operator gives the order again.
      await until(async () => (await primary.ask('switchover', order)).done, { what: 'switchover' })
      await lab.inStep()
      await change(primary)
    },
  }
}

function closedSince(primary: LabNode, fromMs: number): number {
  const merges = primary
    .wholeLog()
    .split('\n')
    .filter((line) => line.includes('"text":"merge"'))
    .map((line) => JSON.parse(line) as { time: string; closed?: readonly unknown[] })
  const here = merges.filter(({ time }) => Date.parse(time) >= fromMs)
  return here.reduce((sum, { closed = [] }) => sum + closed.length, 0)
}

/** When the node first wrote such a line from then on. */
function logLineMs(node: LabNode, text: RegExp, fromMs: number): number {
  for (const line of node.wholeLog().split('\n')) {
    if (!text.test(line)) continue
    const atMs = Date.parse((JSON.parse(line) as { time: string }).time)
    if (atMs >= fromMs) return atMs
  }
  return Number.NaN
}
