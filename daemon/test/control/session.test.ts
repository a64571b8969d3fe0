//! One line in, one line out: envelopes, parameters, results, failures, the way to the peer.
import test from 'ava'
import { verbs } from '../../src/control/api.ts'
import { type Answering, answerVerb, handleLine, withoutStream } from '../../src/control/session.ts'
import { errors } from '../../src/errors.ts'
import { failure, success } from '../../src/result.ts'
import { refusingHandlers } from './refusing-handlers.ts'

const defects: string[] = []
const asked: unknown[] = []
const answering = {
  handlers: {
    ...refusingHandlers,
    calls: async () => success({ calls: [], asOf: '2026-03-14T12:31:02.118Z' }),
    users: async () => success({ users: [{ user: 1 }] }) as never,
    'config.export': async () => {
      throw new Error('secret detail')
    },
    'sync-db': async (params: unknown) => failure('operation-failed', JSON.stringify(params)),
  },
  askPeer: async (verb: string, params: unknown) => {
    asked.push([verb, params])
    return success({ schema: `vccs/${verb}/1`, from: 'the peer' })
  },
  onDefect: (text: string) => {
    defects.push(text)
  },
}

async function handle(line: string | null) {
  return JSON.parse(await handleLine(line, answering, withoutStream))
}

function request(method: string, params?: unknown, id: unknown = 7): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params })
}

test('a result carries the id and the schema of its verb', async (t) => {
  const expected = { schema: 'vccs/calls/1', calls: [], asOf: '2026-03-14T12:31:02.118Z' }
  t.deepEqual(await handle(request('calls')), { jsonrpc: '2.0', id: 7, result: expected })
  t.is((await handle(request('calls', {}, 'a'))).id, 'a')
})

const wrong: readonly (readonly [name: string, line: string | null, rpc: number, id: unknown])[] = [
  ['not UTF-8', null, -32_700, null],
  ['not JSON', '{"jsonrpc":', -32_700, null],
  ['a number', '7', -32_600, null],
  ['null', 'null', -32_600, null],
  ['a batch', `[${request('calls')}]`, -32_600, null],
  ['no version', '{"id":1,"method":"calls"}', -32_600, 1],
  ['a notification', '{"jsonrpc":"2.0","method":"calls"}', -32_600, null],
  ['an object as id', request('calls', {}, {}), -32_600, null],
  ['a list of parameters', request('calls', []), -32_600, 7],
  ['an unknown verb', request('shutdown'), -32_601, 7],
  ['a name of Object', request('constructor'), -32_601, 7],
  ['a surplus parameter', request('calls', { all: true }), -32_602, 7],
  ['a wrong type', request('switchover', { dryRun: 'yes' }), -32_602, 7],
  ['a long reason', request('switchover', { reason: 'x'.repeat(201) }), -32_602, 7],
  ['an unknown node', request('calls', { node: 'vccs-c' }), -32_602, 7],
  ['a follower of the peer', request('log', { node: 'peer', follow: true }), -32_602, 7],
  ['an unknown verb of the peer', request('shutdown', { node: 'peer' }), -32_601, 7],
]
for (const [name, line, rpc, id] of wrong) {
  test(`${name} is refused with ${rpc}, a code and a next step`, async (t) => {
    const answer = await handle(line)
    t.is(answer.id, id)
    t.is(answer.error.code, rpc)
    t.true(answer.error.data.code in errors)
    t.true(answer.error.data.next.length > 0)
    t.is(answer.error.data.exit, 2)
  })
}

test('an operation for the peer goes with the name of who is at this socket', async (t) => {
  const caller = { via: 'local', user: 'root' } as const
  const context = { ...withoutStream, caller }
  const sent: Record<string, unknown>[] = []
  const peer: Answering = {
    ...answering,
    askPeer: async (verb, params) => {
      sent.push({ verb, operator: params.operator })
      return success({})
    },
  }
  for (const operator of ['anna', undefined]) {
    const params = { node: 'peer', ...(operator === undefined ? {} : { operator }) }
    await handleLine(request('switchover', params), peer, context)
  }
  t.deepEqual(sent, [
    { verb: 'switchover', operator: 'anna (root)' },
    { verb: 'switchover', operator: 'root' },
  ])
})

test('an operation that the peer does not answer in time may have been done all the same', async (t) => {
  const silent = { ...answering, askPeer: async () => failure('peer-unreachable', 'no answer') }
  const ask = async (verb: string) =>
    JSON.parse(await handleLine(request(verb, { node: 'peer' }), silent, withoutStream)).error.data
  t.like(await ask('switchover'), { code: 'timed-out', exit: 6 })
  t.like(await ask('calls'), { code: 'peer-unreachable', exit: 4 })
})

test('an operation for a peer that is not heard is not sent to it, and a question is', async (t) => {
  let sent = 0
  const askPeer = async () => {
    sent += 1
    return failure('peer-unreachable', 'no answer')
  }
  const dead = { ...answering, askPeer, hearsPeer: () => false }
  const ask = async (verb: string) =>
    JSON.parse(await handleLine(request(verb, { node: 'peer' }), dead, withoutStream)).error.data
  for (const verb of ['reinit', 'switchover', 'pause']) {
    t.like(await ask(verb), { code: 'peer-unreachable', exit: 4 }, verb)
  }
  t.is(sent, 0)
  t.like(await ask('calls'), { code: 'peer-unreachable', exit: 4 })
  t.is(sent, 1)
})

test('defaults of the parameters are filled in before the handler sees them', async (t) => {
  const answer = await handle(request('sync-db'))
  t.is(answer.error.message, '{"dryRun":false,"reason":"","operator":"","announce":false}')
  t.is(answer.error.code, -32_000)
  t.is(answer.error.data.exit, 1)
})

test('a handler that throws is a defect; its detail stays inside', async (t) => {
  const answer = await handle(request('config.export'))
  t.is(answer.error.code, -32_603)
  t.false(JSON.stringify(answer).includes('secret detail'))
  t.true(defects.some((text) => text.includes('secret detail')))
})

test('a result that does not fit its schema is a defect', async (t) => {
  const answer = await handle(request('users'))
  t.is(answer.error.data.code, 'internal')
  t.true(defects.some((text) => text.startsWith('verb users: its result does not fit')))
})

test('node: peer goes to the peer with the same parameters', async (t) => {
  const answer = await handle(request('alarms', { node: 'peer', history: true }))
  t.deepEqual(answer.result, { schema: 'vccs/alarms/1', from: 'the peer' })
  t.deepEqual(asked.at(-1), ['alarms', { history: true }])
})

test('what the peer asks is checked like what a client asks', async (t) => {
  const known = await answerVerb({ verb: 'calls', params: {} }, answering)
  t.true(known.ok)
  const unknown = await answerVerb({ verb: 'x', params: {} }, answering)
  t.is(unknown.ok ? '' : unknown.failure.code, 'control-verb')
  const bad = await answerVerb({ verb: 'calls', params: 'all' }, answering)
  t.is(bad.ok ? '' : bad.failure.code, 'control-params')
})

test('every verb has parameters that refuse surplus keys and a result with its schema', (t) => {
  for (const [verb, { params, result }] of Object.entries(verbs)) {
    t.false(params.safeParse({ surplus: 1 }).success, verb)
    t.is(String(result.shape.schema.value), `vccs/${verb}/1`)
  }
})
