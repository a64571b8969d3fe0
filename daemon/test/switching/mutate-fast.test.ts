//! The fast tier of mutated messages: what it makes follows from its seed, and none of it does harm.
import test from 'ava'
import { Besieged } from '../../sim/mutate/besieged.ts'
import { ByteMutator } from '../../sim/mutate/byte-mutator.ts'
import { mutateFast } from '../../sim/mutate/fast.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'

test('every line of every message is removed, doubled, emptied and worse; then mutations of any kind', (t) => {
  const [report] = mutateFast(15_000, 7)
  t.deepEqual(report?.faults, [])
  const { accepted = 0, answered = 0, dropped = 0, count = 0 } = report ?? {}
  t.true(count >= 15_000)
  for (const part of [accepted, answered, dropped]) t.true(part > count / 20, String(part))
})

test('a number and a seed make one message, and others make others', (t) => {
  const texts = new Besieged().originals.map(({ text }) => text)
  const [one, two] = [new ByteMutator(texts), new ByteMutator(texts)]
  const made = new Set<string>()
  for (let number = 0; number < 2_000; number++) {
    const text = one.make(3, number).toString('latin1')
    t.is(two.make(3, number).toString('latin1'), text)
    made.add(text)
  }
  t.true(made.size > 1_900, String(made.size))
  t.not(one.make(4, 1).toString('latin1'), two.make(3, 1).toString('latin1'))
})

test('what changes the body leaves a Content-Length that fits it', (t) => {
  const text = new Besieged().originals.find(({ text: one }) => one.includes('\r\nv=0'))?.text ?? ''
  let fitting = 0
  for (const bytes of new ByteMutator([text]).everyLine()) {
    const length = /Content-Length: 0*(\d+)\r\n\r\n/.exec(bytes.toString('latin1'))
    const message = parseSip(bytes)
    if (length === null || message.kind === 'malformed') continue
    if (Number(length[1]) === message.body.length) fitting++
  }
  t.true(fitting > 40, String(fitting))
})
