//! Scripts of transfers and pick-ups, step by step, for runs with a take-over after each step.
import { header, type SipMessage } from '../../src/wire/sip/message.ts'
import type { Script, Step } from './core-calls.ts'
import { MissingMessage, type Phone, type Stage, sdp, service } from './core-stage.ts'

const c = (stage: Stage): Phone => stage.phone('103')

/** What a telephone knows of one of its dialogs. */
const dialogParts = ['callId', 'localTag', 'remoteTag', 'target', 'remoteUser', 'cseq'] as const
type DialogState = Pick<Phone, (typeof dialogParts)[number]>
const kept = new WeakMap<Stage, DialogState>()

function partsOf(phone: Phone): DialogState {
  return Object.fromEntries(dialogParts.map((name) => [name, phone[name]])) as DialogState
}

/** The telephone goes on with its other call. */
const swap: Step = (stage) => {
  const { b } = stage
  const other = kept.get(stage)
  kept.set(stage, partsOf(b))
  if (other !== undefined) Object.assign(b, other)
}

/** A request in the dialog in which 102 was called. */
function asB(stage: Stage, method: string, more: { body?: string; headers?: string[] } = {}): void {
  if (stage.b.cseq < 100) stage.b.cseq = 100
  stage.b.request(method, more)
}

export const call: Step = ({ a }) => a.call('102')
export const ring: Step = ({ b }) => b.respond(b.asked('INVITE'), 180)
export const answer: Step = ({ b }) => b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
export const ack: Step = ({ a }) => a.ack(a.told(200))
export const talk: Script = [call, ring, answer, ack]

/** 102 holds 101. */
const hold: Script = [
  (stage) => asB(stage, 'INVITE', { body: sdp(stage.b.endpoint, { direction: 'sendonly' }) }),
  ({ a }) => {
    const description = sdp(a.endpoint, { direction: 'recvonly', version: 2 })
    a.respond(a.asked('INVITE'), 200, description)
  },
  ({ b }) => b.ack(b.told(200)),
]

export const refer =
  (target: string, headers: string[] = []): Step =>
  (stage) =>
    asB(stage, 'REFER', { headers: [`Refer-To: <sip:${target}@${service}>`, ...headers] })

/** Answers the newest NOTIFY that was not answered. */
const told =
  (status: number, number = '102'): Step =>
  (stage) => {
    const phone = stage.phone(number)
    const notify = phone.inbox.findLast(
      (message) => message.kind === 'request' && message.method === 'NOTIFY',
    )
    if (notify?.kind !== 'request' || !notify.body.startsWith(`SIP/2.0 ${status} `)) {
      throw new MissingMessage(`${number} was not told ${status}`)
    }
    phone.respond(notify, 200)
  }

const ringC: Step = (stage) => c(stage).respond(c(stage).asked('INVITE'), 180)
const answerC: Step = (stage) => {
  c(stage).respond(c(stage).asked('INVITE'), 200, sdp(c(stage).endpoint))
}
const refuseC =
  (status: number): Step =>
  (stage) =>
    c(stage).respond(c(stage).asked('INVITE'), status)
const okBye =
  (number: string): Step =>
  (stage) =>
    stage.phone(number).respond(stage.phone(number).asked('BYE'), 200)
const byeA: Step = ({ a }) => a.request('BYE')
const endOfAC: Script = [byeA, okBye('103')]
const pass =
  (ms: number): Step =>
  (stage) =>
    stage.pass(ms)
/** After a take-over the telephones are asked whether they know the call. */
const okProbes: Step = ({ a, b }) => {
  for (const phone of [a, b]) if (phone.heard('OPTIONS')) phone.respond(phone.asked('OPTIONS'), 200)
}
/** It is told that it is heard again. */
const resumedOf =
  (number: string): Step =>
  (stage) => {
    const phone = stage.phone(number)
    const invite = phone.asked('INVITE')
    if (!invite.body.includes('a=sendrecv')) throw new MissingMessage(`${number} is not heard`)
    phone.respond(invite, 200, sdp(phone.endpoint, { version: 3 }))
  }
const resumedA = resumedOf('101')
const okCancel: Script = [
  (stage) => c(stage).respond(c(stage).asked('CANCEL'), 200),
  (stage) => c(stage).respond(c(stage).asked('INVITE'), 487),
]

const leaveB: Step = (stage) => asB(stage, 'BYE')
/** After a failed transfer it rings at 102 once more. */
const answeredBy =
  (status: number): Step =>
  ({ b }) => {
    const invite = b.asked('INVITE')
    if (header(invite, 'Alert-Info') !== '<urn:alert:service:recall:transfer>') {
      throw new MissingMessage('102 does not ring again')
    }
    b.respond(invite, status)
  }
const ringAgain = answeredBy(180)
const answerAgain: Step = ({ b }) => {
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { version: 2 }))
}
const endOfAB: Script = [byeA, okBye('102')]
const answeredAgain: Script = [ringAgain, answerAgain, pass(1_000), ...endOfAB]
/** 101 is released with the reason of the target. */
const releasedFor =
  (status: number): Step =>
  ({ a }) => {
    const bye = a.asked('BYE')
    if (header(bye, 'Reason') !== `SIP;cause=${status}`) throw new MissingMessage('another reason')
    a.respond(bye, 200)
  }
const okProbeA: Step = ({ a }) => {
  if (a.heard('OPTIONS')) a.respond(a.asked('OPTIONS'), 200)
}

/** 102 calls 103 beside its call with 101. */
const secondCall: Script = [
  (stage) => {
    swap(stage)
    stage.b.cseq = 0
    stage.b.call('103')
  },
]
const secondAnswered: Script = [
  ...secondCall,
  ringC,
  answerC,
  ({ b }) => {
    const ok = b.inbox.findLast(
      (message) =>
        message.kind === 'response' && message.status === 200 && message.callId === b.callId,
    )
    if (ok?.kind !== 'response') throw new MissingMessage('the second call is not answered')
    b.ack(ok)
  },
]

function replacesOf({ callId, remoteTag, localTag }: DialogState): string {
  return `${callId};to-tag=${remoteTag};from-tag=${localTag}`
}

/** In the first call: 101 shall talk to the other end of the second one. */
const referAttended: Script = [
  (stage) => {
    swap(stage)
    const other = kept.get(stage)
    if (other === undefined) throw new MissingMessage('no second call')
    const replaces = encodeURIComponent(replacesOf(other))
    const value = `Refer-To: <sip:103@${service}?Replaces=${replaces}>`
    asB(stage, 'REFER', { headers: [value] })
  },
]

/** 102 answers the BYEs of both of its calls. */
const okByes: Step = ({ b }) => {
  const byes = b.inbox.filter((one) => one.kind === 'request' && one.method === 'BYE')
  const seen = new Set<string>()
  for (const bye of byes) {
    if (bye.kind !== 'request' || seen.has(bye.callId)) continue
    seen.add(bye.callId)
    b.respond(bye, 200)
  }
  if (seen.size < 2) throw new MissingMessage('102 has not two BYEs')
}

const digit = { body: 'Signal=5\r\n', headers: ['Content-Type: application/dtmf-relay'] }

const begun: Script = [...talk, refer('103'), told(100)]

export const transferScripts: Readonly<Record<string, Script>> = {
  'blind, answered': [...begun, ringC, told(180), answerC, told(200), okBye('102'), ...endOfAC],
  'blind, of a call on hold': [
    ...talk,
    ...hold,
    refer('103'),
    told(100),
    ringC,
    told(180),
    answerC,
    told(200),
    okBye('102'),
    resumedA,
    ...endOfAC,
  ],
  'blind, by the caller': [
    ...talk,
    ({ a }) => a.request('REFER', { headers: [`Refer-To: <sip:103@${service}>`] }),
    told(100, '101'),
    ringC,
    told(180, '101'),
    answerC,
    told(200, '101'),
    okBye('101'),
    (stage) => asB(stage, 'BYE'),
    okBye('103'),
  ],
  'blind, the target is busy': [...begun, refuseC(486), told(486), pass(1_000), byeA, okBye('102')],
  'blind, nobody answers': [
    ...begun,
    ringC,
    told(180),
    pass(40_000),
    okProbes,
    pass(21_000),
    told(408),
    ...okCancel,
    byeA,
    okBye('102'),
  ],
  'blind, who transfers hangs up at once': [
    ...begun,
    (stage) => asB(stage, 'BYE'),
    ringC,
    answerC,
    ...endOfAC,
  ],
  'blind, who transfers has hung up and the target declines: it rings again there, and is answered':
    [...begun, leaveB, ringC, refuseC(603), ...answeredAgain],
  'blind, the target is nobody, and who transfers has hung up before he is told': [
    ...talk,
    refer('199'),
    leaveB,
    ...answeredAgain,
  ],
  'blind, of a call on hold: it rings again at who transfers': [
    ...talk,
    ...hold,
    refer('103'),
    told(100),
    leaveB,
    refuseC(486),
    ringAgain,
    answerAgain,
    resumedA,
    ...endOfAB,
  ],
  'blind, the target declines, and who transfers is busy': [
    ...begun,
    leaveB,
    refuseC(603),
    answeredBy(486),
    releasedFor(603),
  ],
  'blind, nobody answers, nor does who transfers when it rings again': [
    ...begun,
    leaveB,
    ringC,
    refuseC(480),
    ringAgain,
    pass(40_000),
    okProbeA,
    pass(21_000),
    ({ b }) => b.respond(b.asked('CANCEL'), 200),
    ({ b }) => b.respond(b.asked('INVITE'), 487),
    releasedFor(480),
  ],
  'blind, who stays hangs up while it rings again': [
    ...begun,
    leaveB,
    refuseC(603),
    ringAgain,
    byeA,
    ({ b }) => b.respond(b.asked('CANCEL'), 200),
    ({ b }) => b.respond(b.asked('INVITE'), 487),
  ],
  'blind, the other party hangs up while the target rings': [
    ...begun,
    ringC,
    told(180),
    byeA,
    okBye('102'),
    ...okCancel,
  ],
  'blind, nobody wants to be told': [
    ...talk,
    refer('103', ['Refer-Sub: false']),
    ringC,
    answerC,
    okBye('102'),
    ...endOfAC,
  ],
  'blind, to nobody': [...talk, refer('199'), told(404), byeA, okBye('102')],
  attended: [
    ...talk,
    ...hold,
    ...secondAnswered,
    ...referAttended,
    okByes,
    resumedA,
    ({ a }) => a.request('BYE'),
    okBye('103'),
  ],
  'attended, before the target answers, and while it has a digit to answer': [
    ...talk,
    ...secondCall,
    (stage) => c(stage).respond(c(stage).asked('INVITE'), 183, sdp(c(stage).endpoint)),
    ({ b }) => {
      b.remoteTag = b.told(183).to.parameters.get('tag') ?? ''
    },
    ({ b }) => b.request('INFO', digit),
    ...referAttended,
    ackRefusal,
    (stage) => c(stage).respond(c(stage).asked('INFO'), 200),
    answerC,
    okBye('102'),
    ({ a }) => a.request('INFO', digit),
    (stage) => c(stage).respond(c(stage).asked('INFO'), 200),
    ({ a }) => {
      const of = (one: SipMessage) => one.kind === 'response' && one.cseq.method === 'INFO'
      const last = a.inbox.findLast(of)
      if (last?.kind !== 'response' || last.status !== 200) throw new MissingMessage('no digit')
    },
    ...endOfAC,
  ],
  'attended, before the target answers': [
    ...talk,
    ...secondCall,
    ringC,
    ({ b }) => {
      b.remoteTag = b.told(180).to.parameters.get('tag') ?? ''
    },
    ...referAttended,
    ackRefusal,
    answerC,
    okBye('102'),
    ...endOfAC,
  ],
}

/** ACK of the 487 that the second call of 102 got. */
function ackRefusal(stage: Stage): void {
  const { b } = stage
  const other = kept.get(stage)
  const refusal = b.told(487)
  b.send(
    [
      `ACK sip:103@${service} SIP/2.0`,
      ...refusal.via.map(
        (via) =>
          `Via: SIP/2.0/UDP ${b.endpoint.address}:5060;rport;branch=${via.parameters.get('branch')}`,
      ),
      'Max-Forwards: 70',
      `From: <sip:102@${service}>;tag=${other?.localTag}`,
      `To: <sip:103@${service}>;tag=${refusal.to.parameters.get('tag')}`,
      `Call-ID: ${refusal.callId}`,
      `CSeq: ${refusal.cseq.number} ACK`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  )
}

/** 103 takes the call that rings at 102. */
const dial =
  (to: string, headers: string[] = []): Step =>
  (stage) =>
    c(stage).call(to, sdp(c(stage).endpoint), headers)
const byReplaces: Step = (stage) => {
  const { callId, from } = stage.b.asked('INVITE')
  const tag = from.parameters.get('tag')
  const value = `Replaces: ${callId};to-tag=${tag};from-tag=0;early-only`
  dial('102', [value, 'Require: replaces'])(stage)
}
const pickedUp: Script = [
  (stage) => c(stage).ack(c(stage).told(200)),
  ack,
  ({ b }) => {
    const cancel = b.asked('CANCEL')
    if (!header(cancel, 'Reason')?.includes('cause=200')) throw new MissingMessage('no Reason')
    b.respond(cancel, 200)
  },
  ({ b }) => b.respond(b.asked('INVITE'), 487),
  byeA,
  okBye('103'),
]

/** 101 transfers the call from 900 to 102, where it rings. */
const talkOutside: Script = [
  (stage) => stage.phone('900').call('101'),
  ({ a }) => a.respond(a.asked('INVITE'), 200, sdp(a.endpoint)),
  (stage) => stage.phone('900').ack(stage.phone('900').told(200)),
]
const byA =
  (method: string, more: { body?: string; headers?: string[] } = {}): Step =>
  ({ a }) => {
    if (a.cseq < 100) a.cseq = 100
    a.request(method, more)
  }
const referToB: Script = [byA('REFER', { headers: [`Refer-To: <sip:102@${service}>`] })]
const rungForTransfer: Script = [
  (stage) => c(stage).ack(c(stage).told(200)),
  ({ b }) => b.respond(b.asked('CANCEL'), 200),
  ({ b }) => b.respond(b.asked('INVITE'), 487),
]
const endOfOutside: Script = [
  pass(1_000),
  (stage) => c(stage).request('BYE'),
  (stage) => stage.phone('900').respond(stage.phone('900').asked('BYE'), 200),
]
const holdOutside: Script = [
  (stage) =>
    byA('INVITE', { body: sdp(stage.a.endpoint, { direction: 'sendonly', version: 2 }) })(stage),
  (stage) => {
    const phone = stage.phone('900')
    const body = sdp(phone.endpoint, { direction: 'recvonly', version: 2 })
    phone.respond(phone.asked('INVITE'), 200, body)
  },
  ({ a }) => a.ack(a.told(200)),
]

export const pickUpScripts: Readonly<Record<string, Script>> = {
  'by Replaces, early only': [call, ring, byReplaces, ...pickedUp],
  'by the digits of the group': [call, ring, dial('*8'), ...pickedUp],
  'by the digits and the number': [call, ring, dial('**102'), ...pickedUp],
  'by the digits of the group, what rings for a transfer': [
    ...talkOutside,
    ...referToB,
    told(100, '101'),
    ring,
    told(180, '101'),
    dial('*8'),
    told(200, '101'),
    okBye('101'),
    ...rungForTransfer,
    ...endOfOutside,
  ],
  'by Replaces, what rings for a transfer of who has left': [
    ...talkOutside,
    ...referToB,
    told(100, '101'),
    byA('BYE'),
    ring,
    byReplaces,
    ...rungForTransfer,
    ...endOfOutside,
  ],
  'by the digits and the number, what rings for a transfer of a call on hold': [
    ...talkOutside,
    ...holdOutside,
    ...referToB,
    told(100, '101'),
    ring,
    dial('**102'),
    told(200, '101'),
    okBye('101'),
    resumedOf('900'),
    ...rungForTransfer,
    resumedOf('103'),
    ...endOfOutside,
  ],
}
