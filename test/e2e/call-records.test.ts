//! Call records on a real pair: one a call on both nodes, also when the primary is killed as the call ends.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { type PhonePair, putDown, registerPhones, talk } from './call.ts'

type Party = Awaited<ReturnType<typeof recordsOf>>[number]['parties'][number]
/** Packets that a leg has brought when it counts as heard. */
const spokenMin = 20
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

test.serial('both nodes run the same modules of the same version (S2.2)', async (t) => {
  await lab.inStep()
  const [a, b] = await Promise.all([lab.a.opinion(), lab.b.opinion()])
  const modules = (node: typeof a) => node.units.map(({ unit, state }) => `${unit} ${state}`)
  t.deepEqual(modules(a), modules(b))
  t.deepEqual(
    modules(a).toSorted(),
    ['supervisor', 'pair', 'switch', 'media'].map((unit) => `${unit} up`).toSorted(),
  )
  t.is(a.version, b.version)
})

test.serial('a call that ends has the same record on both nodes', async (t) => {
  await lab.inStep()
  await talk(pair)
  const primary = await lab.primary()
  const [call] = (await primary.ask('calls', {})).calls
  const spoken = async () => {
    const shown = await primary.ask('call.show', { sessionId: call?.sessionId ?? '' })
    return shown.call.members.every(({ media }) => (media?.rtp?.packetsReceived ?? 0) > spokenMin)
  }
  await until(spoken, { what: 'voice of both' })
  await pair.caller.hold()
  await until(async () => (await primary.opinion()).service?.held === 1, { what: 'a held call' })
  await putDown(pair.caller, pair)
  const [record] = await bothHave(1)
  t.like(record, { caller: '1001', called: '1002', endedBy: 'caller', status: 200 })
  // What became of it, and when (S2.3).
  t.deepEqual(record?.services, ['hold'])
  for (const { joinedAt, leftAt } of record?.parties ?? [])
    t.true(joinedAt !== null && leftAt !== null)
  t.deepEqual(
    record?.parties.map(({ leg, number }) => `${leg} ${number}`),
    ['a 1001', 'b 1002'],
  )
  for (const { leg, rtp } of record?.parties ?? []) {
    const { packetsSent = 0, packetsReceived = 0 } = rtp ?? {}
    t.true(packetsSent > spokenMin && packetsReceived > spokenMin, `${leg} has spoken`)
    t.is(rtp?.packetsLost, 0, leg)
  }
})

test.serial(
  'records leave as CSV and JSON with the figures of their voice, by either node',
  async (t) => {
    const [record] = await recordsOf(lab.a)
    for (const node of [lab.a, lab.b]) {
      const json = await node.cli('cdr', 'export', '--format', 'json')
      t.deepEqual(JSON.parse(json.output).records, [record])
      const csv = await node.cli('cdr', 'export', '--format', 'csv', '--party', '1002')
      const [head = [], line = [], ...more] = csv.output
        .trimEnd()
        .split('\r\n')
        .map((row) => row.split(','))
      t.is(more.length, 0)
      const columns = Object.fromEntries(head.map((name, index) => [name, line[index]]))
      const figure = (of: (rtp: NonNullable<Party['rtp']>) => number) =>
        record?.parties.map(({ leg, rtp }) => `${leg}:${rtp === null ? '' : of(rtp)}`).join(' ')
      t.like(columns, {
        session: record?.sessionId,
        caller: '1001',
        called: '1002',
        status: '200',
        parties: 'a:1001 b:1002',
        services: 'hold',
        packets_sent: figure(({ packetsSent }) => packetsSent),
        packets_received: figure(({ packetsReceived }) => packetsReceived),
        packets_lost: 'a:0 b:0',
        jitter_ms_max: figure(({ jitterMsMax }) => jitterMsMax),
      })
      const none = await node.cli('cdr', '--party', '1003')
      t.regex(none.output, /^No call records/)
    }
  },
)

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

test.serial(
  'records leave as XML, fit their schema, and what is new comes to both nodes',
  async (t) => {
    const primary = await lab.inStep()
    const standby = lab.other(primary)
    const file = join(lab.directory, 'calls.xml')
    const exported = await standby.cli('cdr', 'export', '--format', 'xml', '--output', file)
    t.is(exported.exitCode, 0, exported.output)
    const schema = join(import.meta.dirname, '../../etc/vccs-records.xsd')
    const judged = spawnSync('xmllint', ['--noout', '--schema', schema, file], { encoding: 'utf8' })
    t.is(judged.status, 0, judged.stderr)
    const known = await primary.cli('cdr', 'import', file)
    t.regex(known.output, /^0 of 2 call records added; 2 are known/)
    const former = readFileSync(file, 'utf8').replaceAll(/(sessionId=")(..)/g, '$1x-$2')
    writeFileSync(file, former.replaceAll(/At="\d{4}/g, 'At="2025'))
    const added = await primary.cli('cdr', 'import', file)
    t.regex(added.output, /^2 of 2 call records added; 0 are known/)
    const records = await bothHave(4)
    const [first, , third] = records
    t.is(first?.sessionId, `x-${third?.sessionId}`)
    t.deepEqual([first?.services, first?.status], [third?.services, third?.status])
    writeFileSync(file, former.replace('endedBy="', 'endedBy="x'))
    const refused = await primary.cli('cdr', 'import', file)
    t.is(refused.exitCode, 7, refused.output)
    t.is((await recordsOf(primary)).length, 4)
  },
)
