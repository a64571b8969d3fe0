//! An ordered switchover waits for nobody but the pair unit: what the peer is slow to answer holds up
//! neither the order nor its outcome.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Alarms } from '../../src/compose/alarms.ts'
import type { Configuration } from '../../src/compose/configuration.ts'
import { makeLogHub } from '../../src/compose/log-hub.ts'
import { Logbook } from '../../src/compose/logbook.ts'
import { makeOperationVerbs } from '../../src/compose/operation-verbs.ts'
import { PairLink } from '../../src/compose/pair-link.ts'
import { withoutStream } from '../../src/control/session.ts'
import { parseNodeConfig } from '../../src/oam/node-config-load.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { openLog } from '../../src/platform/log.ts'
import { Replicator } from '../../src/replication/replicator.ts'
import type { Result } from '../../src/result.ts'
import { Tables } from '../../src/tables/tables.ts'
import { healthyPeer, pairStatus } from '../pair/pair-status.ts'

const nodeFile = `node: vccs-a
site: tower
links: [{ name: net-a, own: 127.8.1.1, peer: 127.8.1.2 }]
pair: { keyFile: pair.key }
service: { address: 127.8.9.1, interface: lo }
`

/** Waits until the test lets it go. */
function held<T>(): { promise: Promise<T>; go: (value: T) => void } {
  let go: (value: T) => void = () => undefined
  const promise = new Promise<T>((resolve) => {
    go = resolve
  })
  return { promise, go }
}

function stage(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-order-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const parsed = parseNodeConfig(nodeFile)
  if (!parsed.ok) throw new Error(parsed.failure.detail)
  const config = { ...parsed.value, stateDirectory: directory }
  const events: string[] = []
  const answer = held<Result<unknown>>()
  const log = makeLogHub(openLog({ ...config.log, level: 'error', node: 'vccs-a', unit: 'switch' }))
  const logbook = new Logbook({
    config,
    log,
    tellPeer: async ({ state }) => {
      events.push(`peer is told: ${state}`)
      return (await answer.promise).ok
    },
  })
  const nothing = () => undefined
  const pair = new PairLink(systemClock, {
    ...{ role: nothing, lease: nothing, clock: nothing, status: nothing, flush: nothing },
    ...{ operationEnded: nothing, log: nothing, lost: nothing },
  })
  pair.take(pairStatus({ term: 4, peer: { ...healthyPeer, term: 4 } }))
  const tables = new Tables()
  const verbs = makeOperationVerbs({
    config,
    version: '1.2.3',
    tables,
    replicator: new Replicator({ tables, key: new Uint8Array(32), bootId: '0'.repeat(16) }),
    pair,
    alarms: new Alarms(log, systemClock),
    configuration: { state: { revision: 1, hash: 'x' } } as Configuration,
    askPeer: (verb) => {
      events.push(`peer is asked: ${verb}`)
      return answer.promise
    },
    media: () => null,
    units: () => [],
    logbook,
  })
  return { events, answer, pair, logbook, verbs }
}

const order = { dryRun: false, force: true, reason: 'test', operator: '', announce: false }

for (const ok of [true, false]) {
  test(`an order is ${ok ? 'carried out' : 'refused'} although the peer answers nothing`, async (t) => {
    const { events, answer, pair, logbook, verbs } = stage(t)
    pair.attach({
      send: (message) => {
        events.push(`pair is told: ${message.kind}`)
        if (message.kind !== 'switchover') return true
        const { ref } = message
        const result = { kind: 'operation-result', ref, ok, detail: 'why', tookMs: 20 } as const
        setImmediate(() => pair.take(result))
        return true
      },
      connected: true,
      close: () => undefined,
    })
    const outcome = await verbs.switchover(order, withoutStream)
    events.push('answered')
    const [operation] = logbook.operations.list()
    t.is(operation?.state, ok ? 'done' : 'refused')
    t.deepEqual(events, [
      'peer is asked: status',
      'peer is told: running',
      'pair is told: switchover',
      `peer is told: ${ok ? 'done' : 'refused'}`,
      'answered',
    ])
    if (outcome.ok) t.like(outcome.value, { done: true, termBefore: 4, termAfter: 5 })
    else t.is(outcome.failure.code, 'refused-unsafe')
    t.is(outcome.ok, ok)
    answer.go({ ok: true, value: null })
    await logbook.close()
  })
}
