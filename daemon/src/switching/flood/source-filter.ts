//! What the kernel is to drop at the SIP port before it queues it, as a program of its packet filter (classic BPF,
//! socket(7), ADR 0034): addresses that flood are thinned out, and under a flood from everywhere all who are
//! not known. Pure: bytes out of addresses.

export interface FilterRules {
  /** Of the datagrams from each of these one in `oneIn` comes through. */
  readonly throttled: { readonly addresses: readonly string[]; readonly oneIn: number }
  /** Null: those of all others come through. Otherwise those from `known`, and of the rest one in `oneIn`. */
  readonly others: { readonly known: readonly string[]; readonly oneIn: number } | null
}

/** Instructions of BPF (linux/filter.h); where they go is relative to the next one. */
type Instruction =
  | { readonly code: number; readonly k: number; readonly jt?: number; readonly jf?: number }
  | { readonly to: 'throttled' | 'others' }

const code = {
  load: 0x20,
  and: 0x54,
  jump: 0x05,
  ifEqual: 0x15,
  ifAbove: 0x25,
  ifFrom: 0x35,
  end: 0x06,
}
/** Source address in the IPv4 header: SKF_NET_OFF + 12. */
const sourceAddress = 0xfff0_000c
/** 32 random bits: SKF_AD_OFF + SKF_AD_RANDOM. */
const randomBits = 0xffff_f038
const whole = 0xffff_ffff
const instructionBytes = 8
/** BPF_MAXINSNS is 4,096. */
const knownMax = 3_400
const throttledMax = 250
const leafMax = 64

/** @returns null when everything is to come through, or it cannot be said in one program. */
export function filterProgram({ throttled, others }: FilterRules): Uint8Array | null {
  const addresses = numbersOf(throttled.addresses).slice(0, throttledMax)
  if (addresses.length === 0 && others === null) return null
  const head: Instruction[] = [
    { code: code.load, k: sourceAddress },
    ...addresses.flatMap((k): Instruction[] => [
      { code: code.ifEqual, k, jt: 0, jf: 1 },
      { to: 'throttled' },
    ]),
  ]
  const known = others === null ? accept : searchOf(others.known)
  if (known === null) return null
  const places = { throttled: head.length + known.length, others: 0 }
  const sample = sampleOf(throttled.oneIn)
  places.others = places.throttled + sample.length
  return encoded([...head, ...known, ...sample, ...sampleOf(others?.oneIn ?? 1)], places)
}

const accept: Instruction[] = [{ code: code.end, k: whole }]

function sampleOf(oneIn: number): Instruction[] {
  return [
    { code: code.load, k: randomBits },
    { code: code.ifAbove, k: Math.floor(whole / oneIn), jt: 1, jf: 0 },
    ...accept,
    { code: code.end, k: 0 },
  ]
}

/** Accepts who is known. More addresses than fit stand for the /24 networks that they are in. */
function searchOf(known: readonly string[]): Instruction[] | null {
  const exact = sorted(numbersOf(known))
  if (exact.length <= knownMax) return treeOf(exact)
  const mask = 0xffff_ff00
  const networks = sorted(exact.map((address) => (address & mask) >>> 0))
  if (networks.length > knownMax) return null
  return [{ code: code.and, k: mask }, ...treeOf(networks)]
}

function treeOf(addresses: readonly number[]): Instruction[] {
  const count = addresses.length
  if (count <= leafMax) {
    const tests = addresses.map((k, at) => ({ code: code.ifEqual, k, jt: count - at, jf: 0 }))
    return [...tests, { to: 'others' }, ...accept]
  }
  const middle = count >> 1
  const below = treeOf(addresses.slice(0, middle))
  return [
    { code: code.ifFrom, k: addresses[middle] ?? 0, jt: 0, jf: 1 },
    { code: code.jump, k: below.length },
    ...below,
    ...treeOf(addresses.slice(middle)),
  ]
}

function encoded(
  program: readonly Instruction[],
  places: Readonly<Record<'throttled' | 'others', number>>,
): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(program.length * instructionBytes))
  const view = new DataView(bytes.buffer)
  for (const [index, step] of program.entries()) {
    const at = index * instructionBytes
    const known = 'to' in step ? { code: code.jump, k: places[step.to] - index - 1 } : step
    view.setUint16(at, known.code, true)
    view.setUint8(at + 2, ('jt' in known ? known.jt : 0) ?? 0)
    view.setUint8(at + 3, ('jf' in known ? known.jf : 0) ?? 0)
    view.setUint32(at + 4, known.k, true)
  }
  return bytes
}

function sorted(addresses: readonly number[]): number[] {
  return [...new Set(addresses)].sort((one, other) => one - other)
}

/** Of those that are IPv4 addresses: no other comes to this port. */
function numbersOf(addresses: readonly string[]): number[] {
  return addresses.map(numberOf).filter((address) => address !== null)
}

function numberOf(address: string): number | null {
  const parts = address.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return null
  }
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}
