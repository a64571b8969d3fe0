//! Queueing of calls for a busy line, hot lines, and what a take-over leaves of both.
import { createHash } from 'node:crypto'
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { mediaOf } from '../../src/switching/xip/media.ts'
import type { Profile } from '../../src/tables/profile.ts'
import { header } from '../../src/wire/sip/message.ts'
import type { Script, Step } from './core-calls.ts'
import { type Phone, Stage, sdp, service } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

const callers = ['105', '106', '107', '108', '109', '110']

function siteWith(line: Partial<Profile['line']>, lastPort?: number): Stage {
  const stage = new Stage(lastPort === undefined ? {} : { lastPort })
  for (const number of callers) stage.addPhone(number, 'position')
  changeProfile(stage, '102', { line })
  return stage
}

const talk: Script = [
  ({ a }) => a.call('102'),
  ({ b }) => b.respond(b.asked('INVITE'), 200, sdp(b.endpoint)),
  ({ a }) => a.ack(a.told(200)),
]

function waitFor(stage: Stage, number: string, headers: string[] = []): Phone {
  const phone = stage.phone(number)
  stage.pass(10)
  phone.call('102', undefined, headers)
  return phone
}

/** The call of 101 ends; 102 says 200 to the BYE. */
const free: Script = [({ a }) => a.request('BYE'), ({ b }) => b.respond(b.asked('BYE'), 200)]

function callersOfInvites({ inbox }: Phone): (string | null)[] {
  return inbox.flatMap((one) =>
    one.kind === 'request' && one.method === 'INVITE' ? [one.from.uri.user] : [],
  )
}

test('five calls wait for a busy position, the sixth finds it busy', (t) => {
  const stage = siteWith({ calls: 1, waiting: 5 })
  for (const step of talk) step(stage)
  for (const number of callers) waitFor(stage, number)
  for (const number of callers.slice(0, 5)) t.true(stage.phone(number).heard(182), number)
  t.true(stage.phone('110').heard(486))
  t.false(stage.phone('110').heard(182))
  t.deepEqual(callersOfInvites(stage.b), ['101'])
})

test('when the line is free the most urgent call rings, then the oldest', (t) => {
  const stage = siteWith({ calls: 1, waiting: 5 })
  for (const step of talk) step(stage)
  waitFor(stage, '105')
  waitFor(stage, '106')
  waitFor(stage, '107', ['Subject: DA/IDA call', 'Priority: emergency'])
  for (const step of free) step(stage)
  t.deepEqual(callersOfInvites(stage.b), ['101', '107'])
  stage.b.respond(stage.b.asked('INVITE'), 486)
  t.deepEqual(callersOfInvites(stage.b), ['101', '107', '105'])
  stage.phone('105').request('CANCEL', { cseq: stage.phone('105').cseq })
  t.deepEqual(callersOfInvites(stage.b), ['101', '107', '105', '106'])
})

test('a new call does not overtake those that wait', (t) => {
  const stage = siteWith({ calls: 2, waiting: 5 })
  for (const step of talk) step(stage)
  waitFor(stage, '105')
  waitFor(stage, '106')
  changeProfile(stage, '102', { line: { calls: 3, waiting: 5 } })
  waitFor(stage, '107')
  t.true(stage.phone('107').heard(182))
})

const toneOf = (stage: Stage, { endpoint }: Phone) =>
  [...stage.tables.wiredMedia.values()].find(
    ({ terminalAddress }) => terminalAddress === endpoint.address,
  )?.tone?.name

for (const takesOver of [false, true]) {
  const how = takesOver ? ', also of the other node' : ''
  test(`who waits hears the queue tone, then that it rings, then who answers${how}`, (t) => {
    const stage = siteWith({ calls: 1, waiting: 5 })
    for (const step of talk) step(stage)
    const waiting = waitFor(stage, '105')
    const { body } = waiting.told(182)
    t.is(mediaOf(body)?.direction, 'sendrecv')
    t.is(toneOf(stage, waiting), 'queue')
    if (takesOver) stage.takeOver()
    const before = [...stage.tables.wiredMedia.values()].find(({ tone }) => tone?.name === 'queue')
    for (const step of free) step(stage)
    t.is(toneOf(stage, waiting), 'ringback')
    stage.b.respond(stage.b.asked('INVITE'), 180)
    if (takesOver) stage.takeOver()
    stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
    t.is(waiting.told(200).body, body, 'it is described as before')
    waiting.ack(waiting.told(200))
    const after = stage.tables.wiredMedia.get(before?.mediaId ?? '')
    t.like(after, { ssrc: before?.ssrc, tick0: before?.tick0, tone: null })
    waiting.request('BYE')
    stage.b.respond(stage.b.asked('BYE'), 200)
    stage.pass(80_000)
    t.is(stage.tables.wiredMedia.size + stage.tables.conferenceResource.size, 0)
  })
}

test('who waits may change his media before anybody has answered: by UPDATE, and in a PRACK', (t) => {
  const stage = siteWith({ calls: 1, waiting: 5 })
  for (const step of talk) step(stage)
  for (const number of ['105', '106']) {
    const phone = stage.phone(number)
    phone.call('102', sdp(phone.endpoint), ['Supported: 100rel'])
    const waits = phone.told(182)
    phone.remoteTag = waits.to.parameters.get('tag') ?? ''
    const body = sdp(phone.endpoint, { direction: 'recvonly', version: 2 })
    const rack = `RAck: ${header(waits, 'RSeq')} ${waits.cseq.number} INVITE`
    const byUpdate = number === '105'
    phone.request('PRACK', { body: byUpdate ? '' : body, headers: [rack] })
    if (byUpdate) phone.request('UPDATE', { body })
    const { cseq, body: said } = phone.told(200)
    t.is(cseq.method, byUpdate ? 'UPDATE' : 'PRACK')
    t.is(mediaOf(said)?.direction, 'sendonly')
    t.is(toneOf(stage, phone), 'queue', 'the tone goes on')
  }
})

test('who talks on the line hears once that somebody waits, and again of the next one', (t) => {
  const stage = siteWith({ calls: 1, waiting: 5 })
  for (const step of talk) step(stage)
  const tone = () =>
    [...stage.tables.wiredMedia.values()].find(
      ({ terminalAddress }) => terminalAddress === stage.b.endpoint.address,
    )?.tone
  t.is(tone() ?? null, null)
  waitFor(stage, '105')
  const first = tone()
  t.like(first, { name: 'call-waiting', times: 1, replaces: false })
  t.is(toneOf(stage, stage.a) ?? null, null)
  stage.takeOver()
  t.deepEqual(tone(), first)
  stage.pass(1_000)
  waitFor(stage, '106')
  t.true((tone()?.fromTick ?? 0) > (first?.fromTick ?? 0))
})

test('who knows ED-137, makes no offer, or presses in, hears no queue tone', (t) => {
  for (const headers of [['WG67-Version: phone.01'], []]) {
    const stage = siteWith({ calls: 1, waiting: 5 })
    for (const step of talk) step(stage)
    const phone = stage.phone('105')
    phone.call('102', headers.length === 0 ? '' : sdp(phone.endpoint), headers)
    t.is(phone.told(182).body, '')
    t.is(toneOf(stage, phone), undefined)
  }
})

test('a caller who gives up leaves the queue, and nothing of him stays', (t) => {
  const stage = siteWith({ calls: 1, waiting: 5 })
  for (const step of talk) step(stage)
  const waiting = waitFor(stage, '105')
  waiting.request('CANCEL', { cseq: waiting.cseq })
  t.true(waiting.heard(487))
  for (const step of free) step(stage)
  t.deepEqual(callersOfInvites(stage.b), ['101'])
  stage.pass(80_000)
  t.is(stage.tables.conferenceResource.size, 0)
  t.is(stage.tables.wiredConference.size, 0)
})

test('a call waits for a bounded time', (t) => {
  const stage = siteWith({ calls: 1, waiting: 5 })
  for (const step of talk) step(stage)
  const waiting = waitFor(stage, '105')
  stage.pass(limits.queueMsMax - 1_000)
  t.false(waiting.heard(486))
  stage.pass(2_000)
  t.true(waiting.heard(486))
})

const ackQueued: Step = (stage) => stage.phone('105').ack(stage.phone('105').told(200))
const script: Script = [
  ...talk,
  (stage) => waitFor(stage, '105'),
  (stage) => stage.pass(5_000),
  ...free,
  ({ b }) => b.respond(b.asked('INVITE'), 180),
  ({ b }) => b.respond(b.asked('INVITE'), 200, sdp(b.endpoint)),
  ackQueued,
  (stage) => stage.phone('105').request('BYE'),
  ({ b }) => b.respond(b.asked('BYE'), 200),
]

function play(takeOverAfter: number): Stage {
  const stage = siteWith({ calls: 1, waiting: 5 })
  for (const [index, step] of script.entries()) {
    step(stage)
    if (index === takeOverAfter) stage.takeOver()
  }
  return stage
}

test('a queued call keeps its place over a take-over at any step, and ends as without', (t) => {
  const plain = play(-1)
  t.is(plain.records.length, 2)
  for (let step = 0; step < script.length; step += 1) {
    const stage = play(step)
    t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
    t.is(stage.core.liveSessions, 0)
    stage.pass(80_000)
    t.is(stage.tables.conferenceResource.size, 0, `step ${step}`)
    t.is(stage.tables.wiredConference.size, 0, `step ${step}`)
  }
})

test('the queue gives up at its time although the other node has begun to wait', (t) => {
  const stage = siteWith({ calls: 1, waiting: 5 })
  for (const step of talk) step(stage)
  const waiting = waitFor(stage, '105')
  stage.pass(limits.queueMsMax / 2)
  stage.takeOver()
  stage.pass(limits.queueMsMax / 2 - 1_000)
  t.false(waiting.heard(486))
  stage.pass(2_000)
  t.true(waiting.heard(486))
})

test('a line that became free in the moment of the take-over rings for who waits', (t) => {
  const stage = siteWith({ calls: 1, waiting: 5 })
  for (const step of talk) step(stage)
  waitFor(stage, '105')
  stage.isMute = true
  for (const step of free.slice(0, 1)) step(stage)
  for (const session of [...stage.tables.wiredConference.values()]) {
    if (session.queued === null) continue
    const { members } = session
    stage.tables.wiredConference.put({
      ...session,
      queued: { ...session.queued, calledAtMs: null },
      members: members.slice(0, 1),
    })
  }
  stage.takeOver()
  stage.isMute = false
  stage.pass(2_000)
  t.true(callersOfInvites(stage.b).includes('105'))
})

for (const name of ['registers again', 'registers again at the other node']) {
  test(`a telephone that was away when its line became free rings for who waits: ${name}`, (t) => {
    const stage = siteWith({ calls: 1, waiting: 5 })
    for (const step of talk) step(stage)
    const waiting = waitFor(stage, '105')
    register(stage.b, stage, 0)
    for (const step of free) step(stage)
    stage.pass(5_000)
    t.deepEqual(callersOfInvites(stage.b), ['101'])
    if (name.endsWith('node')) stage.takeOver()
    register(stage.b, stage, 3_600)
    t.deepEqual(callersOfInvites(stage.b), ['101', '105'])
    stage.b.respond(stage.b.asked('INVITE'), 180)
    t.true(waiting.heard(180))
  })
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex')

/** REGISTER with the password of the account. */
function register(phone: Phone, { tables }: Stage, expires: number): void {
  const { number } = phone
  const entry = tables.phoneBook.get(number)
  if (entry === undefined) throw new Error(`no account ${number}`)
  const ha1 = md5(`${number}:vccs.test:secret`)
  tables.phoneBook.put({ ...entry, ha1Md5: ha1 })
  const uri = `sip:${service}`
  const dialog = { callId: phone.callId, remoteTag: phone.remoteTag, localTag: phone.localTag }
  const { remoteUser, target } = phone
  Object.assign(phone, { callId: 'registration', remoteTag: '', remoteUser: number, target: uri })
  const wish = [`Expires: ${expires}`]
  phone.request('REGISTER', { headers: wish })
  const challenge = header(phone.told(401), 'WWW-Authenticate') ?? ''
  const nonce = /nonce="([^"]*)"/.exec(challenge)?.[1] ?? ''
  const digest = md5(`${ha1}:${nonce}:00000001:abc:auth:${md5(`REGISTER:${uri}`)}`)
  const authorization =
    `Authorization: Digest username="${number}", realm="vccs.test", nonce="${nonce}", uri="${uri}", ` +
    `qop=auth, nc=00000001, cnonce="abc", algorithm=MD5, response="${digest}"`
  phone.request('REGISTER', { headers: [...wish, authorization] })
  Object.assign(phone, { ...dialog, remoteUser, target })
}

test('without a free port a line that is free is rung a moment later', (t) => {
  // Three ports: a call of two, and who waits.
  const stage = siteWith({ calls: 1, waiting: 5 }, 20_005)
  for (const step of talk) step(stage)
  waitFor(stage, '105')
  register(stage.b, stage, 0)
  for (const step of free) step(stage)
  const [one, other] = [stage.phone('106'), stage.phone('103')]
  one.call('103')
  other.respond(other.asked('INVITE'), 200, sdp(other.endpoint))
  one.ack(one.told(200))
  register(stage.b, stage, 3_600)
  stage.takeOver()
  stage.pass(2 * limits.queueRetryMs)
  t.deepEqual(callersOfInvites(stage.b), ['101'])
  one.request('BYE')
  stage.pass(limits.queueRetryMs + 100)
  t.deepEqual(callersOfInvites(stage.b), ['101', '105'])
})

test('every call of a hot line goes to its number, whatever was dialled', (t) => {
  const stage = siteWith({})
  changeProfile(stage, '105', { line: { hotline: '102' } })
  for (const dialled of ['103', '777', '*72103', '102']) {
    stage.phone('105').call(dialled)
    t.is(stage.b.asked('INVITE').from.uri.user, '105', dialled)
    stage.b.respond(stage.b.asked('INVITE'), 603)
    stage.b.inbox.length = 0
  }
  t.false(stage.phone('103').heard('INVITE'))
})

test('the number of a hot line may be that of a service', (t) => {
  for (const dialled of ['103', '102', '*39102']) {
    const stage = siteWith({})
    changeProfile(stage, '105', { line: { hotline: '*39102' } })
    stage.phone('105').call(dialled)
    t.is(header(stage.b.asked('INVITE'), 'Priority'), 'emergency', dialled)
    t.false(stage.phone('103').heard('INVITE'))
  }
})
