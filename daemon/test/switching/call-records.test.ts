//! One record a session: of refused calls, too, and over a kill at every boundary of what a node does.
import test from 'ava'
import fc from 'fast-check'
import { exchange } from '../../src/compose/call-exchange.ts'
import { CallLedger } from '../../src/compose/call-ledger.ts'
import { limits } from '../../src/limits.ts'
import { callRecordOf, compareRecords, recordText } from '../../src/switching/call-record.ts'
import { header } from '../../src/wire/sip/message.ts'
import { MemoryCalls } from '../compose/call-record-facts.ts'
import { attempt, type Script, scripts } from './core-calls.ts'
import { Stage, sdp } from './core-stage.ts'

function talking(): Stage {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  a.ack(a.told(200))
  return stage
}

test('a refused call has its record before the refusal leaves, and the peer repeats the refusal', (t) => {
  const stage = new Stage()
  stage.a.call('999', undefined, ['Priority: urgent'])
  t.is(stage.records.length, 1)
  t.like(stage.records[0], { caller: '101', called: '999', status: 404, endedBy: 'switch' })
  t.is(stage.records[0]?.answeredAtMs, null)
  t.is(stage.records[0]?.priority, 'urgent')
  const refusal = stage.effects.find(
    (effect) => effect.kind === 'send' && effect.outgoing.text.startsWith('SIP/2.0 404'),
  )
  t.like(refusal, { afterReplication: true, session: stage.records[0]?.sessionId })
  stage.takeOver()
  stage.a.inbox.length = 0
  stage.a.send(stage.a.sentText)
  t.true(stage.a.heard(404))
  t.is(stage.records.length, 1)
  stage.pass(limits.releasedMsMax)
  t.is(stage.tables.wiredConference.size, 0)
})

test('who shows no password leaves no record, and no record is in the way of the second INVITE', (t) => {
  const stage = new Stage()
  stage.tables.user.delete('101')
  stage.a.call('999')
  t.true(stage.a.heard(401))
  t.deepEqual([stage.records.length, stage.tables.wiredConference.size], [0, 0])
})

test('the Reason of who ends a call is in its record', (t) => {
  const stage = talking()
  stage.a.request('BYE', { headers: ['Reason: Q.850;cause=16;text="normal"'] })
  t.is(stage.records[0]?.reason, 'Q.850;cause=16;text="normal"')
})

test('a take-over is in the record of each call of that time, also of one that nobody touched', (t) => {
  const stage = talking()
  stage.pass(1_000)
  stage.takeOver()
  const atMs = stage.now.wallMs
  stage.pass(100)
  const [session] = stage.tables.wiredConference.values()
  t.deepEqual(session?.history?.roles, [{ atMs, term: 0 }])
  stage.a.request('BYE')
  t.deepEqual(stage.records[0]?.roles, [{ atMs, term: 0 }])
})

test('a take-over of thousands of sessions notes them little by little', (t) => {
  const stage = talking()
  const [session] = stage.tables.wiredConference.values()
  if (session === undefined) return t.fail()
  for (let index = 0; index < 40; index++) {
    const members = session.members.map((one) => {
      return { ...one, dialog: { ...one.dialog, callId: `${one.dialog.callId}${index}` } }
    })
    stage.tables.wiredConference.put({ ...session, sessionId: `s${index}`, members })
  }
  stage.takeOver()
  const noted = () =>
    [...stage.tables.wiredConference.values()].filter((one) => one.history?.roles.length === 1)
  t.is(noted().length, 0)
  stage.pass(20)
  t.is(noted().length, 16)
  stage.pass(100)
  t.is(noted().length, 41)
})

/** What one node writes; the other one has a disk of its own. */
class Desk {
  readonly disk = new MemoryCalls()
  #ledger = this.#open()
  #nowMs = 0
  #seen = new Map<string, unknown>()

  /** Its tables are these now. */
  see(tables: Stage['tables']): void {
    const before = this.#seen
    this.#seen = new Map()
    for (const session of tables.wiredConference.values()) {
      this.#seen.set(session.sessionId, session)
      if (before.get(session.sessionId) === session) continue
      this.#ledger.sessionChanged(session.sessionId, session)
    }
    for (const sessionId of before.keys()) {
      if (!this.#seen.has(sessionId)) this.#ledger.sessionChanged(sessionId, null)
    }
  }

  write(): void {
    this.#nowMs += limits.callSeenMs
    this.#ledger.advance(this.#nowMs, this.#nowMs)
  }

  restart(): void {
    this.#ledger = this.#open()
    this.#seen = new Map()
  }

  /** All that live on it have ended. */
  settle(): void {
    this.#ledger.follow('primary', false, this.#nowMs)
    for (let turn = 0; turn < 4; turn++) this.write()
  }

  #open(): CallLedger {
    return new CallLedger({
      storage: this.disk,
      isKnown: (sessionId) => this.#seen.has(sessionId),
      kept: () => undefined,
      interrupted: () => undefined,
    })
  }
}

interface Kill {
  /** At which step. */
  readonly step: number
  /** The primary dies before it hears the message of this step, before its records are at the peer, or
   * after so many of the messages that follow from it. */
  readonly boundary: 'unheard' | 'unreplicated' | number
  /** The dying node had the time to write. */
  readonly written: boolean
}

/** Plays the script with one kill. Node `a` serves, dies and comes back; `b` serves on. */
function play(script: Script, kill: Kill): { stage: Stage; a: Desk; b: Desk } {
  const stage = new Stage()
  const [a, b] = [new Desk(), new Desk()]
  for (const [index, step] of script.entries()) {
    if (index !== kill.step) {
      step(stage)
      if (index < kill.step) for (const desk of [a, b]) desk.see(stage.tables)
      if (index < kill.step && kill.written) a.write()
      b.see(stage.tables)
      continue
    }
    const before = stage.copyOfTables()
    stage.lastSent = () => {}
    if (kill.boundary === 'unheard') stage.die()
    else if (kill.boundary === 'unreplicated') stage.isMute = true
    else stage.leaving = kill.boundary
    attempt(() => step(stage))
    a.see(stage.tables)
    if (kill.written) a.write()
    a.restart()
    if (kill.boundary === 'unreplicated') stage.takeOverWith(before)
    else stage.takeOver()
    stage.isMute = false
    stage.leaving = Number.POSITIVE_INFINITY
    b.see(stage.tables)
    stage.lastSent()
    for (const phone of stage.phones.values()) phone.repeat()
    stage.pass(1_600)
    b.see(stage.tables)
  }
  stage.pass(limits.releasedMsMax)
  b.see(stage.tables)
  return { stage, a, b }
}

const quick = Object.entries(scripts).filter(
  // What nobody repeats is lost with the node; waiting takes long.
  ([name]) => !/dead|never|nobody|operator/.test(name),
)
const kills = fc.record({
  script: fc.constantFrom(...quick),
  step: fc.nat(9),
  boundary: fc.oneof(
    fc.constantFrom('unheard' as const, 'unreplicated' as const),
    fc.integer({ min: 0, max: 4 }),
  ),
  written: fc.boolean(),
})

test('a kill at any boundary of any call: both nodes have its one record, with the end that it had', async (t) => {
  await fc.assert(
    fc.asyncProperty(kills, async ({ script: [name, script], step, boundary, written }) => {
      const plain = play(script, { step: -1, boundary: 'unheard', written })
      plain.b.settle()
      const { a, b } = play(script, { step: step % script.length, boundary, written })
      for (const desk of [a, b]) desk.settle()
      const laterMs = 1_800_000_000_000
      for (let turn = 0; turn < 2; turn++) await exchange(b.disk, a.disk, laterMs)
      const [wanted] = plain.b.disk.calls.values()
      const [found, ...others] = b.disk.calls.values()
      t.is(others.length, 0, name)
      t.is(found?.sessionId, wanted?.sessionId, name)
      t.is(found?.endedBy, wanted?.endedBy, name)
      t.is(found?.status, wanted?.status, name)
      t.is(found?.answeredAtMs === null, wanted?.answeredAtMs === null, name)
      const texts = [a, b].map(({ disk }) => [...disk.calls.values()].map(recordText))
      t.deepEqual(texts[0], texts[1], name)
    }),
    { numRuns: Number(process.env.CHAOS_RUNS ?? 300) },
  )
})

test('an operator who ends a call says why: to both telephones, and in the record', (t) => {
  const stage = talking()
  const [session] = stage.tables.wiredConference.values()
  stage.release(session?.sessionId ?? '', 'Q.850;cause=31;text="stuck"')
  for (const phone of [stage.a, stage.b]) {
    t.is(header(phone.asked('BYE'), 'Reason'), 'Q.850;cause=31;text="stuck"')
  }
  t.like(stage.records[0], { endedBy: 'switch', reason: 'Q.850;cause=31;text="stuck"' })
})

test('the last word on the voice of a leg is in the record, also when it comes after the end', (t) => {
  const stage = talking()
  stage.a.request('BYE')
  const [session] = stage.tables.wiredConference.values()
  const mediaId = session?.members[1]?.mediaId ?? ''
  const figures = {
    ...{ packetsSent: 10, packetsReceived: 9, packetsLost: 1, packetsLate: 0 },
    ...{ jitterMsMax: 3, farPacketsLost: 2 },
  }
  stage.core.legsEnded([
    { mediaId, ...figures },
    { mediaId: 'unknown-a', ...figures },
  ])
  const [after] = stage.tables.wiredConference.values()
  t.deepEqual(after?.history?.parties[1]?.rtp, figures)
  const better = after === undefined ? null : callRecordOf(after)
  const [first] = stage.records
  if (better === null || first === undefined) return t.fail()
  t.true(compareRecords(better, first) < 0, 'it replaces the record without figures')
})
