//! What the switch process without I/O (`switch-engine.ts`) is given.
import type { NodeConfig } from '../oam/node-config.ts'
import type { PairKeys } from '../oam/node-config-load.ts'
import type { Clock } from '../platform/clock.ts'
import type { JournalFile } from '../replication/journal.ts'
import type { CallRecords } from './call-records.ts'
import type { Configuration } from './configuration.ts'
import type { LogHub } from './log-hub.ts'
import type { Logbook } from './logbook.ts'

/** What the engine needs of the configuration of the site. */
export type SiteData = Pick<Configuration, 'setPair' | 'rows' | 'advance'>

/** Who keeps what becomes of the sessions. */
export type CallKeeper = Pick<CallRecords, 'sessionChanged' | 'advance'>

/** Who remembers what happened. */
export type Witness = Pick<Logbook, 'note' | 'becomes' | 'merged' | 'sessionChanged'>

export interface EngineParts {
  readonly config: NodeConfig
  readonly keys: PairKeys
  readonly log: LogHub
  readonly clock: Clock
  readonly journalFile: JournalFile
  /** So many random bytes. */
  random(length: number): Uint8Array
  sendSync(bytes: Uint8Array, link: number): void
  /** The answer to a question of the peer's control socket, as JSON text. */
  answerPeer(body: string): Promise<string>
  /** After each turn that may have changed when something is due. */
  settled(): void
}
