//! Whether the two node files agree on how terminals reach the pair. They are written by hand, one on
//! each node, and a pair that disagrees works until the first take-over.
import type { NodeStatus } from '../control/status-schema.ts'

/** A sentence that says what does not fit; null: nothing, or one node does not tell. */
export function reachConflict(one: NodeStatus, other: NodeStatus): string | null {
  const [a, b] = [one.reach, other.reach]
  if (a === null || b === null) return null
  if (a.mode !== b.mode) {
    return `reach ${a.mode} on ${one.name}, reach ${b.mode} on ${other.name}`
  }
  if (a.mode !== 'direct') {
    if (a.address === b.address) return null
    return `service address ${a.address} on ${one.name}, ${b.address} on ${other.name}`
  }
  for (const [believer, believed] of [
    [one, other],
    [other, one],
  ] as const) {
    const { address } = believed.reach ?? {}
    const { peerAddress } = believer.reach ?? {}
    if (address === peerAddress) continue
    return `${believed.name} has service address ${address}, ${believer.name} believes ${peerAddress}`
  }
  return null
}
