//! TEMPORARY: in memory.
import { createHash } from 'node:crypto'
import { parse } from 'yaml'
import type { Role } from '../bus/messages.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import type { Replicator, ReplicatorOutput } from '../replication/replicator.ts'
import type { Result } from '../result.ts'
import type { CallRecord } from '../switching/effects.ts'
import type { Tables } from '../tables/tables.ts'
import type { Alarms } from './alarms.ts'
import type { LogHub } from './log-hub.ts'

export interface ConfigurationParts {
  readonly config: NodeConfig
  readonly tables: Tables
  readonly replicator: Replicator
  readonly alarms: Alarms
  readonly log: LogHub
  perform(outputs: readonly ReplicatorOutput[]): void
  askPeer(body: string): Promise<Result<string>>
  change(apply: () => void): void
}
export class Configuration {
  readonly parts: ConfigurationParts
  revision = 0
  constructor(parts: ConfigurationParts) {
    this.parts = parts
  }
  async open(): Promise<void> {}
  async close(): Promise<void> {}
  serve(): void {}
  setPeer(_alive: boolean, _role: Role): void {}
  advance(_nowMs: number): void {}
  rows(_o: ReplicatorOutput): void {}
  callEnded(record: CallRecord): void {
    this.parts.log.info('call ended', { ...record })
  }
  answerPeer(_q: { verb: string; params: Record<string, unknown> }): Promise<object> | null {
    return null
  }
  apply(text: string): void {
    const site = parse(text) as { accounts: Record<string, { password: string; twin?: boolean }> }
    const hash = (alg: string, t: string) => createHash(alg).update(t).digest('hex')
    const realm = this.parts.config.service.realm
    this.parts.change(() => {
      for (const [number, a] of Object.entries(site.accounts)) {
        const text = `${number}:${realm}:${a.password}`
        this.parts.tables.table('phone-book').put({
          number,
          type: 'telephone',
          displayName: number,
          ha1Md5: hash('md5', text),
          ha1Sha256: hash('sha256', text),
          priority: 4,
          digest: 'md5',
          twin: a.twin ?? true,
        })
      }
    })
    this.revision++
  }
}
