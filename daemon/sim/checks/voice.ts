//! The rule about the voice: a leg of a call that both ends hold is sent by at least one node at every
//! moment, and not one packet is missing, as long as there is a node that can send it.
//!
//! A node can send a leg when its media unit runs, was not started a moment ago, and the switch of the
//! node knows the leg and runs, too. What is excepted, and why:
//!
//! - No node can: both are dead, stand still or have just come back. Nobody is there to send.
//! - The terminal takes no twins (`twin` false): only the primary sends to it. Until the standby has taken
//!   over nobody may; how long that may take is the rule `no-primary`.
//! - The other end holds the call: nothing is to be sent in this direction.
//! - The call may be lost (`excuse`): its records were on no node that lived.

import { isSpoken } from '../node/media-process.ts'
import type { SimNode } from '../node/node.ts'
import type { Call } from '../telephones/calls.ts'
import type { World } from '../world/world.ts'

/** One packet. */
const packetMs = 20
/** A media unit that was started has its legs again after this time, and a switch its records. */
const backMs = 2_000

interface Watched {
  readonly call: Call
  /** It was sent once: before that nothing can be missing. */
  begun: boolean
  /** Nobody sends since; null: somebody does, or nobody has to. */
  silentFromMs: number | null
  /** Nobody sends although one could, since. */
  wrongFromMs: number | null
}

export interface VoiceGap {
  readonly ms: number
  /** False: the terminal takes packets of the primary only. */
  readonly twin: boolean
}

export class Voice {
  readonly #world: World
  readonly #legs = new Map<string, Watched>()
  /** All silences of legs that somebody had sent. */
  readonly gaps: VoiceGap[] = []
  /** Longest silence beside a node that could send, in milliseconds. */
  wrongMsMax = 0

  constructor(world: World) {
    this.#world = world
  }

  /** Both ends have the call from now on. */
  begin(call: Call, mediaIds: readonly string[]): void {
    for (const id of mediaIds) {
      if (this.#legs.has(id)) continue
      this.#legs.set(id, { call, begun: false, silentFromMs: null, wrongFromMs: null })
    }
  }

  end(call: Call): void {
    for (const [id, leg] of this.#legs) {
      if (leg.call !== call) continue
      this.#sounds(id, leg)
      this.#legs.delete(id)
    }
  }

  has(call: Call): boolean {
    for (const leg of this.#legs.values()) if (leg.call === call) return true
    return false
  }

  /** Something may have changed. */
  look(): void {
    for (const [id, leg] of this.#legs) this.#judge(id, leg)
  }

  #judge(id: string, leg: Watched): void {
    const { nodes, timeline } = this.#world
    if (nodes.some((node) => node.media.sends(id))) {
      leg.begun = true
      this.#sounds(id, leg)
      return
    }
    if (!leg.begun || leg.call.excuse !== null || nodes.some((node) => node.media.holds(id))) {
      this.#sounds(id, leg)
      return
    }
    leg.silentFromMs ??= timeline.nowMs
    if (!nodes.some((node) => this.#can(node, id))) {
      this.#right(id, leg)
      return
    }
    leg.wrongFromMs ??= timeline.nowMs
    this.#blame(id, leg)
  }

  /** Whether nothing prevents this node from sending the leg. */
  #can(node: SimNode, id: string): boolean {
    const { nowMs } = this.#world.timeline
    if (!node.active) return false
    if (nowMs - Math.max(node.startedAtMs('media'), node.startedAtMs('switch')) < backMs)
      return false
    const { engine } = node.switch
    if (engine === null || engine.role === 'starting') return false
    const record = engine.tables.table('wired-media').get(id)
    if (record === undefined || !isSpoken(record)) return false
    return record.twin || node.media.role === 'primary'
  }

  /** The silence is over. */
  #sounds(id: string, leg: Watched): void {
    this.#right(id, leg)
    if (leg.silentFromMs === null) return
    const ms = this.#world.timeline.nowMs - leg.silentFromMs
    leg.silentFromMs = null
    if (ms > 0) this.gaps.push({ ms, twin: this.#isTwin(id) })
  }

  #right(id: string, leg: Watched): void {
    if (leg.wrongFromMs !== null) this.#blame(id, leg)
    leg.wrongFromMs = null
  }

  #blame(id: string, leg: Watched): void {
    if (leg.wrongFromMs === null) return
    const ms = this.#world.timeline.nowMs - leg.wrongFromMs
    this.wrongMsMax = Math.max(this.wrongMsMax, ms)
    if (ms < packetMs || leg.call.excuse !== null) return
    const { id: number, caller, callee } = leg.call
    const detail = `call ${number}, ${caller} to ${callee}: leg ${id} is silent for ${Math.round(ms)} ms`
    this.#world.violate('voice-lost', detail)
    // Said once, until it is heard again.
    leg.begun = false
    leg.wrongFromMs = null
  }

  #isTwin(id: string): boolean {
    return this.#world.nodes.some(({ media }) => media.legs.get(id)?.record.twin === true)
  }
}
