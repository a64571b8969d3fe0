//! The switch's end of the bus to the media unit: orders go out with a number, answers open gates.
//! While the media unit is away, orders are not kept: it gets everything when it is back.
import type { BusMessage, BusMessageOf, LegStatistics } from '../bus/messages.ts'
import type { Clock } from '../platform/clock.ts'
import type { BusPeer } from '../platform/stream.ts'
import type { MediaOrder } from '../switching/effects.ts'
import type { WiredMedia } from '../tables/wired-media.ts'
import { LegStatisticsBook } from './leg-statistics.ts'

interface MediaOutlets {
  /** Every leg that the tables hold; null while that is not known yet. */
  legs(): WiredMedia[] | null
  inputMapped(message: BusMessageOf<'input-mapped'>): void
  dialled(message: BusMessageOf<'digit'>): void
  /** The last word on the voice of legs that are gone. */
  legsEnded(legs: readonly LegStatistics[]): void
  conferenceEnded(conferenceId: number): void
  statistics(message: BusMessageOf<'media-statistics'>): void
  /** The media unit came or went. */
  changed(connected: boolean): void
  log(line: BusMessageOf<'unit-log'>): void
  refused(detail: string): void
}

type Done = (ok: boolean) => void

export class MediaLink {
  readonly legStatistics = new LegStatisticsBook()
  readonly #clock: Clock
  readonly #out: MediaOutlets
  #peer: BusPeer | null = null
  #pid: number | null = null
  #ref = 0
  readonly #waiting = new Map<number, Done>()

  constructor(clock: Clock, outlets: MediaOutlets) {
    this.#clock = clock
    this.#out = outlets
  }

  get connected(): boolean {
    return this.#peer !== null
  }

  get pid(): number | null {
    return this.#pid
  }

  /** A connection of the bus server; the newest media unit counts. */
  accept(peer: BusPeer): void {
    peer.onMessage((message) => this.#take(peer, message))
    peer.onClose(() => {
      if (this.#peer === peer) this.#lose()
    })
  }

  /** Tells the media unit everything that exists, so that it drops what does not. */
  refresh(): void {
    const legs = this.#out.legs()
    if (legs === null) return
    this.#peer?.send({ kind: 'conference-set', ref: ++this.#ref, legs })
  }

  /** Gives orders. `done(true)` when the media unit has done all of them, `done(false)` when it could
   * not or is away. Without orders `done` is called at once. */
  order(orders: readonly MediaOrder[], done: Done): void {
    const peer = this.#peer
    if (orders.length === 0 || peer === null) {
      done(orders.length === 0)
      return
    }
    let open = orders.length
    let allOk = true
    const one: Done = (ok) => {
      allOk &&= ok
      open--
      if (open === 0) done(allOk)
    }
    const messages = orders.map((order): BusMessage => {
      const ref = ++this.#ref
      this.#waiting.set(ref, one)
      return { ...order, ref }
    })
    peer.sendAll(messages)
  }

  #take(peer: BusPeer, message: BusMessage): void {
    if (message.kind === 'hello') {
      if (message.unit === 'media') this.#welcome(peer, message.pid)
      else peer.close('only the media unit connects here')
      return
    }
    if (peer !== this.#peer) return
    switch (message.kind) {
      case 'media-response':
        this.#answered(message)
        return
      case 'input-mapped':
        this.#out.inputMapped(message)
        return
      case 'digit':
        this.#out.dialled(message)
        return
      case 'leg-statistics':
        this.legStatistics.take(message.legs, this.#clock.monotonicMs())
        this.#out.legsEnded(message.legs.filter(({ ended }) => ended))
        return
      case 'conference-ended':
        this.#out.conferenceEnded(message.conferenceId)
        return
      case 'unit-log':
        this.#out.log(message)
        return
      case 'media-statistics':
        this.#out.statistics(message)
        return
      default:
        peer.close(`unexpected message ${message.kind}`)
    }
  }

  #welcome(peer: BusPeer, pid: number): void {
    if (this.#peer !== null && this.#peer !== peer) this.#peer.close('another media unit came')
    this.#lose()
    this.#peer = peer
    this.#pid = pid
    this.refresh()
    this.#out.changed(true)
  }

  #answered(message: BusMessageOf<'media-response'>): void {
    if (!message.ok) this.#out.refused(message.detail)
    const done = this.#waiting.get(message.ref)
    this.#waiting.delete(message.ref)
    done?.(message.ok)
  }

  #lose(): void {
    if (this.#peer === null) return
    this.#peer = null
    this.#pid = null
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const done of waiting) done(false)
    this.#out.changed(false)
  }
}
