//! The SIP reader and writer: rules one by one.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import type { NameAddress, SipMessage, SipRequest } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { commaList } from '../../src/wire/sip/scan.ts'
import {
  headerList,
  parseNameAddress,
  parseUri,
  parseVia,
  reasonPhrase,
  response,
  uriText,
  withHeader,
  writeSip,
} from '../../src/wire/sip/write.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

/** A good INVITE whose lines a test may replace or add to. */
function invite(change: Record<string, string> = {}, more: string[] = [], body = ''): Buffer {
  const lines: Record<string, string> = {
    start: 'INVITE sip:200@10.0.0.1 SIP/2.0',
    via: 'Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;rport',
    from: 'From: "A" <sip:100@10.0.0.1>;tag=a1',
    to: 'To: <sip:200@10.0.0.1>',
    callId: 'Call-ID: 7f1@10.0.0.5',
    cseq: 'CSeq: 1 INVITE',
    ...change,
  }
  return bytes([...Object.values(lines), ...more, '', body].join('\r\n'))
}

function good(message: ReturnType<typeof parseSip>): SipMessage {
  if (message.kind === 'malformed') throw new Error(message.why)
  return message
}

function goodRequest(message: ReturnType<typeof parseSip>): SipRequest {
  const read = good(message)
  if (read.kind !== 'request') throw new Error('a response')
  return read
}

function status(message: ReturnType<typeof parseSip>): number | string {
  return message.kind === 'malformed' ? message.status : 'accepted'
}

test('an INVITE is read into its values', (t) => {
  const message = goodRequest(parseSip(invite({}, ['WG67-Version: phone.01', 'k: timer'], 'v=0')))
  t.is(message.method, 'INVITE')
  t.is(message.uri.user, '200')
  t.deepEqual(message.via[0]?.port, 5060)
  t.is(message.via[0]?.parameters.get('rport'), null)
  t.is(message.from.parameters.get('tag'), 'a1')
  t.is(message.body, 'v=0')
  t.deepEqual(message.headers, [
    { name: 'WG67-Version', value: 'phone.01' },
    { name: 'Supported', value: 'timer' },
  ])
})

test('every compact form is expanded', (t) => {
  const forms = {
    a: 'Accept-Contact',
    b: 'Referred-By',
    c: 'Content-Type',
    d: 'Request-Disposition',
    e: 'Content-Encoding',
    j: 'Reject-Contact',
    k: 'Supported',
    n: 'Identity-Info',
    o: 'Event',
    r: 'Refer-To',
    s: 'Subject',
    u: 'Allow-Events',
    x: 'Session-Expires',
    y: 'Identity',
  }
  const message = good(
    parseSip(
      invite(
        {},
        Object.keys(forms).map((name) => `${name}: x`),
      ),
    ),
  )
  t.deepEqual(
    message.headers.map(({ name }) => name),
    Object.values(forms),
  )
  const bare = { via: 'v: SIP/2.0/UDP h;branch=z', from: 'f: sip:a@b', to: 't: sip:c@d' }
  const short = good(parseSip(invite({ ...bare, callId: 'i: 1' }, ['m: sip:a@b', 'l: 0'])))
  t.is(short.callId, '1')
  t.is(short.contact.length, 1)
})

test('names of objects are names like any other', (t) => {
  const via = 'Via: SIP/2.0/UDP h;branch=z;__proto__=1;constructor'
  const message = good(parseSip(invite({ via }, ['__proto__: x', 'constructor: y'])))
  t.is(message.via[0]?.parameters.get('__proto__'), '1')
  t.deepEqual(
    message.headers.map(({ name }) => name),
    ['__proto__', 'constructor'],
  )
})

const refusals: [string, Buffer, number][] = [
  ['another version', invite({ start: 'INVITE sip:200@h SIP/3.0' }), 505],
  ['no version', invite({ start: 'INVITE sip:200@h' }), 400],
  ['an unknown scheme', invite({ start: 'INVITE h323:200@h SIP/2.0' }), 416],
  ['a header without a colon', invite({}, ['Foobar roobar']), 400],
  ['a space in a header name', invite({}, ['Foo bar: x']), 400],
  ['two To', invite({}, ['To: <sip:x@h>']), 400],
  ['two Call-ID, one compact', invite({}, ['i: 2']), 400],
  ['two Content-Length of equal value', invite({}, ['Content-Length: 0', 'l: 0']), 400],
  ['two Max-Forwards', invite({}, ['Max-Forwards: 1', 'Max-Forwards: 1']), 400],
  ['Max-Forwards of 256', invite({}, ['Max-Forwards: 256']), 400],
  ['CSeq of another method', invite({ cseq: 'CSeq: 1 BYE' }), 400],
  ['CSeq of 2^31', invite({ cseq: 'CSeq: 2147483648 INVITE' }), 400],
  ['a body shorter than Content-Length', invite({}, ['Content-Length: 4'], 'abc'), 400],
  ['Content-Length in hexadecimal', invite({}, ['Content-Length: 0x1']), 400],
  ['a negative Content-Length', invite({}, ['Content-Length: -1']), 400],
  ['a star beside a contact', invite({}, ['Contact: *', 'Contact: <sip:a@b>']), 400],
  ['a star in a list', invite({}, ['Contact: <sip:a@b>, *']), 400],
  ['an empty Contact', invite({}, ['Contact:']), 400],
  ['a Route without brackets', invite({}, ['Route: sip:a@b;lr']), 400],
  ['a parameter twice', invite({ to: 'To: <sip:a@b>;x=1;X=2' }), 400],
  ['a parameter twice in a URI', invite({ start: 'INVITE sip:a@b;lr;lr SIP/2.0' }), 400],
  ['rubbish after an address', invite({ from: 'From: <sip:a@b> rubbish;tag=1' }), 400],
  ['an open quote', invite({ from: 'From: "A <sip:a@b>;tag=1' }), 400],
  ['a control character', invite({}, ['Subject: a\u0001b']), 400],
  ['a null', invite({}, ['Subject: a\u0000b']), 400],
  ['a line feed alone', invite({}, ['Subject: a\nX: b']), 400],
  ['a carriage return alone', invite({}, ['Subject: a\rX: b']), 400],
  ['an escaped line feed', invite({}, ['Subject: "a\\\nb"']), 400],
  ['a broken escape in a URI', invite({ to: 'To: <sip:%4@b>' }), 400],
  ['two at signs', invite({ to: 'To: <sip:a@b@c>' }), 400],
  ['port 0', invite({ to: 'To: <sip:a@b:0>' }), 400],
  ['port 65536', invite({ to: 'To: <sip:a@b:65536>' }), 400],
  ['a wrong IPv4 address', invite({ to: 'To: <sip:a@10.0.0.256>' }), 400],
  ['an empty user', invite({ to: 'To: <sip:@b>' }), 400],
  ['Via of another version', invite({ via: 'Via: SIP/1.0/UDP h;branch=z' }), 400],
  ['headers without an end', bytes('OPTIONS sip:a SIP/2.0\r\nTo: sip:a\r\n'), 400],
  ['too many header lines', invite({}, Array(limits.sipHeaderLinesMax).fill('X: y')), 400],
  ['too many folded lines', invite({}, ['X: y', ...Array(100).fill(' z')]), 400],
  ['a message too large', invite({}, [], 'x'.repeat(limits.sipMessageBytesMax)), 513],
  ['a body that is no UTF-8', Buffer.concat([invite(), Buffer.of(0xff)]), 415],
  [
    'headers that are no UTF-8',
    Buffer.from(invite({}, ['Subject: \xe4']).toString(), 'latin1'),
    400,
  ],
  ['status 99', bytes('SIP/2.0 099 x\r\n\r\n'), 400],
  ['status 700', bytes('SIP/2.0 700 x\r\n\r\n'), 400],
]

for (const [what, message, wanted] of refusals) {
  test(`refused with ${wanted}: ${what}`, (t) => t.is(status(parseSip(message)), wanted))
}

test('a malformed request can be answered when its five headers are good', (t) => {
  const result = parseSip(invite({}, ['Max-Forwards: x'], 'body'))
  if (result.kind !== 'malformed' || result.reply === null) return t.fail()
  const text = writeSip(response(result.reply, result.status, { toTag: 'b' }))
  t.true(
    text.startsWith('SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1'),
  )
  t.true(text.includes('\r\nTo: <sip:200@10.0.0.1>;tag=b\r\n'))
})

test('nothing answers a malformed ACK, a malformed response or lost text', (t) => {
  const ack = invite({ start: 'ACK sip:a@b SIP/2.0', cseq: 'CSeq: 1 ACK' }, ['Max-Forwards: x'])
  const answer = invite({ start: 'SIP/2.0 200 OK' }, ['Max-Forwards: x'])
  const latin = Buffer.from(invite({ from: 'From: "\xe4" <sip:a@b>' }).toString(), 'latin1')
  for (const message of [ack, answer, latin, bytes(''), bytes('\r\n\r\n\r\n')]) {
    const result = parseSip(message)
    t.is(result.kind === 'malformed' ? result.reply : 'accepted', null)
  }
})

test('a Contact that cannot be read is none in a refusal, and a fault in everything that needs it', (t) => {
  const lines = ['Contact: <sip:100@10.0.0.5>', 'Contact: <mailto:a@b>', 'm: <sip:101@10.0.0.5>']
  for (const start of ['SIP/2.0 300 x', 'SIP/2.0 302 x', 'SIP/2.0 486 x', 'SIP/2.0 699 x']) {
    t.deepEqual(good(parseSip(invite({ start }, lines))).contact, [], start)
    t.deepEqual(good(parseSip(invite({ start }, ['Contact: *', 'Contact: x']))).contact, [])
    t.is(good(parseSip(invite({ start }, lines.slice(0, 1)))).contact.length, 1)
    t.is(status(parseSip(invite({ start }, [...lines, 'Max-Forwards: x']))), 400, 'another fault')
  }
  for (const start of [
    'SIP/2.0 180 x',
    'SIP/2.0 200 x',
    'SIP/2.0 299 x',
    'INVITE sip:a@b SIP/2.0',
  ]) {
    t.is(status(parseSip(invite({ start }, lines))), 400, start)
  }
})

test('the body is cut at Content-Length and is the rest without it', (t) => {
  t.is(good(parseSip(invite({}, ['Content-Length: 2'], 'abc'))).body, 'ab')
  t.is(good(parseSip(invite({}, ['l:0'], 'abc'))).body, '')
  t.is(good(parseSip(invite({}, [], 'abc'))).body, 'abc')
})

test('Content-Length counts bytes', (t) => {
  const message = { ...goodRequest(parseSip(invite())), body: 'ä€😀' }
  t.true(writeSip(message).includes('\r\nContent-Length: 9\r\n\r\n'))
  t.deepEqual(parseSip(bytes(writeSip(message))), message)
})

test('empty lines before the message are skipped', (t) => {
  t.is(good(parseSip(Buffer.concat([bytes('\r\n\r\n'), invite()]))).callId, '7f1@10.0.0.5')
})

test('Contact with a star is kept as such and written back', (t) => {
  const message = good(parseSip(invite({}, ['Contact: *'])))
  t.is(message.contact, '*')
  t.true(writeSip(message).includes('\r\nContact: *\r\n'))
})

const ipv6: [string, string, number | null][] = [
  // RFC 5118 4.1: brackets; 4.5, 4.6: addresses in parameters; 4.10: IPv4-mapped.
  ['[2001:db8::10]', '[2001:db8::10]', null],
  ['[2001:db8::10]:5070', '[2001:db8::10]', 5070],
  ['[::]', '[::]', null],
  ['[::ffff:192.0.2.2]', '[::ffff:192.0.2.2]', null],
  ['[2001:db8:0:0:0:0:192.0.2.1]:1', '[2001:db8:0:0:0:0:192.0.2.1]', 1],
  ['[1:2:3:4:5:6:7:8]', '[1:2:3:4:5:6:7:8]', null],
]
for (const [text, host, port] of ipv6) {
  test(`IPv6 ${text} is a host everywhere`, (t) => {
    const start = `INVITE sip:${text} SIP/2.0`
    const via = `Via: SIP/2.0/UDP ${text};received=2001:db8::9:255;branch=z9hG4bK1`
    const message = goodRequest(parseSip(invite({ start, via }, [`Contact: <sip:u@${text};lr>`])))
    t.deepEqual([message.uri.host, message.uri.port], [host, port])
    t.deepEqual([message.via[0]?.host, message.via[0]?.port], [host, port])
    t.is(message.via[0]?.parameters.get('received'), '2001:db8::9:255')
    t.deepEqual(parseSip(bytes(writeSip(message))), message)
  })
}

for (const host of [
  '2001:db8::1',
  '[2001:db8::1',
  '[]',
  '[:]',
  '[:::]',
  '[1::2::3]',
  '[12345::]',
  '[1:2:3:4:5:6:7]',
  '[1:2:3:4:5:6:7:8:9]',
  '[fe80::1%eth0]',
  '[::1.2.3]',
  '[::1.2.3.4:5]',
  '[g::]',
]) {
  test(`IPv6 ${host} is no host`, (t) => t.is(parseUri(`sip:u@${host}`), null))
}

test('received in brackets is read too (RFC 5118 4.5)', (t) => {
  const via = parseVia('SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3')
  t.is(via?.parameters.get('received'), '[2001:db8::9:255]')
})

test('tel numbers keep their parameters', (t) => {
  const uri = parseUri('tel:+1-201-555-0123;phone-context=example.com')
  t.is(uri?.user, '+1-201-555-0123')
  t.is(uri && uriText(uri), 'tel:+1-201-555-0123;phone-context=example.com')
  for (const text of ['tel:', 'tel:+', 'tel:12x', 'tel:1?a=b']) t.is(parseUri(text), null)
})

test('text helpers give null instead of throwing', (t) => {
  for (const text of ['', ' ', '<', '"', '<>', 'sip:', '*', 'a', '"a" sip:a@b', '<sip:a@b', ';']) {
    t.is(parseNameAddress(text), null)
    t.is(parseVia(text), null)
    t.is(parseUri(text), null)
  }
})

test('a response copies what RFC 3261 8.2.6 says', (t) => {
  const more = ['Record-Route: <sip:p@h;lr>', 'Timestamp: 54', 'Route: <sip:q@h;lr>']
  const request = goodRequest(parseSip(invite({}, more)))
  const trying = response(request, 100)
  t.is(trying.reason, 'Trying')
  t.deepEqual(trying.headers, [{ name: 'Timestamp', value: '54' }])
  t.is(trying.to, request.to)
  const ok = response(request, 200, { toTag: 'b', recordRoute: true, body: 'x', reason: 'Fine' })
  t.is(ok.to.parameters.get('tag'), 'b')
  t.deepEqual(
    [ok.via, ok.from, ok.callId, ok.cseq],
    [request.via, request.from, request.callId, request.cseq],
  )
  t.deepEqual([ok.recordRoute, ok.route, ok.headers], [request.recordRoute, [], []])
  t.is(response({ ...request, to: ok.to }, 200, { toTag: 'c' }).to.parameters.get('tag'), 'b')
  t.is(reasonPhrase(486), 'Busy Here')
  t.is(reasonPhrase(599), 'Server Failure')
})

test('no value can add a line', (t) => {
  const request = goodRequest(parseSip(invite()))
  const evil = 'x\r\nEvil: 1\r\n\r\nbody'
  const from: NameAddress = {
    displayName: evil,
    uri: { ...request.uri, user: evil, host: evil, headers: evil },
    parameters: new Map([['tag', evil]]),
  }
  const headers = [{ name: `X${evil}`, value: evil }]
  const text = writeSip({ ...request, from, callId: evil, headers, contact: [from], method: evil })
  t.false(text.split('\r\n').some((line) => line.startsWith('Evil')))
  t.is(text.indexOf('\r\n\r\n'), text.length - 4)
})

test('withHeader replaces all of a name, and null removes', (t) => {
  const request = goodRequest(parseSip(invite({}, ['Z: 1', 'Q: 2', 'z: 3'])))
  const one = withHeader(request, 'Z', '9')
  t.deepEqual(
    one.headers.map(({ name, value }) => `${name}${value}`),
    ['Q2', 'Z9'],
  )
  t.deepEqual(withHeader(one, 'z', null).headers, [{ name: 'Q', value: '2' }])
})

test('list headers are split over lines, quotes and brackets', (t) => {
  const request = goodRequest(parseSip(invite({}, ['Supported: a, b,,', 'k:c', 'Supported:'])))
  t.deepEqual(headerList(request, 'supported'), ['a', 'b', 'c'])
  t.deepEqual(commaList('"a,\\"b" <sip:x,y>, c'), ['"a,\\"b" <sip:x,y>', 'c'])
})
