//! Which alarms the pair raises: a function of the state, compared after every turn.
import type { AlarmChange, AlarmCode } from '../alarms.ts'
import { isHeld } from './damping.ts'
import { foreignPeer } from './foreign.ts'
import { type LinkHealth, linkState } from './links.ts'
import { isPaused, nobodyServes } from './pause.ts'
import type { PairEffect, PairState } from './state.ts'
import { tieBreaksDiffer } from './tie-break.ts'
import { hasListened, isPeerReady, linkView } from './turn.ts'

/** The alarms that hold now, and the changes from those that held before. */
export function compareAlarms(
  state: PairState,
  now: number,
): { readonly alarms: readonly AlarmChange[]; readonly effects: readonly PairEffect[] } {
  const wanted = wantedAlarms(state, now)
  const before = state.alarms
  const has = (list: readonly AlarmChange[], one: AlarmChange) =>
    list.some((other) => other.code === one.code && other.subject === one.subject)
  const raised = wanted.filter((one) => !has(before, one))
  const cleared = before.filter((one) => !has(wanted, one))
  if (raised.length === 0 && cleared.length === 0) return { alarms: before, effects: [] }
  const changes = [...cleared.map((one) => ({ ...one, active: false })), ...raised]
  return { alarms: wanted, effects: changes.map((change) => ({ kind: 'alarm', change })) }
}

function wantedAlarms(state: PairState, now: number): AlarmChange[] {
  const alarms: AlarmChange[] = []
  const raise = (code: AlarmCode, subject: string, detail: string) =>
    alarms.push({ code, subject, active: true, detail })
  for (const unit of state.own.died) raise('unit-restarted', unit, `${unit} died`)
  if (isHeld(state, now)) raise('role-held', 'pair', 'the role changed twice within a minute')
  if (isPaused(state)) {
    raise('paused', 'pair', state.pause.reason || 'paused by the operator')
    if (nobodyServes(state, now)) {
      raise('nobody-serves', 'pair', `${state.peer?.node ?? 'the peer'} does not serve`)
    }
  }
  if (state.refusedName)
    raise('peer-refused', 'peer', `the peer is named ${state.options.node} too`)
  const foreign = foreignPeer(state, now)
  if (foreign !== null) {
    const detail = `its heartbeats are of version ${foreign.version}, it is ${foreign.role}`
    raise('peer-incompatible', 'heartbeat', detail)
  }
  const heard = state.peer !== null && !state.peerLost
  if (!heard) {
    if (hasListened(state, now)) raise('peer-lost', 'peer', 'no link is heard')
    return alarms
  }
  if (tieBreaksDiffer(state)) {
    const { options, peer } = state
    raise('tie-break-differs', 'pair', `${options.tieBreak} here, ${peer?.tieBreak} at the peer`)
  }
  const at = linkView(state, now)
  const metLongAgo = now - state.companyFrom >= at.silentMsMax
  if (state.role === 'primary' && metLongAgo && !isPeerReady(state, now)) {
    raise('peer-not-ready', 'peer', `${state.peer?.node ?? 'the peer'} cannot serve yet`)
  }
  const isDown = (link: LinkHealth) => linkState(link, at) === 'down'
  const isOneWay = (link: LinkHealth) =>
    !isDown(link) && link.deafFrom !== null && now - link.deafFrom >= at.silentMsMax
  for (const link of state.links) {
    const { name } = link
    if (isDown(link)) raise('link-down', name, `${name} is silent`)
    else if (isOneWay(link)) raise('one-way', name, `the peer does not hear this node on ${name}`)
  }
  const bad = state.links.filter((link) => isDown(link) || isOneWay(link))
  if (bad.length > 1) {
    raise('links-down', 'links', `${bad.map((link) => link.name).join(', ')} do not work`)
  }
  return alarms
}
