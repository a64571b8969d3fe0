//! A call that another system has forwarded before it comes here: how it came is shown and sent on, written anew,
//! and it does not come to anybody twice.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { emptyPlan } from '../../src/switching/plan.ts'
import type { Forward } from '../../src/tables/profile.ts'
import { headerValues, type SipRequest } from '../../src/wire/sip/message.ts'
import { parseNameAddress } from '../../src/wire/sip/write.ts'
import { type Stage, sdp, service } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'
import { peerOf, sitePlan, trunkStage } from './trunk-stage.ts'

function forwards(stage: Stage, number: string, forward: Partial<Forward>): void {
  changeProfile(stage, number, { line: { noAnswerSeconds: 20 }, forward })
}

/** A call of the first other system, which dials 3 before our numbers. */
function callIn(stage: Stage, to: string, headers: string[]): void {
  const peer = peerOf(stage, 1)
  peer.call(to, sdp(peer.endpoint), headers)
}

const diversion = 'Diversion: "Desk" <sip:0007@10.0.2.1>;reason=user-busy;counter=2;screen=no'
const history = [
  'History-Info: <sip:0007@10.0.2.1?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%22>;index=1',
  `History-Info: <sip:3102@${service};cause=486>;index=1.1;mp=1`,
]

function said(invite: SipRequest): { diversions: string[]; history: string[] } {
  return {
    diversions: headerValues(invite, 'Diversion'),
    history: headerValues(invite, 'History-Info'),
  }
}

test('who rings here sees how the call came to him in the other system', (t) => {
  const stage = trunkStage()
  callIn(stage, '3102', [diversion, ...history])
  t.deepEqual(said(stage.b.asked('INVITE')), {
    diversions: ['"Desk" <sip:0007@10.0.2.1>;reason=user-busy;counter=2'],
    history: [
      '<sip:0007@10.0.2.1?Reason=SIP%3Bcause%3D486>;index=1',
      `<sip:102@${service}>;index=1.1`,
    ],
  })
})

test('a call that is forwarded here, too, has both: the last step first, and the indexes go on', (t) => {
  const stage = trunkStage()
  forwards(stage, '102', { always: '103' })
  callIn(stage, '3102', [diversion, ...history])
  t.deepEqual(said(stage.phone('103').asked('INVITE')), {
    diversions: [
      `<sip:102@${service}>;reason=unconditional;counter=1`,
      '"Desk" <sip:0007@10.0.2.1>;reason=user-busy;counter=2',
    ],
    history: [
      '<sip:0007@10.0.2.1?Reason=SIP%3Bcause%3D486>;index=1',
      `<sip:102@${service}?Reason=SIP%3Bcause%3D302>;index=1.1`,
      `<sip:103@${service}>;index=1.1.1`,
    ],
  })
})

test('without an entry for its target the history goes on below the last one', (t) => {
  const stage = trunkStage()
  callIn(stage, '3102', [history[0] ?? '', 'History-Info: <tel:+4312345>;index=1.1;rc=1'])
  t.deepEqual(said(stage.b.asked('INVITE')).history, [
    '<sip:0007@10.0.2.1?Reason=SIP%3Bcause%3D486>;index=1',
    '<tel:+4312345>;index=1.1;rc=1',
    `<sip:102@${service}>;index=1.1.1`,
  ])
})

test('after it has rung in vain it goes on over a trunk with all of it, also by the node that took over', (t) => {
  const stage = trunkStage()
  forwards(stage, '102', { noAnswer: '70009' })
  stage.core.setPlan({
    ...sitePlan,
    routes: sitePlan.routes.map((one) => ({ ...one, trunks: ['b-2'] })),
  })
  callIn(stage, '3102', [diversion, ...history])
  stage.b.respond(stage.b.asked('INVITE'), 180)
  stage.takeOver()
  stage.core.setPlan({
    ...sitePlan,
    routes: sitePlan.routes.map((one) => ({ ...one, trunks: ['b-2'] })),
  })
  stage.pass(20_100)
  const invite = peerOf(stage, 2).asked('INVITE')
  t.deepEqual(said(invite).diversions, [
    `<sip:102@${service}>;reason=no-answer;counter=1`,
    '"Desk" <sip:0007@10.0.2.1>;reason=user-busy;counter=2',
  ])
  t.is(said(invite).history.length, 3)
  t.is(stage.records.length, 0)
})

test('from one system to another it goes on with all of it', (t) => {
  const stage = trunkStage()
  const far = peerOf(stage, 3)
  far.call('9123', sdp(far.endpoint), [diversion, history[0] ?? ''])
  t.deepEqual(said(peerOf(stage, 2).asked('INVITE')), {
    diversions: ['"Desk" <sip:0007@10.0.2.1>;reason=user-busy;counter=2'],
    history: [
      '<sip:0007@10.0.2.1?Reason=SIP%3Bcause%3D486>;index=1',
      `<sip:9123@${service}>;index=1.1`,
    ],
  })
})

test('who has said it is not told it again when the call changes', (t) => {
  const stage = trunkStage()
  callIn(stage, '3102', [diversion, ...history])
  const peer = peerOf(stage, 1)
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  peer.ack(peer.told(200))
  stage.b.reinvite(sdp(stage.b.endpoint, { direction: 'sendonly', version: 2 }))
  t.deepEqual(said(peer.asked('INVITE')), { diversions: [], history: [] })
})

test('the call record says that a call was forwarded here only when it was forwarded here', (t) => {
  for (const isForwarded of [false, true]) {
    const stage = trunkStage()
    if (isForwarded) forwards(stage, '102', { always: '103' })
    callIn(stage, '3102', [diversion])
    const phone = isForwarded ? stage.phone('103') : stage.b
    phone.respond(phone.asked('INVITE'), 486)
    t.deepEqual(stage.records[0]?.services, isForwarded ? ['forward'] : [])
  }
})

const loops: Readonly<Record<string, string[]>> = {
  'our Diversion': [`Diversion: <sip:102@${service}>;reason=unconditional`],
  'our Diversion behind another one': [
    `Diversion: <sip:0009@10.0.2.1>;reason=unknown, <sip:102@${service}>;reason=no-answer`,
  ],
  'our History-Info': [
    `History-Info: <sip:102@${service}?Reason=SIP%3Bcause%3D302>;index=1, <sip:0009@10.0.2.1>;index=1.1`,
    `History-Info: <sip:3102@${service}>;index=1.1.1`,
  ],
  'the number by which the other system knows us': [
    'Diversion: <sip:3102@other.example>;reason=user-busy',
  ],
}

for (const [what, headers] of Object.entries(loops)) {
  test(`a call that an account has forwarded before is not forwarded by it again: ${what}`, (t) => {
    const stage = trunkStage()
    forwards(stage, '102', { always: '103' })
    callIn(stage, '3102', headers)
    t.true(peerOf(stage, 1).heard(482))
    t.false(stage.phone('103').heard('INVITE'))
    t.like(stage.records[0], { status: 482 })
    const other = trunkStage()
    forwards(other, '103', { always: '102' })
    callIn(other, '3103', headers)
    t.true(peerOf(other, 1).heard(482), 'nor does it come to it by another one')
    const plain = trunkStage()
    callIn(plain, '3102', headers)
    t.true(plain.b.heard('INVITE'), 'who forwards nothing now takes it')
  })
}

test('a call that comes for the first time is no loop, whatever other numbers are in its history', (t) => {
  for (const headers of [
    history,
    ['Diversion: <sip:102@10.0.2.1>;reason=unconditional'],
    ['Diversion: <sip:102@elsewhere.example>;reason=unconditional'],
    [`History-Info: <sip:3102@${service}>;index=1`],
  ]) {
    const stage = trunkStage()
    forwards(stage, '102', { always: '103' })
    callIn(stage, '3102', headers)
    t.true(stage.phone('103').heard('INVITE'), headers.join())
  }
})

test('a loop over two systems that both keep the history ends where it comes back first', (t) => {
  const stage = trunkStage()
  forwards(stage, '102', { always: '70007' })
  const route = { ...sitePlan.routes[0], class: '' }
  stage.core.setPlan({ ...sitePlan, routes: [{ ...route, trunks: ['b-2'] }] as never })
  stage.a.call('102')
  const out = peerOf(stage, 2).asked('INVITE')
  const { diversions, history: own } = said(out)
  peerOf(stage, 2).call('102', sdp(peerOf(stage, 2).endpoint), [
    'Diversion: <sip:0007@10.0.2.2>;reason=unconditional',
    ...diversions.map((value) => `Diversion: ${value}`),
    ...own.map((value) => `History-Info: ${value}`),
  ])
  t.true(peerOf(stage, 2).heard(482))
})

test('a telephone of this site cannot say how its call came', (t) => {
  const stage = trunkStage({ ...emptyPlan })
  stage.a.call('102', sdp(stage.a.endpoint), [diversion, ...history])
  t.deepEqual(said(stage.b.asked('INVITE')), { diversions: [], history: [] })
})

test('what was to stay private is told to nobody', (t) => {
  const secret = 'sip:0007@10.0.2.1'
  for (const headers of [
    [`Diversion: "Desk" <${secret}>;reason=user-busy;privacy=full`],
    [`History-Info: <${secret}?Privacy=history&Reason=SIP%3Bcause%3D486>;index=1`],
    ['Privacy: history', `History-Info: "Desk" <${secret}>;index=1`],
    ['Privacy: id;header', `Diversion: "Desk" <${secret}>;reason=user-busy`],
  ]) {
    const stage = trunkStage()
    callIn(stage, '3102', headers)
    const { diversions, history: shown } = said(stage.b.asked('INVITE'))
    const text = [...diversions, ...shown].join()
    t.false(/0007|Desk/.test(text), text)
    t.regex(text, /<sip:anonymous@anonymous\.invalid/)
  }
})

test('of many entries as many are kept as the switch makes itself, the first one and the latest', (t) => {
  const stage = trunkStage()
  const numbers = Array.from({ length: 40 }, (_, n) => `1${String(n).padStart(3, '0')}`)
  callIn(stage, '3102', [
    ...numbers.map((one) => `Diversion: <sip:${one}@far>;reason=unknown`),
    ...numbers.map((one, n) => `History-Info: <sip:${one}@far>;index=${n + 1}`),
  ])
  const { diversions, history: shown } = said(stage.b.asked('INVITE'))
  const usersOf = (values: string[]) => values.map((one) => parseNameAddress(one)?.uri.user)
  t.is(limits.diversionsMax, 5)
  t.deepEqual(usersOf(diversions), ['1000', '1001', '1002', '1003', '1039'])
  t.deepEqual(usersOf(shown), ['1000', '1036', '1037', '1038', '1039', '102'])
  t.regex(shown.at(-1) ?? '', /;index=40\.1$/)
})

test('what is malformed or too long is left out, and the rest is kept', (t) => {
  const stage = trunkStage()
  callIn(stage, '3102', [
    'Diversion: nonsense, <sip:>;reason=x, <http://a/>;reason=unknown',
    `Diversion: <sip:${'1'.repeat(300)}@far>;reason=unknown`,
    'Diversion: <sip:0001@far>;reason="<b>";counter=999',
    'History-Info: <sip:0002@far>;index=one',
    'History-Info: <sip:0003@far>',
    'History-Info: <sip:0004:secret@far;method=BYE;user=phone?Route=x&Reason=%0d%0aX:1>;index=2',
  ])
  t.deepEqual(said(stage.b.asked('INVITE')), {
    diversions: ['<sip:0001@far>;reason=unknown;counter=1'],
    history: ['<sip:0004@far;user=phone>;index=2', `<sip:102@${service}>;index=2.1`],
  })
})

const piece = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.constantFrom(
    '\r\nX-Smuggled: 1',
    '%0d%0aX: 1',
    '"',
    '\\',
    '>',
    '<sip:x@y>',
    ';',
    ',',
    '?',
    '&',
  ),
)
const entryText = fc
  .tuple(piece, piece, piece, piece, piece)
  .map(([name, user, more, headers, end]) =>
    `"${name}" <sip:${user}@far${more}?${headers}>;index=1${end}`.replaceAll(/[\r\n]/g, ' '),
  )

test('whatever another system says, only entries of known form reach a telephone', (t) => {
  fc.assert(
    fc.property(fc.array(entryText, { maxLength: 4 }), fc.boolean(), (entries, isHistory) => {
      const stage = trunkStage()
      const name = isHistory ? 'History-Info' : 'Diversion'
      callIn(
        stage,
        '3102',
        entries.map((text) => `${name}: ${text}`),
      )
      // A line that breaks the message is refused as ever.
      if (!stage.b.heard('INVITE')) return
      const invite = stage.b.asked('INVITE')
      t.false(invite.headers.some((one) => one.name.startsWith('X-')))
      for (const value of headerValues(invite, name)) {
        t.true(value.length <= 256)
        const address = parseNameAddress(value)
        t.truthy(address, value)
        t.true(address?.uri.password === undefined)
        t.regex(address?.uri.headers ?? '', /^(Reason=(SIP|Q\.850)%3Bcause%3D\d{1,3})?$/)
      }
    }),
    { numRuns: 300 },
  )
})
