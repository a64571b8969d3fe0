//! What operators do and ask: operations with a number, history, and the beacon that the site hears.
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import { cliProgram, type LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'

let lab: Lab

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(1001, 2), beacon: true })
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
    const unknown = await json<{ error: { code: string } }>(first, 'op', 'ffff')
    t.deepEqual([unknown.code, unknown.error.code], [1, 'operation-unknown'])
  },
)

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

/** `vccs beacon` on a machine of the terminal LAN, which has no daemon. */
function hear(member: string, ...more: readonly string[]): string {
  const { network, beaconKeyFile } = lab
  const where = ['--key', beaconKeyFile, '--address', network.address(member)]
  return network.exec(member, [cliProgram, 'beacon', ...where, '--once', ...more])
}

test.serial(
  'a terminal hears the beacon of the primary, and silence when there is none',
  async (t) => {
    const primary = await lab.inStep()
    const heard = JSON.parse(hear('p1', '--once'))
    t.is(heard.node, primary.name)
    t.is(heard.role, 'primary')
    t.is(heard.peer.role, 'standby')
    t.is(heard.links.length, 3)
    t.deepEqual(heard.extension[0].children, ['lab'])
    t.deepEqual(heard.counters, { shown: 1, forged: 0, malformed: 0, old: 0 })

    const standby = lab.other(primary)
    primary.killAll()
    await until(async () => (await standby.opinion()).alone, { what: 'the take-over' })
    const next = JSON.parse(hear('p2', '--json'))
    t.deepEqual([next.node, next.alone, next.peer], [standby.name, true, null])
    t.true(next.term > heard.term)
    const { entries } = await json<History>(standby, 'history')
    t.deepEqual([entries[0]?.to, entries[0]?.operation], ['primary', null])

    standby.killAll()
    const silent = t.throws(() => hear('p1', '--once'))
    t.truthy(silent)
    await lab.bothRun()
  },
)
