//! What the kernel drops under a flood: the program for it, run here as the kernel would, and who is in it.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { FloodGate } from '../../src/switching/flood/flood-gate.ts'
import { KnownSources } from '../../src/switching/flood/known-sources.ts'
import { type FilterRules, filterProgram } from '../../src/switching/flood/source-filter.ts'

/** One machine word of random bits, and its share of all words: 0 is always within it, the largest never. */
const always = 0
const never = 0xffff_ffff
const instructionsMax = 4_096

function dotted(address: number): string {
  return [24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join('.')
}

/** Runs a program as net/core/filter.c does. @returns whether the datagram is queued. */
function accepts(program: Uint8Array | null, source: number, random: number): boolean {
  if (program === null) return true
  const view = new DataView(program.buffer)
  const count = program.length / 8
  if (count > instructionsMax) throw new Error(`${count} instructions`)
  let a = 0
  for (let at = 0; at < count; at += 1) {
    const code = view.getUint16(at * 8, true)
    const [jt, jf] = [view.getUint8(at * 8 + 2), view.getUint8(at * 8 + 3)]
    const k = view.getUint32(at * 8 + 4, true)
    const test = (isTrue: boolean) => {
      at += isTrue ? jt : jf
    }
    if (code === 0x20) a = k === 0xfff0_000c ? source : random
    else if (code === 0x54) a = (a & k) >>> 0
    else if (code === 0x05) at += k
    else if (code === 0x15) test(a === k)
    else if (code === 0x25) test(a > k)
    else if (code === 0x35) test(a >= k)
    else if (code === 0x06) return k > 0
    else throw new Error(`instruction ${code}`)
  }
  throw new Error('the program has no end')
}

const addresses = fc.uniqueArray(fc.nat(0xffff_ffff), { maxLength: 200 })

test('the program says of each address what the rules say of it', (t) => {
  fc.assert(
    fc.property(addresses, addresses, fc.boolean(), (first, known, isForOthers) => {
      const throttled = first.slice(0, 64)
      const program = filterProgram({
        throttled: { addresses: throttled.map(dotted), oneIn: 64 },
        others: isForOthers ? { known: known.map(dotted), oneIn: 16 } : null,
      })
      for (const source of [...throttled, ...known, 0, 1, 0x0a00_0001, 0xffff_ffff]) {
        const isNamed = throttled.includes(source)
        const isFree = !isNamed && (!isForOthers || known.includes(source))
        const share = isNamed ? 2 ** 32 / 64 : 2 ** 32 / 16
        const randoms = [always, share - 1, share, never]
        const got = randoms.map((random) => accepts(program, source, random))
        if (`${got}` !== `${[true, true, isFree, isFree]}`) t.fail(`${dotted(source)}: ${got}`)
      }
    }),
    { numRuns: 50 },
  )
  t.pass()
})

const knownOf = (count: number, step: number) =>
  Array.from({ length: count }, (_, n) => 0x0a00_0000 + n * step)

function programFor(known: readonly number[]): Uint8Array | null {
  return filterProgram({
    throttled: { addresses: [], oneIn: 64 },
    others: { known: known.map(dotted), oneIn: 16 },
  })
}

test('telephones of a large site fit; those of a larger one stand for their networks', (t) => {
  const some = knownOf(3_400, 7)
  const exact = programFor(some)
  t.true(some.every((one) => accepts(exact, one, never)))
  t.false(accepts(exact, 0x0a00_0001, never))

  const many = knownOf(9_990, 7)
  const coarse = programFor(many)
  t.true(many.every((one) => accepts(coarse, one, never)))
  t.true(accepts(coarse, 0x0a00_0001, never), 'its neighbour')
  t.false(accepts(coarse, 0x0b00_0001, never))
  t.true(accepts(coarse, 0x0b00_0001, always))

  t.is(programFor(knownOf(9_990, 256)), null, 'no network has two: nothing is dropped')
})

test('what is no IPv4 address is in no program', (t) => {
  const addresses = ['', 'pbx.example', '1.2.3', '1.2.3.256', '::1', '1.2.3.4.5', '01234.1.1.1']
  const rules = { throttled: { addresses, oneIn: 64 }, others: null }
  t.is(filterProgram(rules), null)
})

const attacker = { address: '10.0.9.9', port: 5060 }
const phone = { address: '10.0.1.1', port: 5060 }
const bytes = Buffer.from('OPTIONS sip:1@10.0.0.9 SIP/2.0\r\nCall-ID: x\r\n\r\n')

/** A gate whose kernel does what it is told. */
class Door {
  readonly known = new KnownSources()
  rules: FilterRules | null = null
  /** Datagrams that came to the gate, and those that it let in. */
  heard = 0
  admitted = 0
  readonly #gate: FloodGate
  #program: Uint8Array | null = null
  #random = 1

  constructor(isWilling = true) {
    this.known.peersAre([phone])
    this.#gate = new FloodGate(this.known, (rules) => {
      this.rules = rules
      if (isWilling) this.#program = filterProgram(rules)
      return isWilling
    })
    this.#gate.look(0)
  }

  get throttled(): readonly string[] {
    return this.rules?.throttled.addresses ?? []
  }

  send(from: { address: string; port: number }, nowMs: number): boolean {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0
    const source = from.address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    if (!accepts(this.#program, source, this.#random)) return false
    this.heard += 1
    const isIn = this.#gate.admit(bytes, from, nowMs)
    if (isIn) this.admitted += 1
    return isIn
  }

  /** With a look each second. @returns the floods of the last one. */
  flood(
    { fromMs, toMs, perSecond }: { fromMs: number; toMs: number; perSecond: number },
    sourceOf: (n: number) => { address: string; port: number } = () => attacker,
  ): { address: string; detail: string }[] {
    let told = [] as { address: string; detail: string }[]
    const count = ((toMs - fromMs) * perSecond) / 1_000
    for (let n = 1; n <= count; n += 1) {
      const nowMs = fromMs + (n * 1_000) / perSecond
      this.send(sourceOf(n), nowMs)
      if (nowMs % 1_000 === 0) told = this.#gate.look(nowMs)
    }
    return told
  }

  look(nowMs: number): { address: string; detail: string }[] {
    return this.#gate.look(nowMs)
  }
}

test('a flood from one address is throttled by the kernel after a moment, and told as it is', (t) => {
  const door = new Door()
  door.flood({ fromMs: 0, toMs: 1_000, perSecond: 20_000 })
  t.true(door.heard < 1_000, `${door.heard}`)
  t.deepEqual(door.throttled, [attacker.address])
  t.is(door.rules?.others, null)
  const before = { heard: door.heard, admitted: door.admitted }
  const told = door.flood({ fromMs: 1_000, toMs: 11_000, perSecond: 20_000 })
  t.true(door.heard - before.heard < 2 * (200_000 / limits.floodThrottledOneIn))
  t.true(door.admitted - before.admitted <= 11 * limits.floodThrottledPerSecond)
  t.is(told.length, 1)
  const [dropped = 0, of = 0] = (told[0]?.detail.match(/\d+/g) ?? []).map(Number)
  t.true(of > 12_000 && of < 30_000 && of - dropped <= limits.floodThrottledPerSecond, `${of}`)
})

test('when it has ended, the kernel drops nothing and the address may speak', (t) => {
  const door = new Door()
  door.flood({ fromMs: 0, toMs: 3_000, perSecond: 20_000 })
  t.is(door.look(12_000).length, 1)
  t.deepEqual(door.throttled, [attacker.address])
  t.deepEqual(door.look(13_000), [])
  t.deepEqual(door.throttled, [])
  t.true(door.send(attacker, 13_001))
})

test('where the kernel does not do it, the gate alone is as strict, and tells the same', (t) => {
  const door = new Door(false)
  const told = door.flood({ fromMs: 0, toMs: 10_000, perSecond: 20_000 })
  t.is(door.heard, 200_000)
  t.true(door.admitted <= limits.floodStrangerBurst + 200 + 11 * limits.floodThrottledPerSecond)
  t.regex(told[0]?.detail ?? '', /^199\d\d of 20000 messages a second dropped$/)
})

test('who sends less than that is not throttled', (t) => {
  const door = new Door()
  const perSecond = limits.floodThrottlePerSecond / 2
  door.flood({ fromMs: 0, toMs: 5_000, perSecond })
  t.is(door.heard, 5 * perSecond)
  t.deepEqual(door.throttled, [])
})

test('the address of a telephone is never throttled, whoever forges it, at whatever port', (t) => {
  const door = new Door()
  for (const port of [phone.port, 40_000]) {
    door.flood({ fromMs: 0, toMs: 3_000, perSecond: 20_000 }, () => ({ ...phone, port }))
    t.is(door.rules, null)
  }
})

test('a telephone that registers at a throttled address is heard from the next look on', (t) => {
  const door = new Door()
  door.flood({ fromMs: 0, toMs: 3_000, perSecond: 20_000 })
  t.deepEqual(door.throttled, [attacker.address])
  door.known.peersAre([phone, attacker])
  door.look(4_000)
  t.deepEqual(door.throttled, [])
  t.true(door.send(attacker, 4_001))
})

test('a flood from everywhere leaves the port to those who are known', (t) => {
  const door = new Door()
  const anywhere = (n: number) => ({ address: `172.16.${n % 250}.${(n >> 3) % 250}`, port: 5060 })
  door.flood({ fromMs: 0, toMs: 2_000, perSecond: 20_000 }, anywhere)
  t.deepEqual(door.rules?.others?.known, [phone.address])
  const before = door.heard
  const told = door.flood({ fromMs: 2_000, toMs: 4_000, perSecond: 20_000 }, anywhere)
  t.true(door.heard - before < 2 * (40_000 / limits.floodOthersOneIn))
  t.deepEqual(
    told.map(({ address }) => address),
    ['other addresses'],
  )
  t.true(Array.from({ length: 100 }, () => door.send(phone, 4_001)).every((isIn) => isIn))

  const late = { address: '10.0.1.7', port: 5060 }
  door.known.peersAre([phone, late])
  door.look(5_000)
  t.deepEqual(door.rules?.others?.known, [phone.address, late.address])
  door.look(15_000)
  t.is(door.rules?.others, null)
})

test('a flood from one address does not touch a stranger that asks now and then', (t) => {
  const door = new Door()
  const asker = { address: '10.0.9.1', port: 5060 }
  // As the attacker begins, the other strangers have already said something.
  for (let n = 0; n < 30; n += 1) door.send(asker, 100 + n)
  const both = (n: number) => (n % 200 === 0 ? asker : attacker)
  const told = door.flood({ fromMs: 200, toMs: 5_000, perSecond: 20_000 }, both)
  t.deepEqual([door.throttled, door.rules?.others], [[attacker.address], null])
  t.deepEqual(
    told.map(({ address }) => address),
    [attacker.address],
  )
})

test('when those that made all others heavy have a name, the others are left alone', (t) => {
  const door = new Door()
  const five = (n: number) => ({ address: `172.16.0.${n % 5}`, port: 5060 })
  door.flood({ fromMs: 0, toMs: 3_000, perSecond: 20_000 }, five)
  t.is(door.throttled.length, 5)
  t.is(door.rules?.others, null)
})

test('the addresses that are throttled by name are bounded; the others are so together', (t) => {
  const door = new Door()
  const count = 2 * limits.floodThrottledMax
  const many = (n: number) => ({ address: `172.16.0.${n % count}`, port: 5060 })
  door.flood({ fromMs: 0, toMs: 2_000, perSecond: count * 4_000 }, many)
  t.is(door.throttled.length, limits.floodThrottledMax)
  t.not(door.rules?.others, null)
})
