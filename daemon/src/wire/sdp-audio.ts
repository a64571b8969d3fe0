//! The audio stream of a session description: its m-line with codecs and typed attributes.
import {
  type AudioDescription,
  type MediaDirection,
  type MediaSection,
  type SdpAttribute,
  type SdpCodec,
  type SdpLine,
  takeDirection,
} from './sdp-types.ts'
import { isIpv4, isIpv6 } from './sip/host.ts'
import { decimal, isToken } from './sip/scan.ts'

/** Static payload types (RFC 3551 6), mono. */
const staticCodecs: ReadonlyMap<number, readonly [string, number]> = new Map([
  [0, ['PCMU', 8000]],
  [3, ['GSM', 8000]],
  [4, ['G723', 8000]],
  [8, ['PCMA', 8000]],
  [9, ['G722', 8000]],
  [13, ['CN', 8000]],
  [15, ['G728', 8000]],
  [18, ['G729', 8000]],
])

/** The address of the first c-line: null when there is none or it is no literal address,
 * undefined when it is broken. */
export function readConnection(lines: readonly SdpLine[]): string | null | undefined {
  const line = lines.find(({ type }) => type === 'c')
  return line === undefined ? null : readAddress(line.value.split(' '))
}

function readAddress(parts: readonly string[]): string | null | undefined {
  const [net, kind, address] = parts
  if (parts.length !== 3 || net !== 'IN' || !address) return undefined
  if (kind === 'IP4') return isIpv4(address) ? address : null
  if (kind === 'IP6') return isIpv6(address) ? address : null
  return undefined
}

interface SessionLevel {
  readonly index: number
  readonly address: string | null
  readonly direction: MediaDirection
  /** Of this section; what is understood is taken out. */
  readonly attributes: SdpAttribute[]
}

/** Null: not an audio stream that we can use. */
export function readAudio(section: MediaSection, session: SessionLevel): AudioDescription | null {
  const { port, protocol, lines, formats, kind } = section
  if (kind !== 'audio' || port === 0) return null
  if (protocol !== 'RTP/AVP' && protocol !== 'RTP/AVPF') return null
  const hasOwn = lines.some(({ type }) => type === 'c')
  const address = hasOwn ? readConnection(lines) : session.address
  const types = formats.map((format) => decimal(format, 127))
  if (!address || types.includes(null) || new Set(types).size !== types.length) return null
  const rest = session.attributes
  const direction = takeDirection(rest) ?? session.direction
  const codecs = types.flatMap((type) => (type === null ? [] : [readCodec(type, rest)]))
  const ptimeMs = takeFirst(rest, 'ptime', milliseconds)
  const maxptimeMs = takeFirst(rest, 'maxptime', milliseconds)
  const rtcp = takeFirst(rest, 'rtcp', readRtcp)
  const typed = { codecs, ptimeMs, maxptimeMs, direction, rtcp }
  return { index: session.index, address, port, protocol, ...typed, attributes: rest }
}

function readCodec(payloadType: number, rest: SdpAttribute[]): SdpCodec {
  const map = takeFirst(rest, 'rtpmap', (value) => readRtpMap(payloadType, value))
  const fmtp = takeFirst(rest, 'fmtp', (value) => afterType(payloadType, value))
  const known = staticCodecs.get(payloadType)
  const [encoding, clockRateHz, channels] = map ?? [known?.[0] ?? null, known?.[1] ?? 0, 1]
  return { payloadType, encoding, clockRateHz, channels, fmtp }
}

/** Takes the first attribute of this name that can be read out of the list. What cannot be read
 * stays there as text. */
function takeFirst<T>(
  rest: SdpAttribute[],
  name: string,
  read: (value: string) => T | null,
): T | null {
  for (const [at, attribute] of rest.entries()) {
    if (attribute.name !== name || attribute.value === null) continue
    const value = read(attribute.value)
    if (value !== null) {
      rest.splice(at, 1)
      return value
    }
  }
  return null
}

/** The text after `payloadType` and a space, or null when it is about another type. */
function afterType(payloadType: number, value: string): string | null {
  const space = value.indexOf(' ')
  if (space < 0 || decimal(value.slice(0, space), 127) !== payloadType) return null
  const text = value.slice(space + 1).trim()
  return text === '' ? null : text
}

/** `encoding/rate[/channels]`. */
function readRtpMap(payloadType: number, value: string): [string, number, number] | null {
  const parts = afterType(payloadType, value)?.split('/') ?? []
  const [encoding = '', rate = '', channels = '1'] = parts
  const clockRateHz = decimal(rate, 1_000_000)
  const count = decimal(channels, 255)
  if (parts.length > 3 || !isToken(encoding) || !clockRateHz || !count) return null
  return [encoding, clockRateHz, count]
}

function milliseconds(value: string): number | null {
  const number = decimal(value, 1_000)
  return number === 0 ? null : number
}

function readRtcp(value: string): AudioDescription['rtcp'] {
  const [portText = '', ...parts] = value.split(' ')
  const port = decimal(portText, 65_535)
  if (!port) return null
  if (parts.length === 0) return { port, address: null }
  const address = readAddress(parts)
  return address ? { port, address } : null
}
