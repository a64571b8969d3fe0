//! The alarms of the node: those of the switch itself, those that pair reports, and the late answers
//! that clear by themselves.
import { type AlarmChange, type AlarmCode, alarms } from '../alarms.ts'
import type { BusMessageOf } from '../bus/messages.ts'
import { AlarmList, type AlarmReport } from '../oam/alarm-list.ts'
import type { Clock } from '../platform/clock.ts'
import type { ReplicationStatus } from '../replication/replication-status.ts'
import type { LogHub } from './log-hub.ts'

/** The alarm of a late answer ends when there was none for this long. */
const lateMs = 60_000

export class Alarms {
  readonly list = new AlarmList()
  readonly #log: LogHub
  readonly #clock: Clock
  #lateAtMs: number | null = null
  #lateCount = 0

  constructor(log: LogHub, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  apply(change: AlarmChange): void {
    const item = this.list.apply(change, this.#clock.wallMs())
    if (item !== null) this.#tell(change.code, change)
  }

  /** The whole list of one source; what is not in it has ended. */
  reconcile(source: string, reports: readonly AlarmReport[]): void {
    for (const item of this.list.reconcile(source, reports, this.#clock.wallMs())) {
      this.#tell(item.code, { ...item, active: item.clearedAt === null })
    }
  }

  /** What keeps records from being safe elsewhere, looked at now and then. */
  watch(replication: ReplicationStatus, journal: readonly AlarmReport[]): void {
    this.reconcile('replication', [...replicationAlarms(replication), ...journal])
  }

  raise(code: AlarmCode, subject: string, detail: string): void {
    this.apply({ code, subject, active: true, detail })
  }

  clear(code: AlarmCode, subject: string): void {
    this.apply({ code, subject, active: false, detail: '' })
  }

  /** An answer of `session` left before the standby had its records. */
  late(session: string, nowMs: number): void {
    this.#lateAtMs = nowMs
    this.#lateCount++
    this.raise('replication-late', 'peer', `${this.#lateCount} answers; last session ${session}`)
  }

  /** To be called now and then. */
  advance(nowMs: number): void {
    if (this.#lateAtMs === null || nowMs - this.#lateAtMs < lateMs) return
    this.#lateAtMs = null
    this.#lateCount = 0
    this.clear('replication-late', 'peer')
  }

  #tell(code: string, change: { subject: string; active: boolean; detail: string }): void {
    const severity = code in alarms ? alarms[code as AlarmCode].severity : 'urgent'
    const fields = { code, subject: change.subject, detail: change.detail, severity }
    if (change.active) this.#log.warn('alarm raised', fields)
    else this.#log.info('alarm ended', fields)
  }
}

export function mediaAlarms(message: BusMessageOf<'media-statistics'>): AlarmReport[] {
  const reports: AlarmReport[] = []
  if (!message.realtime) {
    reports.push({
      code: 'no-realtime',
      subject: 'media',
      detail: 'media runs with normal priority',
    })
  }
  if (message.backend === 'dgram') {
    reports.push({ code: 'media-fallback', subject: 'media', detail: 'back end dgram' })
  }
  return reports
}

/** Records that cannot reach the other node would be missing there when it has to serve. */
function replicationAlarms(status: ReplicationStatus): AlarmReport[] {
  const { sent, received, verify, incompatible } = status
  const counts = [
    { count: sent.oversize, subject: 'too-long' },
    { count: received.invalid, subject: 'refused' },
  ]
  const reports: AlarmReport[] = counts
    .filter(({ count }) => count > 0)
    .map(({ count, subject }) => ({
      code: 'replication-refused',
      subject,
      detail: `${count} frames since start`,
    }))
  if (verify.damaged > 0) {
    const detail = `${verify.damaged} records since start`
    reports.push({ code: 'memory-damaged', subject: 'tables', detail })
  }
  if (incompatible) {
    const detail = 'its sync frames are of another version'
    reports.push({ code: 'peer-incompatible', subject: 'sync', detail })
  }
  return reports
}
