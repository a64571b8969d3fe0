//! Reads capture files (pcap and pcapng, Ethernet) into UDP packets. Independent of the daemon's own
//! parsers on purpose: what is measured must not be measured with itself.
import { readFileSync } from 'node:fs'

export interface UdpPacket {
  /** Kernel time stamp, ms since 1970 with fractions. */
  readonly timeMs: number
  readonly ethernetSource: string
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  readonly payload: Buffer
}

interface Frame {
  readonly timeMs: number
  readonly bytes: Buffer
}

const ethernetHeaderBytes = 14
const udpHeaderBytes = 8
const linkTypeEthernet = 1

/** All whole UDP datagrams over IPv4 in the file; fragments and everything else are left out. */
export function readCapture(path: string): UdpPacket[] {
  return parseCapture(readFileSync(path))
}

export function parseCapture(file: Buffer): UdpPacket[] {
  if (file.length < 24) return []
  const isNextGeneration = file.readUInt32BE(0) === 0x0a0d0d0a
  const frames = isNextGeneration ? pcapngFrames(file) : pcapFrames(file)
  const packets: UdpPacket[] = []
  for (const frame of frames) {
    const packet = udpPacket(frame)
    if (packet !== undefined) packets.push(packet)
  }
  return packets
}

interface Endian {
  u16(buffer: Buffer, offset: number): number
  u32(buffer: Buffer, offset: number): number
}

const littleEndian: Endian = {
  u16: (buffer, offset) => buffer.readUInt16LE(offset),
  u32: (buffer, offset) => buffer.readUInt32LE(offset),
}
const bigEndian: Endian = {
  u16: (buffer, offset) => buffer.readUInt16BE(offset),
  u32: (buffer, offset) => buffer.readUInt32BE(offset),
}

function* pcapFrames(file: Buffer): Generator<Frame> {
  const magic = file.readUInt32LE(0)
  const isLittle = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d
  const endian = isLittle ? littleEndian : bigEndian
  const unitsPerMs = endian.u32(file, 0) === 0xa1b23c4d ? 1e6 : 1e3
  if (endian.u32(file, 20) !== linkTypeEthernet)
    throw new Error('capture is not of Ethernet frames')
  for (let offset = 24; offset + 16 <= file.length; ) {
    const captured = endian.u32(file, offset + 8)
    const end = offset + 16 + captured
    // A capture that was cut off in the middle of a frame ends here.
    if (end > file.length) return
    const timeMs = endian.u32(file, offset) * 1e3 + endian.u32(file, offset + 4) / unitsPerMs
    yield { timeMs, bytes: file.subarray(offset + 16, end) }
    offset = end
  }
}

const blockSection = 0x0a0d0d0a
const blockInterface = 1
const blockEnhancedPacket = 6
const optionTimeResolution = 9

function* pcapngFrames(file: Buffer): Generator<Frame> {
  let endian = littleEndian
  let ticksPerMs: number[] = []
  for (let offset = 0; offset + 12 <= file.length; ) {
    const type = file.readUInt32LE(offset)
    if (type === blockSection) {
      endian = file.readUInt32LE(offset + 8) === 0x1a2b3c4d ? littleEndian : bigEndian
      ticksPerMs = []
    }
    const length = endian.u32(file, offset + 4)
    if (length < 12 || offset + length > file.length) return
    const block = file.subarray(offset, offset + length)
    const blockType = endian.u32(block, 0)
    if (blockType === blockInterface) ticksPerMs.push(interfaceTicksPerMs(block, endian))
    if (blockType === blockEnhancedPacket) yield enhancedPacket(block, endian, ticksPerMs)
    offset += length
  }
}

function interfaceTicksPerMs(block: Buffer, endian: Endian): number {
  for (let offset = 16; offset + 4 <= block.length - 4; ) {
    const code = endian.u16(block, offset)
    const length = endian.u16(block, offset + 2)
    const value = block[offset + 4] ?? 0
    if (code === optionTimeResolution) {
      const ticksPerSecond = (value & 0x80) === 0 ? 10 ** value : 2 ** (value & 0x7f)
      return ticksPerSecond / 1e3
    }
    if (code === 0) break
    offset += 4 + Math.ceil(length / 4) * 4
  }
  return 1e3
}

function enhancedPacket(block: Buffer, endian: Endian, ticksPerMs: readonly number[]): Frame {
  const ticks = endian.u32(block, 12) * 2 ** 32 + endian.u32(block, 16)
  const captured = endian.u32(block, 20)
  return {
    timeMs: ticks / (ticksPerMs[endian.u32(block, 8)] ?? 1e3),
    bytes: block.subarray(28, 28 + captured),
  }
}

function udpPacket(frame: Frame): UdpPacket | undefined {
  const { bytes } = frame
  if (bytes.length < ethernetHeaderBytes + 20 + udpHeaderBytes) return undefined
  const ip = bytes.subarray(ethernetHeaderBytes)
  const version = (ip[0] ?? 0) >> 4
  const isFragment = (ip.readUInt16BE(6) & 0x3fff) !== 0
  if (bytes.readUInt16BE(12) !== 0x0800 || version !== 4 || ip[9] !== 17 || isFragment)
    return undefined
  const udpOffset = ((ip[0] ?? 0) & 0x0f) * 4
  if (ip.length < udpOffset + udpHeaderBytes) return undefined
  const udp = ip.subarray(udpOffset)
  const length = udp.readUInt16BE(4)
  if (length < udpHeaderBytes || length > udp.length) return undefined
  return {
    timeMs: frame.timeMs,
    ethernetSource: [...bytes.subarray(6, 12)]
      .map((b) => b.toString(16).padStart(2, '0'))
      .join(':'),
    source: ip.subarray(12, 16).join('.'),
    sourcePort: udp.readUInt16BE(0),
    destination: ip.subarray(16, 20).join('.'),
    destinationPort: udp.readUInt16BE(2),
    payload: udp.subarray(udpHeaderBytes, length),
  }
}
