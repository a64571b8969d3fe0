//! Two replicators over a simulated network.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { Asking } from '../../src/replication/catch-up.ts'
import type { User } from '../../src/tables/user.ts'
import { decodeSyncFrame } from '../../src/wire/sync-frame.ts'
import { calm, type Faults, PairSimulation, type Side, user } from './pair-simulation.ts'

const stormy: Faults = { loss: 0.3, duplicate: 0.2, reorderMs: 30 }
const key = new Uint8Array(32).fill(7)

function putUser(pair: PairSimulation, side: Side, name: string, cseq = 1): void {
  pair.change(side, (tables) => tables.table('user').put(user(name, cseq) as User))
}

function deleteUser(pair: PairSimulation, side: Side, name: string): void {
  pair.change(side, (tables) => tables.table('user').delete(name))
}

test('a change is sent at once, rebuilt, acknowledged, and its flag is NONE', (t) => {
  const pair = new PairSimulation()
  pair.join()
  pair.run(50)
  t.true(pair.a.replicator.inStep(pair.nowMs))
  putUser(pair, pair.a, '1001')
  t.is(pair.a.tables.table('user').flag(0), 'SYNCED')
  pair.run(1)
  t.is(pair.a.tables.table('user').flag(0), 'NONE')
  t.is(pair.b.tables.table('user').get('1001')?.cseq, 1)
  t.is(pair.b.outputs.filter(({ kind }) => kind === 'rebuild').length, 1)
})

test('there is no ACK before the record is rebuilt, and none when the rebuild failed', (t) => {
  const pair = new PairSimulation()
  pair.join()
  pair.run(50)
  pair.b.rebuildOk = false
  putUser(pair, pair.a, '1001')
  pair.run(400)
  t.is(pair.a.tables.table('user').flag(0), 'SYNCED')
  t.true(pair.a.replicator.status(pair.nowMs).sent.retries > 2)
  pair.b.rebuildOk = true
  pair.run(1_000)
  t.is(pair.a.tables.table('user').flag(0), 'NONE')
})

test('a rebuild that is never answered is ordered again', (t) => {
  const pair = new PairSimulation()
  pair.join()
  pair.run(50)
  pair.b.rebuildMs = null
  putUser(pair, pair.a, '1001')
  pair.run(500)
  t.is(pair.a.tables.table('user').flag(0), 'SYNCED')
  pair.b.rebuildMs = 1
  pair.run(2_000)
  t.is(pair.a.tables.table('user').flag(0), 'NONE')
})

test('an answer waits for the ACKs of its records, and for nothing when there is no standby', (t) => {
  const pair = new PairSimulation()
  pair.act(pair.a, () => pair.a.replicator.setRole('primary', 1, pair.nowMs))
  const first = pair.a.tables.table('user').put(user('0') as User)
  t.true(first.ok)
  if (!first.ok || first.value === null) return
  t.is(pair.a.replicator.whenReplicated([first.value]), null)
  pair.join()
  pair.run(50)
  const put = pair.a.tables.table('user').put(user('1001') as User)
  if (!put.ok || put.value === null) return t.fail()
  const token = pair.a.replicator.whenReplicated([put.value])
  t.truthy(token)
  pair.act(pair.a, () => undefined)
  pair.run(1)
  t.true(pair.a.outputs.some((output) => output.kind === 'replicated' && output.token === token))
})

/** A record waits for a standby that hears nothing. */
function waiting() {
  const pair = new PairSimulation()
  pair.join()
  pair.run(50)
  pair.cut = true
  const put = pair.a.tables.table('user').put(user('1001') as User)
  if (!put.ok || put.value === null) throw new Error('it is in the table')
  return { pair, token: pair.a.replicator.whenReplicated([put.value]) }
}

test('who waits is released when the standby is lost', (t) => {
  const { pair, token } = waiting()
  t.truthy(token)
  pair.run(10)
  pair.setPeers(false)
  t.true(pair.a.outputs.some((output) => output.kind === 'replicated' && output.token === token))
})

test('who waits is not released when the node gives up its role', (t) => {
  const { pair, token } = waiting()
  t.truthy(token)
  const outputs = pair.a.replicator.setRole('standby', 2, pair.nowMs)
  t.deepEqual(
    outputs.filter(({ kind }) => kind === 'replicated'),
    [],
  )
})

test('a late ACK of an old version never gives NONE', (t) => {
  const pair = new PairSimulation()
  pair.join()
  pair.run(50)
  pair.captured.length = 0
  putUser(pair, pair.a, '1001', 1)
  pair.run(1)
  const ack = pair.captured.find(({ from }) => from === pair.b)
  t.truthy(ack)
  if (ack === undefined) return
  const frame = decodeSyncFrame(ack.bytes, key)
  t.true(typeof frame !== 'string' && frame.kind === 'ack' && frame.version === 1)
  pair.faults = { ...calm, loss: 1 }
  putUser(pair, pair.a, '1001', 2)
  pair.deliver(pair.b, ack.bytes, {})
  pair.run(1)
  t.is(pair.a.tables.table('user').flag(0), 'SYNCED')
  t.is(pair.a.replicator.status(pair.nowMs).sent.acksWrong, 1)
})

test('an ACK of an earlier boot of the standby never gives NONE', (t) => {
  const pair = new PairSimulation()
  pair.join()
  putUser(pair, pair.a, '1001', 1)
  pair.run(50)
  const acks = pair.captured.filter(({ from }) => from === pair.b)
  pair.setPeers(false)
  pair.restart(pair.b)
  pair.join()
  pair.run(1)
  pair.faults = { ...calm, loss: 1 }
  putUser(pair, pair.a, '1001', 1)
  const late = acks.at(-1)
  if (late === undefined) return t.fail()
  pair.change(pair.a, (tables) => tables.table('user').put(user('1002') as User))
  pair.deliver(pair.b, late.bytes, {})
  pair.run(1)
  t.is(pair.a.tables.table('user').flag(1), 'SYNCED')
  t.true((pair.a.replicator.status(pair.nowMs).refused['old-boot'] ?? 0) > 0)
})

test('a frame of an older term and a frame for a node that is not standby change nothing', (t) => {
  const pair = new PairSimulation()
  pair.join(5)
  pair.run(50)
  pair.captured.length = 0
  putUser(pair, pair.a, '1001')
  pair.run(1)
  const old = pair.captured.find(({ from }) => from === pair.a)
  if (old === undefined) return t.fail()
  deleteUser(pair, pair.a, '1001')
  pair.run(1)
  pair.act(pair.b, () => pair.b.replicator.setRole('standby', 6, pair.nowMs))
  pair.deliver(pair.a, old.bytes, {})
  pair.run(1)
  t.is(pair.b.tables.table('user').size, 0)
  t.is(pair.b.replicator.status(pair.nowMs).refused['old-term'], 1)
  pair.act(pair.b, () => pair.b.replicator.setRole('primary', 7, pair.nowMs))
  pair.deliver(pair.a, old.bytes, {})
  pair.run(1)
  t.is(pair.b.tables.table('user').size, 0)
})

test('forged, cut and foreign datagrams are counted and change nothing', (t) => {
  const pair = new PairSimulation()
  pair.join()
  pair.run(50)
  pair.captured.length = 0
  putUser(pair, pair.a, '1001')
  const sent = pair.captured.find(({ from }) => from === pair.a)
  if (sent === undefined) return t.fail()
  for (let at = 0; at < sent.bytes.length; at++) {
    const forged = Uint8Array.from(sent.bytes)
    forged[at] = (forged[at] ?? 0) ^ 1
    pair.b.replicator.receive(forged, 0, pair.nowMs)
    pair.b.replicator.receive(sent.bytes.subarray(0, at), 0, pair.nowMs)
  }
  t.is(pair.b.tables.table('user').size, 0)
})

test('alone, deletions free their slots and nothing is sent', (t) => {
  const pair = new PairSimulation()
  pair.act(pair.a, () => pair.a.replicator.setRole('primary', 1, pair.nowMs))
  for (let round = 0; round < 20; round++) {
    putUser(pair, pair.a, `u${round}`)
    deleteUser(pair, pair.a, `u${round}`)
  }
  pair.run(1_000)
  t.is(pair.a.tables.table('user').slotCount, 1)
  t.is(pair.captured.length, 0)
  t.is(pair.a.replicator.pending(), 0)
})

test('a late standby gets everything under load, paced, and drops what the primary has not', (t) => {
  const pair = new PairSimulation(3, { loss: 0.05, duplicate: 0.05, reorderMs: 2 })
  for (let index = 0; index < 600; index++) putUser(pair, pair.a, `u${index}`)
  pair.change(pair.b, (tables) => tables.table('user').put(user('gone') as User))
  pair.join()
  for (let index = 0; index < 50; index++) {
    putUser(pair, pair.a, `u${index}`, 2)
    pair.run(2)
  }
  t.true(pair.runUntil(() => pair.settled()))
  t.is(pair.b.tables.table('user').get('u7')?.cseq, 2)
  t.false(pair.b.tables.table('user').has('gone'))
  t.is(pair.b.tables.table('user').size, 600)
})

test('a catch-up never has more frames under way than the window', (t) => {
  const pair = new PairSimulation()
  for (let index = 0; index < 1_000; index++) putUser(pair, pair.a, `u${index}`)
  pair.b.rebuildMs = null
  pair.join()
  pair.run(5)
  const records = pair.captured.filter(({ from }) => from === pair.a).length
  t.true(records <= limits.syncWindowFrames + 2, `${records}`)
})

test('a standby that is restarted in mid-sync gets everything', (t) => {
  const pair = new PairSimulation(5, { loss: 0.1, duplicate: 0.1, reorderMs: 5 })
  for (let index = 0; index < 500; index++) putUser(pair, pair.a, `u${index}`)
  pair.join()
  pair.run(4)
  t.false(pair.b.replicator.inStep(pair.nowMs))
  pair.restart(pair.b)
  pair.join()
  putUser(pair, pair.a, 'u3', 9)
  t.true(pair.runUntil(() => pair.settled()))
  t.is(pair.b.tables.table('user').get('u3')?.cseq, 9)
})

test('the primary is restarted with its tables, counts its versions anew, and is followed', (t) => {
  const pair = new PairSimulation(6)
  pair.join()
  for (let round = 1; round < 9; round++) putUser(pair, pair.a, '1001', round)
  pair.run(50)
  pair.restart(pair.a)
  putUser(pair, pair.a, '1001', 77)
  pair.join()
  t.true(pair.runUntil(() => pair.settled()))
  t.is(pair.b.tables.table('user').get('1001')?.cseq, 77)
})

test('roles change and the former primary follows, whatever it had that the other has not', (t) => {
  const pair = new PairSimulation(7)
  pair.join()
  putUser(pair, pair.a, '1001', 1)
  pair.run(50)
  pair.setPeers(false)
  for (let round = 2; round < 9; round++) putUser(pair, pair.a, '1001', round)
  putUser(pair, pair.a, 'only-here')
  pair.act(pair.b, () => pair.b.replicator.setRole('primary', 2, pair.nowMs))
  putUser(pair, pair.b, '1001', 50)
  putUser(pair, pair.b, '1002', 1)
  pair.act(pair.a, () => pair.a.replicator.setRole('standby', 2, pair.nowMs))
  pair.setPeers(true)
  t.true(pair.runUntil(() => pair.settled()))
  t.is(pair.a.tables.table('user').get('1001')?.cseq, 50)
  t.false(pair.a.tables.table('user').has('only-here'))
  t.is(pair.a.replicator.pending(), 0)
})

test('a primary that lost its standby for a moment, unnoticed there, invites it to ask again', (t) => {
  const pair = new PairSimulation()
  pair.join()
  putUser(pair, pair.a, '1001')
  pair.run(50)
  pair.act(pair.a, () => pair.a.replicator.setPeer(false, pair.nowMs))
  deleteUser(pair, pair.a, '1001')
  pair.act(pair.a, () => pair.a.replicator.setPeer(true, pair.nowMs))
  t.true(pair.runUntil(() => pair.settled(), 5_000))
  t.is(pair.b.tables.table('user').size, 0)
})

test('a slot is used again and the standby ends with the new key only', (t) => {
  const pair = new PairSimulation(2, { loss: 0.2, duplicate: 0.2, reorderMs: 10 })
  pair.join()
  for (let round = 0; round < 30; round++) {
    putUser(pair, pair.a, `r${round}`)
    pair.run(20)
    deleteUser(pair, pair.a, `r${round}`)
    pair.run(40)
  }
  putUser(pair, pair.a, 'last')
  t.true(pair.runUntil(() => pair.settled()))
  t.deepEqual([...pair.b.tables.table('user').keys()], ['last'])
  t.true(pair.a.tables.table('user').slotCount < 20)
})

test('a control request reaches the peer once and its answer comes back', (t) => {
  const pair = new PairSimulation(4, { loss: 0.3, duplicate: 0.5, reorderMs: 20 })
  pair.join()
  pair.run(500)
  const ref = pair.a.replicator.askPeer('{"verb":"status"}', pair.nowMs)
  let asked = 0
  for (let step = 0; step < 200; step++) {
    pair.run(10)
    for (const output of pair.b.outputs.splice(0)) {
      if (output.kind !== 'peer-request') continue
      asked++
      t.is(output.body, '{"verb":"status"}')
      pair.act(pair.b, () => pair.b.replicator.answerPeer(output, 'fine'))
    }
  }
  t.is(asked, 1)
  const answers = pair.a.outputs.filter(({ kind }) => kind === 'peer-response')
  t.deepEqual(answers, [{ kind: 'peer-response', ref, body: 'fine', failure: null }])
})

test('a control request without peer, without answer or too long fails', (t) => {
  const pair = new PairSimulation()
  const failureOf = (body: string, waitMs: number) => {
    const ref = pair.a.replicator.askPeer(body, pair.nowMs)
    pair.run(waitMs)
    const found = pair.a.outputs.find((out) => out.kind === 'peer-response' && out.ref === ref)
    return found?.kind === 'peer-response' ? found.failure : null
  }
  t.is(failureOf('x', 1), 'no-peer')
  pair.join()
  pair.run(50)
  t.is(failureOf('x', limits.peerAnswerMsMax + 1), 'timeout')
  t.is(failureOf('x'.repeat(limits.peerAnswerBytesMax + 1), 1), 'too-long')
})

test('a delayed asking of an earlier boot neither ends nor displaces that of the present one', (t) => {
  const pair = new PairSimulation(1, { ...calm, reorderMs: 200 })
  pair.join()
  putUser(pair, pair.a, '1001')
  pair.restart(pair.b)
  pair.act(pair.b, () => pair.b.replicator.setRole('standby', 1, pair.nowMs))
  pair.faults = calm
  const late = pair.captured.find(({ from }) => from === pair.b)
  if (late === undefined) return t.fail()
  pair.act(pair.b, () => pair.b.replicator.setPeer(true, pair.nowMs))
  for (const delayMs of [0, 5, 50, 400]) pair.deliver(pair.b, late.bytes, { delayMs })
  pair.run(500)
  putUser(pair, pair.a, '1002')
  t.true(pair.runUntil(() => pair.settled(), 5_000))
  t.is(pair.b.tables.table('user').size, 2)
})

test('askings of two boots never have the same number', (t) => {
  const [first, second] = ['0'.repeat(16), `${'0'.repeat(15)}1`].map((boot) => new Asking(boot))
  const numbers = [first, second].flatMap((asking) => [asking?.askAll(0), asking?.askAll(0)])
  t.is(new Set(numbers).size, 4)
})

const move = fc.record({
  op: fc.constantFrom('put', 'put', 'delete', 'blip', 'restart-b', 'swap'),
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  cseq: fc.integer({ min: 1, max: 4 }),
  waitMs: fc.integer({ min: 0, max: 120 }),
})

test('after any history over a bad network both nodes have equal tables and all flags are NONE', (t) => {
  fc.assert(
    fc.property(fc.integer(), fc.array(move, { maxLength: 25 }), (seed, moves) => {
      const pair = new PairSimulation(seed, stormy)
      let term = 1
      let primary = pair.a
      pair.join(term)
      for (const { op, name, cseq, waitMs } of moves) {
        const standby = primary === pair.a ? pair.b : pair.a
        if (op === 'put') putUser(pair, primary, name, cseq)
        else if (op === 'delete') deleteUser(pair, primary, name)
        else if (op === 'blip') {
          pair.setPeers(false)
          pair.setPeers(true)
        } else if (op === 'restart-b') {
          pair.restart(standby)
          pair.act(standby, () => standby.replicator.setRole('standby', term, pair.nowMs))
          pair.setPeers(true)
        } else {
          term++
          pair.act(primary, () => primary.replicator.setRole('standby', term, pair.nowMs))
          pair.act(standby, () => standby.replicator.setRole('primary', term, pair.nowMs))
          primary = standby
        }
        pair.run(waitMs)
      }
      const wanted = [...primary.tables.table('user').values()].map(({ user, cseq }) => [
        user,
        cseq,
      ])
      const settled = pair.runUntil(() => pair.settled())
      const other = primary === pair.a ? pair.b : pair.a
      const got = [...other.tables.table('user').values()].map(({ user, cseq }) => [user, cseq])
      return (
        settled &&
        JSON.stringify(wanted) === JSON.stringify(got) &&
        pair.a.replicator.pending() + pair.b.replicator.pending() === 0
      )
    }),
    { numRuns: 60 },
  )
  t.pass()
})

test('a standby that is emptied drops everything, is not in step until all came, and loses nothing', (t) => {
  const pair = new PairSimulation()
  pair.join()
  t.is(pair.a.replicator.reinit(pair.nowMs), null, 'a primary is not emptied')
  for (let index = 0; index < 300; index++) putUser(pair, pair.a, `u${index}`)
  t.true(pair.runUntil(() => pair.settled(), 5_000))
  const users = pair.b.tables.table('user')
  // What only the standby has goes too.
  users.apply({ table: 'user', slot: 900 }, 'ghost', 1, user('ghost') as User)
  pair.b.outputs.length = 0
  pair.act(pair.b, () => pair.b.replicator.reinit(pair.nowMs) ?? undefined)
  t.is(users.size, 0)
  t.false(pair.b.replicator.inStep(pair.nowMs))
  const removed = pair.b.outputs.filter((output) => output.kind === 'rebuild' && !output.next)
  t.is(removed.length, 301)
  t.true(pair.b.outputs.some((output) => output.kind === 'in-step' && !output.inStep))
  putUser(pair, pair.a, 'during')
  t.true(pair.runUntil(() => pair.b.replicator.inStep(pair.nowMs), 5_000))
  t.true(pair.runUntil(() => pair.settled(), 5_000))
  t.is(users.size, 301)
  t.is(pair.a.tables.table('user').size, 301)
  pair.setPeers(false)
  t.is(pair.b.replicator.reinit(pair.nowMs), null, 'there is nobody to ask')
  t.is(users.size, 301)
})
