//! What the standby heard in the last moments of its primary: answered once, by one node, at once.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { HeardMessages } from '../../src/switching/heard.ts'
import type { SipMessage } from '../../src/wire/sip/message.ts'
import { nameAddressText, viaText } from '../../src/wire/sip/write.ts'
import { attempt, type Step, scripts, whims } from './core-calls.ts'
import { Stage, sdp, service } from './core-stage.ts'

/** Less than timer A of a telephone: what is there then did not wait for a repetition. */
const soonMs = limits.heardSettleMs + 10

/** The primary dies, the step happens, and the standby serves 400 ms later. Nobody repeats anything. */
function dieBefore(stage: Stage, step: Step): void {
  stage.die()
  step(stage)
  stage.pass(400)
  stage.takeOver()
  stage.pass(soonMs)
}

const talking: Step[] = [
  ({ a }) => a.call('102'),
  ({ b }) => b.respond(b.asked('INVITE'), 180),
  ({ b }) => b.respond(b.asked('INVITE'), 200, sdp(b.endpoint)),
  ({ a }) => a.ack(a.told(200)),
]

test('an INVITE into the silence reaches the callee without being repeated', (t) => {
  const stage = new Stage()
  dieBefore(stage, ({ a }) => a.call('102'))
  t.true(stage.a.heard(100))
  t.true(stage.b.heard('INVITE'))
  t.is(stage.core.counters().late, 1)
})

test('every step of every call may fall into the silence: the same end, nobody repeats', (t) => {
  for (const [name, script] of Object.entries(scripts)) {
    // An INFO is left to its repetition.
    if (name.includes('INFO')) continue
    const plain = new Stage()
    for (const step of script) step(plain)
    for (let silent = 0; silent < script.length; silent += 1) {
      const stage = new Stage()
      for (const [index, step] of script.entries()) {
        if (index === silent) dieBefore(stage, step)
        else step(stage)
      }
      t.deepEqual(stage.transcript.toSorted(), plain.transcript.toSorted(), `${name}: ${silent}`)
      t.is(stage.core.liveSessions, 0, `${name}: ${silent}`)
      stage.pass(40_000)
      t.is(stage.tables.conferenceResource.size, 0, `${name}: ${silent}`)
    }
  }
})

test('a quiet call is not touched: a take-over answers nothing that was answered', (t) => {
  const stage = new Stage()
  for (const step of talking) step(stage)
  const { sent } = stage
  stage.takeOver()
  stage.pass(soonMs)
  t.is(stage.sent, sent)
  // The ACK of a moment ago is heard again, and nobody waits for an answer to it.
  t.is(stage.core.counters().late, 0)
})

test('what came well before the last sign of life is not answered again', (t) => {
  const stage = new Stage()
  const { a } = stage
  a.request('OPTIONS')
  stage.pass(limits.heardMarginMs + 1)
  const { sent } = stage
  stage.takeOver()
  stage.pass(soonMs)
  t.is(stage.sent, sent)
})

test('an INVITE that was given up meanwhile rings nowhere', (t) => {
  const stage = new Stage()
  stage.die()
  stage.a.call('102')
  stage.a.request('CANCEL', { cseq: stage.a.cseq })
  stage.pass(400)
  stage.takeOver()
  stage.pass(1_000)
  t.false(stage.b.heard('INVITE'))
})

test('a request that the terminal has gone on from is old', (t) => {
  const stage = new Stage()
  for (const step of talking) step(stage)
  stage.die()
  stage.a.reinvite(sdp(stage.a.endpoint, { direction: 'sendonly', version: 2 }))
  stage.a.request('BYE')
  stage.takeOver()
  stage.pass(soonMs)
  t.is(stage.b.inbox.filter((one) => one.kind === 'request' && one.method === 'INVITE').length, 1)
  t.true(stage.b.heard('BYE'))
})

test('a repetition that comes while it waits, and one after, are absorbed', (t) => {
  const stage = new Stage()
  stage.die()
  stage.a.call('102')
  stage.takeOver()
  stage.a.repeat()
  stage.pass(soonMs)
  stage.a.repeat()
  stage.pass(10)
  const invites = stage.b.inbox.filter((one) => one.kind === 'request' && one.method === 'INVITE')
  t.is(invites.length, 1)
  t.is(stage.core.counters().late, 0)
})

test('it remembers no more than its bounds, the newest first', (t) => {
  const heard = new HeardMessages()
  const source = { address: '10.0.1.1', port: 5060 }
  const options = (count: number) =>
    [
      'OPTIONS sip:10.0.0.9 SIP/2.0',
      `Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bK${count}`,
      'Max-Forwards: 70',
      'From: <sip:1@10.0.1.1>;tag=1',
      'To: <sip:10.0.0.9>',
      `Call-ID: c${count}`,
      'CSeq: 1 OPTIONS',
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n')
  const bytesOf = (text: string) => new TextEncoder().encode(text)
  for (let count = 0; count < limits.heardMax + 50; count += 1) {
    heard.keep(bytesOf(options(count)), source, 1_000)
  }
  heard.keep(new Uint8Array(limits.sipMessageBytesMax + 1), source, 1_000)
  heard.begin(null, 1_000)
  const kept = heard.take(2_000).map(({ message }) => message.callId)
  t.is(kept.length, limits.heardMax)
  t.is(kept[0], 'c50')
  heard.keep(bytesOf(options(1)), source, 1_000)
  heard.keep(bytesOf(options(2)), source, 1_001 + limits.heardMs)
  heard.begin(null, 1_001 + limits.heardMs)
  t.deepEqual(
    heard.take(10_000).map(({ message }) => message.callId),
    ['c2'],
  )
})

/** Final statuses that a telephone was told, by transaction; without 481, which a telephone gets that
 * speaks in a dialog that is not there yet. */
function finals(stage: Stage): Map<string, Set<number>> {
  const told = new Map<string, Set<number>>()
  for (const phone of stage.phones.values()) {
    for (const message of phone.inbox) {
      if (message.kind !== 'response' || message.status < 200) continue
      if (message.status === 481) continue
      const branch = message.via[0]?.parameters.get('branch')
      const { number, method } = message.cseq
      const key = `${phone.number} ${branch} ${number} ${method}`
      told.set(key, (told.get(key) ?? new Set()).add(message.status))
    }
  }
  return told
}

const whim = fc.integer({ min: 0, max: whims.length - 1 }).map((index) => whims[index] as Step)
const story = fc.record({
  name: fc.constantFrom(...Object.keys(scripts)),
  whims: fc.array(fc.tuple(fc.nat(20), whim), { maxLength: 6 }),
  diesBefore: fc.nat(24),
  silentSteps: fc.integer({ min: 0, max: 4 }),
  silentMs: fc.integer({ min: 0, max: 700 }),
})

interface Death {
  readonly diesBefore: number
  readonly silentSteps: number
  readonly silentMs: number
}

/** A telephone says ACK to every refusal at once (RFC 3261 17.1.1.3): it is how a node that only
 * listens knows of one. */
function acknowledgeRefusals(stage: Stage, done: Set<SipMessage>): void {
  for (const phone of stage.phones.values()) {
    for (const message of phone.inbox) {
      if (message.kind !== 'response' || message.status < 300 || done.has(message)) continue
      done.add(message)
      if (message.cseq.method !== 'INVITE') continue
      const [via] = message.via
      const lines = [
        `ACK sip:${service} SIP/2.0`,
        `Via: ${via === undefined ? '' : viaText(via)}`,
        'Max-Forwards: 70',
        `From: ${nameAddressText(message.from)}`,
        `To: ${nameAddressText(message.to)}`,
        `Call-ID: ${message.callId}`,
        `CSeq: ${message.cseq.number} ACK`,
        'Content-Length: 0',
      ]
      phone.send(`${lines.join('\r\n')}\r\n\r\n`)
    }
  }
}

function tell(steps: readonly Step[], death: Death | null): Stage {
  const stage = new Stage()
  const acknowledged = new Set<SipMessage>()
  for (const [index, step] of steps.entries()) {
    if (index === death?.diesBefore) stage.die()
    if (death !== null && index === death.diesBefore + death.silentSteps) {
      stage.pass(death.silentMs)
      stage.takeOver()
      stage.pass(soonMs)
    }
    attempt(() => step(stage))
    acknowledgeRefusals(stage, acknowledged)
  }
  return stage
}

/** Told two things: by a primary that lives, a telephone that asks the same again a minute later. */
const contradicted = (stage: Stage) =>
  [...finals(stage)].flatMap(([key, statuses]) => (statuses.size > 1 ? [key] : []))

test('no transaction ever gets two different final answers, whenever the primary dies', (t) => {
  const property = fc.property(story, ({ name, whims: thrown, ...death }) => {
    const steps = [...(scripts[name] ?? [])]
    for (const [at, step] of thrown) steps.splice(Math.min(at, steps.length), 0, step)
    fc.pre(contradicted(tell(steps, null)).length === 0)
    return contradicted(tell(steps, death)).length === 0
  })
  t.notThrows(() => fc.assert(property, { numRuns: Number(process.env.CHAOS_RUNS ?? 200) }))
})
