//! Our scanner against the grammar of jssip, which is generated from the ABNF of RFC 3261.
import { createRequire } from 'node:module'
import test from 'ava'
import { parseNameAddress, parseUri, parseVia } from '../../src/wire/sip/write.ts'

const require = createRequire(import.meta.url)
/** -1: not of the grammar. */
const grammar = require('jssip/lib/Grammar') as { parse(text: string, rule: string): unknown }

/** Without a dot at the end, which the RFC allows and jssip does not. */
const hosts = [
  'b',
  '10.0.0.1',
  '[::1]',
  '[2001:db8::1]:5',
  'a-1.b',
  '1.2.3.256',
  'b..c',
  '-b',
  '[1::2::3]',
  '[::1',
]
const users = ['', 'a@', 'a:p@', "a!~*'()&=+$,;?/@", '%41@', '%zz@', '@', 'a b@', 'a"@', 'a@c@']
const tails = ['', ';lr', ';x=y;z', ';', ';;', ';=y', '?x=y', '?', ';x=?']
const uris = hosts.flatMap((host) =>
  users.flatMap((user) => tails.map((tail) => `sip:${user}${host}${tail}`)),
)
const addresses = [
  '<#>',
  '"x" <#>;q=1',
  'x y <#>',
  'x, y <#>',
  '"x <#>',
  '< #>',
  '<#>;;',
  '<#> x',
].flatMap((frame) =>
  ['sip:a@b', 'sip:b;lr', 'sips:a@[::1]', 'sip:@b', 'a@b'].map((uri) => frame.replace('#', uri)),
)
const vias = [
  'UDP h',
  'UDP h;branch=z',
  'UDP   h : 50 ; x = y',
  'UDP',
  'UDP [::1]:5',
  'UDP h;;',
  'UDP h;received=::1',
  'UDP h;x="a;b"',
  'UDP h;x="a',
  ' h',
].flatMap((rest) => [`SIP/2.0/${rest}`, `SIP / 2.0 / ${rest}`])

const samples = [
  ['SIP_URI', parseUri, uris],
  ['Name_Addr_Header', parseNameAddress, addresses],
  ['Via', parseVia, vias],
] as const

for (const [rule, parse, texts] of samples) {
  test(`${texts.length} samples of ${rule} are judged as jssip judges them`, (t) => {
    for (const text of texts) t.is(parse(text) !== null, grammar.parse(text, rule) !== -1, text)
  })
}
