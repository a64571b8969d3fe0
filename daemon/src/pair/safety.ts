//! Whether a planned switchover would be safe now: what the switchover itself obeys. `vccs status` and
//! `vccs switchover --dry-run` judge by the same rules from what both nodes tell
//! (oam/status-judgement.ts).
import type { Role } from '../bus/messages.ts'
import type { LinkState } from './links.ts'

export interface SafetyView {
  readonly role: Role
  /** Of this node, as in `switch-alive`. */
  readonly ready: boolean
  readonly inStep: boolean
  readonly links: readonly { readonly name: string; readonly state: LinkState }[]
  /** Null: not heard. */
  readonly peer: {
    readonly role: Role
    /** Switch and media are alive and able to serve. */
    readonly ready: boolean
    readonly inStep: boolean
  } | null
  /** Another switchover is on its way. */
  readonly busy: boolean
}

interface Safety {
  readonly safe: boolean
  /** Empty when safe; otherwise sentences for a person, the gravest first. */
  readonly reasons: readonly string[]
  /** What does not forbid it, and the operator shall know. */
  readonly warnings: readonly string[]
}

/** A planned switchover is safe when the node that would serve is ready and has everything, and when a
 * link between the nodes works. One that does not may be the way of terminals to that node, which no
 * node can know: the operator is told. */
export function switchoverSafety(view: SafetyView): Safety {
  const reasons = failoverObstacles(view)
  if (view.peer !== null && !(view.inStep && view.peer.inStep)) {
    reasons.push('the two nodes are not in step: records wait to be confirmed')
  }
  const bad = view.links.filter(({ state }) => state !== 'up')
  const warnings = bad.map(({ name, state }) => `link ${name} is ${state}`)
  if (bad.length === view.links.length) reasons.push(...warnings)
  return { safe: reasons.length === 0, reasons, warnings }
}

/** What forbids even a forced failover. */
export function failoverObstacles(view: SafetyView): string[] {
  const { peer, role } = view
  if (view.busy) return ['another switchover is on its way']
  if (role === 'starting') return ['this node has no role yet']
  if (peer === null) return ['the peer is not heard on any link']
  if (role === 'primary' && peer.role === 'primary') return ['both nodes are primary at the moment']
  if (role === 'standby' && peer.role !== 'primary') return ['the peer is not primary']
  if (role === 'primary') return peer.ready ? [] : ['the peer is not ready to serve']
  return view.ready ? [] : ['this node is not ready to serve']
}
