//! Our own session descriptions: one audio stream on the service address.
import { assert } from '../../assert.ts'
import type { Direction } from '../../tables/wired-media.ts'
import { parseSdp, type SdpCodec, type SessionDescription, writeSdp } from '../../wire/sdp.ts'
import { mediaOf } from './media.ts'
import type { Codec } from './xip.ts'

interface OwnStream {
  readonly address: string
  /** Address of the origin line (RFC 4566 5.2): part of a name, equal on both nodes. */
  readonly origin: string
  readonly port: number
  /** Session number and version of the origin line. */
  readonly session: number
  readonly version: number
  readonly direction: Direction
}

const payloadTypes: Record<Codec, number> = { PCMA: 8, PCMU: 0 }
const eventPayloadType = 101

/** Both codecs, the preferred one first, and telephone events. */
export function offerText(own: OwnStream & { readonly first: Codec }): string {
  const second = own.first === 'PCMA' ? 'PCMU' : 'PCMA'
  const codecs = [own.first, second].map((name) =>
    voiceCodec(name as Codec, payloadTypes[name as Codec]),
  )
  return text(own, {
    codecs: [...codecs, eventCodec(eventPayloadType)],
    ptimeMs: 20,
    index: 0,
    others: [],
  })
}

/** RFC 3264 6: the first codec of the offer that we have; every other stream of it is refused. */
export function answerText(offer: string, own: OwnStream): string {
  const offered = parseSdp(offer)
  const media = mediaOf(offer)
  const codec = media?.codecs[0]
  const audio = offered?.audio
  assert(media && codec && offered && audio, 'an offer is answered only when it can be used')
  const events = media.eventPayloadType === null ? [] : [eventCodec(media.eventPayloadType)]
  return text(own, {
    codecs: [voiceCodec(codec.name, codec.payloadType), ...events],
    ptimeMs: media.ptimeMs,
    index: audio.index,
    others: offered.others,
  })
}

function text(
  own: OwnStream,
  stream: {
    codecs: SdpCodec[]
    ptimeMs: number
    index: number
    others: SessionDescription['others']
  },
): string {
  const { codecs, ptimeMs, index, others } = stream
  const { address, origin, port, direction } = own
  return writeSdp({
    origin: {
      username: 'vccs',
      sessionId: String(own.session),
      version: String(own.version),
      address: origin,
    },
    name: '-',
    attributes: [],
    audio: {
      index,
      address,
      port,
      protocol: 'RTP/AVP',
      codecs,
      ptimeMs,
      maxptimeMs: null,
      direction,
      rtcp: null,
      attributes: [],
    },
    others,
  })
}

function voiceCodec(encoding: Codec, payloadType: number): SdpCodec {
  return { payloadType, encoding, clockRateHz: 8_000, channels: 1, fmtp: null }
}

function eventCodec(payloadType: number): SdpCodec {
  const encoding = 'telephone-event'
  return { payloadType, encoding, clockRateHz: 8_000, channels: 1, fmtp: '0-15' }
}
