import test from 'ava'
import { limits } from '../../src/limits.ts'
import { Outbox } from '../../src/switching/outbox.ts'

const to = { address: '127.0.0.1', port: 5060 }
const message = (text: string) => ({ text, to })
const texts = (send: readonly { text: string }[]): string[] => send.map((entry) => entry.text)

test('a message without a gate leaves at once', (t) => {
  const outbox = new Outbox()
  t.deepEqual(texts(outbox.push('s', message('180'), { gates: [], nowMs: 0 })), ['180'])
  t.is(outbox.size, 0)
})

test('a message waits for all its gates, and later messages of the session wait behind it', (t) => {
  const outbox = new Outbox()
  t.deepEqual(outbox.push('s', message('200'), { gates: ['a', 'b'], nowMs: 0 }), [])
  t.deepEqual(outbox.push('s', message('INFO'), { gates: [], nowMs: 0 }), [])
  t.deepEqual(texts(outbox.push('other', message('x'), { gates: [], nowMs: 0 })), ['x'])
  t.deepEqual(outbox.open('a'), [])
  t.deepEqual(texts(outbox.open('b')), ['200', 'INFO'])
  t.is(outbox.nextTimerMs(), null)
})

test('a gate that never opens lets the message go after the limit and names the session', (t) => {
  const outbox = new Outbox()
  outbox.push('s', message('200'), { gates: ['a'], nowMs: 10 })
  const deadlineMs = 10 + limits.replicateBeforeAnswerMsMax
  t.is(outbox.nextTimerMs(), deadlineMs)
  t.deepEqual(outbox.advance(deadlineMs - 1), { send: [], late: [] })
  const released = outbox.advance(deadlineMs)
  t.deepEqual(texts(released.send), ['200'])
  t.deepEqual(released.late, ['s'])
  t.deepEqual(outbox.open('a'), [])
})

test('a node that became standby sends nothing that was held', (t) => {
  const outbox = new Outbox()
  outbox.push('s', message('200'), { gates: ['a'], nowMs: 0 })
  outbox.clear()
  t.deepEqual(outbox.open('a'), [])
  t.deepEqual(outbox.advance(1_000), { send: [], late: [] })
})

test('one gate frees all sessions that wait for it', (t) => {
  const outbox = new Outbox()
  outbox.push('s1', message('1'), { gates: ['a'], nowMs: 0 })
  outbox.push('s2', message('2'), { gates: ['a'], nowMs: 0 })
  t.deepEqual(texts(outbox.open('a')), ['1', '2'])
})
