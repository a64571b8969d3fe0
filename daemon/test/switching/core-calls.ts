//! Scripts of whole calls: each step is something that a telephone does or time that passes. They are
//! run as they are, and with a take-over after each step.
import { header } from '../../src/wire/sip/message.ts'
import { uriText } from '../../src/wire/sip/write.ts'
import { MissingMessage, type Phone, type Stage, sdp } from './core-stage.ts'

export type Step = (stage: Stage) => void
export type Script = readonly Step[]

/** Leaves out what a telephone cannot do now, as it has not got the message for it. */
export function attempt(act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof MissingMessage)) throw error
  }
}

const call: Step = ({ a }) => a.call('102')
const ring: Step = ({ b }) => b.respond(b.asked('INVITE'), 180)
const answer: Step = ({ b }) => b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
const ack: Step = ({ a }) => a.ack(a.told(200))
const byeA: Step = ({ a }) => a.request('BYE')
const byeB: Step = ({ b }) => {
  if (b.cseq === 0) b.cseq = 100
  b.request('BYE')
}
const okB: Step = ({ b }) => b.respond(b.asked('BYE'), 200)
const okA: Step = ({ a }) => a.respond(a.asked('BYE'), 200)
const pass =
  (ms: number): Step =>
  (stage) =>
    stage.pass(ms)

/** Failure ACK. */
const ackFailure =
  (status: number, who: 'a' | 'b' = 'a'): Step =>
  (stage) => {
    const phone = stage[who]
    const { to } = phone.told(status)
    const tag = to.parameters.get('tag')
    const via = `${phone.endpoint.address}:5060;rport;branch=z9hG4bK${phone.number}-${phone.branch}`
    phone.send(
      [
        `ACK sip:${phone.remoteUser}@10.0.0.9 SIP/2.0`,
        `Via: SIP/2.0/UDP ${via}`,
        'Max-Forwards: 70',
        `From: <sip:${phone.number}@10.0.0.9>;tag=${phone.localTag}`,
        `To: <sip:${phone.remoteUser}@10.0.0.9>;tag=${tag}`,
        `Call-ID: ${phone.callId}`,
        `CSeq: ${phone.cseq} ACK`,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    )
  }

const modify =
  (who: 'a' | 'b', direction: string, version = 2): Step =>
  (stage) => {
    const phone = stage[who]
    if (phone.cseq === 0) phone.cseq = 100
    phone.reinvite(sdp(phone.endpoint, { direction, version }))
  }
const agree =
  (who: 'a' | 'b', direction: string): Step =>
  (stage) => {
    const phone = stage[who]
    phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint, { direction, version: 2 }))
  }
const ackOf =
  (who: 'a' | 'b'): Step =>
  (stage) =>
    stage[who].ack(stage[who].told(200))

const dtmf = { body: 'Signal=5', headers: ['Content-Type: application/dtmf-relay'] }
/** A caller takes the early dialog of an answer of this status. */
export function enterEarly(phone: Phone, status: number): void {
  const { to, contact } = phone.told(status)
  phone.remoteTag = to.parameters.get('tag') ?? ''
  const [first] = contact === '*' ? [] : contact
  if (first !== undefined) phone.target = uriText(first.uri)
}
/** PRACK of the reliable answer of this status (RFC 3262). */
export const prack =
  (status: number, body = ''): Step =>
  ({ a }) => {
    const response = a.told(status)
    enterEarly(a, status)
    const rack = `RAck: ${header(response, 'RSeq')} ${response.cseq.number} INVITE`
    a.request('PRACK', { body, headers: [rack] })
  }
/** A reliable answer of the callee. */
export const reliably =
  (status: number, rseq: number, body?: (stage: Stage) => string): Step =>
  (stage) => {
    const { b } = stage
    const headers = ['Require: 100rel', `RSeq: ${rseq}`]
    b.respond(b.asked('INVITE'), status, body?.(stage) ?? '', headers)
  }
const okPrack: Step = ({ b }) => b.respond(b.asked('PRACK'), 200)

const talk: Script = [call, ring, answer, ack]
const end: Script = [byeA, okB]

export const scripts: Readonly<Record<string, Script>> = {
  'answered, hung up by the caller': [...talk, pass(1_000), ...end],
  'answered, hung up by the callee': [...talk, byeB, okA],
  'answered without ringing': [call, answer, ack, ...end],
  'early media, then answered': [
    call,
    ({ b }) => b.respond(b.asked('INVITE'), 183, sdp(b.endpoint)),
    answer,
    ack,
    ...end,
  ],
  'the caller requires reliable answers': [
    ({ a }) => a.call('102', sdp(a.endpoint), ['Require: 100rel']),
    ring,
    prack(180),
    ({ b }) => b.respond(b.asked('INVITE'), 183, sdp(b.endpoint)),
    prack(183),
    answer,
    ack,
    ...end,
  ],
  'reliable answers, and no offer in the INVITE': [
    ({ a }) => a.call('102', '', ['Require: 100rel']),
    ring,
    (stage) => prack(180, sdp(stage.a.endpoint))(stage),
    answer,
    ack,
    ...end,
  ],
  'the callee gives reliable answers': [
    call,
    reliably(180, 7),
    okPrack,
    reliably(183, 8, ({ b }) => sdp(b.endpoint)),
    okPrack,
    ({ b }) => b.respond(b.asked('INVITE'), 200),
    ack,
    ...end,
  ],
  'reliable answers on both sides': [
    ({ a }) => a.call('102', sdp(a.endpoint), ['Supported: 100rel, timer']),
    reliably(183, 1, ({ b }) => sdp(b.endpoint)),
    okPrack,
    prack(183),
    answer,
    ack,
    ...end,
  ],
  'the callee changes its early media by UPDATE': [
    call,
    reliably(183, 8, ({ b }) => sdp(b.endpoint)),
    okPrack,
    ({ b }) => b.request('UPDATE', { body: sdp(b.endpoint, { port: 4_444, version: 2 }) }),
    ({ b }) => b.respond(b.asked('INVITE'), 200),
    ack,
    ...end,
  ],
  'the caller changes what is answered reliably by UPDATE': [
    ({ a }) => a.call('102', sdp(a.endpoint), ['Supported: 100rel']),
    ({ b }) => b.respond(b.asked('INVITE'), 183, sdp(b.endpoint)),
    prack(183),
    ({ a }) => a.request('UPDATE', { body: sdp(a.endpoint, { port: 4_444, version: 2 }) }),
    answer,
    ack,
    ...end,
  ],
  'a digit by INFO over early media': [
    call,
    ({ b }) => b.respond(b.asked('INVITE'), 183, sdp(b.endpoint)),
    ({ a }) => enterEarly(a, 183),
    ({ a }) => a.request('INFO', dtmf),
    ({ b }) => b.respond(b.asked('INFO'), 200),
    answer,
    ack,
    ...end,
  ],
  'held by re-INVITE, retrieved by UPDATE': [
    ...talk,
    modify('a', 'sendonly'),
    agree('b', 'recvonly'),
    ackOf('a'),
    ({ a }) => a.request('UPDATE', { body: sdp(a.endpoint, { version: 3 }) }),
    agree('b', 'sendrecv'),
    ...end,
  ],
  'cancelled while it rings': [
    call,
    ring,
    ({ a }) => a.request('CANCEL', { cseq: a.cseq }),
    ackFailure(487),
    pass(600),
    ({ b }) => b.respond(b.asked('CANCEL'), 200),
    ({ b }) => b.respond(b.asked('INVITE'), 487),
  ],
  'cancelled before anything came from the callee': [
    call,
    ({ a }) => a.request('CANCEL', { cseq: a.cseq }),
    ackFailure(487),
    pass(600),
    ring,
    pass(600),
    ({ b }) => b.respond(b.asked('CANCEL'), 200),
    ({ b }) => b.respond(b.asked('INVITE'), 487),
  ],
  'a 200 that crosses the CANCEL is taken and ended': [
    call,
    ring,
    ({ a }) => a.request('CANCEL', { cseq: a.cseq }),
    ackFailure(487),
    pass(600),
    ({ b }) => b.respond(b.asked('CANCEL'), 200),
    answer,
    okB,
  ],
  'busy callee': [call, ({ b }) => b.respond(b.asked('INVITE'), 486), ackFailure(486)],
  'callee declines with a reason': [
    call,
    ring,
    ({ b }) => b.respond(b.asked('INVITE'), 603, '', ['Reason: WG-67;cause=2004;text="x"']),
    ackFailure(603),
  ],
  'callee asks for a password': [
    call,
    ({ b }) => b.respond(b.asked('INVITE'), 407),
    ackFailure(480),
  ],
  'nobody answers': [
    call,
    ring,
    pass(61_000),
    ackFailure(408),
    pass(600),
    ({ b }) => b.respond(b.asked('CANCEL'), 200),
    ({ b }) => b.respond(b.asked('INVITE'), 487),
  ],
  'the callee is dead': [call, pass(33_000), pass(33_000), ackFailure(408)],
  'no offer in the INVITE': [
    ({ a }) => a.call('102', ''),
    ring,
    answer,
    ({ a }) => a.ack(a.told(200), sdp(a.endpoint)),
    ...end,
  ],
  'held and resumed by the caller': [
    ...talk,
    modify('a', 'sendonly'),
    agree('b', 'recvonly'),
    ackOf('a'),
    pass(1_000),
    modify('a', 'sendrecv', 3),
    agree('b', 'sendrecv'),
    ackOf('a'),
    ...end,
  ],
  'held by the callee, hung up by the caller': [
    ...talk,
    modify('b', 'inactive'),
    agree('a', 'inactive'),
    ackOf('b'),
    ...end,
  ],
  'refreshed without a change': [...talk, modify('a', 'sendrecv'), ackOf('a'), ...end],
  'resumed with a re-INVITE without offer': [
    ...talk,
    modify('a', 'sendonly'),
    agree('b', 'recvonly'),
    ackOf('a'),
    ({ a }) => a.reinvite(''),
    ({ a }) => a.ack(a.told(200), sdp(a.endpoint, { version: 3 })),
    agree('b', 'sendrecv'),
    ...end,
  ],
  'both want to hold at once': [
    ...talk,
    modify('a', 'sendonly'),
    modify('b', 'sendonly'),
    ackFailure(491, 'b'),
    agree('b', 'recvonly'),
    ackOf('a'),
    ...end,
  ],
  'the callee refuses to be held': [
    ...talk,
    modify('a', 'sendonly'),
    ({ b }) => b.respond(b.asked('INVITE'), 488),
    ...end,
  ],
  'the callee forgot the call when it is held': [
    ...talk,
    modify('a', 'sendonly'),
    ({ b }) => b.respond(b.asked('INVITE'), 481),
    okA,
  ],
  'an INFO goes through': [
    ...talk,
    ({ a }) => a.request('INFO', dtmf),
    ({ b }) => b.respond(b.asked('INFO'), 200),
    ...end,
  ],
  'the ACK of the caller comes late': [call, ring, answer, pass(3_000), ack, ...end],
  'the ACK of the caller never comes': [call, ring, answer, pass(33_000), pass(33_000), okA, okB],
  'the callee hangs up before the ACK of the caller': [
    call,
    ring,
    answer,
    byeB,
    pass(600),
    ack,
    okA,
  ],
  'both hang up at once': [...talk, byeA, byeB, okB],
  'the callee does not know the BYE': [...talk, byeA, ({ b }) => b.respond(b.asked('BYE'), 481)],
  'the callee is dead when the caller hangs up': [...talk, byeA, pass(33_000), pass(33_000)],
  'the operator ends the call': [
    ...talk,
    (stage) => {
      for (const { sessionId } of stage.tables.wiredConference.values()) stage.release(sessionId)
    },
    okA,
    okB,
  ],
  'ED-137 telephones': [
    ({ a }) =>
      a.call('102', sdp(a.endpoint), [
        'WG67-Version: phone.01;phone.02',
        'Subject: DA/IDA call',
        'Priority: emergency',
      ]),
    ring,
    answer,
    ack,
    ...end,
  ],
}

/** What telephones can do at any time, sensible or not. */
export const whims: readonly Step[] = [
  ...new Set(Object.values(scripts).flat()),
  ({ a }) => a.call('103'),
  ({ b }) => b.call('101'),
  (stage) => stage.phone('900').call('102'),
  ({ a }) => a.request('ACK', { cseq: a.cseq }),
  ({ b }) => b.request('ACK', { cseq: b.cseq }),
  ({ a }) => a.request('BYE', { cseq: 1 }),
  ({ a }) => a.request('OPTIONS'),
  ({ a }) => a.reinvite('nonsense'),
  ({ b }) => b.request('CANCEL', { cseq: b.cseq }),
  ({ a }) => a.respond(a.asked('INVITE'), 302),
  ({ b }) => b.respond(b.asked('INVITE'), 200),
  ({ b }) => b.respond(b.asked('INVITE'), 200, 'v=0'),
  ({ b }) => b.respond(b.asked('INVITE'), 183, sdp(b.endpoint, { address: '0.0.0.0' })),
  ({ b }) => {
    b.localTag = 'fork'
    b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  },
  (stage) => stage.takeOver(),
  (stage) => {
    stage.isMute = !stage.isMute
  },
]

/** The records of this step reached the peer; what they led to never left the dying node. The
 * telephone repeats itself, and so does what the peer has taken over. */
export function playWithLoss(stage: Stage, script: Script, lostStep: number): Stage {
  for (const [index, step] of script.entries()) {
    if (index !== lostStep) {
      step(stage)
      continue
    }
    stage.lastSent = () => {}
    stage.isMute = true
    step(stage)
    stage.takeOver()
    stage.isMute = false
    stage.lastSent()
    for (const phone of stage.phones.values()) phone.repeat()
    stage.pass(1_600)
  }
  return stage
}
