//! The parts of the pair: address rule, links, boots, proof of life, pair clock, safety.
import test from 'ava'
import fc from 'fast-check'
import { compareAddresses } from '../../src/pair/address-order.ts'
import { judgeArrival, newBoots } from '../../src/pair/boots.ts'
import { nothingKept, readKept, writeKept } from '../../src/pair/kept-state.ts'
import { hearLink, linkState, newLink } from '../../src/pair/links.ts'
import { countBetween } from '../../src/pair/log-pace.ts'
import {
  addExchange,
  follow,
  hold,
  newPairClock,
  type PairClock,
} from '../../src/pair/pair-clock.ts'
import { isProven, noProof, prove } from '../../src/pair/proof-of-life.ts'
import { type SafetyView, switchoverSafety } from '../../src/pair/safety.ts'

test('S1.72: of 192.168.1.200 and 192.168.1.201 the second becomes primary', (t) => {
  t.true(compareAddresses('192.168.1.200', '192.168.1.201') < 0)
  t.true(compareAddresses('192.168.1.201', '192.168.1.200') > 0)
})

test('S1.69: the comparison is of characters, so that .9 is larger than .10', (t) => {
  t.true(compareAddresses('192.168.1.9', '192.168.1.10') > 0)
  t.true(compareAddresses('10.0.0.1', '9.0.0.1') < 0)
})

test('S1.70: a string that ends first is the smaller', (t) => {
  t.true(compareAddresses('192.168.1.1', '192.168.1.10') < 0)
})

test('S1.71: equal addresses break the invariant, and two nodes always come to opposite results', (t) => {
  t.throws(() => compareAddresses('10.0.0.1', '10.0.0.1'))
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), (a, b) => {
      if (a === b) return
      t.is(Math.sign(compareAddresses(a, b)), -Math.sign(compareAddresses(b, a)))
      t.is(compareAddresses(a, b) > 0, a > b)
    }),
  )
})

test('a link is unknown, up, then down, and what it lost is counted by sequence', (t) => {
  const at = (now: number) => ({ now, startedAt: 0, silentMsMax: 500 })
  let link = newLink('net-a')
  t.is(linkState(link, at(499)), 'unknown')
  t.is(linkState(link, at(500)), 'down')
  link = hearLink(link, { sequence: 3, links: 3, silentMsMax: 500, now: 600 })
  t.is(linkState(link, at(1_099)), 'up')
  t.is(linkState(link, at(1_100)), 'down')
  link = hearLink(link, { sequence: 6, links: 3, silentMsMax: 500, now: 700 })
  t.is(link.lost, 0, 'one number a link and period')
  link = hearLink(link, { sequence: 15, links: 3, silentMsMax: 500, now: 1_000 })
  t.is(link.lost, 2)
})

test('a datagram is fresh once; a boot that was replaced never comes back', (t) => {
  const first = '000000000000000a'
  const second = '000000000000000b'
  let boots = newBoots(2, nothingKept)
  const hear = (bootId: string, link: number, sequence: number) => {
    const judged = judgeArrival(boots, { bootId, link, sequence, answers: 0 }, false)
    boots = judged.boots
    return judged.arrival
  }
  t.is(hear(first, 0, 1), 'new-boot')
  t.is(hear(first, 1, 2), 'fresh')
  t.is(hear(first, 0, 4), 'fresh')
  t.is(hear(first, 1, 3), 'overtaken', 'late on another link: no news, but the link lives')
  t.is(hear(first, 1, 3), 'replayed')
  t.is(hear(first, 0, 4), 'replayed')
  t.is(hear(first, 7, 9), 'replayed', 'a link that does not exist')
  t.is(hear(second, 0, 1), 'new-boot')
  t.is(hear(first, 0, 100), 'replayed')
  t.is(hear(second, 0, 2), 'fresh')
})

test('beside a boot that is heard, another one counts when it answers a newer send of ours', (t) => {
  const [old, real, unknown] = ['a', 'b', 'c'].map((digit) => digit.padStart(16, '0'))
  let boots = newBoots(1, nothingKept)
  const hear = (bootId = '', sequence: number, answers: number, isHeard = true) => {
    const judged = judgeArrival(boots, { bootId, link: 0, sequence, answers }, isHeard)
    boots = judged.boots
    return judged.arrival
  }
  t.is(hear(old, 1, 3, false), 'new-boot')
  t.is(hear(unknown, 1, 0), 'doubtful', 'a recording answers nothing')
  t.is(hear(unknown, 2, 3), 'doubtful', 'or nothing that was not answered before')
  t.is(hear(real, 1, 4), 'new-boot')
  t.is(hear(old, 9, 4), 'replayed')
  t.is(hear(unknown, 3, 0, false), 'new-boot', 'while nobody is heard it has to be believed')
  t.is(hear(real, 2, 0), 'replayed')
  t.is(hear(real, 3, 5), 'new-boot', 'a living boot shows that it was ended wrongly')
  t.is(hear(unknown, 4, 5, false), 'replayed')
})

test('a node that restarts still knows the boots that ended, and goes on with the present one', (t) => {
  const kept = {
    ...nothingKept,
    term: 7,
    currentBoot: '000000000000000b',
    endedBoots: ['000000000000000a'],
  }
  const read = readKept(writeKept(kept))
  t.deepEqual(read, kept)
  const boots = newBoots(1, read ?? nothingKept)
  const arrival = (bootId: string) =>
    judgeArrival(boots, { bootId, link: 0, sequence: 9, answers: 0 }, false).arrival
  t.is(arrival('000000000000000b'), 'fresh')
  t.is(arrival('000000000000000a'), 'replayed')
  t.is(arrival('000000000000000c'), 'new-boot')
  for (const damaged of ['', '{', '{"term":-1}', '[]', '{"term":1,"endedBoots":[]}']) {
    t.is(readKept(damaged), null)
  }
})

test('a counter that stands still proves nothing', (t) => {
  t.false(isProven(noProof, 0, 1_000))
  let proof = prove(noProof, 5, 100)
  t.true(isProven(proof, 1_099, 1_000))
  t.is(prove(proof, 5, 900), proof)
  t.false(isProven(proof, 1_100, 1_000))
  proof = prove(proof, 1, 1_200)
  t.true(isProven(proof, 1_300, 1_000), 'a restarted unit begins again')
  t.false(isProven(prove(proof, 0, 1_400), 1_401, 1_000), 'zero: there is no unit')
})

/** An exchange as two nodes see it whose pair times differ by `skewMs` at `now`. */
function exchange(
  clock: PairClock,
  now: number,
  way: { skewMs: number; out: number; back: number },
) {
  const ownSentAt = now + clock.offsetMs
  const peerReceivedAt = ownSentAt + way.out + way.skewMs
  const peerSentAt = peerReceivedAt + 30
  const ownReceivedAt = peerSentAt + way.back - way.skewMs
  return addExchange(clock, { ownSentAt, peerReceivedAt, peerSentAt, ownReceivedAt })
}

test('the first exchange with a primary sets the clock, later ones slew it by at most 500 ppm', (t) => {
  let clock = newPairClock(0)
  clock = exchange(clock, 0, { skewMs: 12_345, out: 1, back: 1 })
  const first = follow(clock, 100)
  t.true(first.stepped)
  t.is(Math.round(first.clock.offsetMs), 12_345)
  t.true(first.clock.synchronised)
  clock = exchange(first.clock, 200, { skewMs: 3, out: 1, back: 1 })
  const later = follow(clock, 1_100)
  t.false(later.stepped)
  t.true(Math.abs(later.clock.offsetMs - first.clock.offsetMs - 0.5) < 1e-6, '1 s, 500 ppm')
})

test('the exchange with the least delay is trusted', (t) => {
  let clock = newPairClock(0)
  clock = exchange(clock, 0, { skewMs: 100, out: 1, back: 1 })
  clock = exchange(clock, 100, { skewMs: 100, out: 80, back: 1 })
  t.true(Math.abs((clock.skewMs ?? 0) - 100) < 1e-6)
  const wrong = addExchange(clock, {
    ownSentAt: 10,
    peerReceivedAt: 20,
    peerSentAt: 15,
    ownReceivedAt: 30,
  })
  t.is(wrong, clock, 'times in the wrong order are dropped')
})

test('a primary does not move, and a new primary keeps the offset it has', (t) => {
  let clock = follow(exchange(newPairClock(0), 0, { skewMs: 50, out: 1, back: 1 }), 0).clock
  clock = exchange(clock, 100, { skewMs: 9, out: 1, back: 1 })
  const held = hold(clock, 60_000, true)
  t.is(held.offsetMs, clock.offsetMs)
  const after = follow(held, 60_100)
  t.true(
    after.clock.offsetMs - held.offsetMs <= 0.05 + 1e-9,
    'the time as primary is not made up for',
  )
  t.true(hold(newPairClock(0), 1, true).synchronised)
  t.false(hold(newPairClock(0), 1, false).synchronised)
})

test('two clocks that ran apart follow their primary within what a slew can do', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.double({ min: -100, max: 100, noNaN: true }),
        fc.array(fc.nat({ max: 20 }), { minLength: 60, maxLength: 60 }),
        (ppm, delays) => {
          let clock = newPairClock(0)
          let error = 0
          for (const [index, delay] of delays.entries()) {
            const now = index * 100
            const target = 500 + (now * ppm) / 1e6
            const out = 0.2 + delay / 10
            clock = exchange(clock, now, { skewMs: target - clock.offsetMs, out, back: 0.2 })
            clock = follow(clock, now).clock
            error = target - clock.offsetMs
          }
          return Math.abs(error) < 1.3
        },
      ),
    ),
  )
})

const safe: SafetyView = {
  role: 'primary',
  ready: true,
  inStep: true,
  links: [{ name: 'net-a', state: 'up' }],
  peer: { role: 'standby', ready: true, inStep: true },
  busy: false,
}

test('a switchover is safe from either node when all is well', (t) => {
  t.deepEqual(switchoverSafety(safe), { safe: true, reasons: [], warnings: [] })
  const standby = {
    ...safe,
    role: 'standby',
    peer: { ...safe.peer, role: 'primary' },
  } as SafetyView
  t.true(switchoverSafety(standby).safe)
})

const unsafe: readonly (readonly [string, Partial<SafetyView>, RegExp])[] = [
  ['no link works', { links: [{ name: 'net-b', state: 'down' }] }, /link net-b is down/],
  ['the peer is away', { peer: null }, /not heard/],
  ['the peer lacks records', { peer: { role: 'standby', ready: true, inStep: false } }, /in step/],
  ['this node waits for ACKs', { inStep: false }, /in step/],
  ['the peer is not ready', { peer: { role: 'standby', ready: false, inStep: true } }, /not ready/],
  ['another one runs', { busy: true }, /another/],
  ['there is no role', { role: 'starting' }, /no role/],
  ['both are primary', { peer: { role: 'primary', ready: true, inStep: true } }, /both nodes/],
  ['the other is standby too', { role: 'standby' }, /not primary/],
]

test('a switchover over the links that remain is safe, and says which ones do not work', (t) => {
  const links = [...safe.links, { name: 'net-b', state: 'down' as const }]
  const warnings = ['link net-b is down']
  t.deepEqual(switchoverSafety({ ...safe, links }), { safe: true, reasons: [], warnings })
})

for (const [name, part, reason] of unsafe) {
  test(`a switchover is not safe when ${name}`, (t) => {
    const safety = switchoverSafety({ ...safe, ...part })
    t.false(safety.safe)
    t.regex(safety.reasons.join('; '), reason)
  })
}

test('a flood of forged heartbeats is told once a period, with its number', (t) => {
  const forged = countBetween(10_000)
  const told = [0, 1, 9_999, 10_000, 10_001, 30_000].map((now) => forged(now))
  t.deepEqual(told, [1, 0, 0, 3, 0, 2])
})
