//! Each header and each line of a description of each message, removed, doubled, emptied and worse; then many
//! mutated messages. `npm run mutate` sends many more.
import test from 'ava'
import { randomOf } from '../../sim/forge/attack.ts'
import { Besieged, type Original } from '../../sim/mutate/besieged.ts'
import { inconsistency, judge, viewOf } from '../../sim/mutate/judge.ts'
import { mutateMany } from '../../sim/mutate/mutate.ts'
import {
  bodyLineCount,
  headerCount,
  type LineChangeName,
  lineChanges,
  withBodyLine,
  withHeaderLine,
} from '../../sim/mutate/mutations.ts'

const changes = Object.keys(lineChanges) as LineChangeName[]

function* changedTexts({ text }: Original, name: LineChangeName): Generator<string> {
  const random = randomOf(name.length)
  for (let at = 0; at < headerCount(text); at += 1) yield withHeaderLine(text, at, name, random)
  for (let at = 0; at < bodyLineCount(text); at += 1) yield withBodyLine(text, at, name, random)
}

for (const name of changes) {
  test(`every line ${name}, of every message of every method`, (t) => {
    let count = 0
    let besieged = new Besieged()
    for (const original of besieged.originals) {
      for (const text of changedTexts(original, name)) {
        count += 1
        if (count % 200 === 0) {
          t.is(inconsistency(besieged.stage), null)
          besieged = new Besieged()
        }
        const before = viewOf(besieged.stage)
        const effects = besieged.receive(Buffer.from(text, 'latin1'), original.source)
        t.is(judge(besieged.stage, { before, text }, effects), null, JSON.stringify(text))
        besieged.pass(1)
      }
    }
    t.true(count > 500, String(count))
    t.is(inconsistency(besieged.stage), null)
  })
}

test('the messages are good: each of them is answered, or changes a session', (t) => {
  const dull: string[] = []
  for (let at = 0; at < new Besieged().originals.length; at += 1) {
    const besieged = new Besieged()
    const original = besieged.originals[at]
    if (original === undefined) continue
    const before = viewOf(besieged.stage)
    const effects = besieged.receive(Buffer.from(original.text), original.source)
    const after = viewOf(besieged.stage)
    const isChanged = [...before.sessions].some(([id, one]) => after.sessions.get(id) !== one)
    if (effects.length === 0 && !isChanged) dull.push(original.name)
  }
  // An ACK that was heard already is never answered, and a 100 says nothing new.
  t.deepEqual(
    dull.filter((name) => !/ ACK | SIP\/2.0 1/.test(name)),
    [],
  )
})

test('the judge sees a change without a dialog, a smuggled line and a control character', (t) => {
  const { stage } = new Besieged()
  const before = viewOf(stage)
  const [session] = before.sessions.values()
  if (session === undefined) return t.fail()
  const sent = (text: string) =>
    ({
      kind: 'send',
      session: '',
      outgoing: { text, to: stage.a.endpoint },
      afterReplication: false,
    }) as const
  const good = stage.a.sentText
  t.is(judge(stage, { before, text: 'x' }, [sent(good)]), null)
  t.regex(
    judge(stage, { before, text: 'x' }, [sent(good.replace('\r\n', '\r\nX-Smuggled: 1\r\n'))]) ??
      '',
    /smuggled/,
  )
  const belled = good.replace('Max-Forwards: 70', 'Max-Forwards: 70\r\nSubject: \u0007')
  t.regex(judge(stage, { before, text: 'x' }, [sent(belled)]) ?? '', /control character/)
  stage.tables.wiredConference.put({ ...session, subject: 'changed' })
  t.regex(judge(stage, { before, text: 'x' }, []) ?? '', /does not name its dialog/)
  stage.tables.conferenceResource.delete(`conference:${session.conferenceId}`)
  t.regex(inconsistency(stage) ?? '', /is not held by/)
})

test('none of 4,000 mutated messages throws, takes 2 ms, or changes what is not its own', (t) => {
  let last = 0
  for (const { count, faults } of mutateMany(4_000, 7)) {
    t.deepEqual(faults, [])
    last = count
  }
  t.is(last, 4_000)
})
