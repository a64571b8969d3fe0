//! The figures of one demo: only from captures on interfaces and from what the phones decoded.
import { analyseTone } from '../capture/audio-analysis.ts'
import type { UdpPacket } from '../capture/pcap.ts'
import { figuresFrom, type RtpStream, rtpStreams, sampleAt } from '../capture/rtp-analysis.ts'
import { between, ofTerminal, type SipSighting, sipMessages } from '../capture/sip-analysis.ts'
import { compareTwins } from '../capture/twin.ts'
import { readWav } from '../capture/wav.ts'
import { serviceAddress } from '../net/netns.ts'

export const eventNames = ['kill', 'switchover'] as const
type EventName = (typeof eventNames)[number]

interface EventFigures {
  readonly packetsExpected: number
  readonly packetsLost: number
  readonly maxGapMs: number
  readonly sipMessagesDuringTakeover: number
  readonly decodedAudioDiscontinuities: number
}

export interface DemoReport {
  readonly phones: Readonly<Record<string, Readonly<Record<EventName, EventFigures>>>>
  readonly takeoverMs: number
  readonly twin: {
    readonly packets: number
    readonly headerEqual: number
    readonly payloadEqual: number
  }
  readonly callEndedNormally: boolean
  readonly measuredHow: readonly string[]
}

interface PhoneEvidence {
  readonly user: string
  readonly address: string
  readonly packets: readonly UdpPacket[]
  readonly recording: string
  /** The tone of the other phone. */
  readonly heardHz: number
}

interface Evidence {
  readonly phones: readonly PhoneEvidence[]
  readonly probe: { readonly address: string; readonly packets: readonly UdpPacket[] }
  /** What each node sent, told by the MAC address of its own interface. */
  readonly sent: { readonly a: readonly UdpPacket[]; readonly b: readonly UdpPacket[] }
  readonly survivorMac: string
  readonly events: Readonly<Record<EventName, number>>
  /** How long a figure looks at the time after its event. */
  readonly secondsAfter: Readonly<Record<EventName, number>>
}

const packetMs = 20
const secondsBefore = 1
const sampleRateHz = 8000

const measuredHow = [
  'phones: tcpdump on the interface of each phone, from one second before the event on; a packet is ' +
    'lost when its sequence number never arrives; a gap is the time between the first arrivals of two ' +
    'consecutive numbers; SIP messages are all that went to or came from the phone after the event',
  'decodedAudioDiscontinuities: the WAV file that baresip wrote of what it decoded, around the event: ' +
    'places where the tone of the other phone has a jump of phase or loudness, a click or a silence',
  'takeoverMs: from the first SIGKILL to the first SIP answer that the surviving node (by its MAC ' +
    'address) gave to OPTIONS sent every 10 ms from a third terminal',
  'twin: captures on the interfaces of both nodes; packets of the same stream and sequence number ' +
    'that both nodes sent',
]

export function makeReport(evidence: Evidence): DemoReport {
  const { packets, headerEqual, payloadEqual } = compareTwins(evidence.sent.a, evidence.sent.b)
  const phones = evidence.phones.map((phone) => {
    const [kill, switchover] = eventNames.map((name) => eventFigures(phone, evidence, name))
    return [phone.user, { kill, switchover }] as const
  })
  return {
    phones: Object.fromEntries(phones) as DemoReport['phones'],
    takeoverMs: takeoverMs(evidence),
    twin: { packets, headerEqual, payloadEqual },
    callEndedNormally: evidence.phones.every(endedNormally),
    measuredHow,
  }
}

function eventFigures(phone: PhoneEvidence, evidence: Evidence, name: EventName): EventFigures {
  const eventMs = evidence.events[name]
  const secondsAfter = evidence.secondsAfter[name]
  const fromMs = eventMs - secondsBefore * 1000
  const packetsExpected = ((secondsBefore + secondsAfter) * 1000) / packetMs
  const stream = heardStream(phone)
  const messages = ofTerminal(sipMessages(phone.packets), phone.address)
  const figures = stream
    ? figuresFrom(stream, { fromMs, packetsExpected })
    : { packetsExpected, packetsLost: packetsExpected, maxGapMs: Number.POSITIVE_INFINITY }
  return {
    ...figures,
    maxGapMs: Math.round(figures.maxGapMs * 10) / 10,
    sipMessagesDuringTakeover: between(messages, eventMs, eventMs + secondsAfter * 1000).length,
    decodedAudioDiscontinuities: stream
      ? discontinuities(phone, stream, fromMs, packetsExpected)
      : packetsExpected,
  }
}

/** The voice that the service address sends to this phone. */
function heardStream(phone: PhoneEvidence): RtpStream | undefined {
  const voice = phone.packets.filter(
    (packet) => packet.source === serviceAddress && packet.destination === phone.address,
  )
  return rtpStreams(voice).sort((one, other) => other.packets.length - one.packets.length)[0]
}

/** A stretch without any tone counts as one: the phone heard nothing. */
function discontinuities(
  phone: PhoneEvidence,
  stream: RtpStream,
  fromMs: number,
  packets: number,
): number {
  const { samples } = readWav(phone.recording)
  const from = sampleAt(stream, fromMs)
  const to = from + (packets * packetMs * sampleRateHz) / 1000
  const tone = analyseTone(samples, { sampleRateHz, toneHz: phone.heardHz, from, to })
  const isWhole = tone.toneSamples >= Math.min(to, samples.length) - from - sampleRateHz / 10
  return tone.discontinuities + (isWhole ? 0 : 1)
}

/** -1: the survivor never answered. */
function takeoverMs({ probe, survivorMac, events }: Evidence): number {
  const answer = sipMessages(probe.packets).find(
    (message) =>
      message.destination === probe.address &&
      message.status !== undefined &&
      message.ethernetSource === survivorMac &&
      message.timeMs > events.kill,
  )
  return answer === undefined ? -1 : Math.round(answer.timeMs - events.kill)
}

/** Every phone has seen one BYE in its call, and a 200 to it. */
function endedNormally(phone: PhoneEvidence): boolean {
  const byes = ofTerminal(sipMessages(phone.packets), phone.address).filter(
    (message) => message.method === 'BYE',
  )
  const [request] = byes.filter((message) => message.status === undefined)
  return request !== undefined && byes.some((message) => answers(message, request))
}

function answers(response: SipSighting, request: SipSighting): boolean {
  return (
    response.status === 200 &&
    response.callId === request.callId &&
    response.destination === request.source
  )
}
