//! The verbs of the control socket, answered from what this node knows.
import { answerLog } from '../control/log-verb.ts'
import type { ControlHandlers } from '../control/session.ts'
import { listCalls, listUsers } from '../oam/session-lists.ts'
import { wallMs } from '../platform/clock.ts'
import { failure, success } from '../result.ts'
import type { Core } from '../switching/core.ts'
import { type CallControlParts, makeCallControl } from './call-control.ts'
import type { CallRecords } from './call-records.ts'
import { makeCallVerbs } from './call-verbs.ts'
import { makeConfigVerbs } from './config-verbs.ts'
import type { CoreRunner } from './core-runner.ts'
import type { LogHub } from './log-hub.ts'
import { type MaintenanceParts, makeMaintenanceVerbs } from './maintenance-verbs.ts'
import { ownStatus, pairStatusOf } from './node-status.ts'
import { makeOperationVerbs, type OperationParts, recordSyncDb } from './operation-verbs.ts'
import { makeSiteVerbs } from './site-verbs.ts'
import { makeSyncVerbs } from './sync-verbs.ts'

interface HandlerParts extends OperationParts, MaintenanceParts, CallControlParts {
  readonly core: Core
  readonly runner: CoreRunner
  readonly log: LogHub
  readonly calls: CallRecords
}

export function makeHandlers(parts: HandlerParts): ControlHandlers {
  const configVerbs = makeConfigVerbs(parts.configuration, parts.askPeer)
  return {
    status: async ({ opinions }) =>
      success(opinions === 'both' ? await pairStatusOf(parts) : ownStatus(parts, null)),
    ...makeOperationVerbs(parts),
    ...makeSyncVerbs(parts),
    ...makeMaintenanceVerbs(parts),
    ...makeCallVerbs(parts.calls, parts.log),
    ...makeCallControl(parts),
    ...makeSiteVerbs(parts),
    calls: async () => {
      const conferences = parts.tables.table('wired-conference').values()
      return success({ calls: listCalls(conferences), asOf: iso(wallMs()) })
    },
    users: async () => {
      const accounts = [...parts.tables.table('phone-book').values()]
      const known = accounts.map(({ number, type }) => ({ user: number, type }))
      const users = listUsers(parts.tables.table('user').values(), known, wallMs())
      return success({ users, asOf: iso(wallMs()) })
    },
    alarms: async ({ history }) => {
      const { list } = parts.alarms
      return success({ active: list.active(), history: history ? list.history() : [] })
    },
    log: async (params, context) => answerLog(parts.log.tail, params, context),
    version: async () => {
      const { version, config } = parts
      return success({ node: config.node, version, runtime: `node ${process.version}` })
    },
    'release-call': async ({ sessionId }) => {
      let found = false
      parts.runner.run((now) => {
        const effects = parts.core.release(sessionId, now)
        found = effects !== null
        return effects ?? []
      })
      if (found) return success({ sessionId })
      return failure('not-found', `no call ${sessionId} that this node serves`)
    },
    ...configVerbs,
    'sync-db': recordSyncDb(parts, configVerbs['sync-db']),
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
