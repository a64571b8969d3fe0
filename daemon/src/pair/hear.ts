//! Admission of the peer's datagrams: what is old, replayed or our own changes nothing.
import { judgeArrival } from './boots.ts'
import { hearLateOnLink, hearLink, meetBootOnLink, noteHeardByPeer } from './links.ts'
import { hearPause } from './pause.ts'
import { heardPrimary } from './primary.ts'
import { noProof, prove } from './proof-of-life.ts'
import { heardStandby } from './standby.ts'
import { heardStarting } from './starting.ts'
import type { PairEvent, PairState, PeerView } from './state.ts'
import { adoptTerm, change, lostMs, record, sendExtra, type Turn } from './turn.ts'

type Heard = PairEvent & { kind: 'heard' }

export function hear(turn: Turn, event: Heard): void {
  if (event.value.node === turn.state.options.node) {
    hearOwnName(turn, event)
    return
  }
  const { value, link, now } = event
  const { bootId, sequence } = value
  const { answers } = event
  const datagram = { bootId, sequence, link, answers }
  const judged = judgeArrival(turn.state.boots, datagram, isHeard(turn.state))
  if (judged.arrival === 'replayed' || value.link !== link) {
    const { dropped, boots } = turn.state
    change(turn, { dropped: { ...dropped, replayed: dropped.replayed + 1 } })
    if (bootId === boots.current) lateOnLink(turn, event)
    return
  }
  if (judged.arrival === 'doubtful') {
    doubt(turn)
    return
  }
  if (judged.arrival === 'new-boot') meetBoot(turn)
  change(turn, { boots: judged.boots })
  // A booting node shall not have to wait for the next period to know who serves, nor this one, if
  // it just booted, to be believed.
  const first = judged.arrival === 'new-boot' || turn.state.peer === null
  if (first) turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })
  if (judged.arrival === 'new-boot') turn.effects.push({ kind: 'persist' })
  if (turn.state.peer === null || turn.state.peerLost) meetAgain(turn)
  const silentMsMax = lostMs(turn.state.options)
  const heard = { sequence, links: turn.state.links.length, now, silentMsMax }
  const links = turn.state.links.map((one, index) => (index === link ? hearLink(one, heard) : one))
  change(turn, { links })
  if (judged.arrival === 'overtaken') return
  const returned = turn.state.peerLost
  const before = turn.state.peer
  change(turn, { peer: newView(turn.state, event), peerLost: false })
  change(turn, { links: noteHeardByPeer(turn.state.links, value.linksHeard, now) })
  hearPause(turn, value.pauseCount)
  if (returned) noteReturn(turn)
  takeLate(turn, before)
  if (turn.state.stopped) return
  obey(turn, event)
}

function obey(turn: Turn, { value: { kind }, ageMsMax }: Heard): void {
  switch (turn.state.role) {
    case 'starting': {
      heardStarting(turn, kind)
      break
    }
    case 'standby': {
      heardStandby(turn, { kind, ageMsMax })
      break
    }
    case 'primary':
      heardPrimary(turn, { kind, ageMsMax })
  }
  const { peer, role } = turn.state
  if (role !== 'primary' && peer?.role === 'primary') adoptTerm(turn, peer.term)
}

function isHeard(state: PairState): boolean {
  return state.peer !== null && !state.peerLost
}

/** A peer that did restart answers what is sent here, once in half a period at most. */
function doubt(turn: Turn): void {
  sendExtra(turn, 'heartbeat', turn.state.options.heartbeatMs / 2)
}

/** A restarted peer has forgotten what it was; its counts begin again. */
function meetBoot(turn: Turn): void {
  const links = turn.state.links.map((link) => meetBootOnLink(link))
  change(turn, { links, peer: null, refusedName: false })
}

function newView(state: PairState, { value, now }: Heard): PeerView {
  const before = state.peer
  return {
    node: value.node,
    bootId: value.bootId,
    role: value.role,
    term: value.term,
    sessions: value.sessions,
    syncPending: value.syncPending,
    inStep: value.inStep,
    ready: value.ready,
    held: value.held,
    stoodIn: value.stoodIn,
    tieBreak: value.tieBreak,
    switch: prove(before?.switch ?? { ...noProof, advancedAt: now }, value.switchCounter, now),
    media: prove(before?.media ?? { ...noProof, advancedAt: now }, value.mediaCounter, now),
  }
}

/** A peer that just booted says first that it has nothing, and then what its switch has: sessions of a time
 * as primary, which it is about to give (`starting.ts`). */
function takeLate(turn: Turn, before: PeerView | null): void {
  const { role, peer } = turn.state
  if (role !== 'primary' || peer === null || peer.sessions === 0 || peer.inStep) return
  const isNew =
    before === null
      ? peer.role === 'starting'
      : before.role === 'starting' && before.sessions === 0 && peer.role !== 'primary'
  if (!isNew) return
  const because = `${peer.node} has sessions of its time as primary`
  turn.effects.push({ kind: 'role', role, term: turn.state.term, because, merge: 'take-late' })
}

/** The links are judged anew, from now. */
function meetAgain(turn: Turn): void {
  const links = turn.state.links.map((link) => ({ ...link, heardAt: null, deafFrom: null }))
  change(turn, { links, companyFrom: turn.now })
}

function noteReturn(turn: Turn): void {
  const { peer, role } = turn.state
  const because = `${peer?.node ?? 'the peer'} is heard again`
  record(turn, role, { rule: 'peer-heard', because, alternatives: [] })
}

/** Not lost after all: it only came after a newer one of its link. */
function lateOnLink(turn: Turn, { link, value }: Heard): void {
  const links = turn.state.links.map((one, index) =>
    index === link ? hearLateOnLink(one, value.sequence) : one,
  )
  change(turn, { links })
}

/** Our own datagram came back, or the peer was given our name. Only a datagram that answers a recent
 * one of ours tells them apart from a recording; it raises an alarm and is not used either. */
function hearOwnName(turn: Turn, event: Heard): void {
  const { dropped, refusedName } = turn.state
  change(turn, { dropped: { ...dropped, reflected: dropped.reflected + 1 } })
  if (event.answers > 0 && !refusedName) change(turn, { refusedName: true })
}
