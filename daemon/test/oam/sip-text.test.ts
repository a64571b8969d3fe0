//! SIP messages as an operator may see them.
import test from 'ava'
import { callIdOf, masked, summaryOf } from '../../src/oam/sip-text.ts'

const crlf = (lines: readonly string[]) => lines.join('\r\n')
const register = crlf([
  'REGISTER sip:tower SIP/2.0',
  'i: abc@10.0.0.1',
  'CSeq: 2 REGISTER',
  'Authorization: Digest username="1001", response="6629fae49393a05397450978507c4ef1"',
  'proxy-authorization : Digest nonce="x"',
  'Contact: <sip:1001@10.0.0.1>',
  '',
  '',
])

test('no credentials are shown, whatever the case of their header', (t) => {
  const text = masked(register)
  t.notRegex(text, /6629fae|1001", response|nonce/)
  t.regex(text, /^Authorization: Digest masked$/m)
  t.regex(text, /^proxy-authorization : Digest masked$/m)
  t.regex(text, /Contact: <sip:1001@10\.0\.0\.1>/)
})

test('no dialled digit and no media key is shown', (t) => {
  const info = (type: string, body: string) =>
    crlf(['INFO x SIP/2.0', `Content-Type: ${type}`, '', body])
  t.notRegex(masked(info('application/dtmf-relay', 'Signal=5\r\nDuration=160')).slice(45), /\d/)
  t.notRegex(masked(info('Application/DTMF; x=y', '7')), /7/)
  const sdp =
    'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3\r\nm=audio 1 RTP/AVP 8'
  const shown = masked(info('application/sdp', sdp))
  t.notRegex(shown, /inline|d0Rm/)
  t.regex(shown, /m=audio 1 RTP\/AVP 8/)
})

test('one line says what a message is, and its Call-ID names its dialog', (t) => {
  t.is(summaryOf(register), 'REGISTER sip:tower')
  t.is(callIdOf(register), 'abc@10.0.0.1')
  const ok = crlf([
    'SIP/2.0 200 OK',
    'Call-ID: q',
    'CSeq: 1 INVITE',
    'c: application/sdp',
    '',
    'v=0',
  ])
  t.is(summaryOf(ok), '200 OK, INVITE (sdp)')
  t.is(callIdOf(crlf(['INVITE x SIP/2.0', 'To: y', '', 'Call-ID: in the body'])), '')
  for (const nonsense of ['', '\r\n\r\n', ':', 'Authorization:']) {
    t.notThrows(() => [masked(nonsense), summaryOf(nonsense), callIdOf(nonsense)])
  }
})
