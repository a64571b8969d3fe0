//! Takes out of a state what can make no difference any more.
import type { KeptState } from '../../src/pair/kept-state.ts'
import { deafFrom, type LinkHealth, lastHeardAt, newLink } from '../../src/pair/links.ts'
import type { Proof } from '../../src/pair/proof-of-life.ts'
import type { Offer, Operation, PairState, PeerView } from '../../src/pair/state.ts'
import { peerStalledMs } from '../../src/pair/turn.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import { lostMs, modelOptions, now, oldPeriods, periodMs } from './model.ts'
import type { Renaming } from './node-book.ts'

/** Boot of the peer as it runs now, the boot of which a datagram is still in flight, and any other. */
export const boots = {
  current: '000000000000000c',
  slot: '0000000000000005',
  old: '0000000000000000',
} as const

/** Numbers of heartbeats: below `slotSend` those before the one in flight, then itself, then newer
 * ones. The next one has `nextSend`; a send is three numbers, one a link. */
export const slotSend = 1
const newerSend = 2
export const nextSend = 3
const perSend = 3
export const sequenceOf = (send: number, link: number): number => send * perSend + link

/** Which of its own sends a node finds answered: one answered long ago, by the datagram in flight, by
 * all that is newer than that. */
const answeredBefore = 1
const answeredBySlot = 2
const answeredSince = 3
const answeredNow = 4

export function answersOf(value: Heartbeat, send: number): number {
  if (value.echoSentAt === 0) return 0
  return send === slotSend ? answeredBySlot : answeredNow
}

const oldMs = oldPeriods * periodMs
const peerStalled = peerStalledMs(modelOptions(0))
const longAgo = (ms: number, mostMs: number): number => Math.max(ms, now - mostMs)

/** Units that prove their life do so in every heartbeat. Since when a dead one is dead matters of a
 * primary only. Of a lost peer nothing is used but its term
 * (and its hold, for an alarm). */
function barePeer(peer: PeerView, lost: boolean): PeerView {
  const bare = (proof: Proof) => {
    if (proof.counter > 0) return { counter: 1, advancedAt: now }
    const since = peer.role === 'primary' ? proof.advancedAt : 0
    return { counter: 0, advancedAt: longAgo(since, peerStalled) }
  }
  const units = { switch: bare(peer.switch), media: bare(peer.media) }
  if (!lost) return { ...peer, ...units }
  const nothing = { ready: false, inStep: false, held: false, stoodIn: false, sessions: 0 }
  return { ...peer, ...units, ...nothing, role: 'starting' }
}

function bareSequence(sequence: number): number {
  if (sequence < sequenceOf(slotSend, 0)) return 0
  return sequence < sequenceOf(newerSend, 0) ? sequence : sequenceOf(newerSend, perSend - 1)
}

/** A node that stood still for longer than the patience forgets at its next event all that it knew of
 * its peer and of its links. */
function forgotten(state: PairState): PairState {
  if (now - state.sentAt <= lostMs) return state
  const { own } = state
  const fresh = (proof: Proof) => ({ ...proof, advancedAt: now })
  return {
    ...state,
    links: state.links.map((link) => newLink(link.name)),
    peer: null,
    peerLost: false,
    listenedFrom: now,
    own: { ...own, switch: fresh(own.switch), media: fresh(own.media) },
  }
}

function bareLinks(links: readonly LinkHealth[]): LinkHealth[] {
  // A link that misses a beat which another one delivers counts as down at once: how long ago it was
  // heard is only looked at when it is the last.
  const last = lastHeardAt(links)
  const recent = (ms: number) => (last !== null && last - ms >= periodMs ? 0 : ms)
  const heardAt = (ms: number | null) =>
    last === null ? null : longAgo(ms === null ? 0 : recent(ms), lostMs)
  // Only when the peer hears nothing at all does it matter since when.
  const since = deafFrom(links)
  const deaf = since === null ? null : longAgo(since, lostMs)
  return links.map((link) => ({
    ...newLink(link.name),
    heardAt: heardAt(link.heardAt),
    deafFrom: deaf,
  }))
}

function bareOperation(operation: Operation): Operation {
  const startedAt = operation.stage === 'asking' ? longAgo(operation.startedAt, 200) : now
  return { ...operation, startedAt, warning: '' }
}

/** When it ended makes no difference to what is heard after that. */
function bareOffer(offer: Offer): Offer {
  return { ...offer, endsAt: longAgo(offer.endsAt, oldMs) }
}

export function bareState(whole: PairState): PairState {
  const state = forgotten(whole)
  const { own, operation, peer } = state
  const dead = { counter: 0, advancedAt: now }
  // A process that runs hears of its living units in each period.
  const living = (proof: Proof) => (proof.counter === 0 ? dead : { counter: 1, advancedAt: now })
  const listening = now - state.listenedFrom < lostMs
  const woken = state.woken && listening
  const listenedFrom = state.role === 'starting' || woken ? state.listenedFrom : 0
  return {
    ...state,
    since: 0,
    woken,
    listenedFrom: longAgo(listenedFrom, 2 * lostMs),
    companyFrom: state.role === 'starting' ? longAgo(state.companyFrom, 2 * lostMs) : 0,
    refusedAt: state.role === 'primary' ? 0 : longAgo(state.refusedAt, oldMs),
    extraAt: longAgo(state.extraAt, periodMs),
    sentAt: longAgo(state.sentAt, lostMs + periodMs),
    boots: {
      ...state.boots,
      ended: state.boots.ended.filter((boot) => boot !== boots.old),
      answered: Math.min(state.boots.answered, answeredSince),
      newest: bareSequence(state.boots.newest),
      perLink: state.boots.perLink.map(bareSequence),
    },
    links: bareLinks(state.links),
    peer: peer === null ? null : barePeer(peer, state.peerLost),
    own: { ...own, switch: living(own.switch), media: living(own.media) },
    operation: operation === null ? null : bareOperation(operation),
    // A peer that is ready is in step here, so that nobody waits for one that is not.
    unfitFrom: state.unfitFrom === null ? null : 0,
    grantedBy: peer !== null && state.grantedBy === peer.bootId ? state.grantedBy : null,
    offer: state.role === 'primary' && state.offer !== null ? bareOffer(state.offer) : null,
    // The window of damping is longer than every sequence.
    changes: state.changes.map(() => now),
    alarms: [],
    dropped: { replayed: 0, reflected: 0 },
  }
}

export function bareKept(kept: KeptState): KeptState {
  return { ...kept, endedBoots: kept.endedBoots.filter((boot) => boot !== boots.old) }
}

/** Equal texts: equal from now on. */
export function keyOf(index: number, state: PairState | null, kept: KeptState): string {
  const disk = `${index}|${kept.term} ${kept.currentBoot} ${kept.endedBoots} ${kept.pause.count}`
  const text = `${disk} ${kept.served}|`
  if (state === null) return text
  const { own, peer, operation, boots: heard } = state
  const { woken, peerLost, conflict, served, stoodIn, inherits } = state
  const flags = [woken, peerLost, conflict, served, stoodIn, inherits]
  const links = state.links.map((link) => `${link.heardAt},${link.deafFrom}`)
  const proofs = `${own.switch.counter},${own.switch.advancedAt},${own.media.advancedAt}`
  return [
    text,
    `${state.role} ${state.term} ${state.listenedFrom} ${state.companyFrom} ${state.sentAt}`,
    `${heard.current} ${heard.newest} ${heard.perLink} ${heard.ended}`,
    links.join(' '),
    peer === null ? '' : peerKey(peer),
    `${proofs} ${own.media.counter} ${own.inStep} ${own.died}`,
    operation === null
      ? ''
      : `${operation.stage} ${operation.ref} ${operation.forPeer} ${operation.force} ` +
        `${operation.startedAt} ${operation.deadlineAt}`,
    `${state.grantedBy} ${state.offer?.term} ${state.offer?.endsAt} ${state.pause.count} ${state.stopped}`,
    `${flags} ${state.changes.length} ${state.unfitFrom} ${state.extraAt} ${state.refusedAt}`,
  ].join('|')
}

function peerKey(peer: PeerView): string {
  const proofs = `${peer.switch.counter},${peer.switch.advancedAt}`
  const media = `${peer.media.counter},${peer.media.advancedAt}`
  const flags = `${peer.ready} ${peer.inStep} ${peer.held} ${peer.stoodIn}`
  return `${peer.bootId} ${peer.role} ${peer.term} ${peer.sessions} ${flags} ${proofs} ${media}`
}

const beatNumbers = new WeakMap<Heartbeat, number>()
const numbersOfKeys = new Map<string, number>()

/** Equal numbers: the receiver learns the same. Above zero. */
export function beatNumber(beat: Heartbeat): number {
  const known = beatNumbers.get(beat)
  if (known !== undefined) return known
  const key = beatKey(beat)
  const made = numbersOfKeys.get(key) ?? numbersOfKeys.size + 1
  numbersOfKeys.set(key, made)
  beatNumbers.set(beat, made)
  return made
}

function beatKey(beat: Heartbeat): string {
  const { kind, bootId, role, term, sessions, linksHeard, pauseCount } = beat
  const units = `${beat.switchCounter}${beat.mediaCounter}`
  const flags = [beat.echoSentAt > 0, beat.ready, beat.inStep, beat.held, beat.stoodIn, beat.alone]
    .map(Number)
    .join('')
  return `${kind} ${bootId} ${role} ${term} ${sessions} ${linksHeard} ${pauseCount} ${units} ${flags}`
}

/** Moves all times of a state, which is the same as moving the clock the other way. */
export function shiftTimes(state: PairState, byMs: number): PairState {
  const { own, peer, operation } = state
  const moved = (proof: Proof): Proof => ({ ...proof, advancedAt: proof.advancedAt + byMs })
  const some = (ms: number | null): number | null => (ms === null ? null : ms + byMs)
  return {
    ...state,
    listenedFrom: state.listenedFrom + byMs,
    extraAt: state.extraAt + byMs,
    refusedAt: state.refusedAt + byMs,
    offer: state.offer === null ? null : { ...state.offer, endsAt: state.offer.endsAt + byMs },
    companyFrom: state.companyFrom + byMs,
    sentAt: state.sentAt + byMs,
    links: state.links.map((link) => ({
      ...link,
      heardAt: some(link.heardAt),
      deafFrom: some(link.deafFrom),
    })),
    peer: peer === null ? null : { ...peer, switch: moved(peer.switch), media: moved(peer.media) },
    own: { ...own, switch: moved(own.switch), media: moved(own.media) },
    operation:
      operation === null
        ? null
        : {
            ...operation,
            startedAt: operation.startedAt + byMs,
            deadlineAt: operation.deadlineAt + byMs,
          },
  }
}

/** A peer that boots makes its present boot an old one, unless a datagram of it is in flight. */
export function peerBoots(
  renaming: Renaming,
  state: PairState | null,
  kept: KeptState,
): { state: PairState | null; kept: KeptState } {
  const name = (boot: string): string => {
    switch (renaming) {
      case 'peer-boots':
        return boot === boots.current ? boots.old : boot
      case 'peer-boots-kept':
        return boot === boots.current ? boots.slot : boot
      case 'slot-gone':
        return boot === boots.slot ? boots.old : boot
    }
  }
  const some = (boot: string | null) => (boot === null ? null : name(boot))
  const live = (ended: readonly string[]) => ended.map(name).filter((boot) => boot !== boots.old)
  const disk = {
    ...kept,
    currentBoot: some(kept.currentBoot),
    endedBoots: live(kept.endedBoots),
  }
  if (state === null) return { state, kept: disk }
  const { peer, grantedBy } = state
  // Without a datagram in flight every number that can come is a newer one.
  const forget =
    renaming === 'slot-gone' || (renaming === 'peer-boots' && state.boots.current === boots.current)
  const numbers = forget
    ? { answered: answeredBefore, newest: 0, perLink: state.boots.perLink.map(() => 0) }
    : {}
  return {
    kept: disk,
    state: {
      ...state,
      boots: {
        ...state.boots,
        ...numbers,
        current: some(state.boots.current),
        ended: live(state.boots.ended),
      },
      peer: peer === null ? null : { ...peer, bootId: name(peer.bootId) },
      grantedBy: some(grantedBy),
    },
  }
}
