//! The post-dial delay of a server, from a capture at its interface.
import test from 'ava'
import { dialDelays } from '../../scripts/bench/dial-delay.ts'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'

const server = '10.0.0.1'

function packet(timeMs: number, source: string, lines: readonly string[]): UdpPacket {
  const payload = Buffer.from([...lines, '', ''].join('\r\n'))
  const addresses = { source, sourcePort: 5060, destination: 'x', destinationPort: 5060 }
  return { timeMs, ethernetSource: '', ...addresses, payload }
}

const invite = (timeMs: number, source: string, user: string, callId: string) =>
  packet(timeMs, source, [
    'INVITE sip:2 SIP/2.0',
    `From: <sip:${user}@x>;tag=1`,
    `Call-ID: ${callId}`,
  ])
const ringing = (timeMs: number, source: string, user: string, callId: string) =>
  packet(timeMs, source, [
    'SIP/2.0 180 Ringing',
    `From: <sip:${user}@x>;tag=1`,
    `Call-ID: ${callId}`,
  ])

test('what the called telephone takes is not in it, and calls of several telephones may overlap', (t) => {
  const packets = [
    invite(0, 'p1', '100', 'one'),
    invite(1, 'p1', '101', 'two'),
    invite(2.5, server, '100', 'one of the server'),
    invite(5, server, '101', 'two of the server'),
    ringing(10, 'p2', '100', 'one of the server'),
    ringing(10, 'p2', '101', 'two of the server'),
    ringing(11, server, '100', 'one'),
    ringing(13, server, '101', 'two'),
  ]
  t.deepEqual(dialDelays(packets, server), [
    { atMs: 0, ms: 3.5 },
    { atMs: 1, ms: 7 },
  ])
})

test('a repeated INVITE waits since the first one, and a call that never rang is no delay', (t) => {
  const packets = [
    invite(0, 'p1', '100', 'one'),
    invite(500, 'p1', '100', 'one'),
    invite(501, server, '100', 'one of the server'),
    ringing(502, 'p2', '100', 'one of the server'),
    ringing(503, server, '100', 'one'),
    invite(600, 'p1', '100', 'never'),
    invite(700, 'p1', '100', 'next'),
    invite(701, server, '100', 'next of the server'),
    ringing(702, 'p2', '100', 'next of the server'),
    ringing(704, server, '100', 'next'),
  ]
  t.deepEqual(dialDelays(packets, server), [
    { atMs: 0, ms: 502 },
    { atMs: 700, ms: 3 },
  ])
})
