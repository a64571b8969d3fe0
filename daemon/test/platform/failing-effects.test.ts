//! The n-th effect on a file or socket fails, for every n: open, write, fsync, close, rename, send. A reader
//! finds what was whole once, the failure is told, and what was wanted is there after the next attempt.
import dgram from 'node:dgram'
import fs from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openJournalFile } from '../../src/platform/journal-file.ts'
import { KeptFile } from '../../src/platform/kept-file.ts'
import { openDatagram } from '../../src/platform/udp.ts'
import { Journal, loadJournal } from '../../src/replication/journal.ts'
import { Replicator } from '../../src/replication/replicator.ts'
import { type RecordChange, tableNames } from '../../src/tables/address.ts'
import { Tables } from '../../src/tables/tables.ts'
import type { User } from '../../src/tables/user.ts'
import { user } from '../replication/pair-simulation.ts'

/** Effects since `failNth`, and which of them fails; 0: none. */
const effects = { nth: 0, names: [] as string[], failed: '' }

function failNth(nth: number): void {
  effects.nth = nth
  effects.names = []
  effects.failed = ''
}

/** @returns true when this effect is the one that fails. */
function fails(name: string): boolean {
  effects.names.push(name)
  if (effects.names.length !== effects.nth) return false
  effects.failed = name
  return true
}

function refusal(name: string): Error {
  return Object.assign(new Error(`${name}: no space left on device`), { code: 'ENOSPC' })
}

function directoryOf(t: ExecutionContext): string {
  const directory = fs.mkdtempSync(join(tmpdir(), 'vccs-effects-'))
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** An open file whose effects may fail: half of a text is written, a file that cannot be closed is. */
function failingHandle(handle: promises.FileHandle) {
  return {
    writeFile: async (text: string) => {
      const isTorn = fails('write')
      await handle.writeFile(isTorn ? text.slice(0, text.length / 2) : text)
      if (isTorn) throw refusal('write')
    },
    sync: async () => {
      if (fails('fsync')) throw refusal('fsync')
      await handle.sync()
    },
    close: async () => {
      await handle.close()
      if (fails('close')) throw refusal('close')
    },
  }
}

test.serial('a kept text: the n-th of open, write, fsync, close and rename fails', async (t) => {
  const real = { open: promises.open, rename: promises.rename }
  promises.open = (async (...args: Parameters<typeof real.open>) => {
    if (fails('open')) throw refusal('open')
    return failingHandle(await real.open(...args))
  }) as unknown as typeof real.open
  promises.rename = async (...args) => {
    if (fails('rename')) throw refusal('rename')
    await real.rename(...args)
  }
  syncBuiltinESMExports()
  t.teardown(() => {
    Object.assign(promises, real)
    syncBuiltinESMExports()
  })
  failNth(0)
  const untouched = new KeptFile(join(directoryOf(t), 'term'), () => undefined)
  untouched.keep(() => 'whole')
  await untouched.settled()
  // The bytes are on the disk before the name is theirs, and the name before the wish is carried out.
  const order = ['open', 'write', 'fsync', 'close', 'rename', 'open', 'fsync', 'close']
  t.deepEqual(effects.names, order)
  for (let nth = 1; nth <= order.length; nth++) {
    const path = join(directoryOf(t), 'term')
    const errors: string[] = []
    const file = new KeptFile(path, (text) => errors.push(text))
    failNth(0)
    file.keep(() => 'the old text')
    await file.settled()
    failNth(nth)
    file.keep(() => 'the new text')
    await file.settled()
    const what = `${nth}: ${effects.failed}`
    t.is(effects.failed, order[nth - 1] ?? '', what)
    t.is(fs.readFileSync(path, 'utf8'), nth <= 5 ? 'the old text' : 'the new text', what)
    t.is(errors.length, 1, what)
    file.keep(() => 'the newest text')
    await file.settled()
    t.is(fs.readFileSync(path, 'utf8'), 'the newest text', what)
    t.is(errors.length, 1, what)
  }
})

/** The calls of `platform/journal-file.ts`; a write that fails leaves half of its bytes. */
function patchSyncFiles(t: ExecutionContext): void {
  const { openSync, writeSync, fstatSync, closeSync, renameSync } = fs
  const real = { openSync, writeSync, fstatSync, closeSync, renameSync }
  const failing = <A extends unknown[], R>(name: string, call: (...args: A) => R) =>
    ((...args: A): R => {
      if (fails(name)) throw refusal(name)
      return call(...args)
    }) as unknown
  Object.assign(fs, {
    openSync: failing('open', openSync),
    fstatSync: failing('fstat', fstatSync),
    renameSync: failing('rename', renameSync),
    closeSync: (fd: number) => {
      closeSync(fd)
      if (fails('close')) throw refusal('close')
    },
    writeSync: (fd: number, bytes: Uint8Array, at: number) => {
      if (!fails('write')) return writeSync(fd, bytes, at)
      writeSync(fd, bytes, at, Math.floor((bytes.length - at) / 2))
      throw refusal('write')
    },
  })
  syncBuiltinESMExports()
  t.teardown(() => {
    Object.assign(fs, real)
    syncBuiltinESMExports()
  })
}

const key = new Uint8Array(32).fill(7)
const stateOf = (tables: Tables) => tableNames.map((name) => tables.hash(name)).join()

function newJournal(path: string) {
  const tables = new Tables()
  const replicator = new Replicator({ tables, key, bootId: 'a'.repeat(16) })
  replicator.setRole('primary', 3, 0)
  const changes: RecordChange[] = []
  tables.onChange((change) => changes.push(change))
  const file = openJournalFile(path)
  const journal = new Journal(file, tables, (rows) => replicator.turnOf(rows))
  return { tables, journal, file, changes }
}

/** What a switch that follows would read. */
function readAgain(path: string): string {
  const tables = new Tables()
  loadJournal(openJournalFile(path), tables, key)
  return stateOf(tables)
}

test.serial('a journal on the disk: the n-th of its effects fails', (t) => {
  patchSyncFiles(t)
  const seen = new Set<string>()
  for (let nth = 1; nth <= 40; nth++) {
    const path = join(directoryOf(t), 'journal')
    const { tables, journal, changes } = newJournal(path)
    const wasTrue = new Set([stateOf(tables)])
    failNth(nth)
    journal.open()
    let nowMs = 0
    for (let round = 0; round < 15; round++) {
      tables.table('user').put(user(`u${round % 4}`, round) as User)
      journal.append(changes.splice(0))
      wasTrue.add(stateOf(tables))
      nowMs += 200
      journal.advance(nowMs)
      const { nth: kept } = effects
      effects.nth = 0
      t.true(wasTrue.has(readAgain(path)), `effect ${nth}, ${effects.failed}, round ${round}`)
      effects.nth = kept
    }
    if (effects.failed === '') break
    seen.add(effects.failed)
    t.is(journal.failures, 1, `effect ${nth}, ${effects.failed}`)
    t.false(journal.failing, `effect ${nth}, ${effects.failed}`)
    t.is(readAgain(path), stateOf(tables), `effect ${nth}, ${effects.failed}: made up for`)
  }
  t.deepEqual([...seen].sort(), ['close', 'fstat', 'open', 'rename', 'write'])
})

const refusedSends = {
  'by an error that comes later': (done: (error: Error) => void) =>
    setImmediate(done, Object.assign(new Error('send ENOBUFS'), { code: 'ENOBUFS' })),
  'by an exception': () => {
    throw Object.assign(new Error('send EPERM'), { code: 'EPERM' })
  },
}

for (const kind of ['pair', 'sip'] as const) {
  for (const [how, refuse] of Object.entries(refusedSends)) {
    test.serial(`a socket of ${kind}: the n-th datagram is refused ${how}`, async (t) => {
      const real = dgram.Socket.prototype.send
      let sent = 0
      let nth = 0
      dgram.Socket.prototype.send = function (this: dgram.Socket, ...args: unknown[]) {
        if (++sent === nth) refuse(args.at(-1) as (error: Error) => void)
        else Reflect.apply(real, this, args)
      } as typeof real
      t.teardown(() => {
        dgram.Socket.prototype.send = real
      })
      for (nth = 1; nth <= 4; nth++) {
        const heard: number[] = []
        const errors: string[] = []
        const { promise: complete, resolve } = Promise.withResolvers<void>()
        const listener = await openDatagram({
          address: '127.0.0.1',
          port: 0,
          kind: 'sip',
          onDatagram: (bytes) => {
            heard.push(bytes[0] ?? -1)
            if (heard.length + errors.length === 4) resolve()
          },
          onError: () => undefined,
        })
        const sender = await openDatagram({
          address: '127.0.0.1',
          port: 0,
          kind,
          onDatagram: () => undefined,
          onError: (text) => {
            errors.push(text)
            if (heard.length + errors.length === 4) resolve()
          },
        })
        if (!listener.ok || !sender.ok) return t.fail('a socket cannot be opened')
        sent = 0
        for (let one = 1; one <= 4; one++) {
          sender.value.send(Uint8Array.of(one), listener.value.port, '127.0.0.1')
        }
        await complete
        t.deepEqual(
          heard.toSorted(),
          [1, 2, 3, 4].filter((one) => one !== nth),
        )
        t.is(errors.length, 1)
        await Promise.all([listener.value.close(), sender.value.close()])
      }
    })
  }
}
