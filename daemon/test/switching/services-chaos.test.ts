//! Random orders of everything that telephones can do with the services, with take-overs: nothing throws, and
//! nothing is left over. The seeds are fixed.
import test from 'ava'
import { emptyPlan, type Plan } from '../../src/switching/plan.ts'
import type { SipMessage } from '../../src/wire/sip/message.ts'
import { attempt } from './core-calls.ts'
import { type Phone, Stage, sdp, service } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

const numbers = ['101', '102', '103', '231', '232', '241', '991', '992']
/** What is dialled, forwarded to and transferred to. */
const targets = [
  ...['101', '102', '103', '231', '232', '241', '700', '710', '720', '800', '801', '9123', '777'],
  ...['*66102', '*66', '*86', '*35102', '*35101', '*72103', '*70', '*8', '**102', '*37102'],
  ...['*38102', '*39102', '*39800', '*399123', '*39700'],
]

const line = {
  account: null,
  trust: 'address',
  login: null,
  capacity: 2,
  optionsSeconds: 0,
} as const
const plan: Plan = {
  ...emptyPlan,
  monitoringTone: true,
  groups: (['first', 'all'] as const).map((mode, index) => ({
    ...{ name: mode, displayName: '', number: `80${index}`, mode, noAnswerSeconds: 20 },
    members: ['231', '232', '102'],
  })),
  conferences: ['700', '710', '720'].map((number) => ({
    ...{ name: number, displayName: '', number, pinHash: null, membersMax: 4 },
    kind: number === '710' ? 'preset' : 'meet-me',
    members: number === '710' ? [{ number: '231', mayTalk: true, gainDb: 0 }] : [],
    locked: number === '720',
  })),
  trunks: ['10.0.1.91', '10.0.1.92'].map((address) => ({
    ...{ name: address, displayName: '', peer: { address, port: 5060 }, ...line },
    ...{ responseSeconds: 5, classes: [], priorityMax: 'emergency', monitor: true },
    outgoing: { called: [], caller: [] },
    incoming: { called: [], caller: [] },
  })),
  routes: [
    {
      ...{ name: 'out', pattern: '9X.', priority: 1, class: '' },
      ...{ trunks: ['10.0.1.91', '10.0.1.92'], failOver: ['5xx', 'no-answer', 'capacity'] },
    },
  ],
}

/** Numbers 0 .. 1 of a seed, and a choice. */
class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  roll(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return (this.#state >>> 8) / 0x1000000
  }

  of<T>(list: readonly T[]): T {
    return list[Math.floor(this.roll() * list.length)] as T
  }
}

function site(dice: Dice): Stage {
  const stage = new Stage({ plan, lastPort: dice.of([20_011, 20_059]) })
  for (const number of ['231', '232', '241']) stage.addPhone(number, 'position')
  for (const number of ['991', '992']) {
    stage.addPhone(number, 'gateway')
    stage.tables.phoneBook.delete(number)
  }
  for (const number of numbers) {
    if (stage.tables.phoneBook.get(number) === undefined) continue
    const to = () => (dice.roll() < 0.15 ? dice.of(targets) : null)
    const forward = { always: null, busy: to(), noAnswer: to(), notRegistered: to() }
    const mayPress = dice.roll() < 0.5
    const all = { monitor: true, beMonitored: true, priorityMax: 'emergency' as const }
    changeProfile(stage, number, {
      rights: { ...all, intrude: mayPress, forceRelease: mayPress },
      line: { calls: dice.of([1, 2]), waiting: dice.of([0, 1]), noAnswerSeconds: 5 },
      forward,
    })
  }
  return stage
}

interface Play {
  readonly stage: Stage
  readonly dice: Dice
  readonly answered: Set<SipMessage>
}

/** What a telephone does by itself with what came first. */
function react({ dice, answered }: Play, phone: Phone): void {
  const message = phone.inbox.find((one) => !answered.has(one))
  if (message === undefined) return
  answered.add(message)
  if (message.kind === 'response') {
    const isAnswer = message.cseq.method === 'INVITE' && message.status >= 200
    if (isAnswer && message.status < 300 && message.callId === phone.callId) phone.ack(message)
    return
  }
  if (message.method !== 'INVITE') {
    if (message.method !== 'ACK') phone.respond(message, 200)
    return
  }
  const status = dice.roll() < 0.12 ? dice.of([486, 603, 480, 500]) : 200
  const isFirst = !message.to.parameters.has('tag')
  if (isFirst && dice.roll() < 0.3) phone.respond(message, 180)
  else if (status !== 200) phone.respond(message, status)
  else phone.respond(message, 200, sdp(phone.endpoint, { version: 2 }))
}

type Act = (play: Play, phone: Phone) => void

const inDialog = (
  phone: Phone,
  method: string,
  more: { body?: string; headers?: string[] } = {},
) => {
  if (phone.cseq < 50) phone.cseq += 50
  phone.request(method, more)
}
const call: Act = ({ dice }, phone) => {
  phone.cseq += 1
  const body = dice.roll() < 0.1 ? '' : sdp(phone.endpoint)
  phone.call(dice.of(targets), body, dice.roll() < 0.2 ? ['Priority: emergency'] : [])
}
const refer: Act = ({ dice }, phone) =>
  inDialog(phone, 'REFER', { headers: [`Refer-To: <sip:${dice.of(targets)}@${service}>`] })
const hold: Act = ({ dice }, phone) => {
  const direction = dice.of(['sendonly', 'inactive', 'sendrecv'])
  inDialog(phone, 'INVITE', { body: sdp(phone.endpoint, { direction, version: 3 }) })
}

const acts: readonly Act[] = [
  ...[call, call, call, call, call, refer, refer, hold],
  ({ dice }, phone) =>
    phone.respond(phone.asked('INVITE'), dice.of([486, 302, 422]), '', [
      `Contact: <sip:${dice.of(targets)}@${service}>`,
    ]),
  (_, phone) => phone.respond(phone.asked('INVITE'), 183, sdp(phone.endpoint)),
  (_, phone) => phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint)),
  (_, phone) => phone.ack(phone.told(200)),
  (_, phone) => inDialog(phone, 'BYE'),
  (_, phone) => phone.request('CANCEL', { cseq: phone.cseq }),
  (_, phone) => inDialog(phone, 'UPDATE', { body: sdp(phone.endpoint, { version: 4 }) }),
  (_, phone) => inDialog(phone, 'UPDATE'),
  (_, phone) => inDialog(phone, 'SUBSCRIBE', { headers: ['Event: refer'] }),
  (_, phone) =>
    inDialog(phone, 'INFO', {
      body: 'Signal=5',
      headers: ['Content-Type: application/dtmf-relay'],
    }),
  ({ stage, dice }) => stage.pass(dice.of([20, 300, 1_000, 2_100, 6_000])),
  ({ stage, dice }) => stage.pass(dice.of([300, 6_000, 21_000, 61_000])),
  ({ stage }) => stage.takeOver(),
  ({ stage, dice }) => {
    const [session] = stage.tables.wiredConference.values()
    const user = dice.of(['101', '103', '241'])
    if (session !== undefined) stage.order(session.sessionId, { kind: 'add', user })
  },
  ({ stage, dice }) => {
    stage.order(dice.of(['700', '710', '720']), { kind: 'drop', user: dice.of(numbers) })
  },
]

function run(seed: number): { left: number; used: string[] } {
  const dice = new Dice(seed)
  const stage = site(dice)
  const play = { stage, dice, answered: new Set<SipMessage>() }
  for (let step = 0; step < 120; step += 1) {
    attempt(() => {
      if (dice.roll() < 0.7)
        for (let n = 0; n < 3; n += 1) react(play, stage.phone(dice.of(numbers)))
      else dice.of(acts)(play, stage.phone(dice.of(numbers)))
    })
  }
  for (const { sessionId } of [...stage.tables.wiredConference.values()]) stage.release(sessionId)
  stage.pass(120_000)
  const { conferenceResource, wiredConference, wiredMedia } = stage.tables
  const left = conferenceResource.size + wiredConference.size + wiredMedia.size
  return { left, used: stage.records.flatMap(({ services }) => services) }
}

test('any order of services and take-overs: the core never throws, and nothing is left over', (t) => {
  const used = new Set<string>()
  for (let seed = 1; seed <= 40; seed += 1) {
    const end = run(seed)
    t.is(end.left, 0, `seed ${seed}`)
    for (const name of end.used) used.add(name)
  }
  // Otherwise it has gone nowhere.
  t.true(used.size >= 8, [...used].join())
})
