//! Compares what both nodes sent: a twin stream is the same packets twice.
import type { UdpPacket } from './pcap.ts'
import { isRtp, streamName } from './rtp-analysis.ts'

interface Pair {
  readonly packet: UdpPacket
  readonly twin: UdpPacket
}

interface TwinFigures {
  /** Sequence numbers of a stream that both nodes sent. */
  readonly packets: number
  readonly headerEqual: number
  readonly payloadEqual: number
  /** Of those pairs, the ones that come a while after their stream began, or went on after a break: by then
   * the second node has what it needs, however busy it was. */
  readonly settled: number
  readonly settledEqual: number
  /** Sent by one node only while the other was sending the same stream. */
  readonly single: number
}

const rtpHeaderBytes = 12
const settleMs = 1_000
const breakMs = 500

/** `byA` and `byB` hold what each node itself put on the terminal LAN. */
export function compareTwins(byA: readonly UdpPacket[], byB: readonly UdpPacket[]): TwinFigures {
  const flowsA = Map.groupBy(byA.filter(isRtp), streamName)
  const flowsB = Map.groupBy(byB.filter(isRtp), streamName)
  const total = {
    ...{ packets: 0, headerEqual: 0, payloadEqual: 0 },
    ...{ settled: 0, settledEqual: 0, single: 0 },
  }
  for (const [name, flowA] of flowsA) {
    const figures = compareFlow(flowA, flowsB.get(name) ?? [])
    total.packets += figures.packets
    total.headerEqual += figures.headerEqual
    total.payloadEqual += figures.payloadEqual
    total.settled += figures.settled
    total.settledEqual += figures.settledEqual
    total.single += figures.single
  }
  return total
}

function compareFlow(flowA: readonly UdpPacket[], flowB: readonly UdpPacket[]): TwinFigures {
  const sentByB = new Map(flowB.map((packet) => [numbering(packet), packet]))
  const pairs = flowA.flatMap((packet) => {
    const twin = sentByB.get(numbering(packet))
    return twin === undefined ? [] : [{ packet, twin }]
  })
  const span = overlap(pairs)
  const settled = settledOf(pairs)
  const isEqual = ({ packet, twin }: Pair) => voice(packet).equals(voice(twin))
  const inside = (packet: UdpPacket) => packet.timeMs >= span.fromMs && packet.timeMs <= span.toMs
  const sentByA = new Set(flowA.map(numbering))
  return {
    packets: pairs.length,
    headerEqual: pairs.filter(({ packet, twin }) => header(packet).equals(header(twin))).length,
    payloadEqual: pairs.filter(isEqual).length,
    settled: settled.length,
    settledEqual: settled.filter(isEqual).length,
    single:
      flowA.filter((packet) => inside(packet) && !sentByB.has(numbering(packet))).length +
      flowB.filter((packet) => inside(packet) && !sentByA.has(numbering(packet))).length,
  }
}

function settledOf(pairs: readonly Pair[]): Pair[] {
  let beganMs = Number.NEGATIVE_INFINITY
  let lastMs = Number.NEGATIVE_INFINITY
  return pairs.filter(({ packet: { timeMs } }) => {
    if (timeMs - lastMs > breakMs) beganMs = timeMs
    lastMs = timeMs
    return timeMs - beganMs >= settleMs
  })
}

/**
 * Sequence number only: were the time stamp or the SSRC part of it, a wrong header would not be
 * seen as wrong but as single. The stretch of a stream seen here is far below 65,536 packets.
 */
function numbering(packet: UdpPacket): number {
  return packet.payload.readUInt16BE(2)
}

function header(packet: UdpPacket): Buffer {
  return packet.payload.subarray(0, rtpHeaderBytes)
}

function voice(packet: UdpPacket): Buffer {
  return packet.payload.subarray(rtpHeaderBytes)
}

function overlap(pairs: readonly { packet: UdpPacket }[]): { fromMs: number; toMs: number } {
  const first = pairs[0]?.packet.timeMs
  const last = pairs.at(-1)?.packet.timeMs
  return first === undefined || last === undefined
    ? { fromMs: 1, toMs: 0 }
    : { fromMs: first, toMs: last }
}
