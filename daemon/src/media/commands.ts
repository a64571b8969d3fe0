//! The command set of S1.59 on the engine. Each command is answered once (S1.58), when the ports are
//! open or have failed. All commands may be repeated: what is as wanted stays as it is.
import { unreachable } from '../assert.ts'
import type { BusMessageOf, MediaCommand } from '../bus/messages.ts'
import type { WiredMedia } from '../tables/wired-media.ts'
import type { MediaEngine } from './engine.ts'
import type { Leg } from './leg.ts'
import type { LegSockets } from './sockets.ts'

/** A port stays taken for some 50 ms after the death of the process that had it. */
const busyMsMax = 150
/** Ports are opened in portions, so that a large conference-set does not stop the voice of the legs
 * that exist. */
const opensPerPoll = 16

interface Opening {
  readonly leg: Leg
  readonly command: Command
  /** Null: the ports have not been tried yet. */
  deadlineMs: number | null
}

interface Command {
  readonly ref: number
  openings: number
  readonly problems: string[]
}

export class MediaCommands {
  readonly #engine: MediaEngine
  readonly #sockets: LegSockets
  readonly #answer: (message: BusMessageOf<'media-response'>) => void
  #openings: Opening[] = []
  #opensLeft = 0

  constructor(
    engine: MediaEngine,
    sockets: LegSockets,
    answer: (message: BusMessageOf<'media-response'>) => void,
  ) {
    this.#engine = engine
    this.#sockets = sockets
    this.#answer = answer
  }

  /** @param nowMs CLOCK_MONOTONIC, as in `poll`. */
  run(message: MediaCommand, nowMs: number): void {
    // The command itself counts as one, so that it is not answered before it has run.
    const command: Command = { ref: message.ref, openings: 1, problems: [] }
    switch (message.kind) {
      case 'conference-create': {
        this.#engine.createBridge(message.conferenceId)
        break
      }
      case 'conference-destroy': {
        this.#destroy(message.conferenceId)
        break
      }
      case 'member-add':
      case 'member-update': {
        this.#put(message.leg, command)
        break
      }
      case 'member-delete': {
        const leg = this.#engine.legs.get(message.mediaId)
        if (leg === undefined) this.#engine.forgetMissing(message.mediaId)
        else this.#engine.removeLeg(leg)
        break
      }
      case 'conference-set': {
        this.#reconcile(message.legs, command)
        break
      }
      default: {
        unreachable(message)
      }
    }
    this.#ended(command, null)
    this.poll(nowMs)
  }

  /** Goes on with ports that are not open yet. Call it in every slot. */
  poll(nowMs: number): void {
    if (this.#openings.length === 0) return
    const waiting: Opening[] = []
    this.#opensLeft = opensPerPoll
    for (const opening of this.#openings) {
      if (this.#stillOpening(opening, nowMs)) waiting.push(opening)
    }
    this.#openings = waiting
  }

  #finish(command: Command): void {
    const ok = command.problems.length === 0
    const detail = command.problems.slice(0, 3).join('; ')
    this.#answer({ kind: 'media-response', ref: command.ref, ok, detail })
  }

  #stillOpening(opening: Opening, nowMs: number): boolean {
    const { leg, command } = opening
    const { mediaId, localPort } = leg.record
    if (this.#engine.legs.get(mediaId) !== leg) {
      return this.#ended(command, `${mediaId} was deleted`)
    }
    if (opening.deadlineMs === null) {
      if (this.#opensLeft-- <= 0) return true
      opening.deadlineMs = nowMs + busyMsMax
      this.#sockets.open(leg.index, leg.record)
    }
    const state = this.#sockets.state(leg.index)
    if (state === 'opening') return true
    if (state === 'open') {
      leg.opened(this.#engine.tick)
      return this.#ended(command, null)
    }
    if (state === 'busy' && nowMs < opening.deadlineMs) {
      this.#sockets.open(leg.index, leg.record)
      return true
    }
    const reason = state === 'busy' ? 'is in use' : state.failed
    this.#engine.missLeg(leg)
    return this.#ended(command, `port ${localPort}: ${reason}`)
  }

  #ended(command: Command, problem: string | null): false {
    command.openings--
    if (problem !== null) command.problems.push(problem)
    if (command.openings === 0) this.#finish(command)
    return false
  }

  #put(record: WiredMedia, command: Command): void {
    const existing = this.#engine.legs.get(record.mediaId)
    if (existing !== undefined && existing.record.localPort !== record.localPort) {
      command.problems.push(`${record.mediaId} has another port`)
      return
    }
    if (existing !== undefined) {
      this.#engine.updateLeg(existing, record)
      return
    }
    const leg = this.#engine.addLeg(record)
    if (typeof leg === 'string') {
      command.problems.push(leg)
      return
    }
    command.openings++
    this.#openings.push({ leg, command, deadlineMs: null })
  }

  #destroy(conferenceId: number): void {
    const bridge = this.#engine.bridges.get(conferenceId)
    if (bridge === undefined) return
    if (bridge.legs.length === 0) this.#engine.endBridge(bridge)
    for (const leg of [...bridge.legs]) this.#engine.removeLeg(leg)
  }

  #reconcile(records: readonly WiredMedia[], command: Command): void {
    const wanted = new Map(records.map((record) => [record.mediaId, record.localPort]))
    for (const leg of [...this.#engine.legs.values()]) {
      const { mediaId, localPort } = leg.record
      if (wanted.get(mediaId) !== localPort) this.#engine.removeLeg(leg)
    }
    for (const bridge of [...this.#engine.bridges.values()]) {
      if (bridge.legs.length === 0) this.#engine.endBridge(bridge)
    }
    for (const record of records) this.#put(record, command)
  }
}
