//! Call transfer (呼叫转接, S1.27), Replaces and pick-up: each of their states survives a take-over.
import test, { type ExecutionContext } from 'ava'
import { header } from '../../src/wire/sip/message.ts'
import { playWithLoss, type Script } from './core-calls.ts'
import { Stage, sdp, service } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'
import {
  answer,
  call,
  pickUpScripts,
  refer,
  ring,
  talk,
  transferScripts,
} from './transfer-calls.ts'

function group(stage: Stage, numbers: readonly string[]): Stage {
  for (const number of numbers) {
    changeProfile(stage, number, { line: { calls: 2, pickupGroup: 'tower' } })
  }
  return stage
}

function newStage(direct = false): Stage {
  return group(new Stage({ direct }), ['102', '103'])
}

function play(script: Script, takeOverAfter: number, direct = false): Stage {
  const stage = newStage(direct)
  for (const [index, step] of script.entries()) {
    step(stage)
    if (index === takeOverAfter) stage.takeOver()
  }
  return stage
}

/** What the telephones got, but for the question whether they know the call. */
function told({ transcript }: Stage): string[] {
  return transcript.filter((line) => !line.endsWith('OPTIONS')).sort()
}

function assertClean(t: ExecutionContext, stage: Stage, when: string): void {
  t.is(stage.core.liveSessions, 0, when)
  t.is(stage.tables.conferenceResource.size, 0, when)
  stage.pass(70_000)
  t.is(stage.tables.wiredMedia.size, 0, when)
  t.is(stage.tables.wiredConference.size, 0, when)
}

for (const [name, script] of Object.entries({ ...transferScripts, ...pickUpScripts })) {
  test(`${name}: the same end after a take-over at any step`, (t) => {
    const plain = play(script, -1)
    for (const direct of [false, true]) {
      for (let step = 0; step < script.length; step += 1) {
        const stage = play(script, step, direct)
        const when = `${direct ? 'direct, ' : ''}step ${step}`
        t.deepEqual(told(stage), told(plain), when)
        assertClean(t, stage, when)
      }
    }
    assertClean(t, plain, 'plain')
  })
}

const impatient = Object.entries({ ...transferScripts, ...pickUpScripts }).filter(
  ([name]) => !name.includes('nobody answers'),
)
for (const [name, script] of impatient) {
  test(`${name}: the same end when the node dies before its messages leave`, (t) => {
    const plain = play(script, -1)
    for (let step = 0; step < script.length; step += 1) {
      const stage = playWithLoss(newStage(), script, step)
      t.deepEqual(told(stage), told(plain), `step ${step}`)
      assertClean(t, stage, `step ${step}`)
    }
  })
}

test('blind: who stays hears nothing, and the target knows who has sent it', (t) => {
  const stage = newStage()
  for (const step of talk) step(stage)
  const c = stage.phone('103')
  const legs = () => [...stage.tables.wiredMedia.values()]
  const before = legs().find((leg) => leg.mediaId.endsWith('-a'))
  stage.transcript.length = 0
  refer('103', ['Referred-By: "Two" <sip:102@vccs.test>;x=y'])(stage)
  const invite = c.asked('INVITE')
  t.is(invite.from.uri.user, '101', 'the target sees who will talk to it')
  t.is(header(invite, 'Referred-By'), '"Two" <sip:102@vccs.test>')
  t.is(stage.b.told(202).contact === '*', false)
  t.is(header(stage.b.asked('NOTIFY'), 'Event'), 'refer;id=101')
  stage.b.respond(stage.b.asked('NOTIFY'), 200)
  c.respond(invite, 200, sdp(c.endpoint))
  t.deepEqual(stage.transcript, [
    '102 < 202 REFER',
    '103 < INVITE',
    '102 < NOTIFY',
    '103 < ACK',
    '102 < NOTIFY',
    '102 < BYE',
  ])
  t.is(stage.b.asked('NOTIFY').body, 'SIP/2.0 200 OK\r\n')
  t.is(header(stage.b.asked('NOTIFY'), 'Subscription-State'), 'terminated;reason=noresource')
  const after = legs().find((leg) => leg.mediaId.endsWith('-a'))
  t.deepEqual(after, before, 'its stream goes on as it was')
  t.is(legs().find((leg) => leg.mediaId.endsWith('-c'))?.conferenceId, before?.conferenceId)
  t.is(stage.core.liveSessions, 1)
})

test('attended: the voice of the target changes its bridge, and its stream goes on', (t) => {
  const stage = newStage()
  const script = transferScripts.attended ?? []
  const legs = () => [...stage.tables.wiredMedia.values()]
  // All but the REFER and what follows.
  for (const step of script.slice(0, -5)) step(stage)
  const before = legs().find(({ terminalAddress }) => terminalAddress === '10.0.1.03')
  const kept = legs().find(({ terminalAddress }) => terminalAddress === '10.0.1.01')
  stage.pass(100)
  script.at(-5)?.(stage)
  const after = legs().find(({ mediaId }) => mediaId === before?.mediaId)
  t.not(before?.conferenceId, kept?.conferenceId)
  t.is(after?.conferenceId, kept?.conferenceId)
  const { ssrc, seq0, ts0, tick0, localPort } = before ?? {}
  t.like(after, { ssrc, seq0, ts0, tick0, localPort })
  t.true((after?.controlTick ?? 0) > (before?.controlTick ?? 0))
  const invites = stage
    .phone('103')
    .inbox.filter((one) => one.kind === 'request' && one.method === 'INVITE')
  t.is(invites.length, 1, 'the target hears nothing of it')
})

test('a take-over between the two records of an attended transfer leaves the target in one call', (t) => {
  const stage = newStage()
  const script = transferScripts.attended ?? []
  for (const step of script.slice(0, -5)) step(stage)
  const former = [...stage.tables.wiredConference.values()]
  script.at(-5)?.(stage)
  // The record of the second call had not come.
  const moved = [...stage.tables.wiredConference.values()]
    .flatMap(({ members }) => members)
    .find(({ movedFrom }) => movedFrom !== null)
  const old = former.find(({ sessionId }) => sessionId === moved?.movedFrom)
  if (moved === undefined || old === undefined) throw new Error('nothing has moved')
  stage.tables.wiredConference.put(old)
  stage.takeOver()
  stage.pass(100)
  const holders = [...stage.tables.wiredConference.values()].filter(({ members }) =>
    members.some(({ dialog }) => dialog.callId === moved.dialog.callId),
  )
  t.is(holders.length, 1)
  t.is(stage.core.liveSessions, 1)
  for (const step of script.slice(-4)) step(stage)
  assertClean(t, stage, 'the end')
})

/** 102 has transferred 101 to 103 and hung up. */
function leftBehind(stage: Stage, target = '103'): Stage {
  for (const step of [...talk, refer(target)]) step(stage)
  stage.b.inbox.length = 0
  stage.b.request('BYE')
  stage.transcript.length = 0
  return stage
}

test('recall: who transfers has left, and has the call again when the target refuses', (t) => {
  const stage = leftBehind(newStage())
  // What he has set is for the calls of others.
  changeProfile(stage, '102', { settings: { doNotDisturb: true } })
  const { a, b } = stage
  const legs = () => [...stage.tables.wiredMedia.values()]
  const heard = () => legs().find(({ mediaId }) => mediaId.endsWith('-a'))?.tone?.name
  t.is(heard(), 'ringback', 'who stays hears that it rings')
  const c = stage.phone('103')
  c.respond(c.asked('INVITE'), 486)
  const invite = b.asked('INVITE')
  t.is(invite.from.uri.user, '101')
  t.is(header(invite, 'Alert-Info'), '<urn:alert:service:recall:transfer>')
  t.is(header(invite, 'Referred-By'), undefined)
  t.is(heard(), 'ringback')
  b.respond(invite, 200, sdp(b.endpoint))
  t.deepEqual(stage.transcript, ['103 < ACK', '102 < INVITE', '102 < ACK'], '101 hears nothing')
  t.is(legs().filter(({ endTick }) => endTick === null).length, 2)
  t.true(legs().every(({ tone }) => tone === null))
  refer('199')(stage)
  t.is(b.asked('NOTIFY').body, 'SIP/2.0 404 Not Found\r\n', 'and may transfer it again')
  a.request('BYE')
  b.respond(b.asked('BYE'), 200)
  t.deepEqual(stage.records.at(-1)?.services, ['transfer', 'recall'])
})

test('recall: who is not there, or talks to somebody else, does not ring; the party is told why', (t) => {
  for (const [how, leave] of Object.entries({
    gone: (stage: Stage) => stage.tables.user.delete('102'),
    busy: (stage: Stage) => {
      for (const number of ['900', '105']) {
        stage.addPhone(number, 'telephone')
        stage.phone(number).call('102')
        stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
      }
    },
  })) {
    const stage = leftBehind(newStage())
    leave(stage)
    const c = stage.phone('103')
    stage.b.inbox.length = 0
    c.respond(c.asked('INVITE'), 603)
    t.false(stage.b.heard('INVITE'), how)
    t.is(header(stage.a.asked('BYE'), 'Reason'), 'SIP;cause=603', how)
  }
})

test('recall: it rings as long as any call, also when the primary dies meanwhile', (t) => {
  const stage = leftBehind(newStage())
  const { a, b } = stage
  const c = stage.phone('103')
  stage.pass(30_000)
  c.respond(c.asked('INVITE'), 486)
  stage.pass(30_000)
  stage.takeOver()
  stage.pass(29_000)
  t.true(b.heard('INVITE'))
  t.false(b.heard('CANCEL') || a.heard('BYE'))
  stage.pass(2_000)
  t.is(header(a.asked('BYE'), 'Reason'), 'SIP;cause=486')
})

test('recall: a take-over after the BYE, before it rings again', (t) => {
  const stage = newStage()
  for (const step of [...talk, refer('199')]) step(stage)
  stage.b.inbox.length = 0
  stage.isMute = true
  stage.b.request('BYE')
  const { wiredConference } = stage.tables
  const [ringing] = [...wiredConference.values()]
  if (ringing === undefined) throw new Error('no call')
  // The record that came last was not replicated.
  const members = ringing.members.filter(({ leg }) => leg === 'a' || leg === 'b')
  const transfer = ringing.transfer && { ...ringing.transfer, target: null, returnsTo: '102' }
  wiredConference.put({ ...ringing, members, transfer })
  stage.takeOver()
  stage.isMute = false
  stage.pass(100)
  t.true(stage.b.heard('INVITE'))
})

test('a call to a number that is forwarded is transferred to where it would ring', (t) => {
  const stage = newStage()
  for (const step of talk) step(stage)
  stage.addPhone('105', 'telephone')
  changeProfile(stage, '103', { forward: { always: '105' } })
  refer('103')(stage)
  t.false(stage.phone('103').heard('INVITE'))
  t.true(stage.phone('105').heard('INVITE'))
})

const refusals: readonly [string, number, (stage: Stage) => void][] = [
  ['nothing to refer to', 400, ({ b }) => b.request('REFER', { cseq: 101 })],
  [
    'a REFER for another method',
    400,
    ({ b }) =>
      b.request('REFER', { cseq: 101, headers: [`Refer-To: <sip:103@${service};method=BYE>`] }),
  ],
  [
    'Replaces that cannot be read',
    400,
    ({ b }) =>
      b.request('REFER', { cseq: 101, headers: [`Refer-To: <sip:103@${service}?Replaces=%zz>`] }),
  ],
  [
    'a telephone number of another system',
    416,
    ({ b }) => b.request('REFER', { cseq: 101, headers: ['Refer-To: <tel:+4912345>'] }),
  ],
  ...['other.system', '10.10.0.7', `${service}.other`].map(
    (host): [string, number, (stage: Stage) => void] => [
      `a number of this site at ${host}`,
      403,
      (stage) => {
        stage.b.request('REFER', { cseq: 101, headers: [`Refer-To: <sip:103@${host}>`] })
        if (stage.phone('103').heard('INVITE')) throw new Error('it rings')
      },
    ],
  ),
  [
    'a second one while the first is under way',
    491,
    (stage) => {
      refer('103')(stage)
      stage.b.request('REFER', { headers: [`Refer-To: <sip:103@${service}>`] })
    },
  ],
]
for (const [name, status, act] of refusals) {
  test(`${name} is refused ${status}, and the call goes on`, (t) => {
    const stage = newStage()
    for (const step of talk) step(stage)
    act(stage)
    t.true(stage.b.heard(status))
    t.false(stage.a.heard('BYE'))
    t.is(stage.core.liveSessions, 1)
  })
}

test('only a DA/IDA call is transferred (ED-137 sheet 5.8)', (t) => {
  const stage = newStage()
  const { a, b } = stage
  for (const number of ['101', '102']) {
    changeProfile(stage, number, { rights: { priorityMax: 'urgent' } })
  }
  a.call('102', sdp(a.endpoint), ['Subject: IA call', 'Priority: urgent'])
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  a.ack(a.told(200))
  a.request('REFER', { headers: [`Refer-To: <sip:103@${service}>`] })
  t.true(a.heard(400))
})

test('nobody ends the calls of others by a REFER or an INVITE with Replaces', (t) => {
  const stage = newStage()
  for (const step of talk) step(stage)
  const { b } = stage
  const c = stage.phone('103')
  const replaces = `${b.callId};to-tag=${b.remoteTag};from-tag=${b.localTag}`
  c.call('102', sdp(c.endpoint), [`Replaces: ${replaces}`])
  t.true(c.heard(403))
  stage.addPhone('105', 'telephone')
  const d = stage.phone('105')
  c.call('105')
  d.respond(d.asked('INVITE'), 200, sdp(d.endpoint))
  c.ack(c.told(200))
  const escaped = encodeURIComponent(replaces)
  c.request('REFER', { headers: [`Refer-To: <sip:102@${service}?Replaces=${escaped}>`] })
  t.is(c.asked('NOTIFY').body, 'SIP/2.0 403 Forbidden\r\n')
  t.is(stage.core.liveSessions, 2)
})

test('one goes on with his own call at another telephone', (t) => {
  const stage = newStage()
  for (const step of talk) step(stage)
  const { a, b } = stage
  const replaces = `${b.callId};to-tag=${b.remoteTag};from-tag=${b.localTag}`
  const early = `${replaces};early-only`
  stage.addPhone('105', 'telephone')
  const other = stage.phone('105')
  // The same account from another place: it shows its password, or is registered there.
  const user = stage.tables.user.get('102')
  if (user === undefined) throw new Error('no user')
  stage.tables.user.put({ ...user, ...other.endpoint })
  Object.assign(other, { number: '102' })
  other.call('101', sdp(other.endpoint), [`Replaces: ${early}`])
  t.true(other.heard(486), 'the dialog is confirmed')
  other.inbox.length = 0
  other.callId = ''
  stage.transcript.length = 0
  other.cseq = 40
  other.call('101', sdp(other.endpoint), [`Replaces: ${replaces}`])
  other.ack(other.told(200))
  t.true(b.heard('BYE'))
  t.false(
    stage.transcript.some((line) => line.startsWith('101')),
    '101 hears nothing',
  )
  a.request('BYE')
  t.true(other.heard('BYE'))
})

test('who is in no group, and who is in another one, picks nothing up', (t) => {
  const stage = group(new Stage(), ['102'])
  call(stage)
  ring(stage)
  const c = stage.phone('103')
  for (const number of ['**102', '*8']) c.call(number)
  t.true(c.heard(403))
  t.true(c.heard(480))
  const { callId, from } = stage.b.asked('INVITE')
  const tag = from.parameters.get('tag')
  c.call('102', sdp(c.endpoint), [`Replaces: ${callId};to-tag=${tag};from-tag=0;early-only`])
  answer(stage)
  t.true(stage.a.heard(200), 'the call is answered by whom it was for')
})

test('who wants to be told nothing of his transfer is told at once when there is no target', (t) => {
  const stage = newStage()
  for (const step of [...talk, refer('199', ['Refer-Sub: false'])]) step(stage)
  const { a, b } = stage
  t.is(header(b.told(603), 'Reason'), 'SIP;cause=404')
  t.false(b.heard(202) || b.heard('NOTIFY'))
  refer('103', ['Refer-Sub: false'])(stage)
  t.true(b.heard(202), 'he may ask again')
  t.false(a.heard('BYE'))
  const c = stage.phone('103')
  c.respond(c.asked('INVITE'), 200, sdp(c.endpoint))
  t.true(b.heard('BYE'))
})

test('nobody picks up a call in which he takes part', (t) => {
  const stage = newStage()
  const c = stage.phone('103')
  c.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 180)
  c.inbox.length = 0
  for (const number of ['*8', '**102']) {
    c.call(number)
    t.true(c.heard(480), number)
    c.inbox.length = 0
  }
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  const talking = newStage()
  const { a, b } = talking
  changeProfile(talking, '900', { line: { pickupGroup: 'tower' } })
  a.call('103')
  const other = talking.phone('103')
  other.respond(other.asked('INVITE'), 200, sdp(other.endpoint))
  a.ack(a.told(200))
  a.request('REFER', { headers: [`Refer-To: <sip:102@${service}>`] })
  b.respond(b.asked('INVITE'), 180)
  other.call('*8')
  t.true(other.heard(480), 'who is to be transferred')
  talking.phone('900').call('*8')
  t.true(talking.phone('900').heard(200), 'somebody else')
  t.true(a.heard('BYE'))
})

test('a dialog that does not exist, one that is over, and nonsense', (t) => {
  const stage = newStage()
  for (const step of talk) step(stage)
  const { a, b } = stage
  const c = stage.phone('103')
  const ask = (value: string, more: string[] = []) => {
    c.inbox.length = 0
    c.callId = ''
    c.branch += 1
    c.call('102', sdp(c.endpoint), [`Replaces: ${value}`, ...more])
    return c.inbox.findLast((one) => one.kind === 'response' && one.status >= 200)
  }
  t.like(ask('nobody;to-tag=1;from-tag=2'), { status: 481 })
  t.like(ask('nobody;to-tag=1'), { status: 400 })
  t.like(ask('nobody;to-tag=1;from-tag=2', ['Join: x;to-tag=1;from-tag=2']), { status: 400 })
  const own = `${b.callId};to-tag=${b.remoteTag};from-tag=${b.localTag}`
  a.request('BYE')
  b.respond(b.asked('BYE'), 200)
  t.like(ask(own), { status: 603 })
})

test('a pick-up without an offer is answered with ours', (t) => {
  const stage = newStage()
  call(stage)
  ring(stage)
  const c = stage.phone('103')
  c.call('**102', '')
  const ours = c.told(200)
  t.regex(ours.body, /m=audio/)
  c.ack(ours, sdp(c.endpoint))
  stage.a.ack(stage.a.told(200))
  t.is(stage.tables.wiredMedia.size, 2)
})
