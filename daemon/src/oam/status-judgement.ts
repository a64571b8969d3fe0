//! What follows from the two nodes' statements: redundant or not, and is a switchover safe now.
import type { Check, Mode, NodeStatus } from '../control/status-schema.ts'
import { reachConflict } from './reach-conflict.ts'

interface Judgement {
  readonly mode: Mode
  readonly primary: string | null
  readonly degraded: string[]
  readonly disagreements: string[]
  readonly twin: { both: number; wanted: number; skewMs: number | null }
  readonly switchover: { safe: boolean; reasons: string[]; checks: Check[]; callsAtRisk: number }
}

/** `peer` is null for a node that is configured without one. */
export function judge(self: NodeStatus, peer: NodeStatus | null): Judgement {
  const serving = [self, peer].filter((node) => node?.role === 'primary')
  const primary = serving.length === 1 ? (serving[0]?.name ?? null) : null
  const twin = twinOf(self, peer)
  const calls = self.service?.calls ?? 0
  if (peer === null) {
    const checks: Check[] = [check('peer', 'failed', `${self.name} has no peer configured`)]
    return {
      mode: 'stand-alone',
      primary,
      degraded: [],
      disagreements: [],
      twin,
      switchover: { safe: false, reasons: reasonsOf(checks), checks, callsAtRisk: calls },
    }
  }
  const checks = switchoverChecks(self, peer)
  const safe = checks.every(({ outcome }) => outcome !== 'failed')
  const degraded = degradedReasons(self, peer)
  return {
    mode: degraded.length === 0 ? 'redundant (1+1)' : 'not redundant',
    primary,
    degraded,
    disagreements: disagreementsOf(self, peer),
    twin,
    switchover: { safe, reasons: reasonsOf(checks), checks, callsAtRisk: safe ? 0 : calls },
  }
}

function degradedReasons(self: NodeStatus, peer: NodeStatus): string[] {
  const reasons: string[] = []
  if (self.state === 'unknown') reasons.push(`the pair unit of ${self.name} does not answer`)
  else if (peer.state === 'lost') reasons.push(`${peer.name} is not heard on any link`)
  if (peer.state === 'starting') reasons.push(`${peer.name} is starting`)
  if (self.role === 'starting') reasons.push(`${self.name} is starting`)
  const bothServe = self.role === 'primary' && peer.role === 'primary'
  if (bothServe) reasons.push('both nodes say that they are primary')
  for (const node of [self, peer]) reasons.push(...unitReasons(node))
  if (reasons.length === 0 && !inStep(self)) {
    const pending = Math.max(self.sync?.pending ?? 0, peer.sync?.pending ?? 0)
    reasons.push(`the standby is not in step, ${pending} records pending`)
  }
  if (reasons.length === 0) reasons.push(...configReasons(self, peer))
  if (reasons.length === 0) reasons.push(...voiceReasons(self, peer))
  if (reasons.length === 0 && self.alone) reasons.push(`${self.name} serves without a peer`)
  return reasons
}

/** A standby whose database is behind would serve with an old site. */
function configReasons(self: NodeStatus, peer: NodeStatus): string[] {
  const { outcome, detail } = configCheck(self, peer)
  const isKnown = self.config !== null && peer.config !== null
  return isKnown && outcome !== 'ok' ? [`the configuration ${detail}`] : []
}

/** A standby that has just come has all records at once, and is ready to send the same voice as the
 * primary only when nothing from before shapes its packets. */
function voiceReasons(self: NodeStatus, peer: NodeStatus): string[] {
  const standby = [self, peer].find((node) => node.role === 'standby' && node.reachable)
  if (standby === undefined) return []
  if (standby.media === null) return [`the media unit of ${standby.name} has not told its legs`]
  const { legs, coldLegs = 0 } = standby.media
  if (coldLegs === 0) return []
  return [`${standby.name} does not send the voice of ${coldLegs} of ${legs} legs yet`]
}

/** Without the supervisor the units serve on: an alarm, but no loss of redundancy. */
function unitReasons(node: NodeStatus): string[] {
  return node.units
    .filter(({ unit, state }) => state === 'down' && unit !== 'supervisor')
    .map(({ unit }) => `the ${unit} unit of ${node.name} is down`)
}

/** Both ends must say so: the primary that all is sent, the standby that all is here. */
function inStep(self: NodeStatus): boolean {
  return self.sync?.inStep === true && self.peerSeen?.inStep === true
}

/** DESIGN section 5: each node's opinion is shown, also when they contradict. */
function disagreementsOf(self: NodeStatus, peer: NodeStatus): string[] {
  if (!peer.reachable) return []
  const found: string[] = []
  if (self.role === peer.role && self.role !== null) found.push(`both nodes say "${self.role}"`)
  for (const [one, other] of [
    [self, peer],
    [peer, self],
  ] as const) {
    const seen = one.peerSeen
    if (seen === null) found.push(`${one.name} does not hear ${other.name}`)
    else if (other.role !== null && seen.role !== other.role) {
      found.push(`${other.name} says "${other.role}", ${one.name} sees it as "${seen.role}"`)
    }
  }
  if (self.term !== null && peer.term !== null && self.term !== peer.term) {
    found.push(`term ${self.term} on ${self.name}, term ${peer.term} on ${peer.name}`)
  }
  const conflict = reachConflict(self, peer)
  if (conflict !== null) found.push(conflict)
  return found
}

function twinOf(self: NodeStatus, peer: NodeStatus | null): Judgement['twin'] {
  const own = legsSent(self)
  const other = peer === null ? 0 : legsSent(peer)
  const skewMs = self.clock?.skewMs ?? null
  return { both: Math.min(own, other), wanted: Math.max(own, other), skewMs }
}

/** The primary sends what it has; the standby what the primary sends too. */
function legsSent({ media, role }: NodeStatus): number {
  if (media === null) return 0
  return role === 'primary' ? media.legs : media.legs - (media.coldLegs ?? 0)
}

/** The checks of a planned switchover, in the order in which they are shown. */
function switchoverChecks(self: NodeStatus, peer: NodeStatus): Check[] {
  return [
    peerCheck(peer),
    rolesCheck(self, peer),
    linksCheck(self),
    syncCheck(self, peer),
    unitsCheck(self, peer),
    twinCheck(self, peer),
    configCheck(self, peer),
    ...reachChecks(self, peer),
  ]
}

function peerCheck(peer: NodeStatus): Check {
  if (peer.state === 'lost' || peer.state === 'unknown') {
    return check('peer', 'failed', `${peer.name} is not heard`)
  }
  return peer.reachable
    ? check('peer', 'ok', `${peer.name} is up`)
    : check('peer', 'warning', `${peer.name} is heard, but did not answer the question`)
}

function rolesCheck(self: NodeStatus, peer: NodeStatus): Check {
  const roles = [self.role, peer.role]
  if (roles.includes('primary') && roles.includes('standby')) {
    return check('roles', 'ok', `${self.name} ${self.role}, ${peer.name} ${peer.role}`)
  }
  const said = `${self.name} is ${self.role ?? 'unknown'}, ${peer.name} ${peer.role ?? 'unknown'}`
  return check('roles', 'failed', `not one primary and one standby: ${said}`)
}

/** As pair/safety.ts, which refuses a planned switchover only when no link works. */
function linksCheck({ links }: NodeStatus): Check {
  const up = links.filter(({ state }) => state === 'up').length
  const outcome = up === links.length ? 'ok' : up > 0 ? 'warning' : 'failed'
  return check('links', outcome, `${up}/${links.length} links up`)
}

function syncCheck(self: NodeStatus, peer: NodeStatus): Check {
  if (self.sync === null || !inStep(self)) {
    const pending = Math.max(self.sync?.pending ?? 0, peer.sync?.pending ?? 0)
    return check('sync', 'failed', `the standby is not in step, ${pending} records pending`)
  }
  const waiting = self.sync.pending + self.sync.unacked
  if (waiting === 0) return check('sync', 'ok', 'in step')
  return check('sync', 'warning', `in step, ${waiting} records are flushed first`)
}

function unitsCheck(self: NodeStatus, peer: NodeStatus): Check {
  const down = [...unitReasons(peer), ...unitReasons(self)]
  if (down.length > 0) return check('units', 'failed', down.join(', '))
  return check('units', 'ok', 'all up')
}

function twinCheck(self: NodeStatus, peer: NodeStatus): Check {
  const { both, wanted } = twinOf(self, peer)
  if (!peer.reachable) {
    return check('media', 'warning', `${peer.name} did not say how many legs it has`)
  }
  const detail = `${both}/${wanted} legs on both`
  if (both === wanted) return check('media', 'ok', detail)
  // The counts are up to a second old, so some may differ while calls come and go.
  return check('media', both * 2 >= wanted ? 'warning' : 'failed', detail)
}

function configCheck(self: NodeStatus, peer: NodeStatus): Check {
  if (self.config === null || peer.config === null) {
    return check('config', 'warning', 'the revision of one node is unknown')
  }
  const equal = self.config.hash === peer.config.hash
  const [own, other] = [`r${self.config.revision}`, `r${peer.config.revision}`]
  if (equal) return check('config', 'ok', `equal, ${own}`)
  return check('config', 'warning', `differs: ${self.name} ${own}, ${peer.name} ${other}`)
}

/** Shown only when it fails: two node files that do not fit are a fault of their own kind. */
function reachChecks(self: NodeStatus, peer: NodeStatus): Check[] {
  const conflict = reachConflict(self, peer)
  return conflict === null ? [] : [check('reach', 'failed', conflict)]
}

function check(name: string, outcome: Check['outcome'], detail: string): Check {
  return { name, outcome, detail }
}

/** What makes it unsafe. Without a peer the other failed checks only follow from that. */
function reasonsOf(checks: readonly Check[]): string[] {
  const failed = checks.filter(({ outcome }) => outcome === 'failed')
  const peer = failed.find(({ name }) => name === 'peer')
  return (peer === undefined ? failed : [peer]).map(({ detail }) => detail)
}
