//! What operators order and ask of the pair: operations with a number and an outcome, history, questions of
//! what would be, and drills.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { DrillReport } from '../../daemon/src/control/operation-schema.ts'
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

async function json<T>(node: LabNode, ...args: readonly string[]): Promise<T & { code: number }> {
  const { exitCode, output } = await node.cli(...args, '--json')
  return { ...(JSON.parse(output) as T), code: exitCode }
}

interface Operations {
  readonly operations: readonly {
    readonly id: string
    readonly kind: string
    readonly state: string
    readonly operator: string
    readonly reason: string
    readonly tookMs: number | null
  }[]
}

interface History {
  readonly entries: readonly {
    readonly from: string
    readonly to: string
    readonly operation: string | null
    readonly operator: string | null
    readonly reason: string | null
  }[]
}

test.serial(
  'a switchover has a number, and either node tells its outcome and who wanted it',
  async (t) => {
    const first = await lab.inStep()
    const second = lab.other(first)
    const order = ['--yes', '--reason', 'PSU swap', '--operator', 'anna']
    const { exitCode, output } = await first.cli('switchover', ...order)
    t.is(exitCode, 0, output)
    const id = /^op ([0-9a-f]{6})$/m.exec(output)?.[1] ?? ''
    t.not(id, '', output)
    for (const node of [first, second]) {
      const { code, operations } = await json<Operations>(node, 'op', id)
      t.is(code, 0)
      const [found] = operations
      t.deepEqual([found?.kind, found?.state, found?.reason], ['switchover', 'done', 'PSU swap'])
      t.is(found?.operator, 'anna (root)')
      const { entries } = await json<History>(node, 'history')
      t.deepEqual([entries[0]?.operation, entries[0]?.reason], [id, 'PSU swap'])
      t.is(entries[0]?.to, node === second ? 'primary' : 'standby')
    }
    const why = await second.cli('why')
    t.regex(why.output, new RegExp(`ordered +op ${id} by anna`))
    t.regex(why.output, /clocks +monotonic \d+\.\d{3} s, pair \d+\.\d{3} s/)
    t.regex(why.output, /effect +0 calls kept, 0 lost/)
    t.regex(why.output, new RegExp(`not used +refuse: ${first.name} would stay primary`))
    t.regex((await first.cli('why')).output, /not used +stay primary: two nodes would serve/)
    const unknown = await json<{ error: { code: string } }>(first, 'op', 'ffff')
    t.deepEqual([unknown.code, unknown.error.code], [1, 'operation-unknown'])
  },
)

test.serial('a question of what would be is answered by the decision of either node', async (t) => {
  const primary = await lab.inStep()
  const standby = lab.other(primary)
  const links = 'net-b down, private down'
  for (const node of [primary, standby]) {
    const { exitCode, output } = await node.cli('why', '--if', links)
    t.is(exitCode, 0, output)
    const role = node === primary ? 'primary' : 'standby'
    t.true(output.includes(`If ${links}: ${node.name} stays ${role}.`), output)
    t.regex(output, /rule +no-change/)
    t.regex(output, /because +the peer would still be heard on 1 of 3 links/)
    t.regex(output, /alarms +link-down net-b, link-down private, links-down links/)
  }
  const alone = await standby.cli('why', '--if', 'peer dead')
  t.true(alone.output.includes(`${standby.name} becomes primary (it is standby)`), alone.output)
  t.regex(alone.output, /rule +peer-silent/)
  const unit = await primary.cli('why', '--if', 'media dead')
  t.regex(unit.output, new RegExp(`because +media cannot serve here, and ${standby.name} is ready`))
  t.is(await lab.inStep(), primary, 'it was only asked')
})

test.serial('history and outcomes outlive the node that has them', async (t) => {
  const primary = await lab.inStep()
  const standby = lab.other(primary)
  const before = (await json<History>(standby, 'history')).entries
  const { operations } = await json<Operations>(standby, 'op')
  await standby.stop()
  await standby.start()
  await lab.inStep()
  const after = (await json<History>(standby, 'history')).entries
  t.deepEqual(after.slice(-before.length), [...before])
  const [newest] = operations
  const { code, operations: found } = await json<Operations>(standby, 'op', newest?.id ?? '')
  t.is(code, 0)
  t.deepEqual(found[0], newest)
})

test.serial('a drill moves the role away and back, keeps the call, and reports', async (t) => {
  await talk(pair)
  const primary = await lab.inStep()
  // Each node counts its legs once a second.
  await until(async () => (await primary.status()).twin.both === 2, { what: 'legs on both nodes' })
  const allowed = await primary.cli('drill', '--dry-run')
  t.is(allowed.exitCode, 0, allowed.output)
  const { exitCode, output } = await primary.cli('drill', '--yes', '--reason', 'monthly')
  t.is(exitCode, 0, output)
  t.regex(output, /Drill [0-9a-f]{6}: PASSED/)
  t.regex(output, /calls +1: 1 kept, 0 ended by their telephones, 0 lost/)
  t.regex(output, /legs on both +2\/2/)
  t.regex(output, /voice +vccs-[ab]: \d+ of \d+ ticks late, \d+ packets sent, \d+ lost/)
  t.is(await lab.primary(), primary)
  const id = /^op ([0-9a-f]{6})$/m.exec(output)?.[1] ?? ''
  const found = await json<{ operations: { report: DrillReport }[] }>(lab.other(primary), 'op', id)
  const report = found.operations[0]?.report
  t.deepEqual([report?.outcome, report?.moves.length, report?.reason], ['passed', 2, 'monthly'])
  const folder = join(lab.directory, primary.node, 'state/drills')
  const files = await until(async () => readdirSync(folder), { what: 'the report' })
  t.deepEqual(
    files.map((name) => name.slice(-10)).sort(),
    [`${id}.txt`, `${id}.json`].map((name) => name.slice(-10)).sort(),
  )
  const { entries } = await json<History>(primary, 'history')
  t.deepEqual([entries[0]?.operation, entries[1]?.operation], [id, id])
  await putDown(pair.caller, pair)
  t.truthy(await lab.inStep())
})

test.serial(
  'a drill is refused with the reason while a link is cut, and moves nothing',
  async (t) => {
    const primary = await lab.inStep()
    lab.network.cut('net-b')
    await until(
      async () => {
        const { alarms } = await primary.status()
        return alarms.some(({ code }) => code === 'link-down')
      },
      { what: 'the alarm of the link' },
    )
    const { exitCode, output } = await primary.cli('drill', '--yes')
    lab.network.heal('net-b')
    t.is(exitCode, 3, output)
    t.regex(output, /net-b down/)
    t.is(await lab.primary(), primary)
    await until(
      async () => (await primary.status()).alarms.every(({ code }) => code !== 'link-down'),
      {
        what: 'the end of the alarm',
        msMax: 20_000,
      },
    )
  },
)

/** Heartbeats go on, and no record reaches the node any more. */
function dropSync(node: LabNode, drop: boolean): void {
  const table = 'inet no-sync'
  const rules = [
    `add table ${table}`,
    `add chain ${table} in { type filter hook input priority -300; }`,
    `add rule ${table} in udp dport 5701 drop`,
  ]
  lab.network.nft(node.node, drop ? rules : [`delete table ${table}`])
}

test.serial(
  'a switchover to a standby that is not in step is refused, and a failover is done',
  async (t) => {
    const primary = await lab.inStep()
    const standby = lab.other(primary)
    dropSync(standby, true)
    try {
      await talk(pair)
      await putDown(pair.caller, pair)
      await until(async () => (await primary.opinion()).sync?.inStep === false, { what: 'a lag' })
      const refused = await primary.cli('switchover', '--yes')
      t.is(refused.exitCode, 3, refused.output)
      t.regex(refused.output, /in step/)
      t.is((await primary.opinion()).role, 'primary')
      const forced = await primary.cli('failover', '--yes', '--reason', 'smoke in the room')
      t.is(forced.exitCode, 0, forced.output)
      await until(async () => (await standby.opinion()).role === 'primary', { what: 'failover' })
    } finally {
      dropSync(standby, false)
    }
    t.is(await lab.inStep(), standby)
    const { operations } = await json<Operations>(primary, 'op')
    const [newest, before] = operations
    // The other node could not be told of them before.
    const told = async () => {
      const { operations: known } = await standby.ask('op', { opinions: 'own' })
      return JSON.stringify(known.slice(0, 2)) === JSON.stringify([newest, before])
    }
    await until(told, { what: 'both operations at the other node' })
    t.deepEqual([newest?.kind, newest?.state], ['failover', 'done'])
    t.is(newest?.reason, 'smoke in the room')
    t.deepEqual([before?.kind, before?.state], ['switchover', 'refused'])
    const { entries } = await json<History>(primary, 'history')
    t.deepEqual([entries[0]?.operation, entries[0]?.to], [newest?.id, 'standby'])
    await talk(pair)
    await putDown(pair.callee, pair)
  },
)

async function callsKept(node: LabNode): Promise<number | undefined> {
  const { sync } = await node.opinion()
  return sync?.tables.find(({ table }) => table === 'wired-conference')?.records
}

test.serial(
  'a standby is emptied and filled again while a call goes on; a primary refuses',
  async (t) => {
    // A call of before that is over stays in the tables for a while, and would go between the two looks at them.
    await until(async () => (await callsKept(await lab.primary())) === 0, { what: 'no call' })
    await talk(pair)
    const primary = await lab.inStep()
    const refused = await primary.cli('reinit', '--yes')
    t.is(refused.exitCode, 3, refused.output)
    t.regex(refused.output, /is primary.*\nNext: +Run the command on the standby/)
    const before = await lab.other(primary).opinion()
    const { exitCode, output } = await primary.cli('reinit', '--yes', '--node', 'peer')
    t.is(exitCode, 0, output)
    t.regex(output, /done in .*: \d+ records, in step/)
    await lab.inStep()
    const after = await lab.other(primary).opinion()
    t.deepEqual(after.sync?.tables, before.sync?.tables)
    const { operations } = await json<Operations>(lab.other(primary), 'op')
    t.deepEqual([operations[0]?.kind, operations[0]?.state], ['reinit', 'done'])
    await putDown(pair.caller, pair)
  },
)

test.serial(
  'while the pair is paused nobody takes over, and resume gives the calls a node again',
  async (t) => {
    const primary = await lab.inStep()
    const standby = lab.other(primary)
    const paused = await standby.cli('pause', '--yes', '--reason', 'LAN work')
    t.is(paused.exitCode, 0, paused.output)
    await until(async () => (await primary.opinion()).paused, { what: 'pause on the other node' })
    t.regex((await primary.cli('status')).output, /PAUSED: nobody takes over/)
    primary.killAll()
    await until(
      async () => (await standby.status()).alarms.some(({ code }) => code === 'nobody-serves'),
      { what: 'the alarm that nobody serves' },
    )
    t.is((await standby.opinion()).role, 'standby')
    const resumed = await standby.cli('resume', '--reason', 'done')
    t.is(resumed.exitCode, 0, resumed.output)
    await until(async () => (await standby.opinion()).role === 'primary', { what: 'the take-over' })
    const unsent = await standby.cli('reinit', '--yes', '--node', 'peer')
    t.is(unsent.exitCode, 4, unsent.output)
    t.regex(unsent.output, /the peer is not heard; reinit was not sent to it/)
    const { operations } = await json<Operations>(standby, 'op')
    t.deepEqual(
      operations.slice(0, 2).map(({ kind, state, reason }) => [kind, state, reason]),
      [
        ['resume', 'done', 'done'],
        ['pause', 'done', 'LAN work'],
      ],
    )
    await until(async () => !primary.isRunning, { what: 'the end of the killed node' })
    await lab.bothRun()
  },
)

test.serial('after a kill, why and history tell what the take-over did to the call', async (t) => {
  await talk(pair)
  const primary = await lab.inStep()
  const survivor = lab.other(primary)
  primary.killAll()
  await until(async () => (await survivor.opinion()).alone, { what: 'the take-over' })
  const effect = /effect +1 call kept, 0 lost, 0 SIP requests answered late/
  const told = async (verb: string) => {
    const { output } = await survivor.cli(verb)
    return effect.test(output) && output
  }
  const why = await until(() => told('why'), { what: 'the effect' })
  t.regex(why, /standby → primary|standby -> primary/)
  t.regex(why, /evidence[\s\S]*net-b heard \d+ ms ago/)
  t.regex(why, /not used +stay standby: nobody would serve/)
  t.regex(await until(() => told('history'), { what: 'the history' }), /automatic/)
  await putDown(pair.caller, pair)
  await until(async () => !primary.isRunning, { what: 'the end of the killed node' })
  await lab.bothRun()
})
