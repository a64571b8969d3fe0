//! The one memory of the media unit: the kernel writes received packets into it and sends from it, the
//! mixer (daemon/assembly/mixer.ts) works in it. Sized once for `limits.legsMax`; pages that are
//! never used cost nothing.
import { readFileSync } from 'node:fs'
import { assert } from '../assert.ts'
import { limits } from '../limits.ts'
import { sinePeriod } from './sine.ts'

/** Samples that the jitter ring of a leg holds (256 ms). */
export const ringSamples = 2048
/** Longest RTP packet that is read; a longer one is refused. */
export const receiveBytesMax = 2048

/** Below is what the compiler puts there. */
const sine = 16_384
/** A step of one in the table is 1 Hz. */
export const toneTableHz = limits.sampleRateHz
const tone = sine + 2 * toneTableHz
const received = 65_536
const control = received + receiveBytesMax
const list = control + 2 * receiveBytesMax
const scratch = list + limits.membersPerSessionMax * 4 + 512
const bus = 131_072
/** Bytes of the bus that are read or written at once. */
export const busBytesMax = 65_536
const legsBase = bus + busBytesMax
const legBytes = 6_400

/** Offsets in the arena that belong to no leg. */
export const arenaOffset = {
  /** One period of a sine. */
  sine,
  /** The samples of a tone, and room to work. */
  tone,
  received,
  /** For the loops: socket addresses, times. */
  control,
  /** Addresses of the members for one mix. */
  list,
  scratch,
  bus,
} as const

/** Fields at the start of a leg, in bytes; the same numbers are in daemon/assembly/mixer.ts. */
export const legField = {
  flags: 0,
  position: 4,
  salt: 8,
  gain: 12,
  weightBefore: 16,
  weight: 20,
  concealed: 24,
  lostHalves: 28,
  ring: 32,
  out: 36,
  last: 64,
} as const

/** Parts of a leg, in bytes from its start. */
export const legPart = {
  ring: 384,
  /** RTP header and the payload that the mixer writes: the packet of a 20 ms leg. */
  packet: 4_992,
  /** RTP header and a payload put together from frames, for 10 and 30 ms. */
  assembled: 5_248,
  /** The last three coded frames. */
  frames: 5_632,
} as const

/** Bits of `legField.flags`. */
export const legFlag = { taken: 1, sent: 2, muLaw: 4, mapped: 8 } as const

/** 64 KiB pages of the memory. */
export const arenaPages = Math.ceil((legsBase + limits.legsMax * legBytes) / 65_536)

assert(tone + 2 * limits.samplesPerTick + 32 <= received, 'the sine and a tone fit')
assert(scratch + 8192 + limits.membersPerSessionMax * 320 <= bus, 'the mixer has its scratch')
assert(legPart.ring + ringSamples * 2 + (ringSamples / 16) * 4 <= legPart.packet, 'the ring fits')
assert(legPart.frames + 3 * limits.samplesPerTick <= legBytes, 'the coded frames fit')

/** What the compiled mixer offers; addresses are offsets in the arena. */
interface Mixer {
  decode(from: number, to: number, count: number, muLaw: boolean): void
  encode(from: number, to: number, count: number, muLaw: boolean): void
  put(
    leg: number,
    payload: number,
    count: number,
    position: number,
    salt: number,
    muLaw: boolean,
  ): number
  mix(list: number, members: number, scratch: number): void
  sine(
    table: number,
    to: number,
    count: number,
    phase: number,
    step: number,
    amplitude: number,
  ): void
  fade(to: number, count: number, first: number, length: number): void
  blend(from: number, to: number, alone: boolean, muLaw: boolean): void
}

export interface Arena {
  readonly bytes: Uint8Array
  readonly words: Uint32Array
  readonly view: DataView
  readonly mixer: Mixer
}

const toneSine = sinePeriod(toneTableHz)

/** @returns the offset of leg number `leg`. */
export function legOffset(leg: number): number {
  return legsBase + leg * legBytes
}

/** @param wasmFile the compiled mixer, `daemon/build/mixer.wasm`.
 * @throws when the file is missing or was built for another memory. */
export function openArena(wasmFile: string): Arena {
  const memory = new WebAssembly.Memory({ initial: arenaPages, maximum: arenaPages, shared: true })
  const module = new WebAssembly.Module(readFileSync(wasmFile))
  const instance = new WebAssembly.Instance(module, { env: { memory } })
  new Int16Array(memory.buffer, sine, toneTableHz).set(toneSine)
  return {
    bytes: new Uint8Array(memory.buffer),
    words: new Uint32Array(memory.buffer),
    view: new DataView(memory.buffer),
    mixer: instance.exports as unknown as Mixer,
  }
}

/** Makes the memory of a leg that of a new one. */
export function clearLeg(arena: Arena, leg: number): void {
  const at = legOffset(leg)
  arena.bytes.fill(0, at, at + legBytes)
  // No position has this tag with any salt that a leg uses before its first packet.
  arena.words.fill(
    0xffff_ffff,
    (at + legPart.ring + ringSamples * 2) >> 2,
    (at + legPart.packet) >> 2,
  )
  arena.words[(at + legField.ring) >> 2] = at + legPart.ring
  arena.words[(at + legField.out) >> 2] = at + legPart.packet + 12
  arena.words[(at + legField.concealed) >> 2] = 7
}
