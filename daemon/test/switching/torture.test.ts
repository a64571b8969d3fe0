//! RFC 4475 and RFC 5118 through the whole core. What each message must come to is written in
//! data/torture/expected.txt, with the reason; the parser has its own test (wire/sip-torture.test.ts).
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import test from 'ava'
import { TortureStage } from './torture-stage.ts'

const folder = join(import.meta.dirname, '../data/torture')
const rfc4475 = join(
  dirname(createRequire(import.meta.url).resolve('sip/package.json')),
  'test/messages',
)

/** Blocks `=== name` of text with LF. */
function blocks(): Map<string, Buffer> {
  const text = readFileSync(join(folder, 'rfc5118.txt'), 'utf8')
  const parts = text.split('=== ').slice(1)
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\n')
      return [part.slice(0, end), Buffer.from(part.slice(end + 1).replaceAll('\n', '\r\n'))]
    }),
  )
}

const rfc5118 = blocks()

function bytesOf(name: string): Buffer {
  return rfc5118.get(name) ?? readFileSync(join(rfc4475, `${name}.dat`))
}

const rows = readFileSync(join(folder, 'expected.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [section = '', name = '', stranger = '', known = '', ...why] = line.split(' | ')
    return { section, name: name.trim(), stranger: stranger.trim(), known: known.trim(), why }
  })

test('the table has the 49 messages of RFC 4475, the 12 of RFC 5118, and a reason for each', (t) => {
  t.is(new Set(rows.map(({ name }) => name)).size, rows.length)
  t.is(rows.filter(({ section }) => section.startsWith('3.')).length, 49)
  t.is(rows.filter(({ section }) => section.startsWith('4.')).length, 12)
  for (const { name, why } of rows) t.true(why.join('').length > 10, name)
})

for (const { section, name, stranger, known } of rows) {
  test(`RFC ${section.startsWith('3.') ? 4475 : 5118} ${section} ${name}`, (t) => {
    const asked = new TortureStage(bytesOf(name))
    t.is(asked.stranger(), stranger, 'said by a stranger')
    t.is(asked.core.counters().transactions, 0, 'which nobody remembers')
    const met = new TortureStage(bytesOf(name))
    t.is(met.known(), known, 'said by somebody who is known')
    t.is(met.leftOver(), '0 0 0 0', 'transactions, sessions, legs, ports')
  })
}
