//! Hold and retrieval by re-INVITE and by UPDATE, in every order, by either side and by both: in the end both
//! hear each other, whoever is primary by then.
import test from 'ava'
import { mediaOf } from '../../src/switching/xip/media.ts'
import type { Direction } from '../../src/tables/wired-media.ts'
import { conferenceStage, dialIn } from './conference-stage.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'

type Way = 'INVITE' | 'UPDATE'
type Side = 'a' | 'b'
const ways: readonly Way[] = ['INVITE', 'UPDATE']
const other = { a: 'b', b: 'a' } as const

/** Two telephones that talk, each with what it wants. */
class Talk {
  readonly stage = new Stage()
  readonly #wishes: Record<Side, Direction> = { a: 'sendrecv', b: 'sendrecv' }
  #version = 1

  constructor() {
    const { a, b } = this.stage
    a.call('102')
    b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
    a.ack(a.told(200))
    b.cseq = 100
    this.stage.transcript.length = 0
  }

  /** One side says what it wants; the other one answers what it is asked because of that, if it is. */
  says(who: Side, wish: Direction, way: Way): void {
    const near = this.stage[who]
    const far = this.stage[other[who]]
    this.#wishes[who] = wish
    for (const phone of [near, far]) phone.inbox.length = 0
    near.request(way, { body: this.#sdp(near, wish) })
    if (way === 'UPDATE') near.told(200)
    this.#answers(other[who], far)
    if (way === 'INVITE') near.ack(near.told(200))
  }

  #answers(who: Side, phone: Phone): void {
    if (!phone.heard('INVITE')) return
    const invite = phone.asked('INVITE')
    const offered = mediaOf(invite.body)?.direction ?? 'inactive'
    phone.respond(invite, 200, this.#sdp(phone, answerOf(offered, this.#wishes[who])))
  }

  #sdp({ endpoint }: Phone, direction: Direction): string {
    this.#version += 1
    return sdp(endpoint, { direction, version: this.#version })
  }

  get state(): string {
    return [...this.stage.tables.wiredConference.values()][0]?.state ?? 'none'
  }

  /** What the switch has said last to a terminal, and what it does on its leg. */
  leg(who: Side): { said: string | undefined; does: string | undefined; tone: string | null } {
    const [session] = this.stage.tables.wiredConference.values()
    const member = session?.members.find(({ side }) => side === (who === 'a' ? 'caller' : 'callee'))
    const media = this.stage.tables.wiredMedia.get(member?.mediaId ?? '')
    return {
      said: mediaOf(member?.dialog.localSdp ?? '')?.direction,
      does: media?.direction,
      tone: media?.tone?.name ?? null,
    }
  }
}

/** RFC 3264 6.1, of a terminal that wants that. */
function answerOf(offered: Direction, wish: Direction): Direction {
  const sends = offered !== 'sendonly' && offered !== 'inactive' && wish !== 'inactive'
  const hears = offered !== 'recvonly' && offered !== 'inactive' && wish === 'sendrecv'
  if (sends) return hears ? 'sendrecv' : 'sendonly'
  return hears ? 'recvonly' : 'inactive'
}

const open = { said: 'sendrecv', does: 'sendrecv', tone: null }

test('held by re-INVITE, retrieved by UPDATE: answered at once, and the other one is told', (t) => {
  const talk = new Talk()
  const { stage } = talk
  talk.says('a', 'sendonly', 'INVITE')
  talk.says('a', 'sendrecv', 'UPDATE')
  t.is(mediaOf(stage.a.told(200).body)?.direction, 'sendrecv')
  t.is(mediaOf(stage.b.asked('INVITE').body)?.direction, 'sendrecv')
  t.deepEqual(stage.transcript, [
    ...['102 < INVITE', '102 < ACK', '101 < 200 INVITE'],
    ...['101 < 200 UPDATE', '102 < INVITE', '102 < ACK'],
  ])
})

test('held by UPDATE, the other one is not asked: what he hears is ours', (t) => {
  const talk = new Talk()
  talk.says('a', 'sendonly', 'UPDATE')
  t.false(talk.stage.b.heard('INVITE'))
  t.is(talk.leg('b').tone, 'hold')
  talk.says('a', 'sendrecv', 'UPDATE')
  t.false(talk.stage.b.heard('INVITE'))
  t.deepEqual([talk.leg('a'), talk.leg('b')], [open, open])
})

const nobody = () => {}
const takesOver = (stage: Stage) => stage.takeOver()
const deaths: readonly [string, (stage: Stage) => void, (stage: Stage) => void][] = [
  ['', nobody, nobody],
  [', a take-over in between', takesOver, nobody],
  [', a take-over before the end', nobody, takesOver],
]

for (const hold of ways) {
  for (const retrieval of ways) {
    for (const [how, held, retrieved] of deaths) {
      test(`held by ${hold}, retrieved by ${retrieval}${how}: both hear each other`, (t) => {
        for (const who of ['a', 'b'] as const) {
          for (const wish of ['sendonly', 'inactive'] as const) {
            const talk = new Talk()
            talk.says(who, wish, hold)
            t.is(talk.state, 'hold')
            t.is(talk.leg(other[who]).tone, 'hold')
            held(talk.stage)
            talk.says(who, 'sendrecv', retrieval)
            retrieved(talk.stage)
            t.is(talk.state, 'communicating', `${who} ${wish}`)
            t.deepEqual([talk.leg('a'), talk.leg('b')], [open, open], `${who} ${wish}`)
          }
        }
      })
    }
  }
}

for (const [how, held, retrieved] of deaths) {
  test(`held by both${how}: who retrieves hears the hold tone until the other one does`, (t) => {
    for (const [first, second, third, fourth] of orders()) {
      for (const wish of ['sendonly', 'inactive'] as const) {
        const order = `${first} ${second} ${third} ${fourth} ${wish}`
        const talk = new Talk()
        talk.says('a', wish, first)
        talk.says('b', wish, second)
        for (const { does } of [talk.leg('a'), talk.leg('b')]) {
          t.true(does === 'inactive' || does === 'recvonly', `nothing is sent: ${order}`)
        }
        held(talk.stage)
        talk.says('a', 'sendrecv', third)
        t.is(talk.state, 'hold', order)
        t.deepEqual(talk.leg('a'), { said: 'sendonly', does: 'sendonly', tone: 'hold' }, order)
        t.is(talk.leg('b').tone, null, order)
        retrieved(talk.stage)
        talk.says('b', 'sendrecv', fourth)
        t.is(talk.state, 'communicating', order)
        t.deepEqual([talk.leg('a'), talk.leg('b')], [open, open], order)
      }
    }
  })
}

function orders(): [Way, Way, Way, Way][] {
  return ways.flatMap((first) =>
    ways.flatMap((second) =>
      ways.flatMap((third) =>
        ways.map((fourth): [Way, Way, Way, Way] => [first, second, third, fourth]),
      ),
    ),
  )
}

test('a retrieval that meets a re-INVITE of the other one is told him when that is settled', (t) => {
  const talk = new Talk()
  const { stage } = talk
  talk.says('a', 'sendonly', 'INVITE')
  // A refresh of the held one: answered here, and its ACK is under way.
  stage.b.inbox.length = 0
  stage.b.reinvite(sdp(stage.b.endpoint, { direction: 'recvonly', version: 40 }))
  const answer = stage.b.told(200)
  stage.a.request('UPDATE', { body: sdp(stage.a.endpoint, { version: 41 }) })
  t.is(mediaOf(stage.a.told(200).body)?.direction, 'sendrecv')
  t.false(stage.b.heard('INVITE'))
  stage.takeOver()
  stage.b.ack(answer)
  const offer = stage.b.asked('INVITE')
  t.is(mediaOf(offer.body)?.direction, 'sendrecv')
  stage.b.respond(offer, 200, sdp(stage.b.endpoint, { version: 42 }))
  t.deepEqual([talk.leg('a'), talk.leg('b')], [open, open])
})

test('in a conference of two a hold by UPDATE is no hold of the other one, as one by re-INVITE', (t) => {
  for (const way of ways) {
    const stage = conferenceStage()
    for (const number of ['241', '242']) dialIn(stage, number, '700')
    const one = stage.phone('241')
    one.inbox.length = 0
    one.request(way, { body: sdp(one.endpoint, { direction: 'sendonly', version: 2 }) })
    if (way === 'INVITE') one.ack(one.told(200))
    else one.told(200)
    const tones = [...stage.tables.wiredMedia.values()].map(({ tone }) => tone?.name ?? null)
    t.false(tones.includes('hold'), way)
  }
})
