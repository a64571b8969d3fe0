//! Both nodes end with the same call records, whatever each of them has seen.
import test from 'ava'
import fc from 'fast-check'
import { answerExchange, exchange, peerRecords } from '../../src/compose/call-exchange.ts'
import { compareRecords } from '../../src/switching/call-record.ts'
import type { CallRecord } from '../../src/tables/call-record.ts'
import { recordsDocument } from '../../src/wire/record-xml.ts'
import { callRecord, MemoryCalls } from './call-record-facts.ts'

const nowMs = 1_800_000_000_000

/** The peer as it is asked over the wire. */
function overTheWire(calls: MemoryCalls, isLost: (asked: number) => boolean = () => false) {
  let asked = 0
  return peerRecords(async (question) => {
    asked += 1
    if (isLost(asked)) return null
    return JSON.parse(JSON.stringify(await answerExchange(calls, question)))
  })
}

const records = fc.array(
  fc.record({
    id: fc.integer({ min: 1, max: 12 }),
    startedAtMs: fc.integer({ min: 1, max: 40 }).map((hours) => hours * 1_700_003),
    endedBy: fc.constantFrom(
      'caller' as const,
      'callee' as const,
      'switch' as const,
      'node' as const,
    ),
    answered: fc.boolean(),
    tookMs: fc.integer({ min: 0, max: 3 }),
    reason: fc.constantFrom('', 'SIP ;cause=480'),
  }),
)

function recordOf(one: { id: number; startedAtMs: number; answered: boolean; tookMs: number }) {
  const { id, answered, startedAtMs, tookMs, ...rest } = one
  const answeredAtMs = answered ? startedAtMs : null
  const times = { startedAtMs, answeredAtMs, endedAtMs: startedAtMs + tookMs }
  return callRecord(`s${id}`, { ...times, ...rest })
}

/** The one that counts, of each session. */
function best(all: readonly CallRecord[]): CallRecord[] {
  const found = new Map<string, CallRecord>()
  for (const record of all) {
    const present = found.get(record.sessionId)
    if (present === undefined || compareRecords(record, present) < 0) {
      found.set(record.sessionId, record)
    }
  }
  return sorted(found.values())
}

function sorted(all: Iterable<CallRecord>): CallRecord[] {
  return [...all].sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1))
}

test('whatever two nodes have seen, both have one record a session then, and the same', async (t) => {
  await fc.assert(
    fc.asyncProperty(records, records, async (left, right) => {
      const [a, b] = [new MemoryCalls(), new MemoryCalls()]
      for (const one of left) a.put(recordOf(one))
      for (const one of right) b.put(recordOf(one))
      await exchange(a, overTheWire(b), nowMs)
      const wanted = best([...left, ...right].map(recordOf))
      t.deepEqual(sorted(a.calls.values()), wanted)
      t.deepEqual(sorted(b.calls.values()), wanted)
    }),
    { numRuns: 300 },
  )
})

test('an exchange that is cut off anywhere leaves nothing wrong, and the next one completes it', async (t) => {
  await fc.assert(
    fc.asyncProperty(records, records, fc.nat(30), async (left, right, cutAt) => {
      const [a, b] = [new MemoryCalls(), new MemoryCalls()]
      for (const one of left) a.put(recordOf(one))
      for (const one of right) b.put(recordOf(one))
      await exchange(
        a,
        overTheWire(b, (asked) => asked > cutAt),
        nowMs,
      )
      await exchange(a, overTheWire(b), nowMs)
      const wanted = best([...left, ...right].map(recordOf))
      t.deepEqual(sorted(a.calls.values()), wanted)
      t.deepEqual(sorted(b.calls.values()), wanted)
    }),
    { numRuns: 200 },
  )
})

test('equal nodes ask each other about days only', async (t) => {
  const [a, b] = [new MemoryCalls(), new MemoryCalls()]
  for (let index = 0; index < 1_000; index++) {
    const record = callRecord(`s${index}`, { startedAtMs: 1_700_000_000_000 + index * 7_000 })
    a.put(record)
    b.put(record)
  }
  t.deepEqual(await exchange(a, overTheWire(b), nowMs), { here: 0, there: 0 })
  t.is(b.questions, 1)
})

test('one record more of thousands crosses alone', async (t) => {
  const [a, b] = [new MemoryCalls(), new MemoryCalls()]
  for (let index = 0; index < 3_000; index++) {
    const record = callRecord(`s${index}`, { startedAtMs: 1_700_000_000_000 + index })
    a.put(record)
    if (index !== 1_234) b.put(record)
  }
  b.put(callRecord('other'))
  t.deepEqual(await exchange(a, overTheWire(b), nowMs), { here: 1, there: 1 })
  t.deepEqual(sorted(a.calls.values()), sorted(b.calls.values()))
})

test('what one node removed for want of room does not come back', async (t) => {
  const [a, b] = [new MemoryCalls(), new MemoryCalls()]
  const [old, young] = [callRecord('old', { startedAtMs: 5_000 }), callRecord('young')]
  a.put(young)
  a.removedMs = 5_000
  for (const record of [old, young]) b.put(record)
  t.deepEqual(await exchange(a, overTheWire(b), nowMs), { here: 0, there: 0 })
  t.deepEqual([...a.calls.keys()], ['young'])
})

test('a peer that says nothing, or nonsense, changes nothing', async (t) => {
  const a = new MemoryCalls()
  a.put(callRecord('s'))
  for (const nonsense of [null, undefined, 'x', [{ fromMs: -1 }], { answer: 1 }]) {
    t.is(
      await exchange(
        a,
        peerRecords(async () => nonsense),
        nowMs,
      ),
      null,
    )
  }
  t.is(await answerExchange(a, { ask: 'everything' }), null)
  t.is(await answerExchange(a, { ask: 'adopt', records: [{ sessionId: 's' }] }), null)
  t.is(a.calls.size, 1)
})

test('records cross as XML documents, and a peer before documents is given and gives them plainly', async (t) => {
  const odd = callRecord('odd', {
    reason: 'SIP;text="\u0007 <&\\"',
    startedAtMs: 1_700_000_000_001.5,
  })
  for (const [version, understands] of [
    ['new', true],
    ['old', false],
  ] as const) {
    const [a, b] = [new MemoryCalls(), new MemoryCalls()]
    a.put(odd)
    b.put(callRecord('s2'))
    const asked: { ask: string }[] = []
    const peer = peerRecords(async (question) => {
      asked.push(question as { ask: string })
      const { ask } = question as { ask: string }
      if (ask.endsWith('-document') && !understands) return null
      return JSON.parse(JSON.stringify(await answerExchange(b, question)))
    })
    t.deepEqual(await exchange(a, peer, nowMs), { here: 1, there: 1 }, version)
    t.deepEqual(sorted(a.calls.values()), [odd, callRecord('s2')], version)
    t.deepEqual(sorted(b.calls.values()), sorted(a.calls.values()), version)
    const plainly = asked.filter(({ ask }) => ask === 'get' || ask === 'adopt')
    t.is(plainly.length, understands ? 0 : 2)
    const documents = asked.flatMap((one) => ('document' in one ? [String(one.document)] : []))
    t.true(documents.every((text) => text.includes('<records xmlns="urn:vccs:records:1">')))
    t.is(documents.length, 1)
  }
})

test('a document that does not fit is refused whole', async (t) => {
  const a = new MemoryCalls()
  const good = recordsDocument([callRecord('s1'), callRecord('s2')])
  for (const document of [
    '',
    'x',
    good.replace('endedBy="caller"', 'endedBy="x"'),
    good.slice(9),
  ]) {
    t.is(await answerExchange(a, { ask: 'adopt-document', document }), null)
  }
  t.is(a.calls.size, 0)
  t.is(await answerExchange(a, { ask: 'adopt-document', document: good }), 2)
})
