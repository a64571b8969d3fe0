//! The machine of a conference, cell by cell: what each state of a member does with each event; and random
//! stories, after which nothing is left over.
import test from 'ava'
import fc from 'fast-check'
import type { SipRequest } from '../../src/wire/sip/message.ts'
import {
  conferenceStage,
  dialIn,
  hangUp,
  holdings,
  memberOf,
  nothing,
  only,
  presetMembers,
} from './conference-stage.ts'
import { attempt } from './core-calls.ts'
import { type Phone, type Stage, sdp } from './core-stage.ts'

type State = 'calling' | 'ringing' | 'talking' | 'hold' | 'releasing' | 'released'

const who = '240'

/** A conference with one member in this state, beside two who talk. */
function inState(state: State): { stage: Stage; phone: Phone; invite: SipRequest } {
  const stage = conferenceStage()
  dialIn(stage, '241', '700')
  dialIn(stage, '242', '700')
  const phone = stage.phone(who)
  stage.order('700', { kind: 'add', user: who })
  const invite = phone.asked('INVITE')
  if (state !== 'calling') phone.respond(phone.asked('INVITE'), 180)
  if (state !== 'calling' && state !== 'ringing') {
    phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint))
    phone.cseq = 100
  }
  if (state === 'hold') {
    phone.reinvite(sdp(phone.endpoint, { direction: 'sendonly', version: 2 }))
    phone.ack(phone.told(200))
  }
  if (state === 'releasing' || state === 'released') stage.order('700', { kind: 'drop', user: who })
  if (state === 'released') phone.respond(phone.asked('BYE'), 200)
  phone.inbox.length = 0
  return { stage, phone, invite }
}

type Act = (stage: Stage, phone: Phone) => void
const request =
  (method: string, headers: string[] = [], body = ''): Act =>
  (_stage, phone) =>
    phone.request(method, { headers, body })

const events: Readonly<Record<string, Act>> = {
  reinvite: (_stage, phone) => phone.reinvite(sdp(phone.endpoint, { version: 3 })),
  bye: request('BYE'),
  info: request('INFO', ['Content-Type: application/dtmf-relay'], 'Signal=5'),
  'info of another kind': request('INFO', ['Content-Type: text/plain'], 'x'),
  update: request('UPDATE'),
  release: (stage) => stage.order('700', { kind: 'end' }),
}

/** What the member is told at once, and what it is afterwards. An early dialog has no way for requests. */
const table: readonly [event: string, cells: Partial<Record<State, string>>][] = [
  ['reinvite', { talking: '200 talking', hold: '200 talking', releasing: '481 releasing' }],
  ['bye', { talking: '200 released', hold: '200 released', releasing: '200 released' }],
  ['info', { talking: '200 talking', hold: '200 hold', releasing: '481 releasing' }],
  [
    'info of another kind',
    { talking: '415 talking', hold: '415 hold', releasing: '481 releasing' },
  ],
  ['update', { talking: '200 talking', hold: '200 hold', releasing: '481 releasing' }],
  [
    'release',
    {
      calling: '- releasing',
      ringing: 'CANCEL releasing',
      talking: 'BYE releasing',
      hold: 'BYE releasing',
      releasing: '- releasing',
      released: '- released',
    },
  ],
]

for (const [event, cells] of table) {
  for (const [state, wanted] of Object.entries(cells)) {
    test(`${event} of a member that is ${state}: ${wanted}`, (t) => {
      const { stage, phone } = inState(state as State)
      t.is(memberOf(stage, who)?.state, state as State)
      events[event]?.(stage, phone)
      const said = phone.inbox
        .map((message) => (message.kind === 'request' ? message.method : `${message.status}`))
        .filter((mark) => mark !== '100')
      const sessions = [...stage.tables.wiredConference.values()]
      const member = sessions[0]?.members.findLast(({ user }) => user === who)
      t.is(`${said[0] ?? '-'} ${member?.state}`, wanted)
      if (event !== 'release') {
        t.false(stage.phone('241').heard('BYE'), 'the others go on')
        t.is(only(stage).state, 'communicating')
      }
    })
  }
}

for (const [answer, wanted] of [
  [180, 'ringing'],
  [200, 'talking'],
  [302, 'released'],
  [486, 'released'],
] as const) {
  test(`${answer} of a member that is called: ${wanted}`, (t) => {
    for (const state of ['calling', 'ringing'] as const) {
      const { stage, phone, invite } = inState(state)
      phone.respond(invite, answer, answer === 200 ? sdp(phone.endpoint) : '')
      t.is(memberOf(stage, who)?.state, wanted)
      t.is(holdings(stage).ports, wanted === 'released' ? 2 : 3)
    }
  })
}

const anyone = ['241', '242', ...presetMembers.slice(0, 6)]
const moves: Readonly<Record<string, (stage: Stage, phone: Phone) => void>> = {
  dial: (_stage, phone) => {
    phone.callId = 'none'
    phone.localTag = `t${phone.branch}`
    phone.call('700')
    phone.ack(phone.told(200))
  },
  add: (stage, phone) => stage.order('700', { kind: 'add', user: phone.number }),
  ring: (_stage, phone) => phone.respond(phone.asked('INVITE'), 180),
  answer: (_stage, phone) => phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint)),
  refuse: (_stage, phone) => phone.respond(phone.asked('INVITE'), 486),
  hold: (_stage, phone) => phone.reinvite(sdp(phone.endpoint, { direction: 'sendonly' })),
  leave: (_stage, phone) => hangUp(phone),
  drop: (stage, phone) => stage.order('700', { kind: 'drop', user: phone.number }),
  mute: (stage, phone) => stage.order('700', { kind: 'mute', user: phone.number, muted: true }),
  takeOver: (stage) => stage.takeOver(),
  wait: (stage) => stage.pass(7_000),
}

test('random joins, leaves, orders and take-overs: all ports and numbers come back', (t) => {
  const move = fc.record({
    name: fc.constantFrom(...Object.keys(moves)),
    phone: fc.constantFrom(...anyone),
  })
  const property = fc.property(fc.array(move, { maxLength: 40 }), (story) => {
    const stage = conferenceStage()
    for (const { name, phone } of story) {
      attempt(() => moves[name]?.(stage, stage.phone(phone)))
      const { legs, ports } = holdings(stage)
      if (legs > ports) throw new Error(`${legs} legs and ${ports} ports after ${name}`)
    }
    stage.order('700', { kind: 'end' })
    // Telephones that say nothing more: all time-outs, and the linger of the record.
    stage.pass(200_000)
    t.deepEqual(holdings(stage), nothing)
    t.is(stage.tables.wiredConference.size, 0)
    t.is(stage.core.counters().transactions, 0)
  })
  fc.assert(property, { numRuns: 150 })
})
