//! Round trips of the SIP codec, and thousands of mutated messages.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import type { NameAddress, SipMessage, SipUri, Via } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { quotedText, unquote } from '../../src/wire/sip/scan.ts'
import {
  nameAddressText,
  parseNameAddress,
  parseUri,
  parseVia,
  response,
  uriText,
  viaText,
  writeSip,
} from '../../src/wire/sip/write.ts'

const resolve = createRequire(import.meta.url).resolve
const bytes = (text: string): Buffer => Buffer.from(text)

const oneOf = (characters: string, max: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: max })
const token = oneOf("abcXYZ019-.!%*_+`'~", 8)
const name = oneOf('abcxyz019', 6)
const host = fc.constantFrom('a.example', '10.0.0.1', '[2001:db8::1]', 'h', 'x-1.y')
const port = fc.option(fc.integer({ min: 1, max: 65_535 }))
const uriParameters = fc
  .uniqueArray(fc.tuple(name, fc.option(oneOf("ab9-_.!~*'()[]/:&+$", 6))), {
    selector: ([key]) => key,
    maxLength: 3,
  })
  .map((entries) => new Map(entries))
const uri: fc.Arbitrary<SipUri> = fc.record({
  scheme: fc.constantFrom('sip' as const, 'sips' as const),
  user: fc.option(oneOf("ab9-_.!~*'()&=+$,;?/", 8)),
  host,
  port,
  parameters: uriParameters,
  headers: fc.constantFrom('', 'Subject=x&Route=%3Csip:p%3E'),
})
const parameters = fc
  .uniqueArray(
    fc.tuple(name, fc.option(fc.oneof(token, host, fc.string({ maxLength: 6 }).map(quotedText)))),
    { selector: ([key]) => key, maxLength: 3 },
  )
  .map((entries) => new Map(entries))
// CR and LF cannot stand in a display name; the writer makes spaces of them.
const display = fc
  .string({ unit: 'binary', maxLength: 10 })
  .map((text) => text.toWellFormed().replaceAll(/[\r\n]/g, ''))
const address: fc.Arbitrary<NameAddress> = fc.record({
  displayName: fc.option(display),
  uri,
  parameters,
})
const via: fc.Arbitrary<Via> = fc.record({
  transport: fc.constantFrom('UDP', 'TCP', 'WS'),
  host,
  port,
  parameters,
})
const line = fc.string({ maxLength: 20 }).map((text) => text.trim())
const common = {
  via: fc.array(via, { minLength: 1, maxLength: 3 }),
  from: address,
  to: address,
  callId: fc.tuple(token, fc.option(token)).map(([a, b]) => (b === null ? a : `${a}@${b}`)),
  contact: fc.oneof(fc.constant('*' as const), fc.array(address, { maxLength: 3 })),
  route: fc.array(address, { maxLength: 2 }),
  recordRoute: fc.array(address, { maxLength: 2 }),
  maxForwards: fc.option(fc.integer({ min: 0, max: 255 })),
  headers: fc.array(fc.record({ name: name.map((text) => `X-${text}`), value: line }), {
    maxLength: 4,
  }),
  body: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.toWellFormed()),
}
const number = fc.integer({ min: 0, max: 2 ** 31 - 1 })
const message: fc.Arbitrary<SipMessage> = fc.oneof(
  fc.record({ ...common, uri, number, method: token }).map(({ number, method, uri, ...rest }) => ({
    kind: 'request' as const,
    method,
    uri: { ...uri, headers: '' },
    cseq: { number, method },
    ...rest,
  })),
  fc
    .record({
      ...common,
      number,
      method: token,
      status: fc.integer({ min: 100, max: 699 }),
      reason: line,
    })
    .map(({ number, method, status, reason, ...rest }) => ({
      kind: 'response' as const,
      status,
      reason,
      cseq: { number, method },
      ...rest,
    })),
)

test('what is written is read back equal', (t) => {
  fc.assert(
    fc.property(message, (value) => {
      t.deepEqual(parseSip(bytes(writeSip(value))), value)
    }),
    { numRuns: 300 },
  )
})

test('addresses, URIs and Via are read back equal', (t) => {
  fc.assert(
    fc.property(address, via, (a, v) => {
      t.deepEqual(parseNameAddress(nameAddressText(a)), a)
      t.deepEqual(parseUri(uriText(a.uri)), a.uri)
      t.deepEqual(parseVia(viaText(v)), v)
    }),
  )
})

test('quoting is undone by unquoting', (t) => {
  fc.assert(fc.property(display, (text) => t.is(unquote(quotedText(text)), text)))
})

const folder = join(dirname(resolve('sip/package.json')), 'test/messages')
const seeds = readdirSync(folder)
  .filter((file) => file.endsWith('.dat'))
  .map((file) => readFileSync(join(folder, file)))

/** A small generator of our own, so that thousands of mutations cost little. */
function* mutations(count: number): Generator<Buffer> {
  let state = 1
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
  const spice = [
    '\r\n',
    '\r\n ',
    '"',
    '<',
    '>',
    ';',
    ',',
    '\\',
    '\0',
    '%',
    '[',
    ':',
    '@',
    '\xff',
    '*',
  ]
  for (let n = 0; n < count; n += 1) {
    let mutant = Buffer.from(seeds[random(seeds.length)] ?? [])
    for (let change = random(3); change >= 0; change -= 1) {
      const at = random(mutant.length + 1)
      const cut = random(4) === 0 ? random(200) : random(2)
      const piece = Buffer.from(spice[random(spice.length)] ?? '', 'latin1')
      mutant = Buffer.concat([mutant.subarray(0, at), piece, mutant.subarray(at + cut)])
    }
    yield mutant
  }
}

test('10,000 mutated messages never throw, and what is accepted is stable', (t) => {
  let accepted = 0
  for (const mutant of mutations(10_000)) {
    const first = parseSip(mutant)
    if (first.kind === 'malformed') {
      if (first.reply !== null) writeSip(response(first.reply, first.status))
      continue
    }
    accepted += 1
    const again = parseSip(bytes(writeSip(first)))
    if (!isDeepStrictEqual(again, first)) t.deepEqual(again, first)
  }
  t.true(accepted > 500, String(accepted))
})

test('random bytes never throw', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (data) => t.truthy(parseSip(data).kind)))
})
