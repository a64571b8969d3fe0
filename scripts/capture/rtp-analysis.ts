//! What a receiver got of each RTP stream: lost and duplicate packets, gaps, continuity of the
//! numbering (RFC 3550). Duplicates are normal here: a twin stream brings every packet twice.
import type { UdpPacket } from './pcap.ts'

interface RtpPacket {
  readonly timeMs: number
  readonly ssrc: number
  readonly timestamp: number
  /** Sequence number without the wrap at 65,536, relative to the first of the stream. */
  readonly position: number
}

export interface RtpStream {
  /** `source:port>destination:port`. */
  readonly name: string
  readonly destination: string
  readonly ssrcs: readonly number[]
  /** First arrival of each sequence number, in the order of the numbers. */
  readonly packets: readonly RtpPacket[]
  readonly duplicates: number
  /** Time stamps that do not follow from the sequence number at a fixed packet time. */
  readonly timestampBreaks: number
}

interface StreamFigures {
  readonly packetsExpected: number
  readonly packetsLost: number
  readonly maxGapMs: number
}

const headerBytes = 12
/** RTCP packet types 200..207 seen through the RTP header (RFC 5761 section 4). */
const rtcpTypes = { first: 72, last: 79 } as const

/** RTP version 2 and not RTCP. */
export function isRtp(packet: UdpPacket): boolean {
  const { payload } = packet
  if (payload.length < headerBytes || (payload[0] ?? 0) >> 6 !== 2) return false
  const type = (payload[1] ?? 0) & 0x7f
  return type < rtcpTypes.first || type > rtcpTypes.last
}

export function streamName(packet: UdpPacket): string {
  return `${packet.source}:${packet.sourcePort}>${packet.destination}:${packet.destinationPort}`
}

export function rtpStreams(packets: readonly UdpPacket[]): RtpStream[] {
  const flows = Map.groupBy(packets.filter(isRtp), streamName)
  return [...flows].map(([name, flow]) => stream(name, flow))
}

function stream(name: string, flow: readonly UdpPacket[]): RtpStream {
  const first = new Map<number, RtpPacket>()
  const ssrcs = new Set<number>()
  let duplicates = 0
  let newest: { sequence: number; position: number } | undefined
  for (const { payload, timeMs } of flow) {
    const sequence = payload.readUInt16BE(2)
    const position =
      newest === undefined ? 0 : newest.position + signed16(sequence - newest.sequence)
    if (newest === undefined || position > newest.position) newest = { sequence, position }
    const ssrc = payload.readUInt32BE(8)
    ssrcs.add(ssrc)
    if (first.has(position)) duplicates += 1
    else first.set(position, { timeMs, ssrc, timestamp: payload.readUInt32BE(4), position })
  }
  const packets = [...first.values()].sort((one, other) => one.position - other.position)
  return {
    name,
    destination: flow[0]?.destination ?? '',
    ssrcs: [...ssrcs],
    packets,
    duplicates,
    timestampBreaks: timestampBreaks(packets),
  }
}

function signed16(difference: number): number {
  return ((difference + 0x8000) & 0xffff) - 0x8000
}

function timestampBreaks(packets: readonly RtpPacket[]): number {
  const steps = packets.slice(1).map((packet, index) => {
    const before = packets[index]
    if (before === undefined) return 0
    return ((packet.timestamp - before.timestamp) >>> 0) / (packet.position - before.position)
  })
  const usual = median(steps)
  return steps.filter((step) => step !== usual).length
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0
}

/**
 * Figures for `packetsExpected` consecutive sequence numbers, beginning with the first that arrived
 * at or after `fromMs`. A stream that stopped has lost all that never came.
 */
export function figuresFrom(
  analysed: RtpStream,
  window: { readonly fromMs: number; readonly packetsExpected: number },
): StreamFigures {
  const { packetsExpected } = window
  const start = analysed.packets.find((packet) => packet.timeMs >= window.fromMs)
  if (start === undefined) {
    return { packetsExpected, packetsLost: packetsExpected, maxGapMs: Number.POSITIVE_INFINITY }
  }
  const end = start.position + packetsExpected
  const inside = analysed.packets.filter(
    (packet) => packet.position >= start.position && packet.position < end,
  )
  return {
    packetsExpected,
    packetsLost: packetsExpected - inside.length,
    maxGapMs: maxGapMs(inside),
  }
}

/** Figures over the whole stream, from its first to its last packet. */
export function figuresOfAll(analysed: RtpStream): StreamFigures {
  const last = analysed.packets.at(-1)?.position ?? -1
  const packetsExpected = last - (analysed.packets[0]?.position ?? 0) + 1
  return {
    packetsExpected,
    packetsLost: packetsExpected - analysed.packets.length,
    maxGapMs: maxGapMs(analysed.packets),
  }
}

function maxGapMs(packets: readonly RtpPacket[]): number {
  let gapMs = 0
  packets.forEach((packet, index) => {
    const before = packets[index - 1]
    if (before !== undefined) gapMs = Math.max(gapMs, packet.timeMs - before.timeMs)
  })
  return gapMs
}

/** Sample of the stream (from its first packet) that was on the wire at this time. */
export function sampleAt(analysed: RtpStream, timeMs: number): number {
  const first = analysed.packets[0]
  const current =
    analysed.packets.find((packet) => packet.timeMs >= timeMs) ?? analysed.packets.at(-1)
  if (first === undefined || current === undefined) return 0
  return (current.timestamp - first.timestamp) >>> 0
}
