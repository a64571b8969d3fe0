//! The ring of SIP messages: found by session, masked, and bounded.
import test from 'ava'
import { CallTrace, withSentByPeer } from '../../src/compose/call-trace.ts'
import { limits } from '../../src/limits.ts'
import { sessionOf } from '../switching/merge-sessions.ts'

const peer = { address: '10.0.0.1', port: 5060 }
const session = sessionOf('abcdef', { users: ['101', '102'], ports: [0, 2], number: 1 })
const [caller, callee] = session.members

function message(callId: string | undefined, more = ''): Buffer {
  return Buffer.from(
    `INFO sip:x SIP/2.0\r\nCall-ID: ${callId}\r\nAuthorization: Digest secret\r\n\r\n${more}`,
  )
}

test('the messages of all dialogs of a session, in their order, with the leg of each', (t) => {
  const trace = new CallTrace()
  trace.sessionChanged('abcdef', session)
  trace.keep('in', message(caller?.dialog.callId), peer, 1_000)
  trace.keep('in', message('another'), peer, 1_001)
  trace.keep('out', message(callee?.dialog.callId), { address: '::1', port: 5062 }, 1_002)
  trace.sessionChanged('abcdef', null)
  const { messages, more, cut } = trace.of('abcdef', 0)
  t.deepEqual([more, cut], [false, false])
  t.like(messages[0], { sequence: 1, direction: 'in', leg: 'a', number: '101' })
  t.like(messages[1], { sequence: 3, direction: 'out', leg: 'b', address: '[::1]:5062' })
  t.false(messages.some(({ text }) => text.includes('secret')))
  t.deepEqual(
    trace.of('abcdef', 1).messages.map(({ sequence }) => sequence),
    [3],
  )
  t.deepEqual(trace.sessionsLike('abc'), ['abcdef'])
  t.deepEqual(trace.of('unknown', 0).messages, [])
})

test('what the former primary has sent stands at its time, and the next answer begins where it should', (t) => {
  const [former, now] = [new CallTrace(), new CallTrace()]
  for (const trace of [former, now]) {
    trace.sessionChanged('abcdef', session)
    for (const atMs of [1_000, 3_000]) {
      trace.keep('in', message(caller?.dialog.callId), peer, atMs)
    }
  }
  for (const atMs of [2_000, 3_500]) former.keep('out', message(callee?.dialog.callId), peer, atMs)
  now.keep('out', message(callee?.dialog.callId), peer, 4_000)
  const merged = withSentByPeer(now.of('abcdef', 0).messages, former.sent('abcdef'))
  t.deepEqual(
    merged.map(({ at, direction, sequence }) => [Date.parse(at), direction, sequence]),
    [
      [1_000, 'in', 1],
      [2_000, 'out', 1],
      [3_000, 'in', 2],
      [3_500, 'out', 2],
      [4_000, 'out', 3],
    ],
  )
  t.deepEqual(withSentByPeer([], former.sent('abcdef')), [])
})

test('a long trace comes in parts', (t) => {
  const trace = new CallTrace()
  trace.sessionChanged('abcdef', session)
  for (let index = 0; index < 40; index++) {
    trace.keep('in', message(caller?.dialog.callId, 'x'.repeat(4_000)), peer, index)
  }
  const seen: number[] = []
  for (let more = true; more; ) {
    const part = trace.of('abcdef', seen.at(-1) ?? 0)
    t.true(JSON.stringify(part.messages).length < 58_000)
    seen.push(...part.messages.map(({ sequence }) => sequence))
    more = part.more
  }
  t.deepEqual(
    seen,
    Array.from({ length: 40 }, (_one, index) => index + 1),
  )
})

test('the ring is bounded by number and by bytes, and says that it lost the oldest', (t) => {
  const many = new CallTrace()
  many.sessionChanged('abcdef', session)
  for (let index = 0; index < limits.traceMessages + 10; index++) {
    many.keep('in', message(caller?.dialog.callId), peer, index)
  }
  const { messages, cut } = many.of('abcdef', 0)
  t.is(messages[0]?.sequence, 11)
  t.true(cut)
  const large = new CallTrace()
  large.sessionChanged('abcdef', session)
  const body = 'x'.repeat(16_000)
  const lengthOfOne = message(caller?.dialog.callId, body).length + peer.address.length
  const fitting = Math.floor(limits.traceBytes / lengthOfOne)
  for (let index = 0; index < fitting + 5; index++) {
    large.keep('in', message(caller?.dialog.callId, body), peer, index)
  }
  t.is(large.of('abcdef', 0).messages[0]?.sequence, 6)
})

test('sessions that are known by name are bounded, the oldest go', (t) => {
  const trace = new CallTrace()
  for (let index = 0; index <= limits.traceSessions; index++) {
    trace.sessionChanged(`s${index}`, { ...session, sessionId: `s${index}` })
  }
  t.deepEqual(trace.sessionsLike('s0'), [])
  t.is(trace.sessionsLike('s').length, limits.traceSessions)
})
