//! Call records on a real pair: one a call on both nodes, also when the primary is killed as the call ends.
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { type PhonePair, putDown, registerPhones, talk } from './call.ts'

let lab: Lab
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(1001, 2) })
  pair = await registerPhones(lab)
})

test.after.always(async () => {
  await lab?.close()
})

async function recordsOf(node: LabNode) {
  return (await node.ask('cdr', { oldestFirst: true })).records
}

/** Both nodes have so many records, and the same ones. */
async function bothHave(count: number) {
  await until(
    async () => {
      const [a, b] = [await recordsOf(lab.a), await recordsOf(lab.b)]
      return a.length === count && JSON.stringify(a) === JSON.stringify(b)
    },
    { what: `${count} equal records`, msMax: 90_000 },
  )
  return recordsOf(lab.a)
}

test.serial('a call that ends has the same record on both nodes', async (t) => {
  await lab.inStep()
  await talk(pair)
  await putDown(pair.caller, pair)
  const [record] = await bothHave(1)
  t.like(record, { caller: '1001', called: '1002', endedBy: 'caller', status: 200 })
  t.deepEqual(
    record?.parties.map(({ leg, number }) => `${leg} ${number}`),
    ['a 1001', 'b 1002'],
  )
})

test.serial(
  'a primary that is killed as the call ends leaves one record, on both nodes then',
  async (t) => {
    const primary = await lab.inStep()
    await talk(pair)
    const over = putDown(pair.caller, pair)
    primary.killAll()
    await over
    await lab.bothRun()
    const records = await bothHave(2)
    t.like(records[1], { endedBy: 'caller', status: 200 })
    t.is(new Set(records.map(({ sessionId }) => sessionId)).size, 2)
  },
)
