//! RTCP compound packets: SR, RR, SDES with CNAME, BYE (RFC 3550 6). Other types are kept raw.
import { isUtf8 } from 'node:buffer'

export interface ReportBlock {
  readonly ssrc: number
  /** 0..255: lost part of the last interval in 1/256. */
  readonly fractionLost: number
  /** -2^23..2^23-1; negative when duplicates came. */
  readonly packetsLost: number
  readonly highestSequence: number
  /** In time stamp units. */
  readonly jitter: number
  /** Middle 32 bits of the NTP time of the last SR, and the delay since it in 1/65536 s. */
  readonly lastSenderReport: number
  readonly delaySinceLastSenderReport: number
}

export type RtcpPacket =
  | {
      readonly kind: 'sender-report'
      readonly ssrc: number
      readonly ntpSeconds: number
      readonly ntpFraction: number
      readonly rtpTimestamp: number
      readonly packets: number
      readonly octets: number
      readonly blocks: readonly ReportBlock[]
    }
  | {
      readonly kind: 'receiver-report'
      readonly ssrc: number
      readonly blocks: readonly ReportBlock[]
    }
  /** At most 255 bytes of UTF-8 in each CNAME; null: the chunk has none. */
  | {
      readonly kind: 'source-description'
      readonly chunks: readonly { readonly ssrc: number; readonly cname: string | null }[]
    }
  | { readonly kind: 'goodbye'; readonly sources: readonly number[] }
  | { readonly kind: 'other'; readonly type: number; readonly body: Uint8Array }

const typeSenderReport = 200
const typeReceiverReport = 201
const typeSourceDescription = 202
const typeGoodbye = 203
const blockBytes = 24
const itemCname = 1

/** Parses a compound packet. Null: not valid after RFC 3550 A.2 (version, lengths, the first packet
 * a report, padding only in the last). */
export function parseRtcp(bytes: Uint8Array): RtcpPacket[] | null {
  const packets: RtcpPacket[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return null
    const first = bytes[at] ?? 0
    const words = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
    const end = at + 4 + 4 * words
    if (first >> 6 !== 2 || end > bytes.length) return null
    let padding = 0
    if ((first & 0x20) !== 0) {
      padding = bytes[end - 1] ?? 0
      if (end !== bytes.length || padding === 0 || padding % 4 !== 0 || padding > 4 * words)
        return null
    }
    const packet = parsePacket(
      first & 31,
      bytes[at + 1] ?? 0,
      bytes.subarray(at + 4, end - padding),
    )
    if (packet === null) return null
    packets.push(packet)
    at = end
  }
  const kind = packets[0]?.kind
  return kind === 'sender-report' || kind === 'receiver-report' ? packets : null
}

function parsePacket(count: number, type: number, body: Uint8Array): RtcpPacket | null {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  switch (type) {
    case typeSenderReport:
      return parseSenderReport(count, view)
    case typeReceiverReport: {
      const blocks = parseBlocks(count, view, 4)
      return blocks && { kind: 'receiver-report', ssrc: view.getUint32(0), blocks }
    }
    case typeSourceDescription:
      return parseSourceDescription(count, body, view)
    case typeGoodbye: {
      if (body.length < 4 * count) return null
      const sources = Array.from({ length: count }, (_, n) => view.getUint32(4 * n))
      return { kind: 'goodbye', sources }
    }
    default:
      return { kind: 'other', type, body }
  }
}

function parseSenderReport(count: number, view: DataView): RtcpPacket | null {
  const blocks = parseBlocks(count, view, 24)
  return (
    blocks && {
      kind: 'sender-report',
      ssrc: view.getUint32(0),
      ntpSeconds: view.getUint32(4),
      ntpFraction: view.getUint32(8),
      rtpTimestamp: view.getUint32(12),
      packets: view.getUint32(16),
      octets: view.getUint32(20),
      blocks,
    }
  )
}

/** Null when the body is too short for `from` bytes and the blocks. */
function parseBlocks(count: number, view: DataView, from: number): ReportBlock[] | null {
  if (view.byteLength < from + count * blockBytes) return null
  return Array.from({ length: count }, (_, n) => {
    const at = from + n * blockBytes
    return {
      ssrc: view.getUint32(at),
      fractionLost: view.getUint8(at + 4),
      packetsLost: (view.getUint32(at + 4) << 8) >> 8,
      highestSequence: view.getUint32(at + 8),
      jitter: view.getUint32(at + 12),
      lastSenderReport: view.getUint32(at + 16),
      delaySinceLastSenderReport: view.getUint32(at + 20),
    }
  })
}

function parseSourceDescription(
  count: number,
  body: Uint8Array,
  view: DataView,
): RtcpPacket | null {
  const chunks: { ssrc: number; cname: string | null }[] = []
  let at = 0
  for (let n = 0; n < count; n += 1) {
    if (at + 5 > body.length) return null
    const ssrc = view.getUint32(at)
    let cname: string | null = null
    at += 4
    while (body[at] !== 0) {
      if (at + 2 > body.length) return null
      const end = at + 2 + (body[at + 1] ?? 0)
      // The terminating null octet must still be inside.
      if (end >= body.length) return null
      const text = body.subarray(at + 2, end)
      if (body[at] === itemCname) {
        if (!isUtf8(text)) return null
        cname = Buffer.from(text).toString('utf8')
      }
      at = end
    }
    at = (at + 4) & ~3
    chunks.push({ ssrc, cname })
  }
  return { kind: 'source-description', chunks }
}

/** Writes packets one after the other; the first should be a report (RFC 3550 6.1). */
export function writeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  const parts = packets.map(writePacket)
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function writePacket(packet: RtcpPacket): Uint8Array {
  switch (packet.kind) {
    case 'sender-report': {
      const { view, bytes } = blank(typeSenderReport, packet.blocks.length, 24 + blocksSize(packet))
      const { ssrc, ntpSeconds, ntpFraction, rtpTimestamp, packets, octets } = packet
      const words = [ssrc, ntpSeconds, ntpFraction, rtpTimestamp, packets, octets]
      for (const [n, word] of words.entries()) view.setUint32(4 + 4 * n, word)
      writeBlocks(packet.blocks, view, 28)
      return bytes
    }
    case 'receiver-report': {
      const { view, bytes } = blank(
        typeReceiverReport,
        packet.blocks.length,
        4 + blocksSize(packet),
      )
      view.setUint32(4, packet.ssrc)
      writeBlocks(packet.blocks, view, 8)
      return bytes
    }
    case 'source-description':
      return writeSourceDescription(packet.chunks)
    case 'goodbye': {
      const { view, bytes } = blank(typeGoodbye, packet.sources.length, 4 * packet.sources.length)
      for (const [n, source] of packet.sources.entries()) view.setUint32(4 + 4 * n, source)
      return bytes
    }
    case 'other': {
      const { bytes } = blank(packet.type, 0, packet.body.length)
      bytes.set(packet.body, 4)
      return bytes
    }
  }
}

function blocksSize(packet: { readonly blocks: readonly ReportBlock[] }): number {
  return packet.blocks.length * blockBytes
}

function blank(
  type: number,
  count: number,
  bodyBytes: number,
): { view: DataView; bytes: Uint8Array } {
  const words = Math.ceil(bodyBytes / 4)
  const bytes = new Uint8Array(4 + 4 * words)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, 0x80 | (count & 31))
  view.setUint8(1, type)
  view.setUint16(2, words)
  return { view, bytes }
}

function writeBlocks(blocks: readonly ReportBlock[], view: DataView, from: number): void {
  for (const [n, block] of blocks.entries()) {
    const at = from + n * blockBytes
    view.setUint32(at, block.ssrc)
    view.setUint32(at + 4, block.packetsLost & 0xffffff)
    view.setUint8(at + 4, block.fractionLost)
    view.setUint32(at + 8, block.highestSequence)
    view.setUint32(at + 12, block.jitter)
    view.setUint32(at + 16, block.lastSenderReport)
    view.setUint32(at + 20, block.delaySinceLastSenderReport)
  }
}

function writeSourceDescription(
  chunks: readonly { readonly ssrc: number; readonly cname: string | null }[],
): Uint8Array {
  const names = chunks.map(({ cname }) => (cname === null ? null : Buffer.from(cname)))
  // SSRC, the item with its two octets, at least one null octet, then up to the word.
  const sizes = names.map((name) => (name === null ? 8 : 4 + ((2 + name.length + 4) & ~3)))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const { view, bytes } = blank(typeSourceDescription, chunks.length, total)
  let at = 4
  for (const [n, { ssrc }] of chunks.entries()) {
    const name = names[n] ?? null
    view.setUint32(at, ssrc)
    if (name !== null) {
      view.setUint8(at + 4, itemCname)
      view.setUint8(at + 5, name.length)
      bytes.set(name, at + 6)
    }
    at += sizes[n] ?? 0
  }
  return bytes
}
