//! Where the telephones are that this pair knows: where they are registered, and where the other ends of its
//! calls are. Follows tables 1 and 3 change by change, on the standby as on the primary.
import { limits } from '../../limits.ts'
import type { User } from '../../tables/user.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import type { Endpoint } from '../../wire/sip/message.ts'
import { bindingsOf } from '../registrar/bindings.ts'

/** What one record stands for. */
interface Trace extends Endpoint {
  readonly callId: string
  /** Messages a second. */
  readonly budget: number
}

export class KnownSources {
  /** Budgets by address, then by port. */
  readonly #places = new Map<string, Map<number, number>>()
  /** Dialogs and registrations of each Call-ID. */
  readonly #callIds = new Map<string, number>()
  #peers: readonly Trace[] = []
  #version = 0

  userChanged(previous: User | null, next: User | null): void {
    this.#replace(tracesOfUser(previous), tracesOfUser(next))
  }

  sessionChanged(previous: Conference | null, next: Conference | null): void {
    this.#replace(tracesOfSession(previous), tracesOfSession(next))
  }

  /** Other systems, all of them: each has the calls of many telephones. */
  peersAre(peers: readonly Endpoint[]): void {
    const budget = limits.floodGatewayPerSecond
    const traces = peers.map(({ address, port }) => ({ address, port, callId: '', budget }))
    this.#replace(this.#peers, traces)
    this.#peers = traces
  }

  /** Where telephones are. */
  addresses(): string[] {
    return [...this.#places.keys()]
  }

  /** Grows with each change of `addresses`. */
  get version(): number {
    return this.#version
  }

  /** A telephone is there, at whatever port. */
  hasAddress(address: string): boolean {
    return this.#places.has(address)
  }

  /** Messages a second that whoever is there may send; 0: nobody is known there. */
  budgetOf({ address, port }: Endpoint): number {
    const budget = this.#places.get(address)?.get(port) ?? 0
    return Math.min(budget, limits.floodKnownPerSecondMax)
  }

  hasCallId(callId: string): boolean {
    return this.#callIds.has(callId)
  }

  #replace(before: readonly Trace[], after: readonly Trace[]): void {
    // Most changes of a session are of its state.
    const isSame =
      before.length === after.length && before.every((one, at) => equal(one, after[at]))
    if (isSame) return
    for (const trace of after) this.#count(trace, 1)
    for (const trace of before) this.#count(trace, -1)
  }

  #count({ address, port, callId, budget }: Trace, sign: 1 | -1): void {
    const ports = this.#places.get(address) ?? new Map<number, number>()
    const left = (ports.get(port) ?? 0) + sign * budget
    if (left > 0) ports.set(port, left)
    else ports.delete(port)
    const had = this.#places.has(address)
    if (ports.size > 0) this.#places.set(address, ports)
    else this.#places.delete(address)
    if (had !== ports.size > 0) this.#version += 1
    const count = (this.#callIds.get(callId) ?? 0) + sign
    if (count > 0) this.#callIds.set(callId, count)
    else this.#callIds.delete(callId)
  }
}

function tracesOfUser(user: User | null): Trace[] {
  if (user === null || user.status !== 'online') return []
  const budget = user.type === 'gateway' ? limits.floodGatewayPerSecond : limits.floodPhonePerSecond
  return bindingsOf(user).map(({ address, port, callId }) => ({ address, port, callId, budget }))
}

function tracesOfSession(session: Conference | null): Trace[] {
  return (session?.members ?? []).map(({ dialog: { destination, callId } }) => {
    const { address, port } = destination
    return { address, port, callId, budget: limits.floodPhonePerSecond }
  })
}

function equal(one: Trace, other: Trace | undefined): boolean {
  return (
    one.address === other?.address &&
    one.port === other.port &&
    one.callId === other.callId &&
    one.budget === other.budget
  )
}
