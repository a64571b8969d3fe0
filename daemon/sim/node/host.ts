//! What the three simulated processes of a node share.
import type { NodeConfig } from '../../src/oam/node-config.ts'
import type { PairKeys } from '../../src/oam/node-config-load.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import type { Random } from '../world/random.ts'
import type { Timeline } from '../world/timeline.ts'
import type { NodeDisk } from './disk.ts'

export type NodeName = 'a' | 'b'
export const nodeNames: readonly NodeName[] = ['a', 'b']
export type UnitKind = 'pair' | 'switch' | 'media'

export interface Host {
  readonly name: NodeName
  readonly config: NodeConfig
  readonly keys: PairKeys
  readonly clock: Clock
  readonly disk: NodeDisk
  readonly random: Random
  readonly timeline: Timeline
  /** The virtual time at which the clock of the node shows this. */
  virtualMs(monotonicMs: number): number
  note(unit: UnitKind, text: string, fields?: Readonly<Record<string, unknown>>): void
  sendHeartbeat(link: number, heartbeat: Heartbeat): void
  sendSync(bytes: Uint8Array, link: number): void
  sendSip(bytes: Uint8Array, address: string): void
}
