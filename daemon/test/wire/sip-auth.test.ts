//! Digest values.
import test from 'ava'
import fc from 'fast-check'
import {
  type DigestChallenge,
  type DigestCredentials,
  digestChallengeText,
  digestCredentialsText,
  parseDigestChallenge,
  parseDigestCredentials,
} from '../../src/wire/sip/auth.ts'

test('the credentials of RFC 3261 22.4 are read', (t) => {
  const text = `Digest username="bob", realm="biloxi.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
    uri="sip:bob@biloxi.com",qop=auth, nc=00000001, cnonce="0a4f113b",
    response="6629FAE49393A05397450978507C4EF1", opaque="5ccc069c403ebaf9f0171e9517f40e41"`
  t.deepEqual(parseDigestCredentials(text.replaceAll('\n', '')), {
    username: 'bob',
    realm: 'biloxi.com',
    nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
    uri: 'sip:bob@biloxi.com',
    response: '6629fae49393a05397450978507c4ef1',
    algorithm: null,
    cnonce: '0a4f113b',
    opaque: '5ccc069c403ebaf9f0171e9517f40e41',
    qop: 'auth',
    nc: '00000001',
  })
})

const full =
  'Digest username="a", realm="r", nonce="n", uri="sip:r", response="00", qop=auth, nc=00000001, cnonce="c"'
const refused: Record<string, string> = {
  empty: '',
  'another scheme': full.replace('Digest', 'Basic'),
  'no user name': full.replace('username="a", ', ''),
  'no response': full.replace('response="00", ', ''),
  'a response that is no hexadecimal': full.replace('"00"', '"0g"'),
  'qop without cnonce': full.replace(', cnonce="c"', ''),
  'qop without nc': full.replace(', nc=00000001', ''),
  'a short nc': full.replace('00000001', '1'),
  'nc without qop': full.replace('qop=auth, ', ''),
  'a parameter twice': `${full}, realm="x"`,
  'an open quote': full.slice(0, -1),
  'an empty value': full.replace('qop=auth', 'qop='),
  'rubbish at the end': `${full} x`,
  'a comma at the end': `${full},`,
}
for (const [what, text] of Object.entries(refused)) {
  test(`credentials refused: ${what}`, (t) => t.is(parseDigestCredentials(text), null))
}

test('a challenge names its qop and whether the nonce is stale', (t) => {
  const text = 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth, auth-int", stale=TRUE'
  const wanted = { algorithm: 'SHA-256', qop: ['auth', 'auth-int'], stale: true, opaque: null }
  t.deepEqual(parseDigestChallenge(text), { realm: 'r', nonce: 'n', ...wanted })
  t.is(parseDigestChallenge('Digest realm="r"'), null)
})

const value = fc.string({ maxLength: 12 })
const token = fc.constantFrom('MD5', 'SHA-256')
const hex = fc.nat().map((number) => number.toString(16).padStart(8, '0'))
const challenge: fc.Arbitrary<DigestChallenge> = fc.record({
  realm: value,
  nonce: value,
  opaque: fc.option(value),
  algorithm: fc.option(token),
  qop: fc.constantFrom([], ['auth'], ['auth', 'auth-int']),
  stale: fc.boolean(),
})
const credentials: fc.Arbitrary<DigestCredentials> = fc
  .record({ username: value, realm: value, nonce: value, uri: value, response: hex })
  .chain((rest) =>
    fc
      .record({ algorithm: fc.option(token), opaque: fc.option(value) })
      .chain((more) =>
        fc
          .oneof(
            fc.record({ cnonce: value, qop: fc.constant('auth'), nc: hex }),
            fc.constant({ cnonce: null, qop: null, nc: null }),
          )
          .map((last) => ({ ...rest, ...more, ...last })),
      ),
  )

test('challenges and credentials are read back equal', (t) => {
  fc.assert(
    fc.property(challenge, credentials, (a, b) => {
      t.deepEqual(parseDigestChallenge(digestChallengeText(a)), a)
      t.deepEqual(parseDigestCredentials(digestCredentialsText(b)), b)
    }),
  )
})
