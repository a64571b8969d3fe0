//! The compiled mixer against G.711 and against the formula.
import { join } from 'node:path'
import test from 'ava'
import {
  type Arena,
  arenaOffset,
  clearLeg,
  legField,
  legFlag,
  legOffset,
  legPart,
  openArena,
} from '../../src/media/arena.ts'
import { gainFactor } from '../../src/media/gain.ts'
import { aLawToLinear, linearToALaw, linearToMuLaw, muLawToLinear } from '../../src/wire/g711.ts'
import { MixOracle, type OracleMember } from './oracle.ts'

const arena = openArena(join(import.meta.dirname, '../../build/mixer.wasm'))
const work = legOffset(4_000)
const salt = 0x1234_5678

/** A small generator with a seed, so that a failure can be repeated. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 0x1_0000_0000
  }
}

/** One bridge in the compiled mixer, driven as the oracle is. */
class Compiled {
  readonly #arena: Arena
  readonly #members: number
  #position = 0xffff_f600

  constructor(arenaOfTest: Arena, members: number) {
    this.#arena = arenaOfTest
    this.#members = members
    for (let m = 0; m < members; m++) {
      clearLeg(arenaOfTest, m)
      arenaOfTest.words[(arenaOffset.list >> 2) + m] = legOffset(m)
    }
  }

  mix(members: readonly OracleMember[]): (Uint8Array | null)[] {
    const { words, bytes, mixer } = this.#arena
    for (const [m, member] of members.entries()) {
      const leg = legOffset(m)
      const bits = [
        member.taken ? legFlag.taken : 0,
        member.sent ? legFlag.sent : 0,
        member.muLaw ? legFlag.muLaw : 0,
        legFlag.mapped,
      ]
      words[(leg + legField.flags) >> 2] = bits.reduce((sum, bit) => sum | bit, 0)
      words[(leg + legField.gain) >> 2] = member.gain
      words[(leg + legField.salt) >> 2] = salt
      words[(leg + legField.position) >> 2] = this.#position
      for (const [h, half] of member.halves.entries()) {
        if (half === null) continue
        bytes.set(half, work)
        const position = (this.#position + h * 80) >>> 0
        mixer.put(leg, work, 80, position, salt, member.muLaw)
      }
    }
    mixer.mix(arenaOffset.list, this.#members, arenaOffset.scratch)
    this.#position = (this.#position + 160) >>> 0
    return members.map((member, m) => {
      const out = legOffset(m) + legPart.packet + 12
      return member.sent ? bytes.slice(out, out + 160) : null
    })
  }
}

function frame(random: () => number, loudness: number, muLaw: boolean): Uint8Array {
  const encode = muLaw ? linearToMuLaw : linearToALaw
  return Uint8Array.from({ length: 80 }, () => encode(Math.round((random() * 2 - 1) * loudness)))
}

function randomMember(random: () => number): OracleMember {
  const muLaw = random() < 0.3
  const loudness = [0, 8, 60, 800, 9_000, 32_767][Math.floor(random() * 6)] ?? 0
  const half = () => (random() < 0.1 ? null : frame(random, loudness, muLaw))
  return {
    taken: random() < 0.85,
    sent: random() < 0.9,
    muLaw,
    gain: random() < 0.5 ? 16384 : gainFactor(Math.floor(random() * 43) - 30),
    halves: [half(), half()],
  }
}

test('every code of both laws is decoded as the tables of G.711 say', (t) => {
  for (const muLaw of [false, true]) {
    for (let code = 0; code < 256; code++) arena.bytes[work + code] = code
    arena.mixer.decode(work, work + 512, 256, muLaw)
    const samples = new Int16Array(arena.bytes.slice(work + 512, work + 1024).buffer)
    const expected = Int16Array.from({ length: 256 }, (_, code) =>
      muLaw ? muLawToLinear(code) : aLawToLinear(code),
    )
    t.deepEqual(samples, expected)
  }
})

test('every 16-bit sample is coded as the reference does', (t) => {
  for (const muLaw of [false, true]) {
    const encode = muLaw ? linearToMuLaw : linearToALaw
    for (let first = -32_768; first < 32_768; first += 1024) {
      const samples = Int16Array.from({ length: 1024 }, (_, i) => first + i)
      arena.bytes.set(new Uint8Array(samples.buffer), work)
      arena.mixer.encode(work, work + 2048, 1024, muLaw)
      const codes = arena.bytes.slice(work + 2048, work + 3072)
      t.deepEqual(codes, Uint8Array.from(samples, encode))
    }
  }
})

for (const members of [1, 2, 3, 5, 10, 33, 128]) {
  test(`bridges of ${members} give the bytes of the formula, whatever is said or lost`, (t) => {
    const random = numbers(members)
    const compiled = new Compiled(arena, members)
    const oracle = new MixOracle(members)
    for (let tick = 0; tick < Math.max(4, 160 / members); tick++) {
      const input = Array.from({ length: members }, () => randomMember(random))
      t.deepEqual(compiled.mix(input), oracle.mix(input), `tick ${tick}`)
    }
  })
}

test('a hundred and twenty-eight members at full level do not clip or overflow', (t) => {
  const compiled = new Compiled(arena, 128)
  const oracle = new MixOracle(128)
  const half = new Uint8Array(80).fill(linearToALaw(32_767))
  const members = Array.from({ length: 128 }, () => member([half, half]))
  for (let tick = 0; tick < 2; tick++) {
    const mixed = compiled.mix(members)
    t.deepEqual(mixed, oracle.mix(members))
    t.deepEqual(mixed[0], new Uint8Array(160).fill(linearToALaw(32_767)))
  }
})

function member(halves: OracleMember['halves'], more: Partial<OracleMember> = {}): OracleMember {
  return { taken: true, sent: true, muLaw: false, gain: 16384, halves, ...more }
}

test('two parties of one law at 0 dB hear each code as it was sent, also in silence', (t) => {
  const codes = Uint8Array.from({ length: 80 }, (_, i) => i * 3)
  const idle = new Uint8Array(80).fill(0x55)
  const compiled = new Compiled(arena, 2)
  for (const half of [codes, idle]) {
    const mixed = compiled.mix([member([half, half]), member([idle, idle])])
    t.deepEqual(mixed[1], Uint8Array.of(...half, ...half))
    t.deepEqual(mixed[0], Uint8Array.of(...idle, ...idle))
  }
  // Minus zero of the mu-law (0x7f) is the one code that comes back as another (plus zero).
  const mu = Uint8Array.from({ length: 80 }, (_, i) => 0x80 + i)
  const party = member([mu, mu], { muLaw: true })
  t.deepEqual(new Compiled(arena, 2).mix([party, party])[0], Uint8Array.of(...mu, ...mu))
})

test('idle members do not make the one who speaks quieter', (t) => {
  const random = numbers(7)
  const idle = new Uint8Array(80).fill(0xd5)
  const compiled = new Compiled(arena, 20)
  for (let tick = 0; tick < 3; tick++) {
    const voice = [frame(random, 9_000, false), frame(random, 9_000, false)] as const
    const mixed = compiled.mix([
      member(voice),
      ...Array.from({ length: 19 }, () => member([idle, idle])),
    ])
    for (const heard of mixed.slice(1)) t.deepEqual(heard, Uint8Array.of(...voice[0], ...voice[1]))
    t.deepEqual(mixed[0], new Uint8Array(160).fill(0xd5))
  }
})

test('a bridge that starts in the middle of a conference sends the same after one frame', (t) => {
  const random = numbers(11)
  const old = new MixOracle(4)
  const young = new Compiled(arena, 4)
  const said = () =>
    Array.from({ length: 4 }, () => {
      return member([frame(random, 4_000, false), frame(random, 4_000, false)])
    })
  for (let tick = 0; tick < 20; tick++) old.mix(said())
  const first = said()
  old.mix(first)
  young.mix(first)
  const second = said()
  t.deepEqual(young.mix(second), old.mix(second))
})
