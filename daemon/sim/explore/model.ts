//! The pair that is explored: two nodes, three links, and time in periods, in each of which A beats and
//! then B. The patience is the shortest that a node file may ask for, three periods: the rules are the
//! same, and a sequence of nine events reaches further.
import { limits } from '../../src/limits.ts'
import type { PairOptions } from '../../src/pair/state.ts'

export const nodeNames = ['A', 'B'] as const
export const linkCount = 3
const heartbeatMs = 100
const missesMax = 3
export const lostMs = heartbeatMs * missesMax
export const periodMs = heartbeatMs
export const lostPeriods = missesMax
/** Of what is older it makes no difference how old it is. */
export const oldPeriods = Math.ceil((limits.offerMsMax + limits.offerAgeMsMax) / periodMs)

/** The one moment at which everything happens: time passes by making everything older. */
export const now = 1_000_000

const linkNames = ['net-a', 'net-b', 'private']

function optionsOf(index: number): PairOptions {
  const host = (of: number) => 200 + of
  const links = linkNames.map((name, link) => ({
    name,
    own: `192.168.${link + 1}.${host(index)}`,
    peer: `192.168.${link + 1}.${host(1 - index)}`,
  }))
  const tieBreak = 'larger-address'
  return { node: `vccs-${index === 0 ? 'a' : 'b'}`, links, heartbeatMs, missesMax, tieBreak }
}

const options = [optionsOf(0), optionsOf(1)]

export function modelOptions(index: number): PairOptions {
  return options[index] ?? optionsOf(index)
}
