//! What the layer writes into messages, and whom it believes.
import test from 'ava'
import { TransactionLayer } from '../../src/switching/transaction/layer.ts'
import { statelessAnswer } from '../../src/switching/transaction/stateless.ts'
import { responseTarget, topViaWithSource } from '../../src/switching/transaction/via-source.ts'
import type { SipMessage, SipRequest, Via } from '../../src/wire/sip/message.ts'
import { viaText } from '../../src/wire/sip/write.ts'
import { answer, parsed, phone, request, service } from './transaction-messages.ts'

function newLayer(address = service.address): TransactionLayer {
  let branches = 0
  const newBranch = (): string => {
    branches += 1
    return String(branches)
  }
  return new TransactionLayer({ sentBy: { address, port: 5060 }, newBranch })
}

function only<T>(values: readonly T[]): T {
  const [first, ...others] = values
  if (first === undefined || others.length > 0) throw new Error(`${values.length} values`)
  return first
}

function top(message: SipMessage): Via {
  return only(message.via)
}

const from = { address: '198.51.100.7', port: 40_001 }
const stamped: [string, string, string][] = [
  // sent-by and parameters, stamped parameters, target
  ['192.0.2.9:5070;branch=z9hG4bK1', '198.51.100.7:5070', ';received=198.51.100.7'],
  ['192.0.2.9;branch=z9hG4bK1', '198.51.100.7:5060', ';received=198.51.100.7'],
  ['198.51.100.7;branch=z9hG4bK1', '198.51.100.7:5060', ''],
  ['phone.example:5070;branch=z9hG4bK1', '198.51.100.7:5070', ';received=198.51.100.7'],
  [
    '198.51.100.7;rport;branch=z9hG4bK1',
    '198.51.100.7:40001',
    ';rport=40001;received=198.51.100.7',
  ],
  ['192.0.2.9;branch=z9hG4bK1;rport', '198.51.100.7:40001', ';rport=40001;received=198.51.100.7'],
  ['198.51.100.7;branch=z9hG4bK1;received=203.0.113.5', '198.51.100.7:5060', ''],
  [
    '198.51.100.7;branch=z9hG4bK1;rport=7',
    '198.51.100.7:40001',
    ';rport=40001;received=198.51.100.7',
  ],
  ['192.0.2.9;branch=z9hG4bK1;maddr=203.0.113.5', '198.51.100.7:5060', ';received=198.51.100.7'],
]
for (const [via, target, parameters] of stamped) {
  test(`a response to Via ${via} goes to ${target}`, (t) => {
    const once = topViaWithSource(request('BYE', { via: `SIP/2.0/UDP ${via}` }), from)
    const { address, port } = responseTarget(top(once))
    t.is(`${address}:${port}`, target)
    for (const one of parameters.split(';')) t.true(viaText(top(once)).includes(one))
    t.is(top(once).parameters.has('received'), parameters.includes('received'))
    t.deepEqual(topViaWithSource(once, from), once)
  })
}

test('an IPv6 telephone is answered at its address without brackets', (t) => {
  const source = { address: '2001:db8::9', port: 5060 }
  const via = 'SIP/2.0/UDP [2001:DB8::9]:5062;branch=z9hG4bK1'
  const output = newLayer().receive(request('INVITE', { via }), source, 0)
  t.deepEqual(only(output.send).to, { address: '2001:db8::9', port: 5062 })
})

test('our own Via on an IPv6 service address has brackets, and its responses come back', (t) => {
  const layer = newLayer('2001:db8::1')
  const sent = layer.request(request('OPTIONS'), phone, 0)
  t.is(top(sent.request).host, '[2001:db8::1]')
  t.is(layer.receive(answer(sent.request, 200), phone, 1).events.length, 1)
})

test('a request is sent with exactly our Via and a fresh branch', (t) => {
  const layer = newLayer()
  const first = layer.request(request('BYE'), phone, 0)
  const second = layer.request(request('BYE'), phone, 0)
  t.is(viaText(top(first.request)), 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-vccs-1')
  t.is(only(second.output.send).text.split('Via: ').length, 2)
  t.not(first.id, second.id)
  const acknowledge = layer.outside(request('ACK'), phone)
  t.is(top(parsed(acknowledge.text)).parameters.get('branch'), 'z9hG4bK-vccs-3')
  t.deepEqual(acknowledge.to, phone)
})

test('the ACK of a refusal and the CANCEL have the parts of RFC 3261 17.1.1.3 and 9.1', (t) => {
  const layer = newLayer()
  const lines = ['Route: <sip:192.0.2.50;lr>', 'Route: <sip:192.0.2.51;lr>', 'Subject: radio']
  const { id, request: invite } = layer.request(request('INVITE', { lines, cseq: 7 }), phone, 0)
  layer.receive(answer(invite, 180), phone, 1)
  const cancel = parsed(only(layer.cancel(id, 2).send).text) as SipRequest
  const refused = layer.receive(answer(invite, 486, 'far'), phone, 3)
  const acknowledge = parsed(only(refused.send).text) as SipRequest
  for (const made of [cancel, acknowledge]) {
    t.deepEqual(made.uri, invite.uri)
    t.deepEqual(made.via, invite.via)
    t.deepEqual(made.from, invite.from)
    t.deepEqual(made.route, invite.route)
    t.is(made.route.length, 2)
    t.is(made.callId, invite.callId)
    t.is(made.cseq.number, 7)
    t.is(made.maxForwards, 70)
    t.deepEqual(made.headers, [])
  }
  t.is(acknowledge.to.parameters.get('tag'), 'far')
  t.false(cancel.to.parameters.has('tag'))
  t.deepEqual([cancel.method, cancel.cseq.method], ['CANCEL', 'CANCEL'])
  t.deepEqual([acknowledge.method, acknowledge.cseq.method], ['ACK', 'ACK'])
})

test('the 100 repeats the time stamp and has no tag of ours', (t) => {
  const invite = request('INVITE', { lines: ['Timestamp: 54'] })
  const trying = parsed(only(newLayer().receive(invite, phone, 0).send).text)
  t.false(trying.to.parameters.has('tag'))
  t.deepEqual(trying.headers, [{ name: 'Timestamp', value: '54' }])
})

test('responses for another sent-by or with two Vias are dropped and counted', (t) => {
  const layer = newLayer()
  const sent = layer.request(request('OPTIONS'), phone, 0)
  const good = answer(sent.request, 200)
  const own = only(good.via)
  const foreign = { ...good, via: [{ ...own, host: '192.0.2.77' }] }
  for (const bad of [foreign, { ...good, via: [own, own] }, { ...good, via: [] }]) {
    t.deepEqual(layer.receive(bad, phone, 1).events, [])
  }
  t.is(layer.counters.responsesMisrouted, 3)
  t.is(layer.receive(good, phone, 2).events.length, 1)
})

test('the same branch from two senders, or with two methods, is two transactions', (t) => {
  const layer = newLayer()
  layer.receive(request('BYE', { branch: 'z9hG4bK1' }), phone, 0)
  layer.receive(request('INFO', { branch: 'z9hG4bK1' }), phone, 0)
  layer.receive(request('BYE', { via: 'SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK1' }), phone, 0)
  layer.receive(request('BYE', { via: 'SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1' }), phone, 0)
  t.is(layer.size, 3)
})

test('RFC 2543 requests differ by Request-URI, tags, Call-ID and CSeq', (t) => {
  const layer = newLayer()
  const via = 'SIP/2.0/UDP 192.0.2.9'
  layer.receive(request('BYE', { via }), phone, 0)
  layer.receive(request('BYE', { via }), phone, 0)
  t.is(layer.size, 1)
  layer.receive(request('BYE', { via, uri: 'sip:201@192.0.2.1' }), phone, 0)
  layer.receive(request('BYE', { via, fromTag: 'other' }), phone, 0)
  layer.receive(request('BYE', { via, toTag: 'other' }), phone, 0)
  layer.receive(request('BYE', { via, callId: 'other' }), phone, 0)
  layer.receive(request('BYE', { via, cseq: 2 }), phone, 0)
  t.is(layer.size, 6)
})

test('the layer that lost a node goes on with what the other one opened', (t) => {
  const [a, b] = [newLayer(), newLayer()]
  const { request: invite, id } = a.request(request('INVITE'), phone, 0)
  t.is(b.restoreClient(invite, phone, false, 1_000), id)
  t.is(b.restoreClient(invite, phone, false, 1_400), id)
  t.is(b.advance(1_500).send.length, 1)
  t.is(b.nextTimerMs(), 2_500)
  const output = b.receive(answer(invite, 200), phone, 2_000)
  t.like(only(output.events), { kind: 'response', id })
  t.is(b.size, 1)
})

test('a stateless answer is the same for each repetition and on both nodes', (t) => {
  const bad = request('INVITE', { via: 'SIP/2.0/UDP 192.0.2.9;rport;branch=z9hG4bK1' })
  const first = statelessAnswer(bad, 400, from)
  t.deepEqual(statelessAnswer(bad, 400, from), first)
  t.deepEqual(first.to, from)
  t.regex(parsed(first.text).to.parameters.get('tag') ?? '', /^[0-9a-f]{16}$/)
})

test('unknown ids are ignored: their transactions ended by a timer', (t) => {
  const layer = newLayer()
  t.deepEqual(layer.respond('none', answer(request('BYE'), 200), 0).send, [])
  t.deepEqual(layer.cancel('none', 0).send, [])
  t.notThrows(() => layer.acknowledged('none'))
  const bye = layer.request(request('BYE'), phone, 0)
  t.deepEqual(layer.cancel(bye.id, 0).send, [])
})

function openedBy(layer: TransactionLayer, invite: SipRequest): string {
  const event = only(layer.receive(invite, phone, 0).events)
  if (event.kind !== 'request') throw new Error(event.kind)
  return event.id
}

test('an INVITE that was refused here and accepted by the peer is answered as the peer wants it', (t) => {
  const layer = newLayer()
  const invite = request('INVITE')
  const id = openedBy(layer, invite)
  t.is(layer.respond(id, answer(invite, 486), 1).send.length, 1)
  t.is(layer.restoreServer(invite, phone, answer(invite, 180), 2), id)
  const [ok, ...more] = layer.respond(id, answer(invite, 200), 3).send
  t.regex(ok?.text ?? '', /^SIP\/2\.0 200 /)
  t.is(more.length, 0)
  let raised: string[] = []
  for (let nowMs = 100; nowMs <= 40_000; nowMs += 100) {
    raised = [...raised, ...layer.advance(nowMs).events.map(({ kind }) => kind)]
  }
  t.true(raised.includes('unacknowledged'), raised.join())
})

test('what the peer has refused as well stays as it is', (t) => {
  const layer = newLayer()
  const invite = request('INVITE')
  const id = openedBy(layer, invite)
  layer.respond(id, answer(invite, 486), 1)
  layer.restoreServer(invite, phone, answer(invite, 486), 2)
  t.is(layer.advance(501).send.length, 1, 'its repetition goes on')
})
