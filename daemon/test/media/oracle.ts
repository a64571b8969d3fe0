//! The mixing formula of daemon/assembly/mixer.ts in plain numbers, written from its text: slow, exact,
//! and the judge of the compiled mixer.
import { aLawToLinear, linearToALaw, linearToMuLaw, muLawToLinear } from '../../src/wire/g711.ts'

export interface OracleMember {
  taken: boolean
  sent: boolean
  muLaw: boolean
  /** With 14 binary places. */
  gain: number
  /** 160 codes; null for a half that was lost. */
  halves: readonly [Uint8Array | null, Uint8Array | null]
}

interface State {
  last: number[]
  concealed: number
  weightBefore: number
}

/** Keeps what a bridge carries from frame to frame. */
export class MixOracle {
  readonly #states: State[]

  constructor(members: number) {
    this.#states = Array.from({ length: members }, () => ({
      last: new Array<number>(160).fill(0),
      concealed: 7,
      weightBefore: 0,
    }))
  }

  /** @returns the 160 codes for each member; null for one that is not sent. */
  mix(members: readonly OracleMember[]): (Uint8Array | null)[] {
    const contributors = members.filter((member) => member.taken).length
    const frames = members.map((member, m) => this.#take(member, m))
    const weights = frames.map((x, m) => (members[m]?.taken ? weightOf(x, contributors) : 0))
    const before = this.#states.map((state, m) => (members[m]?.taken ? state.weightBefore : 0))
    const u = blockWeights(weights, before)
    for (const [m, state] of this.#states.entries()) state.weightBefore = weights[m] ?? 0
    return members.map((member, j) => {
      if (!member.sent) return null
      const encode = member.muLaw ? linearToMuLaw : linearToALaw
      return Uint8Array.from({ length: 160 }, (_, i) => encode(heard(frames, u, { j, i })))
    })
  }

  #take(member: OracleMember, m: number): number[] {
    const state = this.#states[m]
    if (state === undefined) throw new Error('no such member')
    if (!member.taken) {
      state.concealed = 7
      return new Array<number>(160).fill(0)
    }
    const decode = member.muLaw ? muLawToLinear : aLawToLinear
    for (const [h, half] of member.halves.entries()) {
      for (let i = 0; i < 80; i++) {
        const at = h * 80 + i
        const held = state.last[at] ?? 0
        const faded = state.concealed < 6 ? (held * 24576 + 16384) >> 15 : 0
        state.last[at] = half === null ? faded : decode(half[i] ?? 0)
      }
      state.concealed = half === null ? Math.min(state.concealed + 1, 7) : 0
    }
    return state.last.map((x) => saturate((x * member.gain + 8192) >> 14))
  }
}

function saturate(x: number): number {
  return Math.max(-32768, Math.min(32767, x))
}

function weightOf(x: readonly number[], contributors: number): number {
  const sum = x.reduce((total, sample) => total + Math.abs(sample), 0)
  if (sum <= 1280) return contributors >= 3 ? 0 : 1
  const level = Math.floor(sum / 160)
  return Math.max(1, Math.floor((level * level) / (level + 512)))
}

/** u(m, b), or zeros for members that are no voice. */
function blockWeights(weights: readonly number[], before: readonly number[]): number[][] {
  const n = weights.filter((w, m) => w !== 0 || before[m] !== 0).length
  const total = (list: readonly number[]) => list.reduce((sum, w) => sum + w, 0)
  let s = 0
  while ((Math.max(total(weights), total(before)) >> s) + 2 * n > 16384) s++
  const scaled = (w: number) => (w === 0 ? 0 : Math.max(1, w >> s))
  return weights.map((weight, m) => {
    const v = scaled(before[m] ?? 0)
    const w = scaled(weight)
    return Array.from({ length: 10 }, (_, b) =>
      v === 0 && w === 0 ? 0 : Math.max(1, v + Math.trunc(((w - v) * (b + 1)) / 10)),
    )
  })
}

function heard(
  frames: readonly number[][],
  u: readonly number[][],
  { j, i }: { j: number; i: number },
): number {
  const b = Math.floor(i / 16)
  let sum = 0
  let divisor = 0
  for (const [m, frame] of frames.entries()) {
    if (m === j) continue
    const weight = u[m]?.[b] ?? 0
    sum += weight * (frame[i] ?? 0)
    divisor += weight
  }
  if (divisor === 0) return 0
  return Math.floor((sum + 32768 * divisor + Math.floor(divisor / 2)) / divisor) - 32768
}
