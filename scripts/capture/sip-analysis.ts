//! SIP messages in a capture: what, when, from whom to whom.
import type { UdpPacket } from './pcap.ts'

export interface SipSighting {
  readonly timeMs: number
  readonly ethernetSource: string
  readonly source: string
  readonly destination: string
  /** Method of a request; of the CSeq for a response. */
  readonly method: string
  /** Absent for requests. */
  readonly status?: number
  readonly callId: string
  readonly text: string
}

const requestLine = /^([A-Z]{2,20}) \S{1,500} SIP\/2\.0\r?$/
const statusLine = /^SIP\/2\.0 (\d{3}) /

export function sipMessages(packets: readonly UdpPacket[]): SipSighting[] {
  return packets.flatMap((packet) => {
    const sighting = sipMessage(packet)
    return sighting === undefined ? [] : [sighting]
  })
}

function sipMessage(packet: UdpPacket): SipSighting | undefined {
  if (packet.payload.length < 16 || (packet.payload[0] ?? 0) > 0x7f) return undefined
  const text = packet.payload.toString('latin1')
  const firstLine = text.slice(0, text.indexOf('\n'))
  const method = requestLine.exec(firstLine)?.[1]
  const status = statusLine.exec(firstLine)?.[1]
  if (method === undefined && status === undefined) return undefined
  return {
    timeMs: packet.timeMs,
    ethernetSource: packet.ethernetSource,
    source: packet.source,
    destination: packet.destination,
    method: method ?? headerValue(text, 'CSeq').split(' ')[1] ?? '',
    ...(status === undefined ? {} : { status: Number(status) }),
    callId: headerValue(text, 'Call-ID'),
    text,
  }
}

function headerValue(text: string, name: string): string {
  const lines = text.split('\r\n')
  const prefix = `${name.toLowerCase()}:`
  const line = lines.find((candidate) => candidate.toLowerCase().startsWith(prefix))
  return line === undefined ? '' : line.slice(prefix.length).trim()
}

/** Of one terminal: the LAN floods what is meant for others, and the capture sees it too. */
export function ofTerminal(messages: readonly SipSighting[], address: string): SipSighting[] {
  return messages.filter((m) => m.source === address || m.destination === address)
}

export function between(
  messages: readonly SipSighting[],
  fromMs: number,
  toMs: number,
): SipSighting[] {
  return messages.filter((message) => message.timeMs >= fromMs && message.timeMs < toMs)
}
