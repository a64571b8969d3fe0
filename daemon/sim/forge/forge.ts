//! So many forged, changed and recorded datagrams at the pair unit and the replication: none may change
//! anything. One seed decides all of them.
import { attack, type Method, randomOf } from './attack.ts'
import { frameVictims, recordedFrames } from './frames.ts'
import { heartbeatVictims, type Victim } from './heartbeats.ts'

interface ForgeReport {
  readonly victim: string
  readonly count: number
  readonly byMethod: Readonly<Partial<Record<Method, number>>>
  /** What changed, with the method and the number of the datagram; none is right. */
  readonly changes: readonly string[]
}

/** Changes named of each victim. */
const changesMax = 10

/** @param count of all datagrams together. */
export function* forge(count: number, seed: number): IterableIterator<ForgeReport> {
  const victims = [...heartbeatVictims(recordedFrames()), ...frameVictims()]
  for (const [index, victim] of victims.entries()) {
    yield attackOne(victim, Math.ceil(count / victims.length), randomOf(seed + index))
  }
}

function attackOne(victim: Victim, count: number, random: () => number): ForgeReport {
  const byMethod: Partial<Record<Method, number>> = {}
  const changes: string[] = []
  for (let number = 0; number < count && changes.length < changesMax; number++) {
    const { method, datagram } = attack(victim.material, random)
    byMethod[method] = (byMethod[method] ?? 0) + 1
    const changed = victim.receive(datagram)
    if (changed !== null) changes.push(`${method}, number ${number}: ${changed}`)
  }
  return { victim: victim.name, count, byMethod, changes }
}
