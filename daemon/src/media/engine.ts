//! The tick: for each bridge of the phase, receive, mix and send. What it does depends on the number of
//! the tick, the records and the received packets only; it has no clock.
import { assert } from '../assert.ts'
import type { BusMessageOf, Role } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import type { InputMap, WiredMedia } from '../tables/wired-media.ts'
import { arenaOffset, clearLeg } from './arena.ts'
import { Bridge, memoryTicks, mixMemoryTicks, phases } from './bridge.ts'
import { LegControl } from './control.ts'
import type { EngineCounters, EngineOptions } from './engine-types.ts'
import { passEvents } from './events.ts'
import { Input } from './input.ts'
import type { Trust } from './lease.ts'
import { Leg } from './leg.ts'
import { StatisticsTeller } from './leg-statistics.ts'
import { Output } from './output.ts'
import { drainIfNeeded, packetsAtHand, packetsToRead } from './reading.ts'
import { controlIsRead, reportIsDue } from './reports.ts'
import { playTone } from './tones.ts'

const never = Number.NEGATIVE_INFINITY
/** A bridge of more than two that may speak is a conference: what one dials is not for the others. */
const dialsToOthersMax = 2
const mergeTicksMax = limits.mergeMsMax / limits.tickMs
/** A leg that is told late at its birth is warm at this age. */
const youngTicks = 2 * memoryTicks
/** Packets of one socket that are dropped after a standstill: what the kernel holds at most. */
const waitingMax = 1_000

export class MediaEngine {
  readonly legs = new Map<string, Leg>()
  readonly bridges = new Map<number, Bridge>()
  readonly #options: EngineOptions
  readonly #phases: Bridge[][] = Array.from({ length: phases }, () => [])
  readonly #input: Input
  readonly #output: Output
  readonly #control: LegControl
  readonly #statistics: StatisticsTeller
  readonly #free: number[] = []
  #indexes = 0
  #role: Role = 'starting'
  #trust: Trust = 'full'
  #clockIsKnown = true
  #slot = -1
  #isMadeUp = false
  #tick = 0
  #givesUntilTick = never
  #takesUntilTick = never
  /** Legs with versions that wait for their tick. */
  readonly #waiting = new Set<Leg>()
  #received = 0
  #refused = 0
  #lateOfEnded = 0
  #lostOfEnded = 0

  constructor(options: EngineOptions) {
    this.#options = options
    this.#input = new Input(options.arena, {
      mapped: (leg, map) => this.#mapped(leg, map),
      dialled: (leg, digit, mark) => this.#dialled(leg, digit, mark),
    })
    this.#control = new LegControl(options)
    this.#statistics = new StatisticsTeller(options.emit)
    this.#output = new Output(options.arena, options.sockets)
  }

  /** Twin legs are sent in every role, others by the primary only. No role changes what is mixed.
   * @param peerSends the peer gave the role up in a switchover, and its media unit goes on. */
  setRole(role: Role, peerSends = false): void {
    if (role === this.#role) return
    this.#role = role
    this.#input.mapping = this.#serves
    for (const leg of this.legs.values()) {
      if (role === 'primary') leg.mapper.reset()
      else leg.forgetDecisions()
      if (role === 'primary' && peerSends) leg.leaveWhileCold(this.#tick)
    }
  }

  /** How much of that is still true; nothing is sent or decided beyond it. */
  setTrust(trust: Trust): void {
    this.#trust = trust
    this.#input.mapping = this.#serves
  }

  get #serves(): boolean {
    return this.#role === 'primary' && this.#trust === 'full'
  }

  /** What came while this process stood still is no voice of the present, and no stream to follow. */
  dropWaiting(): void {
    const { sockets } = this.#options
    for (const leg of this.legs.values()) {
      if (!leg.open) continue
      for (let n = 0; n < waitingMax && sockets.receive(leg.index) > 0; n++) this.#received++
      for (let n = 0; n < waitingMax && sockets.receiveControl(leg.index) > 0; ) n++
      leg.mapper.reset()
    }
  }

  /** @param isKnown false: the number of the tick may not be that of the peer.
   * @param isSteady false: the clock has jumped. */
  setClock(isKnown: boolean, isSteady: boolean): void {
    this.#clockIsKnown = isKnown
    if (!isSteady) this.#coolAll()
  }

  /** Two primaries met (ADR 0001). Who lost goes on with the legs that have no twin, until the peer has
   * them; who stays primary leaves adopted legs to the peer, which has heard their terminals all the
   * time, until it has heard enough itself.
   * @param alone no peer is heard: nothing is left to it. */
  setMerge(merge: BusMessageOf<'role'>['merge'] | null, alone: boolean): void {
    if (merge === 'give') this.#givesUntilTick = this.#tick + mergeTicksMax
    if (merge === 'take' || merge === 'take-late') this.#takesUntilTick = this.#tick + mergeTicksMax
    if (!alone) return
    this.#takesUntilTick = never
    for (const leg of this.legs.values()) leg.ownFromTick = never
  }

  /** The switch names all legs: what was to be given is given. */
  endGiving(): void {
    this.#givesUntilTick = never
  }

  /** The pair clock jumped by whole ticks together with the timelines of all legs: the next tick has
   * another number and is the same instant. */
  shift(ticks: number): void {
    for (const bridge of this.bridges.values()) bridge.shift(ticks)
    this.#tick += ticks
    this.#slot += ticks * phases
    this.#givesUntilTick += ticks
    this.#takesUntilTick += ticks
  }

  createBridge(conferenceId: number): Bridge {
    const existing = this.bridges.get(conferenceId)
    if (existing !== undefined) return existing
    const bridge = new Bridge(conferenceId)
    this.bridges.set(conferenceId, bridge)
    this.#phases[bridge.phase]?.push(bridge)
    return bridge
  }

  /** Ends a bridge that has no member. */
  endBridge(bridge: Bridge): void {
    assert(bridge.legs.length === 0, 'a bridge ends without members')
    this.bridges.delete(bridge.conferenceId)
    const list = this.#phases[bridge.phase] ?? []
    list.splice(list.indexOf(bridge), 1)
    this.#options.emit({ kind: 'conference-ended', conferenceId: bridge.conferenceId })
  }

  /** Makes a leg; its ports are opened by who adds it. @returns why not, or the leg. */
  addLeg(record: WiredMedia): Leg | string {
    assert(!this.legs.has(record.mediaId), 'a leg is added once')
    if (this.legs.size >= limits.legsMax) return 'no leg is free'
    const existing = this.bridges.get(record.conferenceId)
    if (existing !== undefined && existing.legs.length >= limits.membersPerSessionMax) {
      return 'the conference is full'
    }
    const bridge = this.createBridge(record.conferenceId)
    this.forgetMissing(record.mediaId)
    const index = this.#free.pop() ?? this.#indexes++
    clearLeg(this.#options.arena, index)
    const leg = new Leg(index, record, bridge)
    leg.mapper.reserveTicks = this.#options.reserveTicks ?? 0
    this.legs.set(record.mediaId, leg)
    bridge.add(leg)
    if (this.#tick >= record.tick0) {
      // A packet of 30 ms begins a tick before.
      leg.wholeFromTick = this.#tick + 2
      if (leg.needsInput(this.#tick)) bridge.cool(this.#tick)
    }
    const isAdopted = this.#tick >= Math.max(record.tick0, record.controlTick)
    if (isAdopted && record.twin && this.#tick < this.#takesUntilTick) leg.leaveToPeer(this.#tick)
    return leg
  }

  /** Frees everything of a leg; its bridge ends with its last member (S1.55). */
  removeLeg(leg: Leg): void {
    if (leg.open && this.#serves) this.#control.goodbye(leg)
    this.#statistics.tell(leg, true)
    this.#options.sockets.close(leg.index)
    this.#lateOfEnded += leg.reception.late
    this.#lostOfEnded += leg.reception.lost
    this.#free.push(leg.index)
    this.legs.delete(leg.record.mediaId)
    this.#waiting.delete(leg)
    leg.bridge.remove(leg)
    if (leg.bridge.legs.length === 0) this.endBridge(leg.bridge)
  }

  /** Frees a leg that cannot be opened. Until it is deleted this node hears less than the peer. */
  missLeg(leg: Leg): void {
    leg.bridge.missing.add(leg.record.mediaId)
    this.removeLeg(leg)
  }

  forgetMissing(mediaId: string): void {
    for (const bridge of this.bridges.values()) {
      if (bridge.missing.delete(mediaId)) bridge.cool(this.#tick, mixMemoryTicks)
    }
  }

  /** Takes a newer version of a leg's record; see `controlTick`. */
  updateLeg(leg: Leg, record: WiredMedia): void {
    const heardTicks = leg.update(record, this.#tick)
    if (heardTicks > 0) leg.bridge.cool(this.#tick, heardTicks)
    if (leg.later.length > 0) this.#waiting.add(leg)
  }

  /** Runs one phase of one tick: slot = tick * phases + phase.
   * @param isMadeUp its time was over more than a tick ago. */
  runSlot(slot: number, isMadeUp = false): void {
    this.#isMadeUp = isMadeUp
    const tick = Math.floor(slot / phases)
    const phase = slot - tick * phases
    this.#tick = tick
    if (slot !== this.#slot + 1) this.#coolAll()
    this.#slot = slot
    if (phase === 0 && this.#waiting.size > 0) this.#applyDue(tick)
    for (const bridge of this.#phases[phase] ?? []) this.#runBridge(bridge, tick)
    this.#sendLate(slot - phases / 2)
    this.#statistics.flush()
  }

  get counters(): EngineCounters {
    let packetsLate = this.#lateOfEnded
    let packetsLost = this.#lostOfEnded
    for (const { reception } of this.legs.values()) {
      packetsLate += reception.late
      packetsLost += reception.lost
    }
    return {
      legs: this.legs.size,
      conferences: this.bridges.size,
      packetsReceived: this.#received,
      packetsSent: this.#output.sent,
      packetsLate,
      packetsLost,
      packetsRefused: this.#refused,
    }
  }

  /** Legs that a standby does not send, because their packets would not be those of the primary.
   * Without legs of the last second, which may only have been told late. */
  get coldLegs(): number {
    let cold = 0
    for (const leg of this.legs.values()) if (this.isCold(leg)) cold++
    return cold
  }

  isCold(leg: Leg): boolean {
    const isYoung = this.#tick - leg.record.tick0 < youngTicks
    return leg.record.twin && !isYoung && !this.#isWarm(leg, this.#tick)
  }

  #isWarm(leg: Leg, tick: number): boolean {
    const isWhole = tick >= leg.wholeFromTick
    return leg.open && this.#clockIsKnown && isWhole && leg.bridge.isWarm(tick)
  }

  #runBridge(bridge: Bridge, tick: number): void {
    const { arena } = this.#options
    let events = 0
    let speakers = 0
    let at = arenaOffset.list >> 2
    for (const leg of bridge.legs) {
      if (leg.open) this.#receive(leg, tick)
      else if (leg.isMember(tick) && leg.needsInput(tick)) bridge.cool(tick)
      leg.prepare(arena, tick)
      this.#output.aimFrame(leg, tick)
      if (leg.hasEvent) events++
      if (leg.takesVoice && leg.isMember(tick)) speakers++
      arena.words[at++] = leg.offset
    }
    if (events > 0 && speakers <= dialsToOthersMax) passEvents(bridge, tick)
    const reports = this.#serves
    arena.mixer.mix(arenaOffset.list, bridge.legs.length, arenaOffset.scratch)
    for (const leg of bridge.legs) {
      this.#statistics.tellWhenDue(leg, tick)
      // Also what does not leave: a packet of 30 ms has frames of ticks before it.
      if (leg.givesVoice) playTone(arena, leg, tick)
      if (this.#mayEmit(leg, tick)) {
        this.#output.emit(leg, tick, false)
        if (leg.record.ptimeMs !== 20) leg.lateTick = tick
      }
      if (reports && leg.open && reportIsDue(leg, tick)) this.#control.report(leg, tick)
    }
  }

  /** The packets that leave 10 ms after the start of their tick. */
  #sendLate(slot: number): void {
    const tick = Math.floor(slot / phases)
    for (const bridge of this.#phases[slot - tick * phases] ?? []) {
      for (const leg of bridge.legs) if (leg.lateTick === tick) this.#emitLate(leg)
    }
  }

  #emitLate(leg: Leg): void {
    const tick = leg.lateTick
    leg.lateTick = never
    if (this.#mayEmit(leg, tick)) this.#output.emit(leg, tick, true)
  }

  /** The primary sends what it has. The phones take the copy that comes first, so the other node sends
   * only what the primary sends too. */
  #mayEmit(leg: Leg, tick: number): boolean {
    if (!leg.open || !leg.givesVoice || this.#trust === 'none') return false
    if (!leg.isMember(tick)) return false
    if (this.#serves) return tick >= leg.ownFromTick
    if (!leg.record.twin) return tick < this.#givesUntilTick && this.#trust === 'full'
    return this.#isWarm(leg, tick)
  }

  /** Ticks were left out or come again, or there was none before. */
  #coolAll(): void {
    for (const leg of this.legs.values()) {
      if (leg.record.tick0 >= this.#tick) continue
      leg.bridge.cool(this.#tick)
      leg.drainUntilTick = this.#tick + 2
    }
  }

  #receive(leg: Leg, tick: number): void {
    const { sockets } = this.#options
    const isMadeUp = this.#isMadeUp
    const atHand = packetsAtHand(isMadeUp)
    let packets = 0
    while (
      packets < packetsToRead(leg, tick, isMadeUp) ||
      (packets < atHand && sockets.hasMore?.(leg.index))
    ) {
      const length = sockets.receive(leg.index)
      if (length <= 0) break
      packets++
      if (this.#input.take(leg, length, tick) === 'refused') this.#refused++
    }
    this.#received += packets
    drainIfNeeded(leg, tick, packets)
    if (controlIsRead(leg, tick)) this.#refused += this.#control.receive(leg)
  }

  #mapped(leg: Leg, map: InputMap): void {
    leg.decide(map)
    this.#options.emit({ kind: 'input-mapped', mediaId: leg.record.mediaId, map })
  }

  /** Both nodes tell their own switch: that of a standby may have to serve in the next moment. */
  #dialled(leg: Leg, digit: string, mark: string): void {
    const { mediaId } = leg.record
    this.#options.emit({ kind: 'digit', mediaId, digit, mark, tick: this.#tick })
  }

  /** Only at the start of a tick, so that a leg that moves to another bridge misses none. */
  #applyDue(tick: number): void {
    for (const leg of this.#waiting) {
      const record = leg.due(tick)
      if (leg.later.length === 0) this.#waiting.delete(leg)
      if (record !== null) this.#apply(leg, record)
    }
  }

  #apply(leg: Leg, record: WiredMedia): void {
    // What is left of the tick before is a packet of the record before.
    if (leg.lateTick !== never) this.#emitLate(leg)
    const before = leg.record
    leg.take(record)
    if (
      before.terminalAddress !== record.terminalAddress ||
      before.remotePort !== record.remotePort
    ) {
      this.#options.sockets.aim(leg.index, record)
    }
    if (before.conferenceId !== record.conferenceId) this.#move(leg, record.conferenceId)
  }

  #move(leg: Leg, conferenceId: number): void {
    const from = leg.bridge
    // The scratch of the mixer has room for this many; the switch keeps to it as well.
    const members = this.bridges.get(conferenceId)?.legs.length ?? 0
    if (members >= limits.membersPerSessionMax) return
    leg.bridge = this.createBridge(conferenceId)
    leg.bridge.coolAs(from)
    from.remove(leg)
    leg.bridge.add(leg)
    if (from.legs.length === 0) this.endBridge(from)
  }

  /** The last tick that ran. */
  get tick(): number {
    return this.#tick
  }
}
