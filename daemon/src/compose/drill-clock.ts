//! Starts the scheduled drills of the site on the node that is primary at their time.
import type { Role } from '../bus/messages.ts'
import type { Operation } from '../control/operation-schema.ts'
import { reasonsAgainst } from '../oam/drill.ts'
import { type DrillTime, dueDrill, nextDrillMs } from '../oam/drill-schedule.ts'
import type { Site } from '../oam/site-config-schema.ts'
import type { Result } from '../result.ts'
import type { Alarms } from './alarms.ts'
import type { DrillRunner } from './drill-runner.ts'
import type { Logbook } from './logbook.ts'

interface DrillClockParts {
  readonly drills: Pick<DrillRunner, 'checks' | 'run'>
  readonly logbook: Pick<Logbook, 'begin' | 'operations'>
  readonly alarms: Pick<Alarms, 'raise' | 'clear'>
  /** Changes with the configuration. */
  configHash(): string
  site(): Promise<Result<Site>>
}

/** The clocks of the nodes may differ: the other node may have made this drill a moment ago. */
const againMsMin = 300_000

export class DrillClock {
  readonly #parts: DrillClockParts
  #times: DrillTime[] = []
  #hash: string | null = null
  #lastMs: number | null = null
  #seen: string | null = null

  constructor(parts: DrillClockParts) {
    this.#parts = parts
  }

  /** When the next one is due; null: none. */
  nextMs(nowWallMs: number): number | null {
    return nextDrillMs(this.#times, nowWallMs)
  }

  /** To be called about once a second, in every role: a time that passed while this node was standby has
   * passed. */
  async advance(role: Role, nowWallMs: number): Promise<void> {
    await this.#readTimes()
    this.#clearAlarms()
    const lastMs = Math.min(this.#lastMs ?? nowWallMs, nowWallMs)
    this.#lastMs = nowWallMs
    const due = dueDrill(this.#times, lastMs, nowWallMs)
    if (due === null || role !== 'primary' || this.#isRecent(nowWallMs)) return
    await this.#start(due)
  }

  async #readTimes(): Promise<void> {
    const hash = this.#parts.configHash()
    if (hash === this.#hash) return
    const site = await this.#parts.site()
    if (!site.ok) return
    this.#hash = hash
    this.#times = Object.entries(site.value.drills).map(([name, one]) => ({ name, ...one }))
  }

  async #start({ name }: DrillTime): Promise<void> {
    const { drills, logbook, alarms } = this.#parts
    const checks = await drills.checks()
    const reason = `scheduled drill ${name}`
    const order = { kind: 'drill', operator: 'schedule', via: 'schedule', reason } as const
    const operation = logbook.begin(order)
    const against = reasonsAgainst(checks)
    if (against.length > 0) alarms.raise('drill-skipped', name, against.join('; '))
    const { outcome, findings } = await drills.run(operation, checks)
    if (outcome === 'failed') {
      alarms.raise('drill-failed', name, `op ${operation.id}: ${findings.join('; ')}`)
    }
  }

  /** A drill that passed, on whichever node, answers what the alarms ask. */
  #clearAlarms(): void {
    const newest = this.#drills().find(({ state }) => state !== 'running')
    if (newest === undefined || newest.id === this.#seen) return
    this.#seen = newest.id
    if (newest.state !== 'done') return
    for (const { name } of this.#times) {
      this.#parts.alarms.clear('drill-skipped', name)
      this.#parts.alarms.clear('drill-failed', name)
    }
  }

  #isRecent(nowWallMs: number): boolean {
    return this.#drills().some(({ startedAt }) => {
      return Math.abs(nowWallMs - Date.parse(startedAt)) < againMsMin
    })
  }

  #drills(): Operation[] {
    return this.#parts.logbook.operations.list().filter(({ kind }) => kind === 'drill')
  }
}
