//! What the runner of the core does while the role is in doubt (ADR 0015).
import test from 'ava'
import type { Alarms } from '../../src/compose/alarms.ts'
import { CoreRunner } from '../../src/compose/core-runner.ts'
import { makeLogHub } from '../../src/compose/log-hub.ts'
import type { MediaLink } from '../../src/compose/media-link.ts'
import type { Replicator } from '../../src/replication/replicator.ts'
import type { Core } from '../../src/switching/core.ts'
import type { CoreEffect } from '../../src/switching/effects.ts'
import { Tables } from '../../src/tables/tables.ts'

const from = { address: '192.0.2.1', port: 5060 }

/** A core that answers each datagram with its own text, and rings once a timer. */
function stage() {
  const sent: string[] = []
  const received: string[] = []
  let nowMs = 1_000
  let timerMs: number | null = null
  let may = true
  const say = (text: string): CoreEffect[] => [
    { kind: 'send', session: text, outgoing: { text, to: from }, afterReplication: false },
  ]
  const core = {
    receive: (bytes: Uint8Array) => {
      received.push(Buffer.from(bytes).toString())
      return say(`answer to ${Buffer.from(bytes).toString()}`)
    },
    nextTimerMs: () => timerMs,
    advance: () => {
      timerMs = null
      return say('timer')
    },
    becomePrimary: () => [],
    becomeStandby: () => undefined,
  } as unknown as Core
  const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet, flush() {} }
  const runner = new CoreRunner({
    core,
    tables: new Tables(),
    replicator: { whenReplicated: () => null, changed() {} } as unknown as Replicator,
    media: {} as MediaLink,
    alarms: {} as Alarms,
    log: makeLogHub(quiet),
    clock: { monotonicMs: () => nowMs, wallMs: () => 0 },
    tick: () => 0,
    mayAct: () => may,
    settle: () => undefined,
    journal: () => undefined,
    trace: { keep: () => undefined },
  })
  runner.attach({ send: (bytes) => void sent.push(Buffer.from(bytes).toString()) })
  runner.setRole('primary', 1, null)
  return {
    runner,
    sent,
    received,
    hear: (text: string) => runner.receive(Buffer.from(text), from),
    setTimer: (atMs: number) => {
      timerMs = atMs
    },
    pass: (ms: number) => {
      nowMs += ms
    },
    doubt: () => {
      may = false
    },
    confirm: () => {
      may = true
      runner.release('doubt')
    },
  }
}

test('in doubt nothing is decided and nothing leaves; confirmed, all of it goes on in order', (t) => {
  const { runner, sent, received, hear, setTimer, pass, doubt, confirm } = stage()
  hear('first')
  doubt()
  hear('second')
  setTimer(1_100)
  pass(5_000)
  runner.advance()
  runner.run(() => [
    {
      kind: 'send',
      session: 's',
      outgoing: { text: 'by hand', to: from },
      afterReplication: false,
    },
  ])
  t.deepEqual(received, ['first'])
  t.deepEqual(sent, ['answer to first'])
  t.is(runner.nextTimerMs(), Number.POSITIVE_INFINITY, 'the loop does not spin')
  confirm()
  runner.advance()
  t.deepEqual(sent, ['answer to first', 'by hand', 'answer to second', 'timer'])
})

test('what waited in doubt is dropped when the role is gone: the peer has heard it too', (t) => {
  const { runner, sent, hear, doubt, confirm } = stage()
  doubt()
  hear('stale')
  runner.setRole('starting', 1, null)
  confirm()
  runner.setRole('primary', 1, null)
  t.deepEqual(sent, [])
})

test('a switchover that flushes holds as well, and one end does not release the other', (t) => {
  const { runner, sent, hear, doubt, confirm } = stage()
  runner.hold('flush')
  doubt()
  hear('one')
  confirm()
  t.deepEqual(sent, [])
  runner.release('flush')
  t.deepEqual(sent, ['answer to one'])
})
