//! The values of a session description, and the parts it is read from.

const mediaDirections = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const
export type MediaDirection = (typeof mediaDirections)[number]

/** `a=name` or `a=name:value`. */
export interface SdpAttribute {
  readonly name: string
  readonly value: string | null
}

export interface SdpCodec {
  /** 0..127. */
  readonly payloadType: number
  /** As written (`PCMA`, `telephone-event`); of a static type without rtpmap the registered name
   * (RFC 3551); null: unknown. */
  readonly encoding: string | null
  readonly clockRateHz: number
  readonly channels: number
  readonly fmtp: string | null
}

export interface AudioDescription {
  /** Place among all m-lines. */
  readonly index: number
  /** Where its sender wants to receive: a literal IPv4 or IPv6 address, of the media or of the
   * session level. `0.0.0.0` is the hold of RFC 2543. */
  readonly address: string
  /** 1..65535. */
  readonly port: number
  readonly protocol: 'RTP/AVP' | 'RTP/AVPF'
  /** In the order of the m-line: the first is liked most. */
  readonly codecs: readonly SdpCodec[]
  readonly ptimeMs: number | null
  readonly maxptimeMs: number | null
  /** Of the media or of the session level; `sendrecv` when neither says. */
  readonly direction: MediaDirection
  /** RFC 3605; null: the next port. */
  readonly rtcp: { readonly port: number; readonly address: string | null } | null
  readonly attributes: readonly SdpAttribute[]
}

/** An m-line that is not used; it is answered with port 0 (RFC 3264 6). */
export interface OtherMedia {
  readonly kind: string
  readonly protocol: string
  /** As written, with spaces between. */
  readonly formats: string
}

export interface SessionDescription {
  readonly origin: {
    readonly username: string
    /** Decimal digits: they may exceed 2^53. */
    readonly sessionId: string
    readonly version: string
    readonly address: string
  }
  readonly name: string
  /** Attributes of the session level, without the direction. */
  readonly attributes: readonly SdpAttribute[]
  /** The first audio m-line with RTP/AVP, a port, payload types and a literal address; null: none. */
  readonly audio: AudioDescription | null
  /** All other m-lines in their order. */
  readonly others: readonly OtherMedia[]
}

/** A line: its type letter and its value. */
export interface SdpLine {
  readonly type: string
  readonly value: string
}

/** The parts of an m-line and the lines below it. */
export interface MediaSection {
  readonly kind: string
  readonly port: number
  readonly protocol: string
  readonly formats: readonly string[]
  readonly lines: readonly SdpLine[]
}

/** Takes the first direction out of the list; null: none. */
export function takeDirection(attributes: SdpAttribute[]): MediaDirection | null {
  for (const [at, { name, value }] of attributes.entries()) {
    const direction = mediaDirections.find((known) => known === name)
    if (direction !== undefined && value === null) {
      attributes.splice(at, 1)
      return direction
    }
  }
  return null
}
