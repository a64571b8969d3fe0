//! Telephone events (RFC 4733) of a member on their way to the other members of its bridge. What is sent
//! at a tick is computed from the event itself and the input map, so that both nodes send the same and
//! a lost packet of the terminal leaves no gap.
import { limits } from '../limits.ts'
import type { Bridge } from './bridge.ts'

const samples = limits.samplesPerTick
/** An event without news for this long has ended; its end was lost. */
const silentSamplesMax = 1_600
/** RFC 4733 2.5.1.4: the last packet is sent three times. */
const finalPackets = 3
const eventsHeld = 4

interface TelephoneEvent {
  readonly ssrc: number
  /** RTP time stamp of the sender at its start. */
  readonly timestamp: number
  readonly event: number
  readonly volume: number
  /** In samples; grows with each packet. */
  duration: number
  ended: boolean
}

/** What a listener's packet carries at a tick instead of voice. */
export interface EventAtTick {
  event: number
  volume: number
  duration: number
  end: boolean
  /** Ticks since its first packet. */
  ticksSinceStart: number
  /** The terminal sends no voice beside it. */
  sounding: boolean
}

/** The events of one member that may still have to be sent. */
export class EventQueue {
  readonly #events: TelephoneEvent[] = []

  get empty(): boolean {
    return this.#events.length === 0
  }

  /** One packet of an event; repeated and reordered ones change nothing. */
  receive(packet: TelephoneEvent): void {
    for (const held of this.#events) {
      if (held.timestamp !== packet.timestamp || held.ssrc !== packet.ssrc) continue
      if (packet.duration > held.duration && !held.ended) held.duration = packet.duration
      if (packet.ended) held.ended = true
      return
    }
    this.#events.push({ ...packet })
    if (this.#events.length > eventsHeld) this.#events.shift()
  }

  /** @param position RTP time stamp of `ssrc` that is mixed at this tick.
   * @returns false when no event is to be sent now. */
  at(ssrc: number, position: number, result: EventAtTick): boolean {
    while (this.#events[0] !== undefined && isOver(this.#events[0], ssrc, position)) {
      this.#events.shift()
    }
    const event = this.#events[0]
    if (event === undefined) return false
    const played = ((position - event.timestamp) | 0) + samples
    if (played <= 0) return false
    const over = played - lengthOf(event)
    const end = over >= 0 && (event.ended || over >= silentSamplesMax)
    result.event = event.event
    result.volume = event.volume
    result.duration = end ? event.duration : Math.min(played, 0xffff)
    result.end = end
    result.ticksSinceStart = Math.ceil(played / samples) - 1
    result.sounding = !end
    return true
  }
}

function lengthOf(event: TelephoneEvent): number {
  return event.ended ? Math.max(event.duration, 1) : event.duration
}

function isOver(event: TelephoneEvent, ssrc: number, position: number): boolean {
  if (event.ssrc !== ssrc) return true
  const over = ((position - event.timestamp) | 0) + samples - lengthOf(event)
  const held = event.ended ? 0 : silentSamplesMax
  return over >= held + finalPackets * samples
}

/** Every member hears the event of the first other member that has one. */
export function passEvents(bridge: Bridge, tick: number): void {
  for (const leg of bridge.legs) {
    leg.eventOut = null
    if (leg.record.eventPayloadType === null) continue
    for (const other of bridge.legs) {
      if (other === leg || !other.hasEvent) continue
      leg.eventOut = other.eventNow
      leg.eventTick = tick
      break
    }
  }
}
