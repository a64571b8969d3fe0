//! The table of commands; oclif reads it by the name `COMMANDS`.
import { BeaconListen } from './commands/beacon.ts'
import { CallRelease, CallShow, CallTrace } from './commands/call.ts'
import { Cdr, CdrExport, CdrShow } from './commands/cdr.ts'
import { CdrImport } from './commands/cdr-import.ts'
import { Completion } from './commands/completion.ts'
import {
  ConferencesAdd,
  ConferencesDrop,
  ConferencesEnd,
  ConferencesLock,
  ConferencesMute,
  ConferencesUnlock,
  ConferencesUnmute,
  ConferencesWeight,
} from './commands/conference-orders.ts'
import {
  ConfigApply,
  ConfigDiff,
  ConfigExport,
  ConfigGet,
  ConfigSet,
  ConfigValidate,
} from './commands/config.ts'
import { History, Op } from './commands/history.ts'
import { Init } from './commands/init.ts'
import { Alarms, Calls, ReleaseCall, Users } from './commands/lists.ts'
import { Log } from './commands/log.ts'
import { Drill, Pause, Reinit, Resume } from './commands/maintenance.ts'
import {
  Conferences,
  ConferencesShow,
  Groups,
  GroupsShow,
  Positions,
  PositionsShow,
  Trunks,
  TrunksShow,
} from './commands/site.ts'
import { Status } from './commands/status.ts'
import { Failover, Switchover } from './commands/switchover.ts'
import { SyncFailures, SyncStatus, SyncVerify } from './commands/sync.ts'
import { SyncDb } from './commands/sync-db.ts'
import { Version } from './commands/version.ts'
import { Why } from './commands/why.ts'

export const COMMANDS = {
  alarms: Alarms,
  beacon: BeaconListen,
  'call:release': CallRelease,
  'call:show': CallShow,
  'call:trace': CallTrace,
  calls: Calls,
  cdr: Cdr,
  'cdr:export': CdrExport,
  'cdr:import': CdrImport,
  'cdr:show': CdrShow,
  completion: Completion,
  conferences: Conferences,
  'conferences:add': ConferencesAdd,
  'conferences:drop': ConferencesDrop,
  'conferences:end': ConferencesEnd,
  'conferences:lock': ConferencesLock,
  'conferences:mute': ConferencesMute,
  'conferences:show': ConferencesShow,
  'conferences:unlock': ConferencesUnlock,
  'conferences:unmute': ConferencesUnmute,
  'conferences:weight': ConferencesWeight,
  'config:apply': ConfigApply,
  'config:diff': ConfigDiff,
  'config:export': ConfigExport,
  'config:get': ConfigGet,
  'config:set': ConfigSet,
  'config:validate': ConfigValidate,
  drill: Drill,
  failover: Failover,
  groups: Groups,
  'groups:show': GroupsShow,
  history: History,
  init: Init,
  log: Log,
  op: Op,
  pause: Pause,
  positions: Positions,
  'positions:show': PositionsShow,
  reinit: Reinit,
  'release-call': ReleaseCall,
  resume: Resume,
  status: Status,
  switchover: Switchover,
  'sync:failures': SyncFailures,
  'sync:status': SyncStatus,
  'sync:verify': SyncVerify,
  'sync-db': SyncDb,
  trunks: Trunks,
  'trunks:show': TrunksShow,
  users: Users,
  version: Version,
  why: Why,
}
