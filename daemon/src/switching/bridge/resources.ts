//! The conference resource list (table 8, S1.88, S1.89): RTP ports and conference numbers, taken in
//! turn so that a number that was just given back rests as long as possible.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { ConferenceResource } from '../../tables/conference-resource.ts'
import type { RecordTable } from '../core-types.ts'

export interface SessionResources {
  readonly conferenceId: number
  /** Even RTP ports; RTCP is the next one (RFC 3550 11). */
  readonly ports: readonly number[]
}

interface PortRange {
  readonly first: number
  readonly last: number
}

export class Resources {
  readonly #table: RecordTable<ConferenceResource>
  readonly #portFirst: number
  readonly #portPairs: number
  #nextPair = 0
  #nextConference = 0

  constructor(table: RecordTable<ConferenceResource>, range: PortRange) {
    this.#table = table
    this.#portFirst = range.first + (range.first % 2)
    this.#portPairs = Math.floor((range.last - this.#portFirst + 1) / 2)
    assert(this.#portPairs >= 2, 'the port range holds at least one call')
  }

  /** Null when there are not enough ports, numbers or records. */
  take(sessionId: string, portCount: number): SessionResources | null {
    const pairs = this.#freePairs(portCount)
    const conferenceId = this.#freeConference()
    if (pairs === null || conferenceId === null) return null
    const ports = pairs.map((pair) => this.#portFirst + 2 * pair)
    const records = recordsOf(sessionId, { conferenceId, ports })
    if (!records.every((record) => this.#table.put(record).ok)) {
      this.giveBack({ conferenceId, ports })
      return null
    }
    this.#nextPair = ((pairs.at(-1) ?? 0) + 1) % this.#portPairs
    this.#nextConference = conferenceId % limits.sessionsMax
    return { conferenceId, ports }
  }

  giveBack(resources: SessionResources): void {
    this.#table.delete(conferenceKey(resources.conferenceId))
    for (const port of resources.ports) this.#table.delete(portKey(port))
  }

  /** After a take-over: exactly what the live sessions hold is taken. The other node may have died
   * between the records of one change. Goes on behind what it gave out last. */
  restore(held: ReadonlyMap<string, SessionResources>): void {
    for (const record of [...this.#table.values()]) {
      if (!held.has(record.sessionId)) this.#table.delete(record.resource)
    }
    for (const [sessionId, resources] of held) {
      for (const record of recordsOf(sessionId, resources)) this.#table.put(record)
      const pairs = resources.ports.map((port) => (port - this.#portFirst) / 2 + 1)
      this.#nextPair = Math.max(this.#nextPair, ...pairs) % this.#portPairs
      this.#nextConference = Math.max(
        this.#nextConference,
        resources.conferenceId % limits.sessionsMax,
      )
    }
  }

  #freePairs(count: number): number[] | null {
    const pairs: number[] = []
    for (let step = 0; step < this.#portPairs; step++) {
      const pair = (this.#nextPair + step) % this.#portPairs
      if (this.#table.get(portKey(this.#portFirst + 2 * pair)) !== undefined) continue
      pairs.push(pair)
      if (pairs.length === count) return pairs
    }
    return null
  }

  /** Numbers 1 .. sessionsMax. */
  #freeConference(): number | null {
    for (let step = 0; step < limits.sessionsMax; step++) {
      const number = ((this.#nextConference + step) % limits.sessionsMax) + 1
      if (this.#table.get(conferenceKey(number)) === undefined) return number
    }
    return null
  }
}

function recordsOf(sessionId: string, held: SessionResources): ConferenceResource[] {
  const { conferenceId, ports } = held
  const number = { kind: 'conference' as const, number: conferenceId, sessionId }
  return [
    { resource: conferenceKey(conferenceId), ...number },
    ...ports.map((port) => ({
      resource: portKey(port),
      kind: 'port' as const,
      number: port,
      sessionId,
    })),
  ]
}

function portKey(port: number): string {
  return `port:${port}`
}

function conferenceKey(number: number): string {
  return `conference:${number}`
}
