//! The media information of XIP (S1.20, S1.21) from a session description.
import type { Direction } from '../../tables/wired-media.ts'
import { type AudioDescription, parseSdp } from '../../wire/sdp.ts'
import { ipv4Of } from '../../wire/sip/host.ts'
import type { XipCodec, XipMedia } from './xip.ts'

const holdAddresses = ['0.0.0.0', '::']

/** The audio stream of a description; null when it has none with G.711 at an IPv4 address. */
export function mediaOf(description: string): XipMedia | null {
  const audio = parseSdp(description)?.audio ?? null
  if (audio === null) return null
  const codecs = codecsOf(audio)
  if (codecs.length === 0) return null
  const isHold = holdAddresses.includes(audio.address)
  // The voice leaves from IPv4 sockets: a stream that no packet of them reaches is none.
  const address = ipv4Of(audio.address)
  if (address === null && !isHold) return null
  return {
    address: isHold ? null : address,
    port: audio.port,
    type: 'audio',
    codecs,
    ptimeMs: ptimeOf(audio),
    direction: isHold ? withoutReceiving(audio.direction) : audio.direction,
    eventPayloadType: eventPayloadType(audio),
  }
}

function codecsOf(audio: AudioDescription): XipCodec[] {
  return audio.codecs.flatMap(({ encoding, clockRateHz, channels, payloadType }): XipCodec[] => {
    const name = encoding?.toUpperCase()
    if (name !== 'PCMA' && name !== 'PCMU') return []
    return clockRateHz === 8_000 && channels === 1 ? [{ name, payloadType }] : []
  })
}

/** RFC 4733; a static number would be a misuse and is not answered. */
function eventPayloadType(audio: AudioDescription): number | null {
  const event = audio.codecs.find(
    ({ encoding, clockRateHz, payloadType }) =>
      encoding?.toLowerCase() === 'telephone-event' && clockRateHz === 8_000 && payloadType >= 96,
  )
  return event?.payloadType ?? null
}

/** Packet times that we cannot make become 20 ms: `ptime` is a wish (RFC 4566 6). */
function ptimeOf(audio: AudioDescription): XipMedia['ptimeMs'] {
  return audio.ptimeMs === 10 || audio.ptimeMs === 30 ? audio.ptimeMs : 20
}

/** RFC 3264 8.4: a connection address of zero means: send me nothing. */
function withoutReceiving(direction: Direction): Direction {
  return direction === 'sendrecv' || direction === 'sendonly' ? 'sendonly' : 'inactive'
}
