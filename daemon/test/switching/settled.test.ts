//! What a transaction keeps of its messages when it only meets repetitions.
import test from 'ava'
import { openClient } from '../../src/switching/transaction/client.ts'
import { openInviteClient } from '../../src/switching/transaction/invite-client.ts'
import { openInviteServer } from '../../src/switching/transaction/invite-server.ts'
import type { Live, Machine, MachineEvent } from '../../src/switching/transaction/live.ts'
import { answeredTag, isOfRequest, stepMachine } from '../../src/switching/transaction/live.ts'
import { Room } from '../../src/switching/transaction/room.ts'
import { openServer } from '../../src/switching/transaction/server.ts'
import { settle, textOf } from '../../src/switching/transaction/settled.ts'
import { writeSip } from '../../src/wire/sip/write.ts'
import { answer, phone, request } from './transaction-messages.ts'

const invite = request('INVITE')
const bye = request('BYE', { toTag: 'far' })

function live(machine: Machine): Live {
  const to = { address: '10.0.0.1', port: 5060 }
  return {
    ...{ id: 'id', room: new Room(), machine, to, timers: new Map(), quiet: false },
    ...{ sent: null, names: null, restsUntilMs: null },
  }
}

/** A step as the layer does it. */
function step(one: Live, event: MachineEvent): string[] {
  const { state, effects } = stepMachine(one.machine, event)
  one.machine = state
  const texts = effects.flatMap((effect) =>
    effect.kind === 'send' ? [textOf(one, effect.message)] : [],
  )
  settle(one)
  return texts
}

const trying = answer(invite, 100)
const ok = answer(invite, 200)
const busy = answer(invite, 486)
const ended: readonly [string, Machine, MachineEvent][] = [
  ['an answered INVITE', openInviteServer(trying).state, { kind: 'respond-success', response: ok }],
  ['a refused INVITE', openInviteServer(trying).state, { kind: 'respond-failure', response: busy }],
  ['an own INVITE', openInviteClient(invite).state, { kind: 'success', response: ok }],
  ['an answered BYE', openServer().state, { kind: 'respond-final', response: answer(bye, 200) }],
  ['an own BYE', openClient(bye).state, { kind: 'final', response: answer(bye, 200) }],
]

for (const [name, machine, event] of ended) {
  test(`${name} that has ended keeps the names of its messages, and knows what belongs to it`, (t) => {
    const one = live(machine)
    step(one, event)
    const message = machine.role.includes('invite') ? invite : bye
    const kept = JSON.stringify(one.machine)
    t.false(kept.includes(message.callId) || kept.includes(message.from.uri.host))
    t.true(isOfRequest(one, message))
    t.false(isOfRequest(one, { ...message, callId: 'another' }))
    t.false(isOfRequest(one, { ...message, cseq: { ...message.cseq, number: 99 } }))
    t.false(isOfRequest(one, { ...message, from: { ...message.from, parameters: new Map() } }))
    t.is(answeredTag(one), machine.role === 'invite-server' ? tagOf(ok) : null)
  })
}

test('a repeated request gets the same answer, and a repeated refusal its ACK', (t) => {
  const server = live(openServer().state)
  const final = answer(bye, 200)
  t.deepEqual(step(server, { kind: 'respond-final', response: final }), [writeSip(final)])
  t.deepEqual(step(server, { kind: 'request' }), [writeSip(final)])
  const refused = live(openInviteServer(trying).state)
  step(refused, { kind: 'respond-failure', response: busy })
  t.deepEqual(step(refused, { kind: 'request' }), [writeSip(busy)])
  t.deepEqual(step(refused, { kind: 'timer-g' }), [writeSip(busy)])
  t.deepEqual(step(refused, { kind: 'ack', request: invite, source: phone }), [])
  t.is(refused.sent, null)
  const own = live(openInviteClient(invite).state)
  const [first] = step(own, { kind: 'failure', response: busy })
  t.deepEqual(step(own, { kind: 'failure', response: busy }), [first ?? ''])
  t.regex(first ?? '', /^ACK /)
})

function tagOf({ to }: typeof ok): string | null {
  return to.parameters.get('tag') ?? ''
}
