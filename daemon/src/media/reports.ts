//! RTCP of a leg (RFC 3550 6.4): a sender or receiver report with CNAME, about every five seconds, by
//! the primary only. The reports of the terminal are read for their counters.
import { parseRtcp, type ReportBlock, type RtcpPacket, writeRtcp } from '../wire/rtcp.ts'
import type { Leg } from './leg.ts'
import { timestampOfTick } from './timeline.ts'

/** 5 s, RFC 3550 6.2. */
const reportTicks = 250
/** Seconds from 1900 to 1970. */
const ntpEpochSeconds = 2_208_988_800

/** Spread by the SSRC, so that no tick has the reports of all legs. */
export function reportIsDue(leg: Leg, tick: number): boolean {
  return (tick + (leg.record.ssrc % reportTicks)) % reportTicks === 0
}

interface ReportTime {
  readonly tick: number
  /** Unix milliseconds. */
  readonly wallMs: number
}

/** @returns the bytes of the compound packet. */
export function reportOf(leg: Leg, time: ReportTime): Uint8Array {
  const blocks = blocksOf(leg, time.wallMs)
  const { record } = leg
  const sends = leg.packetsSent > 0 && leg.givesVoice
  const seconds = Math.floor(time.wallMs / 1000)
  const report: RtcpPacket = sends
    ? {
        kind: 'sender-report',
        ssrc: record.ssrc,
        ntpSeconds: (seconds + ntpEpochSeconds) >>> 0,
        ntpFraction: Math.floor(((time.wallMs - seconds * 1000) * 0x1_0000_0000) / 1000),
        rtpTimestamp: timestampOfTick(record, time.tick),
        packets: leg.packetsSent >>> 0,
        octets: leg.octetsSent >>> 0,
        blocks,
      }
    : { kind: 'receiver-report', ssrc: record.ssrc, blocks }
  // The same name from both nodes: they are one source.
  const cname = `vccs-${record.localPort}-${record.ssrc}`
  return writeRtcp([report, { kind: 'source-description', chunks: [{ ssrc: record.ssrc, cname }] }])
}

function blocksOf(leg: Leg, wallMs: number): ReportBlock[] {
  const { reception, peerReport } = leg
  if (!reception.active) return []
  const known = peerReport.ssrc === reception.ssrc && peerReport.receivedWallMs > 0
  const delay = Math.max(0, Math.min(0xffff_ffff, (wallMs - peerReport.receivedWallMs) * 65.536))
  return [
    {
      ssrc: reception.ssrc,
      ...reception.takeLoss(),
      highestSequence: reception.highestSequence,
      jitter: reception.jitter,
      lastSenderReport: known ? peerReport.ntpMiddle : 0,
      delaySinceLastSenderReport: known ? Math.floor(delay) : 0,
    },
  ]
}

/** The last sender report of a terminal. */
export interface PeerReport {
  ssrc: number
  /** Middle 32 bits of its NTP time. */
  ntpMiddle: number
  receivedWallMs: number
  /** What it says that it has lost of our packets. */
  packetsLost: number
}

/** @returns false when it is no RTCP. */
export function takeReport(leg: Leg, bytes: Uint8Array, wallMs: number): boolean {
  const packets = parseRtcp(bytes)
  if (packets === null) return false
  for (const packet of packets) {
    if (packet.kind === 'sender-report') {
      leg.peerReport.ssrc = packet.ssrc
      leg.peerReport.ntpMiddle = ((packet.ntpSeconds << 16) | (packet.ntpFraction >>> 16)) >>> 0
      leg.peerReport.receivedWallMs = wallMs
    }
    if (packet.kind !== 'sender-report' && packet.kind !== 'receiver-report') continue
    for (const block of packet.blocks) {
      // A terminal counts both copies of a packet, which makes it less than nothing (RFC 3550 A.3).
      const packetsLost = Math.max(0, block.packetsLost)
      if (block.ssrc === leg.record.ssrc) leg.peerReport.packetsLost = packetsLost
    }
  }
  return true
}

/** @returns the last RTCP of a leg whose packets nobody will send any more (RFC 3550 6.6). */
export function goodbyeOf(leg: Leg): Uint8Array {
  const { ssrc } = leg.record
  return writeRtcp([
    { kind: 'receiver-report', ssrc, blocks: [] },
    { kind: 'goodbye', sources: [ssrc] },
  ])
}

/** RTCP is read once a second, at another tick for each leg. */
export function controlIsRead(leg: Leg, tick: number): boolean {
  return (tick + leg.index) % 50 === 0
}
