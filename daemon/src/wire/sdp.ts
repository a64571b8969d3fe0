//! Session descriptions with one audio stream, offer or answer (RFC 4566, RFC 3264). The rest is kept
//! as text: ED-137 attributes (`type`, `txrxmode`, `fid`, `R2S-...`) are among `attributes`.
import { limits } from '../limits.ts'
import { readAudio, readConnection } from './sdp-audio.ts'
import {
  type AudioDescription,
  type MediaSection,
  type OtherMedia,
  type SdpAttribute,
  type SdpCodec,
  type SdpLine,
  type SessionDescription,
  takeDirection,
} from './sdp-types.ts'
import { isControl, isToken, singleLine } from './sip/scan.ts'

export type {
  AudioDescription,
  MediaDirection,
  OtherMedia,
  SdpAttribute,
  SdpCodec,
  SessionDescription,
} from './sdp-types.ts'

/** Parses a description. Null: not valid, or longer than `limits.sdpBytesMax`. Never throws. */
export function parseSdp(text: string): SessionDescription | null {
  if (text.length > limits.sdpBytesMax) return null
  const lines = splitLines(text)
  if (lines === null) return null
  const firstMedia = lines.findIndex(({ type }) => type === 'm')
  const session = firstMedia < 0 ? lines : lines.slice(0, firstMedia)
  const head = readHead(session)
  const sections = firstMedia < 0 ? [] : readSections(lines.slice(firstMedia))
  const sessionAttributes = readAttributes(session)
  const address = readConnection(session)
  if (head === null || sections === null || sessionAttributes === null) return null
  if (address === undefined) return null
  const direction = takeDirection(sessionAttributes) ?? 'sendrecv'
  const others: OtherMedia[] = []
  let audio: AudioDescription | null = null
  for (const [index, section] of sections.entries()) {
    const attributes = readAttributes(section.lines)
    if (attributes === null) return null
    const level = { index, address, direction, attributes }
    const read: AudioDescription | null = audio === null ? readAudio(section, level) : null
    if (read !== null) audio = read
    else others.push(otherOf(section))
  }
  return { ...head, attributes: sessionAttributes, audio, others }
}

function otherOf(section: MediaSection): OtherMedia {
  const { kind, protocol, formats } = section
  return { kind, protocol, formats: formats.join(' ') }
}

/** RFC 4566 5: a line may end with LF alone. A description with an unknown type letter is refused. */
function splitLines(text: string): SdpLine[] | null {
  const lines: SdpLine[] = []
  let from = 0
  while (from < text.length) {
    const feed = text.indexOf('\n', from)
    let end = feed < 0 ? text.length : feed
    const next = end + 1
    if (end > from && text.charCodeAt(end - 1) === 0x0d) end -= 1
    const type = text[from] ?? ''
    if (end - from < 2 || text[from + 1] !== '=' || !'vosiuepcbtrzkam'.includes(type)) return null
    for (let at = from; at < end; at += 1) {
      if (isControl(text.charCodeAt(at))) return null
    }
    lines.push({ type, value: text.slice(from + 2, end) })
    from = next
  }
  return lines
}

/** v, o, s and t are mandatory; the first three come once and first (RFC 4566 5). */
function readHead(lines: readonly SdpLine[]): Pick<SessionDescription, 'origin' | 'name'> | null {
  const [v, o, s] = lines
  if (v?.type !== 'v' || v.value !== '0' || o?.type !== 'o' || s?.type !== 's') return null
  if (!lines.some(({ type }) => type === 't')) return null
  if (lines.slice(3).some(({ type }) => 'vos'.includes(type))) return null
  const parts = o.value.split(' ')
  const [username, sessionId, version, net, kind, address] = parts
  if (parts.length !== 6 || parts.includes('') || net !== 'IN') return null
  if (kind !== 'IP4' && kind !== 'IP6') return null
  if (!isDigits(sessionId) || !isDigits(version) || !username || !address) return null
  return { origin: { username, sessionId, version, address }, name: s.value }
}

function isDigits(text: string | undefined): text is string {
  if (text === undefined || text.length > 20) return false
  for (const character of text) {
    if (character < '0' || character > '9') return false
  }
  return text !== ''
}

function readSections(lines: readonly SdpLine[]): MediaSection[] | null {
  const sections: (MediaSection & { lines: SdpLine[] })[] = []
  for (const line of lines) {
    if (line.type === 'm') {
      const section = readMediaLine(line.value)
      if (section === null) return null
      sections.push(section)
    } else if ('icbka'.includes(line.type)) sections.at(-1)?.lines.push(line)
    else return null
  }
  return sections
}

/** `kind port["/" count] protocol format...`. */
function readMediaLine(value: string): (MediaSection & { lines: SdpLine[] }) | null {
  const [kind = '', portText = '', protocol = '', ...formats] = value.split(' ')
  const slash = portText.indexOf('/')
  const digits = slash < 0 ? portText : portText.slice(0, slash)
  if (slash >= 0 && !isDigits(portText.slice(slash + 1))) return null
  if (!isToken(kind) || !isDigits(digits) || Number(digits) > 65_535) return null
  if (!protocol.split('/').every(isToken)) return null
  if (formats.length === 0 || !formats.every(isToken)) return null
  return { kind, port: Number(digits), protocol, formats, lines: [] }
}

function readAttributes(lines: readonly SdpLine[]): SdpAttribute[] | null {
  const attributes: SdpAttribute[] = []
  for (const { type, value: text } of lines) {
    if (type !== 'a') continue
    const colon = text.indexOf(':')
    const name = colon < 0 ? text : text.slice(0, colon)
    if (!isToken(name)) return null
    attributes.push({ name, value: colon < 0 ? null : text.slice(colon + 1) })
  }
  return attributes
}

/** The value of the first attribute of this name, in any case; a flag gives the empty string;
 * undefined: absent. */
export function sdpAttribute(
  attributes: readonly SdpAttribute[],
  name: string,
): string | undefined {
  const wanted = name.toLowerCase()
  const found = attributes.find((attribute) => attribute.name.toLowerCase() === wanted)
  return found === undefined ? undefined : (found.value ?? '')
}

/** The first codec of this name (any case) at 8 kHz, or undefined. */
export function findCodec(audio: AudioDescription, encoding: string): SdpCodec | undefined {
  const wanted = encoding.toLowerCase()
  return audio.codecs.find(
    (codec) =>
      codec.encoding?.toLowerCase() === wanted && codec.clockRateHz === limits.sampleRateHz,
  )
}

/** Writes a description; the m-lines of `others` get port 0. CR and LF in values become spaces. */
export function writeSdp(description: SessionDescription): string {
  const { origin, audio, others } = description
  const { username, sessionId, version, address } = origin
  const lines = ['v=0', `o=${username} ${sessionId} ${version} ${addressText(address)}`]
  lines.push(`s=${description.name}`, `c=${addressText(audio?.address ?? address)}`, 't=0 0')
  for (const attribute of description.attributes) lines.push(attributeLine(attribute))
  const media = others.map((other) => [`m=${other.kind} 0 ${other.protocol} ${other.formats}`])
  if (audio !== null) media.splice(audio.index, 0, audioLines(audio))
  return [...lines, ...media.flat()].map((line) => `${singleLine(line)}\r\n`).join('')
}

function addressText(address: string): string {
  return `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`
}

function attributeLine({ name, value }: SdpAttribute): string {
  return value === null ? `a=${name}` : `a=${name}:${value}`
}

function audioLines(audio: AudioDescription): string[] {
  const types = audio.codecs.map((codec) => codec.payloadType).join(' ')
  const lines = [`m=audio ${audio.port} ${audio.protocol} ${types}`]
  for (const { payloadType, encoding, clockRateHz, channels, fmtp } of audio.codecs) {
    const suffix = channels === 1 ? '' : `/${channels}`
    if (encoding !== null) {
      lines.push(`a=rtpmap:${payloadType} ${encoding}/${clockRateHz}${suffix}`)
    }
    if (fmtp !== null) lines.push(`a=fmtp:${payloadType} ${fmtp}`)
  }
  if (audio.ptimeMs !== null) lines.push(`a=ptime:${audio.ptimeMs}`)
  if (audio.maxptimeMs !== null) lines.push(`a=maxptime:${audio.maxptimeMs}`)
  if (audio.rtcp !== null) {
    const { port, address } = audio.rtcp
    lines.push(address === null ? `a=rtcp:${port}` : `a=rtcp:${port} ${addressText(address)}`)
  }
  lines.push(`a=${audio.direction}`)
  return [...lines, ...audio.attributes.map(attributeLine)]
}
