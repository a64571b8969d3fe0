//! The gate of all methods, and OPTIONS.
import test from 'ava'
import { gate } from '../../src/switching/registrar/gate.ts'
import { answerOptions } from '../../src/switching/registrar/options.ts'
import { header } from '../../src/wire/sip/message.ts'
import { writeSip } from '../../src/wire/sip/write.ts'
import { parsed, type RequestParts, request, service } from './transaction-messages.ts'

test('OPTIONS tells the methods, the body and the extensions of the switch', (t) => {
  const answered = answerOptions(request('OPTIONS'), [{ name: 'WG67-Version', value: 'phone.01' }])
  t.is(answered.status, 200)
  t.is(
    header(answered, 'Allow'),
    'INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, INFO, UPDATE, SUBSCRIBE, REFER, PRACK',
  )
  t.is(header(answered, 'Allow-Events'), 'dialog, presence, conference, reg, refer')
  t.is(header(answered, 'Accept'), 'application/sdp')
  t.regex(header(answered, 'Supported') ?? '', /^timer\b/)
  t.is(header(answered, 'WG67-Version'), 'phone.01')
  t.is(parsed(writeSip(answered)).kind, 'response')
})

const ownVia = ['Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-vccs-17']
const gates: [string, string, RequestParts, number | null][] = [
  ['a known method passes', 'INVITE', {}, null],
  ['a method of another RFC', 'PUBLISH', {}, 405],
  ['MESSAGE', 'MESSAGE', {}, 405],
  ['a method nobody knows', 'DANCE', {}, 501],
  ['method names have a case', 'invite', {}, 501],
  ['a tel Request-URI', 'INVITE', { uri: 'tel:200' }, 416],
  ['a sips Request-URI', 'INVITE', { uri: 'sips:200@192.0.2.1' }, 416],
  ['no hop left', 'INVITE', { maxForwards: 0 }, 483],
  ['no hop left for a BYE ends the call all the same', 'BYE', { maxForwards: 0 }, null],
  ['one hop left', 'INVITE', { maxForwards: 1 }, null],
  ['our own request that came back', 'INVITE', { lines: ownVia }, 482],
  [
    'an extension that we have not',
    'INVITE',
    { lines: ['Require: hovercraft, precondition'] },
    420,
  ],
  ['Require means nothing in a CANCEL', 'CANCEL', { lines: ['Require: 100rel'] }, null],
]
for (const [name, method, parts, status] of gates) {
  test(`gate: ${name}: ${status ?? 'pass'}`, (t) => {
    const verdict = gate(request(method, parts), [service])
    t.is(verdict.kind === 'refuse' ? verdict.response.status : null, status)
    if (verdict.kind !== 'refuse') return
    if (status === 405) t.true(header(verdict.response, 'Allow')?.includes('INVITE'))
    if (status === 420) t.is(header(verdict.response, 'Unsupported'), 'hovercraft, precondition')
  })
}

test('gate: a request that the other node has sent under its own address is a loop, too', (t) => {
  const peer = { address: '192.0.2.2', port: 5060 }
  const lines = ['Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK-vccs-17']
  t.is(gate(request('INVITE', { lines }), [service, peer]).kind, 'refuse')
})

test('gate: a request with the branch of another pair of ours is no loop', (t) => {
  const lines = ['Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK-vccs-17']
  t.is(gate(request('INVITE', { lines }), [service]).kind, 'pass')
})
