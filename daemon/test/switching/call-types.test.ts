//! Instantaneous access, monitoring and priority: rights, resources, and what is refused.
import test from 'ava'
import { mediaOf } from '../../src/switching/xip/media.ts'
import { header } from '../../src/wire/sip/message.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

const ia = ['Subject: IA call', 'Priority: urgent', 'WG67-Version: phone.01']
const monitoring = ['Subject: monitoring', 'Priority: non-urgent', 'WG67-Version: phone.01']

function answer(phone: Phone, direction = 'sendrecv'): void {
  phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint, { direction }))
}

function talking(): Stage {
  const stage = new Stage()
  stage.a.call('102')
  answer(stage.b)
  stage.a.ack(stage.a.told(200))
  stage.b.inbox.length = 0
  return stage
}

test('an instantaneous access call reaches a position that talks, and one more finds it busy', (t) => {
  const stage = talking()
  const caller = stage.phone('103')
  caller.call('102', sdp(caller.endpoint, { direction: 'sendonly' }), ia)
  const invite = stage.b.asked('INVITE')
  t.is(header(invite, 'Subject'), 'IA call')
  t.is(header(invite, 'Priority'), 'urgent')
  answer(stage.b, 'recvonly')
  t.true(caller.heard(200))
  const other = stage.phone('900')
  other.call('102', sdp(other.endpoint, { direction: 'sendonly' }), ia)
  t.true(other.heard(486))
  t.is(stage.core.liveSessions, 2)
})

test('a telephone is told to answer what no hand is to answer, once and in no other call', (t) => {
  for (const [headers, answered] of [
    [ia, 'Auto'],
    [monitoring, 'Auto'],
    [[], undefined],
  ] as const) {
    const stage = new Stage()
    changeProfile(stage, '101', { rights: { monitor: true } })
    changeProfile(stage, '102', { rights: { beMonitored: true } })
    stage.a.call('102', sdp(stage.a.endpoint, { direction: 'recvonly' }), [...headers])
    const invite = stage.b.asked('INVITE')
    t.is(header(invite, 'Answer-Mode'), answered)
    t.is(/answer-after=0/.test(header(invite, 'Call-Info') ?? ''), answered !== undefined)
    const alert = /info=alert-autoanswer/.test(header(invite, 'Alert-Info') ?? '')
    t.is(alert, answered !== undefined)
  }
  const stage = new Stage()
  stage.a.call('102', sdp(stage.a.endpoint, { direction: 'sendonly' }), ia)
  answer(stage.b, 'recvonly')
  stage.a.ack(stage.a.told(200))
  stage.b.inbox.length = 0
  stage.a.request('INVITE', { body: sdp(stage.a.endpoint, { direction: 'sendrecv' }) })
  t.is(header(stage.b.asked('INVITE'), 'Answer-Mode'), undefined)
})

test('what a caller says himself of answering at once is passed on to nobody', (t) => {
  const stage = new Stage()
  stage.a.call('102', undefined, [
    'Answer-Mode: Auto',
    'Call-Info: <sip:x>;answer-after=0',
    'Alert-Info: <http://x>;info=alert-autoanswer',
  ])
  const invite = stage.b.asked('INVITE')
  for (const name of ['Answer-Mode', 'Call-Info', 'Alert-Info']) {
    t.is(header(invite, name), undefined)
  }
})

for (const direction of ['sendonly', 'sendrecv']) {
  test(`instantaneous access is half or full duplex as the caller offers it: ${direction}`, (t) => {
    const stage = talking()
    const caller = stage.phone('103')
    const theirs = direction === 'sendonly' ? 'recvonly' : 'sendrecv'
    caller.call('102', sdp(caller.endpoint, { direction }), ia)
    t.is(saidIn(stage.b.asked('INVITE')), direction)
    answer(stage.b, theirs)
    t.is(saidIn(caller.told(200)), theirs)
    caller.ack(caller.told(200))
    const legs = [...stage.tables.wiredMedia.values()].slice(-2).map((leg) => leg.direction)
    t.deepEqual(
      legs.sort(),
      direction === 'sendonly' ? ['recvonly', 'sendonly'] : [direction, direction],
    )
    if (direction === 'sendrecv') return
    // He presses his key, too: his side of the talk opens (sheet 5.4).
    stage.takeOver()
    stage.b.cseq = 100
    stage.b.reinvite(sdp(stage.b.endpoint, { version: 2 }))
    t.is(saidIn(caller.asked('INVITE')), 'sendrecv')
    caller.respond(caller.asked('INVITE'), 200, sdp(caller.endpoint, { version: 2 }))
    t.is(saidIn(stage.b.told(200)), 'sendrecv')
  })
}

test('a new instantaneous access call of the same caller takes the place of the old one', (t) => {
  const stage = new Stage()
  stage.a.call('102', sdp(stage.a.endpoint, { direction: 'sendonly' }), ia)
  answer(stage.b, 'recvonly')
  stage.a.ack(stage.a.told(200))
  stage.b.inbox.length = 0
  // The next CSeq makes it another call.
  stage.a.call('102', sdp(stage.a.endpoint, { direction: 'sendonly' }), ia)
  t.true(stage.b.heard('BYE') && stage.b.heard('INVITE'))
  t.is(stage.core.liveSessions, 1)
})

test('an instantaneous access call does not make the line busy for a telephone call', (t) => {
  const stage = new Stage()
  stage.a.call('102', sdp(stage.a.endpoint, { direction: 'sendonly' }), ia)
  answer(stage.b, 'recvonly')
  stage.a.ack(stage.a.told(200))
  stage.b.inbox.length = 0
  stage.phone('103').call('102')
  t.true(stage.b.heard('INVITE'))
})

test('a key of an ordinary telephone opens the speaker of a position, and so does its hot line', (t) => {
  for (const isHotline of [false, true]) {
    const stage = talking()
    const caller = stage.phone('103')
    if (isHotline) changeProfile(stage, '103', { line: { hotline: '*34102' } })
    caller.call(isHotline ? '104' : '*34102')
    const invite = stage.b.asked('INVITE')
    t.is(header(invite, 'Subject'), 'IA call')
    t.is(header(invite, 'Priority'), 'urgent')
    t.is(header(invite, 'Answer-Mode'), 'Auto')
    answer(stage.b)
    t.true(caller.heard(200))
    const other = stage.phone('900')
    other.call('*34102')
    t.true(other.heard(486), 'it is taken')
    stage.takeOver()
    caller.ack(caller.told(200))
    caller.request('BYE')
    t.true(stage.b.heard('BYE'))
  }
})

test('instantaneous access that is switched off for an account is busy', (t) => {
  const stage = new Stage()
  changeProfile(stage, '102', { line: { instantAccess: 0 } })
  stage.a.call('102', undefined, ia)
  t.true(stage.a.heard(486))
})

for (const subject of ['monitoring', 'G/G monitoring', 'A/G monitoring']) {
  test(`${subject} needs the right of who listens and of who is heard`, (t) => {
    const headers = [`Subject: ${subject}`, 'Priority: non-urgent', 'WG67-Version: phone.01']
    for (const [monitor, beMonitored, status] of [
      [false, true, 403],
      [true, false, 403],
      [true, true, 200],
    ] as const) {
      const stage = new Stage()
      changeProfile(stage, '101', { rights: { monitor } })
      changeProfile(stage, '102', { rights: { beMonitored } })
      stage.a.call('102', sdp(stage.a.endpoint, { direction: 'recvonly' }), headers)
      if (status === 200) answer(stage.b, 'sendonly')
      t.true(stage.a.heard(status), `${monitor} ${beMonitored}`)
      t.is(stage.b.heard('INVITE'), status === 200)
    }
  })
}

/** What the switch says to the two terminals, and what its media unit does with them. */
function ways(stage: Stage): Record<string, unknown> {
  const legs = [...stage.tables.wiredMedia.values()].sort((a, b) =>
    a.mediaId < b.mediaId ? -1 : 1,
  )
  return { directions: legs.map(({ direction }) => direction), muted: legs[0]?.muted }
}

function saidIn({ body }: { body: string }): string | undefined {
  return mediaOf(body)?.direction
}

for (const subject of ['monitoring', 'G/G monitoring', 'A/G monitoring']) {
  test(`${subject}: who listens is not heard, whatever he and the other one say`, (t) => {
    const headers = [`Subject: ${subject}`, 'Priority: non-urgent']
    const { endpoint } = new Stage().a
    const offers = [sdp(endpoint), sdp(endpoint, { direction: 'recvonly' }), '']
    for (const offer of offers) {
      for (const theirs of ['sendonly', 'sendrecv']) {
        const stage = new Stage()
        changeProfile(stage, '101', { rights: { monitor: true } })
        changeProfile(stage, '102', { rights: { beMonitored: true } })
        stage.a.call('102', offer, headers)
        t.is(saidIn(stage.b.asked('INVITE')), 'recvonly')
        answer(stage.b, theirs)
        t.is(saidIn(stage.a.told(200)), 'sendonly')
        stage.a.ack(stage.a.told(200), offer === '' ? sdp(stage.a.endpoint) : '')
        t.deepEqual(ways(stage), { directions: ['sendonly', 'recvonly'], muted: true })
      }
    }
  })
}

test('who listens does not come to be heard by a change of the call, on neither node', (t) => {
  for (const takesOver of [false, true]) {
    const stage = new Stage()
    changeProfile(stage, '101', { rights: { monitor: true } })
    changeProfile(stage, '102', { rights: { beMonitored: true } })
    stage.a.call('102', sdp(stage.a.endpoint, { direction: 'recvonly' }), monitoring)
    answer(stage.b, 'sendonly')
    stage.a.ack(stage.a.told(200))
    if (takesOver) stage.takeOver()
    stage.b.inbox.length = 0
    for (const body of [sdp(stage.a.endpoint, { version: 2 }), '']) {
      stage.a.inbox.length = 0
      stage.a.reinvite(body)
      t.is(saidIn(stage.a.told(200)), 'sendonly')
      stage.a.ack(stage.a.told(200), body === '' ? sdp(stage.a.endpoint, { version: 3 }) : '')
    }
    stage.a.request('UPDATE', { body: sdp(stage.a.endpoint, { version: 4 }) })
    t.false(stage.b.heard('INVITE'), 'who is heard is not told')
    stage.b.cseq = 100
    stage.b.reinvite(sdp(stage.b.endpoint, { version: 2 }))
    t.is(saidIn(stage.b.told(200)), 'recvonly')
    t.deepEqual(ways(stage), { directions: ['sendonly', 'recvonly'], muted: true })
    const [{ sessionId } = { sessionId: '' }] = stage.tables.wiredConference.values()
    t.is(stage.order(sessionId, { kind: 'add', user: '103' }), 'operation-failed')
    t.false(stage.phone('103').heard('INVITE'), 'it does not become a conference')
  }
})

test('monitoring hears a position that talks, and holds nothing', (t) => {
  const stage = talking()
  const listener = stage.phone('103')
  changeProfile(stage, '103', { rights: { monitor: true } })
  changeProfile(stage, '102', { rights: { beMonitored: true } })
  listener.call('102', sdp(listener.endpoint, { direction: 'recvonly' }), monitoring)
  answer(stage.b, 'sendonly')
  t.true(listener.heard(200))
  t.deepEqual(
    [...stage.tables.wiredConference.values()].map(({ state }) => state),
    ['communicating', 'communicating'],
  )
})

test('a call is no more urgent than its account may make it', (t) => {
  for (const [ceiling, wanted, got] of [
    ['normal', 'emergency', 'normal'],
    ['urgent', 'emergency', 'urgent'],
    ['emergency', 'emergency', 'emergency'],
    ['normal', 'non-urgent', 'non-urgent'],
  ] as const) {
    const stage = new Stage()
    changeProfile(stage, '101', { rights: { priorityMax: ceiling } })
    stage.a.call('102', undefined, ['Subject: DA/IDA call', `Priority: ${wanted}`])
    t.is(header(stage.b.asked('INVITE'), 'Priority'), got)
  }
})

test('codes make a call urgent, as far as the account may', (t) => {
  for (const [digits, ceiling, got] of [
    ['*39102', 'emergency', 'emergency'],
    ['*36102', 'emergency', 'urgent'],
    ['*39102', 'normal', 'normal'],
    ['*39*36102', 'emergency', 'urgent'],
  ] as const) {
    const stage = new Stage()
    changeProfile(stage, '101', { rights: { priorityMax: ceiling } })
    stage.a.call(digits)
    t.is(header(stage.b.asked('INVITE'), 'Priority'), got, digits)
  }
})
