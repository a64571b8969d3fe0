//! Who waits for a version of a record is released by the ACK of that one or a newer one, and by no older one.
import test from 'ava'
import { Waiting } from '../../src/replication/waiting.ts'
import { addressId, type RecordChange } from '../../src/tables/address.ts'

const change = (slot: number, version: number): RecordChange => ({
  address: { table: 'user', slot },
  key: `u${slot}`,
  version,
})
const idOf = (slot: number) => addressId(change(slot, 0).address)

test('of two that wait for versions of one record each is released by its own ACK', (t) => {
  const waiting = new Waiting()
  const [first, second] = [waiting.wait([change(0, 1)]), waiting.wait([change(0, 2)])]
  t.deepEqual(waiting.settled(idOf(0), 1), [first])
  t.deepEqual(waiting.settled(idOf(0), 1), [])
  t.deepEqual(waiting.settled(idOf(0), 2), [second])
  t.deepEqual(waiting.giveUp(), [])
})

test('the ACK of a newer version releases all who wait for older ones', (t) => {
  const waiting = new Waiting()
  const tokens = [1, 2, 3].map((version) => waiting.wait([change(0, version)]))
  t.deepEqual(waiting.settled(idOf(0), 2), tokens.slice(0, 2))
  t.deepEqual(waiting.giveUp(), tokens.slice(2))
})

test('who waits for two records is released by the second', (t) => {
  const waiting = new Waiting()
  const token = waiting.wait([change(0, 1), change(1, 4), change(1, 5)])
  t.deepEqual(waiting.settled(idOf(1), 4), [])
  t.deepEqual(waiting.settled(idOf(0), 1), [])
  t.deepEqual(waiting.settled(idOf(1), 5), [token])
})
