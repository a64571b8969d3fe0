//! Addresses of IPv6 where a terminal says one: its Contact is used, and asked for where the datagrams of it
//! come from, as the sockets of the service are IPv4; a description that wants the voice there is refused.
import test from 'ava'
import { uriText } from '../../src/wire/sip/write.ts'
import { Stage, sdp } from './core-stage.ts'

/** The same INVITE from a Contact at an IPv6 address, as a call of its own. */
function callFromIpv6(stage: Stage, to: string, body?: string): void {
  const { a } = stage
  a.call('199', body)
  const text = a.sentText
    .replaceAll('199', to)
    .replace(/Contact: .*/, 'Contact: <sip:101@[2001:db8::5]:5070>')
    .replace(/branch=\S+/, 'branch=z9hG4bKipv6')
    .replace(/Call-ID: .*/, 'Call-ID: ipv6')
  a.callId = 'ipv6'
  a.remoteUser = to
  a.send(text)
}

test('a Contact at an IPv6 address is the target of what is asked of it, at the place of its registration', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  callFromIpv6(stage, '102')
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  a.ack(a.told(200))
  b.request('BYE')
  t.is(uriText(a.asked('BYE').uri), 'sip:101@[2001:db8::5]:5070')
  a.respond(a.asked('BYE'), 200)
  t.is(stage.core.liveSessions, 0)
})

test('who is called and answers from an IPv6 Contact gets the ACK and the BYE', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  const contact = ['Contact: <sip:102@[2001:db8::6]>']
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint), contact)
  a.ack(a.told(200))
  t.is(uriText(b.asked('ACK').uri), 'sip:102@[2001:db8::6]')
  a.request('BYE')
  t.is(uriText(b.asked('BYE').uri), 'sip:102@[2001:db8::6]')
})

test('a description at an IPv6 address is 488, one at the IPv4 address that is written as IPv6 is used', (t) => {
  const far = new Stage()
  callFromIpv6(far, '102', sdp(far.a.endpoint).replaceAll(/IN IP4 \S+/g, 'IN IP6 2001:db8::5'))
  t.true(far.a.heard(488))
  t.is(far.core.liveSessions, 0)
  const mapped = new Stage()
  const { address } = mapped.a.endpoint
  const text = sdp(mapped.a.endpoint).replace(/c=IN IP4 \S+/, `c=IN IP6 ::ffff:${address}`)
  callFromIpv6(mapped, '102', text)
  const { b } = mapped
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  mapped.a.ack(mapped.a.told(200))
  const places = [...mapped.tables.wiredMedia.values()].map((leg) => leg.terminalAddress)
  t.true(places.includes(address))
})
