//! Two databases over a channel that loses and repeats, in virtual time.
import type { ExecutionContext } from 'ava'
import { databaseHashes, digestOf } from '../../src/database/compare.ts'
import { openDatabase } from '../../src/database/open.ts'
import type { OperationFailure } from '../../src/database/operations.ts'
import { RowSync } from '../../src/database/row-sync.ts'
import type { Database } from '../../src/platform/sqlite.ts'
import { account, rowsOf } from './site-rows.ts'

interface Node {
  database: Database
  sync: RowSync
  changes: number
  adopted: number
  failures: OperationFailure[]
}

export class Pair {
  nowMs = 0
  lossEvery = 0
  /** Virtual milliseconds in one of the machine. */
  tickMs = 0.2
  repeat = false
  /** Answers are those of a version that says nothing of its outbox. */
  older = false
  /** Hears each question and answer before it is sent. */
  overheard: (body: string) => void = () => undefined
  /** Both directions are cut after so many messages; counted from when it is set. */
  set cutAfter(messages: number) {
    this.#left = messages
  }
  #left = Number.POSITIVE_INFINITY
  #sent = 0
  a!: Node
  b!: Node
  #stopped = false
  /** No life of a node begins when another one did. */
  #beganMs = 1_700_000_000_000

  static async make(
    t: ExecutionContext,
    needsPeer: { a?: boolean; b?: boolean } = {},
  ): Promise<Pair> {
    const pair = new Pair()
    pair.a = await pair.#node(() => pair.b, needsPeer.a ?? false)
    pair.b = await pair.#node(() => pair.a, needsPeer.b ?? false)
    t.teardown(async () => {
      pair.#stopped = true
      for (const node of [pair.a, pair.b]) {
        node.sync.setRole('none', pair.nowMs)
        await node.database.close()
      }
    })
    pair.#tick()
    return pair
  }

  join(): void {
    this.a.sync.setRole('primary', this.nowMs)
    this.b.sync.setRole('standby', this.nowMs)
  }

  async inStep(node = this.a): Promise<void> {
    while (node.sync.state !== 'in-step') await new Promise((resolve) => setImmediate(resolve))
  }

  /** Neither hears the other. */
  async apart(): Promise<void> {
    for (const { sync } of [this.a, this.b]) {
      sync.setRole('none', this.nowMs)
      await sync.settled()
    }
  }

  /** Together again, and b serves. */
  async swapped(): Promise<void> {
    this.a.sync.setRole('standby', this.nowMs)
    this.b.sync.setRole('primary', this.nowMs)
    await this.inStep(this.b)
  }

  async digests(): Promise<[string, string]> {
    const [a, b] = [this.a.database, this.b.database]
    return [digestOf(await databaseHashes(a)), digestOf(await databaseHashes(b))]
  }

  /** The file of `a` is gone: it comes back with its last good copy. */
  async recovered(path: string): Promise<void> {
    await this.a.database.close()
    this.a = await this.#node(() => this.b, false, path)
  }

  async #node(other: () => Node, needsPeer: boolean, path = ':memory:'): Promise<Node> {
    const { database } = await openDatabase(path, 0)
    const beganMs = this.#beganMs++
    const node: Node = {
      database,
      changes: 0,
      adopted: 0,
      failures: [],
      sync: new RowSync({
        database,
        needsPeer,
        send: (sent) => {
          const rows = this.older ? { ...sent, body: olderBody(sent.body) } : sent
          this.overheard(rows.body)
          this.#sent++
          if (this.#left-- <= 0) return
          if (this.lossEvery > 0 && this.#sent % this.lossEvery === 0) return
          for (let copy = 0; copy < (this.repeat ? 2 : 1); copy++) {
            setImmediate(() => this.#stopped || other().sync.receive(rows, this.nowMs))
          }
        },
        changedByPeer: () => node.changes++,
        ready: () => Promise.resolve(),
        adopted: (rows) => {
          node.adopted += rows.length
        },
        failed: (failures) => node.failures.push(...failures),
        wallMs: () => beganMs,
      }),
    }
    return node
  }

  /** Virtual time passes while the databases work, slowly enough for a busy machine. */
  #tick(): void {
    if (this.#stopped) return
    this.nowMs += this.tickMs
    for (const node of [this.a, this.b]) {
      if (this.nowMs >= node.sync.nextTimerMs()) node.sync.advance(this.nowMs)
    }
    setTimeout(() => this.#tick(), 1)
  }
}

function olderBody(body: string): string {
  const { source, newest, ...rest } = JSON.parse(body) as Record<string, unknown>
  return JSON.stringify(newest === undefined ? { source, ...rest } : rest)
}

export const threeAccounts = rowsOf({
  accounts: [account('1'), account('2'), account('3')],
  positions: [{ position: 'P', display_name: 'P', account: '1' }],
})
