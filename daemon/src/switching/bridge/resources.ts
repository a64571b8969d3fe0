//! The conference resource list (table 8, S1.88, S1.89): RTP ports and conference numbers, taken in
//! turn so that a number that was just given back rests as long as possible. Each node takes from its
//! own half first: also in the half second in which nobody knows yet that all links are cut, two nodes
//! take different ones (ADR 0001).
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { ConferenceResource } from '../../tables/conference-resource.ts'
import type { RecordTable } from '../core-types.ts'

export interface SessionResources {
  readonly conferenceId: number
  /** Even RTP ports; RTCP is the next one (RFC 3550 11). */
  readonly ports: readonly number[]
  /** Numbers of further bridges: members that are apart from the others. */
  readonly rooms?: readonly number[]
}

interface PortRange {
  readonly first: number
  readonly last: number
}

type Half = 'lower' | 'upper'

export class Resources {
  readonly #table: RecordTable<ConferenceResource>
  readonly #portFirst: number
  readonly #portPairs: number
  readonly #half: Half | undefined
  #nextPair = 0
  #nextConference = 0

  constructor(table: RecordTable<ConferenceResource>, range: PortRange, half?: Half) {
    this.#half = half
    this.#table = table
    this.#portFirst = range.first + (range.first % 2)
    this.#portPairs = Math.floor((range.last - this.#portFirst + 1) / 2)
    assert(this.#portPairs >= 2, 'the port range holds at least one call')
  }

  /** True when so many ports and one bridge are free. */
  has(portCount: number): boolean {
    return this.#freePairs(portCount) !== null && this.#freeConference() !== null
  }

  hasPort(): boolean {
    return this.#freePairs(1) !== null
  }

  /** True when so many bridges are free. */
  hasBridges(count: number): boolean {
    let free = 0
    for (const _ of this.#freeConferences()) {
      free += 1
      if (free === count) return true
    }
    return count === 0
  }

  /** True when a session has this bridge. */
  isTaken(conferenceId: number): boolean {
    return this.#table.get(conferenceKey(conferenceId)) !== undefined
  }

  /** Null when there are not enough ports, numbers or records. */
  take(sessionId: string, portCount: number): SessionResources | null {
    const pairs = this.#freePairs(portCount)
    const conferenceId = this.#freeConference()
    if (pairs === null || conferenceId === null) return null
    const ports = pairs.map((pair) => this.#portFirst + 2 * pair)
    const taken = { conferenceId, ports }
    const records = recordsOf(sessionId, taken)
    if (!records.every((record) => this.#table.put(record).ok)) {
      this.giveBack(sessionId, taken)
      return null
    }
    const last = pairs.at(-1)
    if (last !== undefined) this.#nextPair = (last + 1) % this.#portPairs
    this.#nextConference = conferenceId % limits.sessionsMax
    return taken
  }

  /** One port more for one more member. Null when there is none, or no record. */
  takePort(sessionId: string): number | null {
    const [pair] = this.#freePairs(1) ?? []
    if (pair === undefined) return null
    const port = this.#portFirst + 2 * pair
    if (!this.#table.put(portRecord(sessionId, port)).ok) return null
    this.#nextPair = (pair + 1) % this.#portPairs
    return port
  }

  giveBackPort(sessionId: string, port: number): void {
    const key = portKey(port)
    if (this.#table.get(key)?.sessionId === sessionId) this.#table.delete(key)
  }

  /** The number of one more bridge. Null when there is none, or no record. */
  takeRoom(sessionId: string): number | null {
    const room = this.#freeConference()
    if (room === null || !this.#table.put(numberRecord(sessionId, room)).ok) return null
    this.#nextConference = room % limits.sessionsMax
    return room
  }

  giveBackRoom(sessionId: string, room: number): void {
    const key = conferenceKey(room)
    if (this.#table.get(key)?.sessionId === sessionId) this.#table.delete(key)
  }

  /** The port of a leg that joins another session goes with it. */
  movePort(port: number, to: string): void {
    this.#table.put(portRecord(to, port))
  }

  /** Takes these numbers for a session of the peer.
   * @returns false when another session has one of them, or there is no record left. */
  claim(sessionId: string, resources: SessionResources): boolean {
    const records = recordsOf(sessionId, resources)
    const isFree = records.every(({ resource }) => {
      const held = this.#table.get(resource)
      return held === undefined || held.sessionId === sessionId
    })
    if (!isFree) return false
    if (records.every((record) => this.#table.put(record).ok)) return true
    this.giveBack(sessionId, resources)
    return false
  }

  /** What another session holds stays. */
  giveBack(sessionId: string, { conferenceId, ports, rooms = [] }: SessionResources): void {
    const numbers = [conferenceId, ...rooms].map(conferenceKey)
    for (const key of [...numbers, ...ports.map(portKey)]) {
      if (this.#table.get(key)?.sessionId === sessionId) this.#table.delete(key)
    }
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
    if (count === 0) return pairs
    for (const pair of inTurn(this.#portPairs, this.#nextPair, this.#half)) {
      if (this.#table.get(portKey(this.#portFirst + 2 * pair)) !== undefined) continue
      pairs.push(pair)
      if (pairs.length === count) return pairs
    }
    return null
  }

  #freeConference(): number | null {
    for (const number of this.#freeConferences()) return number
    return null
  }

  /** Of the numbers 1 .. sessionsMax. */
  *#freeConferences(): Iterable<number> {
    for (const index of inTurn(limits.sessionsMax, this.#nextConference, this.#half)) {
      const number = index + 1
      if (this.#table.get(conferenceKey(number)) === undefined) yield number
    }
  }
}

/** 0 .. count - 1, from `next` on and around: first the own half, then the other one. */
function* inTurn(count: number, next: number, half: Half | undefined): Iterable<number> {
  if (half === undefined) {
    yield* around(0, count, next)
    return
  }
  const middle = count >> 1
  const [own, other] = half === 'lower' ? [0, middle] : [middle, 0]
  for (const from of [own, other]) yield* around(from, from === 0 ? middle : count, next)
}

function* around(from: number, to: number, next: number): Iterable<number> {
  const start = next > from && next < to ? next : from
  for (let index = start; index < to; index++) yield index
  for (let index = from; index < start; index++) yield index
}

function recordsOf(sessionId: string, held: SessionResources): ConferenceResource[] {
  const { conferenceId, ports, rooms = [] } = held
  return [
    ...[conferenceId, ...rooms].map((number) => numberRecord(sessionId, number)),
    ...ports.map((port) => portRecord(sessionId, port)),
  ]
}

function numberRecord(sessionId: string, number: number): ConferenceResource {
  return { resource: conferenceKey(number), kind: 'conference', number, sessionId }
}

function portRecord(sessionId: string, port: number): ConferenceResource {
  return { resource: portKey(port), kind: 'port', number: port, sessionId }
}

function portKey(port: number): string {
  return `port:${port}`
}

function conferenceKey(number: number): string {
  return `conference:${number}`
}
