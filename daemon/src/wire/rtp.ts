//! RTP packets (RFC 3550 5.1, 5.3.1). The header extension is kept raw: ED-137 is read elsewhere.

/** Profile of the ED-137 header extension. */
export const ed137Profile = 0x0167

const fixedBytes = 12

export interface RtpPacket {
  readonly marker: boolean
  readonly payloadType: number
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly csrc: readonly number[]
  /** `data` is a whole number of 32-bit words, at most 65,535. */
  readonly extension: { readonly profile: number; readonly data: Uint8Array } | null
  readonly payload: Uint8Array
  /** Padding octets at the end, the count octet included; 0: none. */
  readonly paddingBytes: number
}

/** Parses a datagram. Extension and payload are views into `bytes`. Null: not an RTP packet. */
export function parseRtp(bytes: Uint8Array): RtpPacket | null {
  if (bytes.length < fixedBytes) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const first = view.getUint8(0)
  if (first >> 6 !== 2) return null
  const csrcCount = first & 15
  let at = fixedBytes + 4 * csrcCount
  if (at > bytes.length) return null
  const csrc = Array.from({ length: csrcCount }, (_, n) => view.getUint32(fixedBytes + 4 * n))
  let extension: RtpPacket['extension'] = null
  if ((first & 0x10) !== 0) {
    if (at + 4 > bytes.length) return null
    const end = at + 4 + 4 * view.getUint16(at + 2)
    if (end > bytes.length) return null
    extension = { profile: view.getUint16(at), data: bytes.subarray(at + 4, end) }
    at = end
  }
  let paddingBytes = 0
  if ((first & 0x20) !== 0) {
    paddingBytes = view.getUint8(bytes.length - 1)
    if (paddingBytes === 0 || at + paddingBytes > bytes.length) return null
  }
  const second = view.getUint8(1)
  return {
    marker: second >> 7 === 1,
    payloadType: second & 0x7f,
    sequence: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    csrc,
    extension,
    payload: bytes.subarray(at, bytes.length - paddingBytes),
    paddingBytes,
  }
}

/** Writes a packet. An extension that is no whole number of words is filled up with zeros. Fields
 * beyond their width are cut to it. */
export function writeRtp(packet: RtpPacket): Uint8Array {
  const { csrc, extension, payload, paddingBytes } = packet
  const words = extension === null ? 0 : Math.ceil(extension.data.length / 4)
  const csrcEnd = fixedBytes + 4 * csrc.length
  const payloadAt = csrcEnd + (extension === null ? 0 : 4 + 4 * words)
  const bytes = new Uint8Array(payloadAt + payload.length + paddingBytes)
  const view = new DataView(bytes.buffer)
  const padding = paddingBytes > 0 ? 0x20 : 0
  view.setUint8(0, 0x80 | padding | (extension === null ? 0 : 0x10) | (csrc.length & 15))
  view.setUint8(1, (packet.marker ? 0x80 : 0) | (packet.payloadType & 0x7f))
  view.setUint16(2, packet.sequence)
  view.setUint32(4, packet.timestamp)
  view.setUint32(8, packet.ssrc)
  for (const [n, source] of csrc.entries()) view.setUint32(fixedBytes + 4 * n, source)
  if (extension !== null) {
    view.setUint16(csrcEnd, extension.profile)
    view.setUint16(csrcEnd + 2, words)
    bytes.set(extension.data, csrcEnd + 4)
  }
  bytes.set(payload, payloadAt)
  if (paddingBytes > 0) view.setUint8(bytes.length - 1, paddingBytes)
  return bytes
}
