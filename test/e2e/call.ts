//! A call between two phones of a lab, and what the phones got of it.
import type { ExecutionContext } from 'ava'
import { aLawToLinear, muLawToLinear } from '../../daemon/src/wire/g711.ts'
import { analyseTone } from '../../scripts/capture/audio-analysis.ts'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'
import {
  figuresFrom,
  figuresOfAll,
  isRtp,
  type RtpStream,
  rtpStreams,
} from '../../scripts/capture/rtp-analysis.ts'
import { readWav } from '../../scripts/capture/wav.ts'
import type { Lab } from '../../scripts/lab.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import type { BaresipPhone } from '../../scripts/phones/baresip.ts'

export interface PhonePair {
  readonly caller: BaresipPhone
  readonly callee: BaresipPhone
}

/** A quarter period is left over in 20 ms: a missing packet is a jump of phase. */
export const callerHz = 437.5
export const calleeHz = 612.5
/** Of a third telephone in a conference. */
export const thirdHz = 812.5
const sampleRateHz = 8000

export async function registerPhones(
  lab: Lab,
  answer: 'auto' | 'manual' = 'auto',
): Promise<PhonePair> {
  const [caller, callee] = await Promise.all([
    lab.phone('p1', { user: '1001', toneHz: callerHz, answer: 'auto' }),
    lab.phone('p2', { user: '1002', toneHz: calleeHz, answer }),
  ])
  return { caller, callee }
}

/** The callee answers by itself, or is answered by hand here. */
export async function talk({ caller, callee }: PhonePair): Promise<void> {
  const isManual = callee.options.answer === 'manual'
  const incoming = isManual ? callee.next('CALL_INCOMING') : undefined
  const established = [caller, callee].map((phone) => phone.next('CALL_ESTABLISHED'))
  await caller.dial(callee.uri)
  if (incoming !== undefined) {
    await incoming
    await callee.accept()
  }
  await Promise.all(established)
}

/** Resolves when both phones say that the call is over. */
export async function putDown(by: BaresipPhone, { caller, callee }: PhonePair): Promise<void> {
  const closed = [caller, callee].map((phone) => phone.next('CALL_CLOSED'))
  await by.hangUp()
  await Promise.all(closed)
}

/** Streams that the service address sent to this address. */
export function heard(packets: readonly UdpPacket[], address: string): RtpStream[] {
  return rtpStreams(
    packets.filter((packet) => packet.source === serviceAddress && packet.destination === address),
  )
}

/** Packets lost of those that were due in a time, in all streams that this address heard. */
export function lostIn(
  packets: readonly UdpPacket[],
  address: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): number {
  const packetsExpected = Math.floor((toMs - fromMs) / 20)
  return heard(packets, address)
    .map((stream) => figuresFrom(stream, { fromMs, packetsExpected }).packetsLost)
    .reduce((sum, lost) => sum + lost, 0)
}

/** Where packets are missing, for the reader of a failed test: milliseconds from `atMs`. */
export function holesIn(packets: readonly UdpPacket[], address: string, atMs: number): string {
  const holes: string[] = []
  for (const stream of heard(packets, address)) {
    for (const [index, packet] of stream.packets.entries()) {
      const before = stream.packets[index - 1]
      const missing = before === undefined ? 0 : packet.position - before.position - 1
      if (missing > 0) holes.push(`${missing} before ${(packet.timeMs - atMs).toFixed(0)} ms`)
    }
  }
  return holes.join(', ')
}

/** Longest pause in what a telephone itself sent to the service address. */
function heldUpMs(packets: readonly UdpPacket[], address: string): number {
  const sent = packets.filter(
    (packet) => packet.source === address && packet.destination === serviceAddress,
  )
  return Math.max(...rtpStreams(sent).map((stream) => figuresOfAll(stream).maxGapMs))
}

/** What comes at most this long after the packet before it is played in time. */
const heldUpMsMax = 50

interface Listener {
  readonly phone: BaresipPhone
  readonly address: string
  /** Tone of the other side. */
  readonly toneHz: number
  readonly packets: readonly UdpPacket[]
}

/** Both heard the tone of the other without a break. */
export function wholeTones(
  t: ExecutionContext,
  { lab, pair }: { readonly lab: Lab; readonly pair: PhonePair },
  packets: Readonly<Record<'p1' | 'p2', readonly UdpPacket[]>>,
): void {
  const { caller, callee } = pair
  const address = (member: 'p1' | 'p2') => lab.network.address(member)
  heardWhole(t, [
    { phone: caller, address: address('p1'), toneHz: calleeHz, packets: packets.p1 },
    { phone: callee, address: address('p2'), toneHz: callerHz, packets: packets.p2 },
  ])
}

/** All heard their tone without a break. Not judged when this machine held up a telephone: what is said
 * too late nobody can play in time. */
export function heardWhole(t: ExecutionContext, listeners: readonly Listener[]): void {
  const heldUp = Math.max(...listeners.map(({ packets, address }) => heldUpMs(packets, address)))
  if (heldUp > heldUpMsMax) {
    t.log(`tones not judged: a telephone was held up for ${heldUp.toFixed(0)} ms`)
    return
  }
  for (const { phone, toneHz, address } of listeners) t.is(breaks(phone, toneHz), 0, address)
}

/** Breaks in the tone of the other side, over the whole of the last recording of a phone. */
function breaks(phone: BaresipPhone, toneHz: number): number {
  const { samples } = readWav(phone.decodedAudioFiles().at(-1) ?? '')
  // The first second holds the phones' own start; a phone that went on a while without is no fault.
  const from = sampleRateHz
  const tone = analyseTone(samples, { sampleRateHz, toneHz, from })
  return tone.toneSamples === 0 ? -1 : tone.discontinuities
}

interface Burst {
  readonly packets: number
  /** How much of its energy is at a frequency, 0 to 1. */
  share(hz: number): number
}

/** What is heard between silences, from the first copy of each packet. */
export function burstsIn(
  packets: readonly UdpPacket[],
  address: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Burst[] {
  const seen = new Set<number>()
  const bursts: number[][] = []
  let isSilent = true
  for (const packet of packets) {
    if (packet.destination !== address || packet.source !== serviceAddress || !isRtp(packet))
      continue
    const number = packet.payload.readUInt16BE(2)
    if (packet.timeMs < fromMs || packet.timeMs > toMs || seen.has(number)) continue
    seen.add(number)
    const decode = (packet.payload.readUInt8(1) & 0x7f) === 8 ? aLawToLinear : muLawToLinear
    const samples = Array.from(packet.payload.subarray(12), decode)
    const wasSilent = isSilent
    isSilent = samples.every((sample) => Math.abs(sample) <= 8)
    if (isSilent) continue
    if (wasSilent) bursts.push([])
    bursts.at(-1)?.push(...samples)
  }
  return bursts.map((samples) => ({
    packets: samples.length / 160,
    share: (hz) => shareAt(samples, hz),
  }))
}

/** How much of the energy of all that is heard in a time is at a frequency, 0 to 1. */
export function shareIn(
  packets: readonly UdpPacket[],
  address: string,
  { hz, ...window }: { readonly fromMs: number; readonly toMs: number; readonly hz: number },
): number {
  const bursts = burstsIn(packets, address, window)
  const whole = bursts.reduce((sum, burst) => sum + burst.packets, 0)
  return bursts.reduce((sum, burst) => sum + (burst.share(hz) * burst.packets) / whole, 0)
}

function shareAt(samples: readonly number[], hz: number): number {
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0)
  const [cosine = 0, sine = 0] = [Math.cos, Math.sin].map((wave) =>
    samples.reduce((sum, x, n) => sum + x * wave((2 * Math.PI * hz * n) / sampleRateHz), 0),
  )
  return (2 * (cosine * cosine + sine * sine)) / (samples.length * energy)
}
