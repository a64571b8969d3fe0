//! The journal of a switch that is alone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { openJournalFile } from '../../src/platform/journal-file.ts'
import { Journal, type JournalFile, loadJournal } from '../../src/replication/journal.ts'
import { Replicator } from '../../src/replication/replicator.ts'
import type { RecordChange } from '../../src/tables/address.ts'
import type { SlotView } from '../../src/tables/table.ts'
import { Tables } from '../../src/tables/tables.ts'
import type { User } from '../../src/tables/user.ts'
import { seal, tagBytes } from '../../src/wire/authentication-tag.ts'
import { user } from './pair-simulation.ts'

const key = new Uint8Array(32).fill(7)

class MemoryFile implements JournalFile {
  parts: Uint8Array[] = []
  next: Uint8Array[] = []

  get bytes(): Uint8Array {
    return Buffer.concat(this.parts)
  }

  get length(): number {
    return this.parts.reduce((sum, part) => sum + part.length, 0)
  }

  read(): Uint8Array | null {
    return this.parts.length === 0 ? null : this.bytes
  }

  append(bytes: Uint8Array): boolean {
    this.parts.push(bytes)
    return true
  }

  beginNext(): boolean {
    this.next = []
    return true
  }

  appendNext(bytes: Uint8Array): boolean {
    this.next.push(bytes)
    return true
  }

  commitNext(): boolean {
    this.parts = this.next
    return true
  }

  remove(): void {
    this.parts = []
  }
}

function alone(file: JournalFile) {
  const tables = new Tables()
  const replicator = new Replicator({ tables, key, bootId: 'a'.repeat(16) })
  replicator.setRole('primary', 3, 0)
  const changes: RecordChange[] = []
  let nowMs = 0
  tables.onChange((change) => {
    replicator.changed(change)
    changes.push(change)
  })
  const journal = new Journal(file, tables, (rows) => replicator.turnOf(rows))
  const write = () => {
    journal.append(changes.splice(0))
    nowMs += 1_000
    journal.advance(nowMs)
  }
  return { users: tables.table('user'), tables, journal, write }
}

test('the tables of a switch that crashed alone come back, deletions too', (t) => {
  const file = new MemoryFile()
  const { users, tables, journal, write } = alone(file)
  users.put(user('before') as User)
  write()
  journal.open()
  users.put(user('1001', 1) as User)
  write()
  users.put(user('1001', 2) as User)
  users.delete('before')
  write()
  const restored = new Tables()
  const load = loadJournal(file, restored, key)
  t.is(load.lostBytes, 0)
  t.is(load.term, 3)
  t.is(restored.hash('user'), tables.hash('user'))
  t.is(restored.table('user').at(1)?.version, 2)
})

test('a torn tail is left out, wherever it was torn, and a damaged frame ends the load', (t) => {
  const file = new MemoryFile()
  const { users, journal, write } = alone(file)
  journal.open()
  write()
  for (const name of ['1', '2', '3']) {
    users.put(user(name) as User)
    write()
  }
  const whole = file.bytes
  for (let length = 0; length < whole.length; length++) {
    file.parts = [whole.subarray(0, length)]
    const restored = new Tables()
    const { frames, lostBytes } = loadJournal(file, restored, key)
    t.is(restored.table('user').size, frames)
    t.true(frames < 3 && lostBytes < whole.length)
  }
  const damaged = Uint8Array.from(whole)
  const at = Math.floor(whole.length / 2)
  damaged[at] = (damaged[at] ?? 0) ^ 1
  file.parts = [damaged]
  t.is(loadJournal(file, new Tables(), key).frames, 1)
})

test('a turn is read whole or not at all, whatever byte of it was damaged', (t) => {
  const file = new MemoryFile()
  const { users, journal, write } = alone(file)
  journal.open()
  write()
  users.put(user('first') as User)
  write()
  const before = file.length
  for (const name of ['1', '2', '3']) users.put(user(name) as User)
  write()
  const whole = file.bytes
  t.deepEqual(namesIn(file), ['1', '2', '3', 'first'])
  for (let at = before; at < whole.length; at++) {
    const damaged = Uint8Array.from(whole)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    file.parts = [damaged]
    t.deepEqual(namesIn(file), ['first'], `byte ${at}`)
  }
})

test('the journal is written anew when it has grown, and goes when a standby has everything', (t) => {
  const file = new MemoryFile()
  const { users, journal, write } = alone(file)
  journal.open()
  let longest = 0
  for (let round = 0; round < 18_000; round++) {
    users.put({ ...user('1001', round), callId: String(round).repeat(50) } as User)
    write()
    if (round % 100 === 0) longest = Math.max(longest, file.length)
  }
  t.true(longest < 4_400_000 && file.length < longest)
  const restored = new Tables()
  loadJournal(file, restored, key)
  t.is(restored.table('user').get('1001')?.cseq, 17_999)
  journal.close()
  t.is(file.read(), null)
  t.is(loadJournal(file, new Tables(), key).frames, 0)
})

test('what changes while the journal is written anew is in it', (t) => {
  const file = new MemoryFile()
  const { users, tables, journal, write } = alone(file)
  for (let index = 0; index < 1_000; index++) users.put(user(`u${index}`) as User)
  write()
  journal.open()
  for (let round = 0; journal.nextTimerMs() === 0; round++) {
    users.put(user(`u${round * 60}`, 2) as User)
    users.delete(`u${999 - round * 50}`)
    users.put(user(`new${round}`) as User)
    write()
  }
  const restored = new Tables()
  t.is(loadJournal(file, restored, key).lostBytes, 0)
  t.is(restored.hash('user'), tables.hash('user'))
})

test('what changes before all is written is in the file of the earlier life, whole', (t) => {
  const file = new MemoryFile()
  const { users, journal, write } = alone(file)
  for (let index = 0; index < 600; index++) users.put(user(`u${index}`) as User)
  write()
  journal.open()
  journal.advance(0)
  t.true(file.next.length > 0, 'the first records are in the new file')
  users.put(user('u1', 7) as User)
  write()
  t.is(journal.nextTimerMs(), 0, 'and not yet all')
  const restored = new Tables()
  loadJournal(file, restored, key)
  t.is(restored.table('user').get('u1')?.cseq, 7)
})

/** Until it is written anew. */
function growTooLong(
  file: MemoryFile,
  { users, journal, write }: Pick<ReturnType<typeof alone>, 'users' | 'journal' | 'write'>,
): void {
  for (let round = 0; journal.nextTimerMs() === Number.POSITIVE_INFINITY; round++) {
    users.put({ ...user('u1', file.parts.length), callId: String(round % 2).repeat(250) } as User)
    write()
  }
}

test('what changes while a long journal is written anew is in both files, as differences too', (t) => {
  const file = new MemoryFile()
  const { users, tables, journal, write } = alone(file)
  for (let index = 0; index < 600; index++) users.put(user(`u${index}`) as User)
  write()
  journal.open()
  while (journal.nextTimerMs() === 0) journal.advance(0)
  growTooLong(file, { users, journal, write })
  const present = file.parts
  const holds = () => {
    const restored = new Tables()
    t.is(loadJournal(file, restored, key).lostBytes, 0)
    t.is(restored.hash('user'), tables.hash('user'))
  }
  for (let round = 0; file.parts === present; round++) {
    // Some that are in the new file already, some that are not, some that never were anywhere.
    for (const at of [0, 150, 300, 599])
      users.put(user(`u${(at + round) % 600}`, round + 2) as User)
    users.delete(`u${(round * 37) % 600}`)
    users.put(user(`new${round}`) as User)
    write()
    if (round % 8 === 0) holds()
  }
  holds()
})

test('a journal that is only long is written anew beside the calls: little at a time, with pauses', (t) => {
  const file = new MemoryFile()
  const { users, tables, journal, write } = alone(file)
  for (let index = 0; index < 600; index++) users.put(user(`u${index}`) as User)
  write()
  journal.open()
  let urgent = 0
  for (; journal.nextTimerMs() === 0; urgent++) journal.advance(0)
  t.true(urgent < 10, 'until all is written once there are no pauses')
  growTooLong(file, { users, journal, write })
  let nowMs = 1e9
  for (; journal.nextTimerMs() !== Number.POSITIVE_INFINITY; nowMs = journal.nextTimerMs()) {
    const before = file.next.length
    journal.advance(nowMs)
    journal.advance(nowMs)
    t.true(file.next.length <= before + 1, 'a pause follows')
    t.true(journal.nextTimerMs() >= nowMs + 10)
  }
  t.true(Math.max(...file.parts.map(({ length }) => length)) < 8_000, 'little at a time')
  const restored = new Tables()
  t.is(loadJournal(file, restored, key).lostBytes, 0)
  t.is(restored.hash('user'), tables.hash('user'))
})

/** A disk that is full from time to time. */
class FullFile extends MemoryFile {
  isFull = false

  override append(bytes: Uint8Array): boolean {
    return !this.isFull && super.append(bytes)
  }

  override beginNext(): boolean {
    return !this.isFull && super.beginNext()
  }

  override appendNext(bytes: Uint8Array): boolean {
    return !this.isFull && super.appendNext(bytes)
  }
}

function namesIn(file: JournalFile): string[] {
  const tables = new Tables()
  loadJournal(file, tables, key)
  return [...tables.table('user').keys()].sort()
}

test('what a full disk did not take is in the journal when there is room again', (t) => {
  const file = new FullFile()
  const { users, journal, write } = alone(file)
  journal.open()
  users.put(user('1001', 1) as User)
  write()
  file.isFull = true
  users.put(user('1002', 1) as User)
  users.delete('1001')
  write()
  t.deepEqual(namesIn(file), ['1001'], 'the disk took nothing')
  file.isFull = false
  users.put(user('1003', 1) as User)
  write()
  t.deepEqual(namesIn(file), ['1002', '1003'])
  t.is(journal.nextTimerMs(), Number.POSITIVE_INFINITY)
})

test('a disk that fills up while the journal is written anew costs nothing that was there', (t) => {
  const file = new FullFile()
  const { users, journal, write } = alone(file)
  journal.open()
  for (let n = 0; n < 300; n += 1) users.put(user(`${1_000 + n}`, 1) as User)
  write()
  while (journal.nextTimerMs() === 0) journal.advance(0)
  const before = namesIn(file).length
  t.is(before, 300)
  // A hole makes it write everything anew, in several portions.
  file.isFull = true
  users.put(user('2000', 1) as User)
  write()
  file.isFull = false
  users.put(user('2001', 1) as User)
  write()
  file.isFull = true
  while (journal.nextTimerMs() === 0) journal.advance(0)
  t.true(namesIn(file).length >= before)
  file.isFull = false
  users.put(user('2002', 1) as User)
  write()
  while (journal.nextTimerMs() === 0) journal.advance(0)
  t.is(namesIn(file).length, 303)
})

test('the file on disk is appended to, replaced in one step and removed', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-journal-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = openJournalFile(join(directory, 'journal'))
  const read = () => Buffer.from(file.read() ?? []).toString()
  t.is(file.read(), null)
  t.true(file.append(Buffer.from('one')) && file.append(Buffer.from('two')))
  t.true(file.beginNext() && file.appendNext(Buffer.from('three')))
  t.is(read(), 'onetwo')
  t.true(file.commitNext() && file.append(Buffer.from('four')))
  t.is(read(), 'threefour')
  file.remove()
  t.is(file.read(), null)
  t.false(openJournalFile(join(directory, 'missing', 'journal')).append(Buffer.from('x')))
})

test('a journal that an earlier version has written is read: whole records with an HMAC', (t) => {
  const tables = new Tables()
  const users = tables.table('user')
  for (const name of ['1001', '1002']) users.put(user(name) as User)
  const records = [0, 1].map((slot) => {
    const { key: name, version, record } = users.at(slot) as SlotView<User>
    return ['user', slot, name, version, record]
  })
  const text = JSON.stringify({ term: 4, records })
  const bytes = Buffer.alloc(8 + text.length + tagBytes)
  bytes.writeUInt32BE(bytes.length - 4, 0)
  bytes.write(`VCJ2${text}`, 4)
  seal(bytes, key)
  const file = new MemoryFile()
  file.append(bytes)
  const restored = new Tables()
  t.deepEqual(loadJournal(file, restored, key), { frames: 2, term: 4, lostBytes: 0 })
  t.is(restored.hash('user'), tables.hash('user'))
  t.is(loadJournal(file, new Tables(), new Uint8Array(32)).frames, 0)
})

test('a record that the journal has is told by what is different in it', (t) => {
  const file = new MemoryFile()
  const { users, tables, journal, write } = alone(file)
  journal.open()
  write()
  users.put(user('1001', 1) as User)
  write()
  const before = file.length
  for (let cseq = 2; cseq < 5; cseq++) users.put(user('1001', cseq) as User)
  write()
  const told = file.parts.at(-1) as Uint8Array
  t.is(file.length, before + told.length)
  t.true(Buffer.from(told).toString('latin1', 12).includes('["user",0,"1001",4,1,[[["cseq"],4]]]'))
  const restored = new Tables()
  t.deepEqual(loadJournal(file, restored, key), { frames: 2, term: 3, lostBytes: 0 })
  t.deepEqual(restored.table('user').at(0), tables.table('user').at(0))
})

test('a difference from a record that is not there is left out', (t) => {
  const file = new MemoryFile()
  const { users, journal, write } = alone(file)
  journal.open()
  write()
  users.put(user('1001', 1) as User)
  write()
  const [whole] = file.parts.slice(-1)
  users.put(user('1001', 2) as User)
  write()
  const [difference] = file.parts.slice(-1)
  file.parts = [difference as Uint8Array]
  t.deepEqual(loadJournal(file, new Tables(), key), { frames: 0, term: 3, lostBytes: 0 })
  file.parts = [difference as Uint8Array, whole as Uint8Array, difference as Uint8Array]
  const restored = new Tables()
  loadJournal(file, restored, key)
  t.is(restored.table('user').get('1001')?.cseq, 2)
})
