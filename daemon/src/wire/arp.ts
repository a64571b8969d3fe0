//! ARP on Ethernet (RFC 826): the frames by which the primary of reach mode `floating` says that the
//! service address is at its interface. MAC addresses are text in small letters, `02:00:00:00:00:01`.

export interface ArpPacket {
  readonly operation: 'request' | 'reply'
  readonly senderMac: string
  /** Dotted quad; 0.0.0.0 in a probe (RFC 5227 1.1). */
  readonly senderIp: string
  readonly targetMac: string
  readonly targetIp: string
}

export const broadcastMac = 'ff:ff:ff:ff:ff:ff'
export const noMac = '00:00:00:00:00:00'

const etherType = 0x0806
const hardwareEthernet = 1
const protocolIpv4 = 0x0800
const operations = { request: 1, reply: 2 } as const
const arpAt = 14
const frameBytes = 42

/** An Ethernet frame from `packet.senderMac`. The kernel fills it up to the shortest frame. */
export function encodeArp(packet: ArpPacket, destinationMac: string): Uint8Array {
  const bytes = new Uint8Array(frameBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(macBytes(destinationMac), 0)
  bytes.set(macBytes(packet.senderMac), 6)
  view.setUint16(12, etherType)
  view.setUint16(arpAt, hardwareEthernet)
  view.setUint16(arpAt + 2, protocolIpv4)
  bytes[arpAt + 4] = 6
  bytes[arpAt + 5] = 4
  view.setUint16(arpAt + 6, operations[packet.operation])
  bytes.set(macBytes(packet.senderMac), arpAt + 8)
  bytes.set(ipBytes(packet.senderIp), arpAt + 14)
  bytes.set(macBytes(packet.targetMac), arpAt + 18)
  bytes.set(ipBytes(packet.targetIp), arpAt + 24)
  return bytes
}

/** Reads a frame of the network; null when it is no ARP request or reply for IPv4 on Ethernet. */
export function decodeArp(bytes: Uint8Array): ArpPacket | null {
  if (bytes.length < frameBytes) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isIpv4 =
    view.getUint16(12) === etherType &&
    view.getUint16(arpAt) === hardwareEthernet &&
    view.getUint16(arpAt + 2) === protocolIpv4 &&
    bytes[arpAt + 4] === 6 &&
    bytes[arpAt + 5] === 4
  const code = view.getUint16(arpAt + 6)
  if (!isIpv4 || (code !== operations.request && code !== operations.reply)) return null
  return {
    operation: code === operations.request ? 'request' : 'reply',
    senderMac: macText(bytes.subarray(arpAt + 8, arpAt + 14)),
    senderIp: bytes.subarray(arpAt + 14, arpAt + 18).join('.'),
    targetMac: macText(bytes.subarray(arpAt + 18, arpAt + 24)),
    targetIp: bytes.subarray(arpAt + 24, arpAt + 28).join('.'),
  }
}

function macBytes(text: string): number[] {
  return text.split(':').map((part) => Number.parseInt(part, 16))
}

function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

function ipBytes(text: string): number[] {
  return text.split('.').map(Number)
}
