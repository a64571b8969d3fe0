//! What must not leave while the role is in doubt, but for SIP: `doubt.test.ts` has that.
import test from 'ava'
import { makeLogHub } from '../../src/compose/log-hub.ts'
import { RoleDoubt } from '../../src/compose/role-doubt.ts'
import type { NodeConfig } from '../../src/oam/node-config.ts'

const patienceMs = 60
const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet, flush() {} }

function stage() {
  let nowMs = 10_000
  let isPrimary = true
  let counter = 0
  const log: string[] = []
  const doubt = new RoleDoubt({
    config: { pair: { heartbeatMs: 20, missesMax: 3 } } as NodeConfig,
    clock: { monotonicMs: () => nowMs, wallMs: () => nowMs },
    log: makeLogHub(quiet),
    isPrimary: () => isPrimary,
    proveLife: () => {
      counter += 1
      doubt.lease.asked(counter)
    },
    confirmed: () => log.push('confirmed'),
  })
  doubt.lease.role({ alone: false, role: 'primary' })
  return {
    log,
    send: (name: string) => doubt.whenSure(() => log.push(name)),
    /** pair answers. */
    confirm: () => doubt.take({ kind: 'lease', untilMs: nowMs + patienceMs, echo: counter }),
    pass: (ms: number) => {
      nowMs += ms
    },
    lose: () => {
      isPrimary = false
    },
    regain: () => {
      isPrimary = true
      doubt.lease.role({ alone: false, role: 'standby' })
      doubt.lease.role({ alone: false, role: 'primary' })
    },
  }
}

test('what comes while the role is in doubt leaves in its order when pair has confirmed it', (t) => {
  const { log, send, confirm, pass } = stage()
  send('one')
  send('two')
  t.deepEqual(log, [])
  confirm()
  t.deepEqual(log, ['one', 'two', 'confirmed'])
  send('three')
  pass(patienceMs)
  send('four')
  t.deepEqual(log.slice(3), ['three'])
  confirm()
  t.deepEqual(log.slice(3), ['three', 'four', 'confirmed'])
})

test('what a primary kept never leaves when it is one no longer, nor when it is one again', (t) => {
  const { log, send, confirm, lose, regain } = stage()
  send('of the old term')
  lose()
  send('of the standby')
  t.deepEqual(log, ['of the standby'])
  regain()
  send('of the new term')
  confirm()
  t.deepEqual(log, ['of the standby', 'of the new term', 'confirmed'])
})

test('no more is kept than the repetitions can replace', (t) => {
  const { log, send, confirm } = stage()
  for (let number = 0; number < 5_000; number += 1) send('frame')
  confirm()
  t.is(log.length, 1_001)
})
