//! Transactions that only meet repetitions: they are texts, and nobody outside of the layer can tell.
import test from 'ava'
import { TransactionLayer } from '../../src/switching/transaction/layer.ts'
import type { LayerOutput } from '../../src/switching/transaction/layer-types.ts'
import { type Timer, TimerQueue } from '../../src/switching/transaction/timer-queue.ts'
import type { TimerName } from '../../src/switching/transaction/timers.ts'
import type { SipRequest } from '../../src/wire/sip/message.ts'
import { writeSip } from '../../src/wire/sip/write.ts'
import { answer, phone, request, service } from './transaction-messages.ts'

function newLayer(): TransactionLayer {
  let branches = 0
  return new TransactionLayer({ sentBy: service, newBranch: () => String(++branches) })
}

function said({ send, events }: LayerOutput): string[] {
  return [...send.map(({ text }) => text), ...events.map(({ kind }) => kind)]
}

function opened(layer: TransactionLayer, of: SipRequest, nowMs: number): string {
  const [event] = layer.receive(of, phone, nowMs).events
  if (event?.kind !== 'request') throw new Error('a new request')
  return event.id
}

// A Call-ID is a word: it may have quotes and backslashes in it (RFC 3261 25.1).
const names = { callId: 'a"b\\c[1]{d}@x', fromTag: 'f-1', cseq: 9 }

test('a request that was answered gets the same answer for 32 s, to where the first one went', (t) => {
  const layer = newLayer()
  const bye = request('BYE', { ...names, toTag: 't1' })
  const ok = answer(bye, 200)
  t.is(layer.respond(opened(layer, bye, 100.25), ok, 100.5).send.length, 1)
  t.is(layer.nextTimerMs(), 32_100.5)
  const repeated = layer.receive(bye, phone, 32_100).send
  t.deepEqual(repeated, [{ text: writeSip(ok), to: phone }])
  layer.advance(32_100.25)
  t.deepEqual(said(layer.receive(bye, phone, 32_100.25)), [writeSip(ok)])
  layer.advance(32_100.5)
  t.is(layer.size, 0)
  t.is(layer.nextTimerMs(), null)
  t.deepEqual(said(layer.receive(bye, phone, 32_101)), ['request'])
})

test('an accepted INVITE swallows its repetitions, gives ACKs on, and another 2xx leaves', (t) => {
  const layer = newLayer()
  const invite = request('INVITE', names)
  const id = opened(layer, invite, 0)
  layer.respond(id, answer(invite, 200), 10)
  layer.acknowledged(id)
  t.deepEqual(said(layer.receive(invite, phone, 20)), [])
  const ack = request('ACK', { ...names, toTag: 't1' })
  t.deepEqual(said(layer.receive({ ...ack, via: invite.via }, phone, 30)), ['ack'])
  const second = answer(invite, 200, 'fork')
  t.deepEqual(said(layer.respond(id, second, 40)), [writeSip(second)])
  t.deepEqual(said(layer.respond(id, answer(invite, 486), 50)), [])
  const cancel = request('CANCEL', names)
  t.regex(said(layer.receive(cancel, phone, 60)).join(), /^SIP\/2\.0 200 .*To: [^\r]*tag=fork/s)
  t.true(layer.isLive(invite))
  layer.advance(32_010)
  t.false(layer.isLive(invite))
})

test('a CANCEL of another dialog under the same branch cancels nothing', (t) => {
  const layer = newLayer()
  const invite = request('INVITE', names)
  layer.respond(opened(layer, invite, 0), answer(invite, 200), 10)
  for (const other of [{ callId: 'x' }, { fromTag: 'x' }, { cseq: 8 }]) {
    const cancel = request('CANCEL', { ...names, ...other })
    t.regex(said(layer.receive(cancel, phone, 20)).join(), /^SIP\/2\.0 481 /)
  }
})

test('of an own INVITE each 2xx comes up for 32 s, of another own request none for 5 s', (t) => {
  const layer = newLayer()
  const { request: invite } = layer.request(request('INVITE', names), phone, 0)
  const { request: bye } = layer.request(request('BYE', names), phone, 0)
  t.deepEqual(said(layer.receive(answer(invite, 200), phone, 10)), ['response'])
  t.deepEqual(said(layer.receive(answer(bye, 200), phone, 10)), ['response'])
  layer.advance(5_009)
  t.deepEqual(said(layer.receive(answer(invite, 200, 'fork'), phone, 5_009)), ['response'])
  t.deepEqual(said(layer.receive(answer(bye, 200), phone, 5_009)), [])
  t.deepEqual(said(layer.receive({ ...answer(invite, 200), callId: 'x' }, phone, 5_009)), [])
  layer.advance(5_010)
  t.deepEqual(said(layer.receive(answer(bye, 200), phone, 5_010)), ['stray-response'])
  layer.advance(32_010)
  t.deepEqual(said(layer.receive(answer(invite, 200), phone, 32_010)), ['stray-response'])
  t.is(layer.size, 0)
})

test('what took the place of one that rested has its own time', (t) => {
  const layer = newLayer()
  const invite = request('INVITE', names)
  const id = opened(layer, invite, 0)
  layer.respond(id, answer(invite, 486), 10)
  const ack = { ...request('ACK', { ...names, toTag: 't1' }), via: invite.via }
  layer.receive(ack, phone, 20)
  // Refused and confirmed: it would rest until 5,020. The peer has accepted it.
  layer.restoreServer(invite, phone, answer(invite, 200), 1_000)
  layer.acknowledged(id)
  t.is(layer.size, 1)
  layer.advance(32_999)
  t.true(layer.isLive(invite))
  layer.advance(33_000)
  t.is(layer.size, 0)
})

test('a layer that is cleared knows nothing, and has no clock', (t) => {
  const layer = newLayer()
  const bye = request('BYE', names)
  layer.respond(opened(layer, bye, 0), answer(bye, 200), 0)
  layer.clear()
  t.deepEqual([layer.size, layer.nextTimerMs()], [0, null])
  t.deepEqual(said(layer.receive(bye, phone, 1)), ['request'])
})

test('thousands that rest end one by one, each at its time', (t) => {
  const layer = newLayer()
  for (let index = 0; index < 2_000; index++) {
    const bye = request('BYE', { ...names, branch: `z9hG4bK-${index}` })
    layer.respond(opened(layer, bye, index), answer(bye, 200), index)
  }
  for (let index = 0; index < 2_000; index++) {
    t.is(layer.nextTimerMs(), 32_000 + index)
    layer.advance(32_000 + index)
    t.is(layer.size, 1_999 - index)
  }
})

test('stopped timers are thrown away, and those that run keep their order', (t) => {
  const queue = new TimerQueue<{ timers: Map<TimerName, Timer> }>()
  const owner = () => ({ timers: new Map<TimerName, Timer>() })
  const running = Array.from({ length: 50 }, owner)
  for (const [index, one] of running.entries()) queue.start(one, 'timer-a', 1_000 - (index % 7))
  for (let index = 0; index < 10_000; index++) {
    const one = owner()
    queue.start(one, 'timer-b', index)
    queue.start(one, 'timer-a', index)
    queue.stopAll(one)
    t.true(queue.length < 1_000)
  }
  const taken = running.map(() => queue.take(1_000)?.owner)
  const wanted = [6, 5, 4, 3, 2, 1, 0].flatMap((rest) =>
    running.filter((_, index) => index % 7 === rest),
  )
  t.true(wanted.every((one, index) => one === taken[index]))
  t.is(queue.take(1_000_000), null)
})
