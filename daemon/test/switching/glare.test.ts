//! Glare: a re-INVITE of ours that meets one of the terminal's (RFC 3261 14.1), and two who call each other at
//! the same time (ED-137 sheet 5.3); each with a take-over.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import type { SipRequest } from '../../src/wire/sip/message.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

/** A call that is refreshed by us soon; `late` by so much it is refreshed again. */
function talking(): Stage {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  a.ack(a.told(200))
  return stage
}

function reinvites(phone: Phone): SipRequest[] {
  const requests = phone.inbox.flatMap((one) => (one.kind === 'request' ? [one] : []))
  const own = requests.filter(({ method, to }) => method === 'INVITE' && to.parameters.has('tag'))
  return own.filter(
    ({ cseq }, at) => own.findIndex((one) => one.cseq.number === cseq.number) === at,
  )
}

/** Until we refresh the call; both terminals get a re-INVITE, of which `who` refuses its own with 491. */
function refreshed(who: 'a' | 'b'): { stage: Stage; phone: Phone; atMs: number } {
  const stage = talking()
  const phone = stage[who]
  const other = who === 'a' ? stage.b : stage.a
  while (reinvites(phone).length === 0 || reinvites(other).length === 0) stage.pass(1_000)
  other.respond(reinvites(other)[0] ?? other.asked('INVITE'), 200, sdp(other.endpoint))
  phone.respond(reinvites(phone)[0] ?? phone.asked('INVITE'), 491)
  return { stage, phone, atMs: stage.now.monotonicMs }
}

/** Milliseconds until the next re-INVITE comes. */
function waited(stage: Stage, phone: Phone, count: number): number {
  for (let ms = 0; ms <= 5_000; ms += 10) {
    if (reinvites(phone).length > count) return ms
    stage.pass(10)
  }
  return Number.POSITIVE_INFINITY
}

for (const [who, least, most] of [
  ['b', 2_100, 4_000],
  ['a', 0, 2_000],
] as const) {
  const owner = who === 'b' ? 'we own' : 'the terminal owns'
  for (const takesOver of [false, true]) {
    const how = takesOver ? ', the other node too' : ''
    test(`a re-INVITE that met another one comes again when ${owner} the Call-ID${how}`, (t) => {
      const { stage, phone } = refreshed(who)
      if (takesOver) stage.takeOver()
      const ms = waited(stage, phone, 1)
      t.true(ms >= least && ms <= most + 10, String(ms))
      phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint))
      t.true(phone.heard('ACK'))
      t.is(waited(stage, phone, 2), Number.POSITIVE_INFINITY)
      t.is(stage.core.liveSessions, 1)
    })
  }
}

test('who refuses with 491 for ever is not asked for ever', (t) => {
  const { stage, phone } = refreshed('b')
  for (let count = 1; count <= limits.glareTriesMax; count += 1) {
    t.true(waited(stage, phone, count) <= 4_010, String(count))
    phone.respond(phone.asked('INVITE'), 491)
  }
  t.is(waited(stage, phone, limits.glareTriesMax + 1), Number.POSITIVE_INFINITY)
  t.is(stage.core.liveSessions, 1)
})

test('a re-INVITE that is passed on and meets another one: the one who asked asks again', (t) => {
  const stage = talking()
  const { a, b } = stage
  a.reinvite(sdp(a.endpoint, { direction: 'sendonly', version: 2 }))
  b.cseq = 100
  b.reinvite(sdp(b.endpoint, { direction: 'sendonly', version: 2 }))
  t.true(b.heard(491), 'ours is open there')
  b.respond(reinvites(b)[0] ?? b.asked('INVITE'), 491)
  t.true(a.heard(491))
  t.is(waited(stage, b, 1), Number.POSITIVE_INFINITY)
})

for (const takeOverAfter of [-1, 0, 1, 2, 3, 4]) {
  for (const calls of [1, 2]) {
    const name = `two who call each other are connected (${calls} calls, take-over ${takeOverAfter})`
    test(name, (t) => {
      const stage = new Stage()
      const { a, b } = stage
      changeProfile(stage, '101', { line: { calls } })
      changeProfile(stage, '102', { line: { calls } })
      const invited: SipRequest[] = []
      const steps: (() => void)[] = [
        () => a.call('102'),
        () => {
          invited.push(b.asked('INVITE'))
          b.call('101')
        },
        () => a.ack(a.told(200)),
        () => b.ack(b.told(200)),
        () => {
          const [invite] = invited
          if (invite === undefined) return
          const { callId, localTag, remoteTag, target, cseq } = b
          b.respond(invite, 180)
          stage.pass(600)
          b.respond(b.asked('CANCEL'), 200)
          b.respond(invite, 487)
          Object.assign(b, { callId, localTag, remoteTag, target, cseq })
        },
      ]
      for (const [index, step] of steps.entries()) {
        step()
        if (index === takeOverAfter) stage.takeOver()
      }
      t.is(stage.core.liveSessions, 1)
      t.false(a.heard('INVITE'))
      t.is(stage.tables.wiredMedia.size, 2)
      a.request('BYE')
      b.respond(b.asked('BYE'), 200)
      stage.pass(limits.releasedLingerMs + 40_000)
      t.is(stage.tables.wiredConference.size, 0)
      t.is(stage.tables.conferenceResource.size, 0)
    })
  }
}

test('of two who call each other the higher priority stays', (t) => {
  const stage = new Stage()
  for (const number of ['101', '102']) {
    changeProfile(stage, number, { rights: { priorityMax: 'emergency' } })
  }
  stage.a.call('102')
  stage.b.call('101', undefined, ['Priority: emergency'])
  const [session] = stage.tables.wiredConference.values()
  t.is(session?.priority, 'emergency')
  t.is(stage.core.liveSessions, 1)
})
