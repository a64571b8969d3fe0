//! A made-up capture of one RTP stream in A-law, for sipp to play into every call.
import { writeFileSync } from 'node:fs'
import { toneSamples } from '../capture/wav.ts'

const segmentsMax = 7
/** Even bits are inverted on the line. */
const lineInversion = 0x55
const payloadTypePcma = 8
const samplesPerPacket = 160
const packetMs = 20
const linkTypeEthernet = 1

/**
 * A-law of a 16 bit sample (ITU-T G.711). Not the daemon's coder: an instrument that shares code
 * with what it measures shares its faults too.
 */
function alaw(sample: number): number {
  const isNegative = sample < 0
  const magnitude = Math.min((isNegative ? -sample - 1 : sample) >> 3, 0xfff)
  let segment = 0
  while (segment < segmentsMax && magnitude >> (segment + 5) !== 0) segment += 1
  const step = segment === 0 ? magnitude >> 1 : magnitude >> segment
  return ((isNegative ? 0 : 0x80) | (segment << 4) | (step & 0x0f)) ^ lineInversion
}

/** Made once: many telephones say the same. */
const made = new Map<string, Buffer>()

/** sipp replaces the addresses and ports with those of the call. */
export function writeVoiceCapture(path: string, toneHz: number, seconds: number): void {
  const name = `${toneHz} Hz, ${seconds} s`
  const capture = made.get(name) ?? voiceCapture(toneHz, seconds)
  made.set(name, capture)
  writeFileSync(path, capture)
}

function voiceCapture(toneHz: number, seconds: number): Buffer {
  const voice = Uint8Array.from(toneSamples(toneHz, seconds), alaw)
  const packets = Array.from({ length: voice.length / samplesPerPacket }, (_, index) =>
    record(index, voice.subarray(index * samplesPerPacket, (index + 1) * samplesPerPacket)),
  )
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(65_535, 16)
  header.writeUInt32LE(linkTypeEthernet, 20)
  return Buffer.concat([header, ...packets])
}

function record(index: number, voice: Uint8Array): Buffer {
  const rtp = Buffer.alloc(12)
  rtp.writeUInt16BE((0x8000 | payloadTypePcma) & 0xffff, 0)
  rtp.writeUInt16BE(index & 0xffff, 2)
  rtp.writeUInt32BE(index * samplesPerPacket, 4)
  rtp.writeUInt32BE(0x5eed, 8)
  const udp = Buffer.alloc(8)
  udp.writeUInt16BE(6000, 0)
  udp.writeUInt16BE(6000, 2)
  udp.writeUInt16BE(udp.length + rtp.length + voice.length, 4)
  const ip = Buffer.from('45000000000040004011000001000000' + '02000000', 'hex')
  ip.writeUInt16BE(ip.length + udp.length + rtp.length + voice.length, 2)
  const ethernet = Buffer.from('020000000002' + '020000000001' + '0800', 'hex')
  const frame = Buffer.concat([ethernet, ip, udp, rtp, voice])
  const head = Buffer.alloc(16)
  const timeMs = index * packetMs
  head.writeUInt32LE(Math.floor(timeMs / 1000), 0)
  head.writeUInt32LE((timeMs % 1000) * 1000, 4)
  head.writeUInt32LE(frame.length, 8)
  head.writeUInt32LE(frame.length, 12)
  return Buffer.concat([head, frame])
}
