//! All 49 messages of RFC 4475, each with the result that we want and why.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import test from 'ava'
import { header, type SipMalformed, type SipMessage } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { uriText, writeSip } from '../../src/wire/sip/write.ts'

const folder = join(
  dirname(createRequire(import.meta.url).resolve('sip/package.json')),
  'test/messages',
)
const bytesOf = (name: string): Buffer => readFileSync(join(folder, `${name}.dat`))

/** What must hold of an accepted message: [what, wanted]. */
type Expected = (message: SipMessage) => [unknown, unknown][]

const request = (message: SipMessage) => {
  if (message.kind !== 'request') throw new Error('not a request')
  return message
}
const response = (message: SipMessage) => {
  if (message.kind !== 'response') throw new Error('not a response')
  return message
}
const contacts = (message: SipMessage): string[] =>
  message.contact === '*' ? ['*'] : message.contact.map(({ uri }) => uriText(uri))

const accepted: Record<string, Expected> = {
  // 3.1.1.1: white space, folding, unusual values, compact forms.
  wsinv: (m) => [
    [uriText(request(m).uri), 'sip:vivekg@chair-dnrc.example.com;unknownparam'],
    [m.to.parameters.get('tag'), '1918181833n'],
    [m.from.displayName, 'J Rosenberg \\"'],
    [m.from.parameters.get('tag'), '98asjd8'],
    [m.maxForwards, 68],
    [m.cseq, { number: 9, method: 'INVITE' }],
    [
      m.via.map((via) => `${via.transport} ${via.host}`),
      ['UDP 192.0.2.2', 'TCP spindle.example.com', 'UDP 192.168.255.111'],
    ],
    [
      m.via.map((via) => via.parameters.get('branch')),
      ['390skdjuw', 'z9hG4bK9ikj8', 'z9hG4bK30239'],
    ],
    [header(m, 'Subject'), ''],
    [header(m, 'NewFangledHeader'), 'newfangled value continued newfangled value'],
    [header(m, 'UnknownHeaderWithUnusualValue'), ';;,,;;,;'],
    [m.route[0]?.uri.parameters.get('unknownwith'), 'value'],
    [m.route[0]?.uri.parameters.get('unknown-no-value'), null],
    [m.contact === '*' ? '' : m.contact[0]?.displayName, 'Quoted string ""'],
    [m.contact === '*' ? '' : m.contact[0]?.parameters.get('q'), '0.33'],
    [m.body.length, 150],
  ],
  // 3.1.1.2: every character that a token may have; a password; controls as quoted pairs.
  intmeth: (m) => [
    [request(m).method, "!interesting-Method0123456789_*+`.%indeed'~"],
    [request(m).uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"],
    [request(m).uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"],
    [m.to.displayName, 'BEL:\u0007 NUL:\u0000 DEL:\u007f'],
    [m.from.displayName, "token1~` token2'+_ token3*%!.-"],
    [m.from.parameters.get('tag'), "_token~1'+`*%!-."],
    [m.from.parameters.get("fromparam''~+*_!.-%"), '"работающий"'],
    [m.callId, 'intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{'],
    [header(m, "extensionHeader-!.%*+_`'~"), '\ufeff大停電'],
    [m.maxForwards, 255],
  ],
  // 3.1.1.3: escaped characters; %40 and %25 stay, unreserved ones are resolved.
  esc01: (m) => [
    [request(m).uri.user, 'sips%3Auser%40example.com'],
    [request(m).uri.host, 'example.net'],
    [m.to.uri.user, 'user'],
    [m.from.uri.user, 'I%20have%20spaces'],
    [contacts(m), ['sip:caller@host5.example.net;lr;name=value%2541']],
  ],
  // 3.1.1.4: an escaped null is no terminator.
  escnull: (m) => [
    [m.to.uri.user, 'null-%00-null'],
    [contacts(m), ['sip:%00@host5.example.com', 'sip:%00%00@host5.example.com']],
  ],
  // 3.1.1.5: percent in a method, a header name and a display name is no escape.
  esc02: (m) => [
    [request(m).method, 'RE%47IST%45R'],
    [m.cseq.method, 'RE%47IST%45R'],
    [m.to.displayName, '%Z%45'],
    [header(m, 'C%6Fntact'), '<sip:alias2@host2.example.com>'],
    [contacts(m), ['sip:alias1@host1.example.com', 'sip:alias3@host3.example.com']],
    [m.via[0]?.parameters.get('branch'), 'z9hG4bK209%fzsnel234'],
  ],
  // 3.1.1.6: no space between display name and bracket.
  lwsdisp: (m) => [
    [m.from.displayName, 'caller'],
    [m.from.uri.user, 'caller'],
  ],
  // 3.1.1.7: long values.
  longreq: (m) => [
    [m.via.length, 34],
    [m.via[0]?.host, 'sip33.example.com'],
    [m.callId.length > 100, true],
    [m.body.length > 0, true],
  ],
  // 3.1.1.8: what follows the first request in a datagram is no body.
  dblreq: (m) => [
    [request(m).method, 'REGISTER'],
    [m.body, ''],
  ],
  // 3.1.1.9: semicolons in the user part.
  semiuri: (m) => [
    [request(m).uri.user, 'user;par=u%40example.net'],
    [request(m).uri.host, 'example.com'],
    [request(m).uri.parameters.size, 0],
  ],
  // 3.1.1.10: transports, an unknown one too.
  transports: (m) => [
    [m.via.map(({ transport }) => transport), ['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP']],
  ],
  // 3.1.1.12: a reason phrase in UTF-8.
  unreason: (m) => [
    [response(m).status, 200],
    [response(m).reason, '= 2**3 * 5**2 но сто девяносто девять - простое'],
  ],
  // 3.1.1.13: an empty reason phrase.
  noreason: (m) => [
    [
      [response(m).status, response(m).reason],
      [100, ''],
    ],
  ],
  // 3.1.2.12: the date is in a wrong zone; nobody here reads it.
  baddate: (m) => [[header(m, 'Date'), 'Fri, 01 Jan 2010 16:00:00 EST']],
  // 3.2.1, 3.3.5 - 3.3.7, 3.3.11, 3.3.15: above the parser, so values only.
  badbranch: (m) => [[m.via[0]?.parameters.get('branch'), 'z9hG4bK']],
  invut: (m) => [[header(m, 'Content-Type'), 'application/unknownformat']],
  regaut01: (m) => [[header(m, 'Authorization'), 'NoOneKnowsThisScheme opaque-data=here']],
  zeromf: (m) => [[m.maxForwards, 0]],
  bext01: (m) => [[header(m, 'Require'), 'nothingSupportsThis, nothingSupportsThisEither']],
  sdp01: (m) => [[header(m, 'Accept'), 'text/nobodyKnowsThis']],
  // 3.3.12, 3.3.13: the parameter is one of the header, then one of the URI.
  cparam01: (m) => [
    [contacts(m), ['sip:+19725552222@gw1.example.net']],
    [m.contact === '*' ? null : m.contact[0]?.parameters.has('unknownparam'), true],
  ],
  cparam02: (m) => [[contacts(m), ['sip:+19725552222@gw1.example.net;unknownparam']]],
  // 3.3.14: in brackets a URI may have headers.
  regescrt: (m) => [[contacts(m), ['sip:user@example.com?Route=%3Csip:sip.example.com%3E']]],
  // 3.3.10: the second Via names the broadcast address.
  bcast: (m) => [[m.via[1]?.host, '255.255.255.255']],
  // 3.4.1: RFC 2543: no branch, no tag, no Max-Forwards, no Content-Length.
  inv2543: (m) => [
    [m.maxForwards, null],
    [m.from.parameters.has('tag'), false],
    [m.recordRoute[0]?.uri.parameters.get('maddr'), 'ss1.example.com'],
    [m.body.startsWith('v=0\r\n'), true],
  ],
}

/** Status, and whether the request can be answered with it. */
const refused: Record<string, [status: number, answered: boolean]> = {
  // 3.1.1.11: valid, but its body is binary and ours is text.
  mpart01: [415, true],
  // 3.1.2.1: no separators after Via. Its sender can still be read.
  badinv01: [400, true],
  // 3.1.2.2, 3.1.2.3: Content-Length longer than the datagram; negative.
  clerr: [400, true],
  ncl: [400, true],
  // 3.1.2.4, 3.1.2.5: numbers too large. Without CSeq there is nothing to answer.
  scalar02: [400, true],
  scalarlg: [400, false],
  // 3.1.2.6: a quote without its end.
  quotbal: [400, true],
  // 3.1.2.7 - 3.1.2.11: the Request-URI in brackets, spaces around, spaces after, a headers part.
  ltgtruri: [400, true],
  lwsruri: [400, true],
  lwsstart: [400, true],
  trws: [400, true],
  escruri: [400, true],
  // 3.1.2.13: a URI with a question mark out of brackets.
  regbadct: [400, true],
  // 3.1.2.14: spaces in brackets.
  badaspec: [400, true],
  // 3.1.2.15: a comma in a display name without quotes.
  baddn: [400, true],
  // 3.1.2.16: another version.
  badvers: [505, true],
  // 3.1.2.17, 3.1.2.18: the method of CSeq; with an unknown method.
  mismatch01: [400, true],
  mismatch02: [400, true],
  // 3.1.2.19: a status of ten digits.
  bigcode: [400, false],
  // 3.3.1: headers that must be there.
  insuf: [400, true],
  // 3.3.2, 3.3.3: unknown schemes in the Request-URI.
  unkscm: [416, true],
  novelsc: [416, true],
  // 3.3.4: unknown schemes in To, From and Contact.
  unksm2: [400, true],
  // 3.3.8, 3.3.9: headers more than once; two lengths.
  multi01: [400, true],
  mcl01: [400, true],
}

test('the list is the whole of RFC 4475', (t) => {
  const names = [...Object.keys(accepted), ...Object.keys(refused)]
  t.is(new Set(names).size, 49)
  t.is(names.length, 49)
})

for (const [name, expected] of Object.entries(accepted)) {
  test(`RFC 4475 ${name} is read and written back`, (t) => {
    const message = parseSip(bytesOf(name))
    if (message.kind === 'malformed') return t.fail(message.why)
    for (const [is, wanted] of expected(message)) t.deepEqual(is, wanted)
    t.deepEqual(parseSip(Buffer.from(writeSip(message))), message)
  })
}

for (const [name, [status, answered]] of Object.entries(refused)) {
  test(`RFC 4475 ${name} is refused with ${status}`, (t) => {
    const result = parseSip(bytesOf(name)) as SipMalformed
    t.is(result.kind, 'malformed')
    t.is(result.status, status)
    t.is(result.reply !== null, answered, result.why)
  })
}

test('baddn is refused for its comma too, when its last line end is put back', (t) => {
  const result = parseSip(Buffer.concat([bytesOf('baddn'), Buffer.from('\r\n')])) as SipMalformed
  t.deepEqual([result.kind, result.status, result.why], ['malformed', 400, 'From is not valid'])
})
