//! Signs of life of units that this supervisor did not start: it has no pipe to them, so that the pair unit
//! tells them on the bus. What the bus says of another process is no sign of life of this one.
import { type BusMessage, type BusMessageOf, busVersion } from '../bus/messages.ts'
import type { BusAddress } from '../platform/stream.ts'
import { connectBus } from '../platform/stream.ts'
import type { SupervisedUnit } from './unit-note.ts'

/** pair tells once in a heartbeat period. After such a silence nothing can be said of the others: it is
 * pair that stands still, or is away. */
const silentMsMax = 1_000

export class ReportedPulses {
  #toldAtMs = Number.NEGATIVE_INFINITY
  readonly #counters = new Map<SupervisedUnit, number>()

  /** A message of the pair unit. @returns the units of which it is a sign of life.
   * @param pidOf null: no such unit runs, or it has a pipe. */
  take(
    { pid, units }: BusMessageOf<'units-alive'>,
    pidOf: (unit: SupervisedUnit) => number | null,
    nowMs: number,
  ): SupervisedUnit[] {
    const alive: SupervisedUnit[] = pid === pidOf('pair') ? ['pair'] : []
    const wasSilent = nowMs - this.#toldAtMs > silentMsMax
    this.#toldAtMs = nowMs
    for (const { unit, pid: unitPid, counter } of units) {
      const advanced = this.#counters.get(unit) !== counter
      this.#counters.set(unit, counter)
      if (unitPid === pidOf(unit) && (advanced || wasSilent)) alive.push(unit)
    }
    return alive
  }

  /** Units that nobody could tell of. */
  unknown(nowMs: number): SupervisedUnit[] {
    return nowMs - this.#toldAtMs > silentMsMax ? ['switch', 'media'] : []
  }
}

/** Listens to the pair unit, whichever serves the bus at the moment. @returns what ends it. */
export function listenToPair(
  address: BusAddress,
  take: (message: BusMessageOf<'units-alive'>) => void,
): () => void {
  const client = connectBus({
    address,
    hello: { kind: 'hello', unit: 'supervisor', pid: process.pid, version: busVersion },
    onOpen: (peer) =>
      peer.onMessage((message: BusMessage) => {
        if (message.kind === 'units-alive') take(message)
      }),
  })
  return () => client.close()
}
