//! The n-th effect fails, for every n: journal writes, datagrams, rebuilds. The node is then in a state
//! that was true once, says so, and makes up for it.
import test from 'ava'
import { Journal, type JournalFile, loadJournal } from '../../src/replication/journal.ts'
import { Replicator } from '../../src/replication/replicator.ts'
import { type RecordChange, tableNames } from '../../src/tables/address.ts'
import { Tables } from '../../src/tables/tables.ts'
import type { User } from '../../src/tables/user.ts'
import { bookOf } from './damage.ts'
import { calm, PairSimulation, user } from './pair-simulation.ts'

const key = new Uint8Array(32).fill(7)

/** Its n-th effect fails; with `torn`, after a part of the bytes. */
class FailingFile implements JournalFile {
  #left: number
  readonly #torn: boolean
  present = new Uint8Array(0)
  #next = new Uint8Array(0)

  constructor(nth: number, torn: boolean) {
    this.#left = nth
    this.#torn = torn
  }

  read(): Uint8Array {
    return this.present
  }

  append(bytes: Uint8Array): boolean {
    const written = this.#written(bytes)
    this.present = Buffer.concat([this.present, written])
    return written.length === bytes.length
  }

  beginNext(): boolean {
    if (--this.#left === 0) return false
    this.#next = new Uint8Array(0)
    return true
  }

  appendNext(bytes: Uint8Array): boolean {
    const written = this.#written(bytes)
    this.#next = Buffer.concat([this.#next, written])
    return written.length === bytes.length
  }

  commitNext(): boolean {
    if (--this.#left === 0) return false
    this.present = this.#next
    return true
  }

  remove(): void {
    this.present = new Uint8Array(0)
  }

  #written(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    if (--this.#left !== 0) return bytes.slice()
    return bytes.slice(0, this.#torn ? Math.floor(bytes.length / 2) : 0)
  }
}

const stateOf = (tables: Tables) => tableNames.map((name) => tables.hash(name)).join()

for (const torn of [false, true]) {
  test(`the journal: the n-th write fails${torn ? ', in the midst of its bytes' : ''}`, (t) => {
    for (let nth = 1; nth <= 16; nth++) {
      const file = new FailingFile(nth, torn)
      const tables = new Tables()
      const replicator = new Replicator({ tables, key, bootId: 'a'.repeat(16) })
      replicator.setRole('primary', 3, 0)
      const changes: RecordChange[] = []
      tables.onChange((change) => changes.push(change))
      const journal = new Journal(file, tables, (rows) => replicator.turnOf(rows))
      let nowMs = 0
      const wasTrue = new Set([stateOf(new Tables())])
      const turn = (failed: string) => {
        journal.append(changes.splice(0))
        wasTrue.add(stateOf(tables))
        // The switch may die here, and again while the journal is written anew.
        const read = new Tables()
        loadJournal(file, read, key)
        t.true(wasTrue.has(stateOf(read)), failed)
        nowMs += 100
        journal.advance(nowMs)
      }
      journal.open()
      for (let round = 0; round < 12; round++) {
        // Two records of one turn: neither is there without the other.
        tables.table('user').put(user(`u${round % 4}`, round) as User)
        bookOf(tables, `n${round % 3}`, round)
        turn(`effect ${nth}, round ${round}`)
      }
      t.is(journal.failures, 1, `effect ${nth}`)
      for (let round = 0; round < 15; round++) turn(`effect ${nth}, later`)
      t.false(journal.failing)
      const read = new Tables()
      loadJournal(file, read, key)
      t.is(stateOf(read), stateOf(tables), `effect ${nth}: made up for`)
    }
  })
}

test('a journal that cannot be written says so, is tried again, and rests between', (t) => {
  const file = new FailingFile(0, false)
  file.beginNext = () => false
  const tables = new Tables()
  const journal = new Journal(file, tables, () => new Uint8Array(0))
  journal.open()
  t.true(journal.failing)
  journal.advance(0)
  t.true(journal.nextTimerMs() >= 1_000)
  for (let nowMs = 0; nowMs <= 5_000; nowMs += 100) journal.advance(nowMs)
  t.true(journal.failures >= 4 && journal.failures <= 6)
})

test('the n-th datagram of either node is not sent: both end equal, and nothing waits', (t) => {
  for (let nth = 1; nth <= 60; nth++) {
    const pair = new PairSimulation(nth, calm)
    pair.loseNth(nth)
    pair.join()
    for (let round = 0; round < 6; round++) {
      pair.change(pair.a, (tables) => {
        tables.table('user').put(user(`u${round % 3}`, round) as User)
        if (round === 4) tables.table('user').delete('u0')
      })
      pair.run(7)
    }
    t.true(
      pair.runUntil(() => pair.settled(), 5_000),
      `datagram ${nth}`,
    )
    pair.act(pair.a, () => pair.a.replicator.setRole('standby', 2, pair.nowMs))
    pair.act(pair.b, () => pair.b.replicator.setRole('primary', 2, pair.nowMs))
    t.true(
      pair.runUntil(() => pair.settled(), 5_000),
      `datagram ${nth}, roles changed`,
    )
  }
})

test('the n-th rebuild fails: it is counted, not confirmed, and ordered again', (t) => {
  for (let nth = 1; nth <= 12; nth++) {
    const pair = new PairSimulation(nth, calm)
    let rebuilds = 0
    pair.b.rebuildFails = () => ++rebuilds === nth
    pair.join()
    for (let round = 0; round < 12; round++) {
      pair.change(pair.a, (tables) => tables.table('user').put(user(`u${round}`) as User))
      pair.run(5)
    }
    t.true(
      pair.runUntil(() => pair.settled(), 5_000),
      `rebuild ${nth}`,
    )
    t.is(pair.b.replicator.status(pair.nowMs).received.failed, 1)
    t.true(rebuilds > 12)
  }
})
