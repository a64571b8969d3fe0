//! The last rule between two nodes that are equal in everything else. The source has one and says that
//! such rules are various (S1.69 - S1.73): a site chooses in its node files. Both nodes must come to
//! opposite results, so a pair whose files differ goes by the rule of the source, and says so.
import { assert } from '../assert.ts'
import type { TieBreak } from '../bus/messages.ts'
import { compareAddresses } from './address-order.ts'
import type { PairState } from './state.ts'

const ofTheSource: TieBreak = 'larger-address'

interface Preference {
  readonly own: boolean
  readonly rule: 'address' | 'name'
  readonly because: string
}

/** The peer was heard, and goes by another rule than this node. */
export function tieBreaksDiffer({ options, peer }: PairState): boolean {
  return peer !== null && peer.tieBreak !== options.tieBreak
}

export function breakTie(state: PairState): Preference {
  const { options, peer } = state
  const agreed = tieBreaksDiffer(state) ? ofTheSource : options.tieBreak
  if (agreed === 'larger-name') {
    const other = peer?.node ?? ''
    assert(options.node !== other, 'the names of the two nodes differ')
    const own = options.node > other
    const because = `${options.node} is ${own ? 'after' : 'before'} ${other}`
    return { own, rule: 'name', because }
  }
  const [first] = options.links
  const [here, there] = [first?.own ?? '', first?.peer ?? '']
  const isLarger = compareAddresses(here, there) > 0
  const because = `as strings, ${here} is ${isLarger ? 'larger' : 'smaller'} than ${there}`
  return { own: isLarger === (agreed === 'larger-address'), rule: 'address', because }
}
