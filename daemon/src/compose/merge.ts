//! Two nodes that both served while no link was there become one pair again (ADR 0001): the switch
//! process's part, from the word of the pair unit to the report.
import type { BusMessageOf } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import type { Clock } from '../platform/clock.ts'
import type { Replicator, ReplicatorOutput } from '../replication/replicator.ts'
import type { Core } from '../switching/core.ts'
import type { Outcome } from '../switching/wired/adopt.ts'
import { giftParts, readGift } from '../switching/wired/merge-text.ts'
import type { MergeSteps } from '../switching/wired/merging.ts'
import type { RecordChange } from '../tables/address.ts'
import type { AnyRecord, Tables } from '../tables/tables.ts'
import type { Conference } from '../tables/wired-conference.ts'
import { shiftedRecord } from '../tables/wired-media.ts'
import { type CoreRunner, mediaOrders } from './core-runner.ts'
import type { LogHub } from './log-hub.ts'
import type { MediaLink } from './media-link.ts'
import type { SyncLink } from './sync-link.ts'

/** What became of one merge, seen from this node. */
export interface MergeReport {
  /** `gave`: this node lost and gave its sessions. `took`: it stayed primary. */
  readonly side: 'gave' | 'took'
  /** Unix milliseconds, and how long it took since the nodes heard each other. */
  readonly atMs: number
  readonly tookMs: number
  /** False: the gift did not come through in time, and what only this node had is lost. */
  readonly ok: boolean
  /** Sessions, live and just ended, and registrations that were given. */
  readonly given: number
  readonly users: number
  /** Whole ticks by which the clock and all timelines of the giver jumped. */
  readonly shiftTicks: number
  readonly adopted: number
  readonly updated: number
  readonly kept: number
  readonly ended: number
  readonly renumbered: number
  /** Parts that could not be read or do not fit a frame. */
  readonly unreadable: number
  /** Sessions that could not be kept, and the rule that decided it. */
  readonly closed: readonly Closed[]
}

interface Closed {
  readonly sessionId: string
  readonly rule: string
}

/** Of the switch process. */
interface MergerUnits {
  readonly tables: Tables
  readonly core: Core
  readonly runner: CoreRunner
  readonly replicator: Replicator
  readonly media: MediaLink
  readonly sync: SyncLink
}

interface MergerParts {
  readonly clock: Clock
  readonly log: LogHub
  /** Who keeps the report, with the term in which it is. */
  told(report: MergeReport, term: number): void
}

/** Sessions adopted in one turn: all at once would hold up the calls. */
const stepsPerTurn = 16

interface Taken {
  readonly given: number
  readonly unreadable: number
  readonly merge: MergeSteps
  next: number
}

/** A unit that was ended is started again and heard after this time. */
const unitBackMs = 1_500

export class Merger {
  readonly #parts: MergerUnits & MergerParts
  readonly #ended = new Set<string>()
  readonly #users = new Set<string>()
  #startedMs = 0
  #term = 0
  /** This node lost, and waits for the clock of the winner before it gives. */
  #isAwaitingClock = false
  #gave = { given: 0, users: 0, unreadable: 0, shiftTicks: 0 }
  #taken: Taken | null = null
  #awaits = false
  /** The peer stood still: what it gives may be over. */
  #isLate = false
  #awaitsUnheard = false
  report: MergeReport | null = null

  constructor(units: MergerUnits, { clock, log, told }: MergerParts) {
    const { tables, core, runner, replicator, media, sync } = units
    this.#parts = { tables, core, runner, replicator, media, sync, clock, log, told }
    tables.onChange((change, _previous, next, origin) => {
      if (origin === 'local') this.#note(change, next)
    })
  }

  /** Before the role is taken. */
  role({ role, merge, term }: BusMessageOf<'role'>): void {
    const { clock, replicator, core } = this.#parts
    if (role !== 'standby') this.#isAwaitingClock = false
    if (role !== 'primary') this.#taken = null
    if (merge === undefined) return
    this.#term = term
    this.#startedMs = clock.monotonicMs()
    replicator.beginMerge(merge === 'give' ? merge : 'take', this.#startedMs)
    this.#isAwaitingClock = merge === 'give'
    this.#isLate = merge === 'take-late'
    this.#awaits = merge !== 'give'
    if (this.#awaits) core.awaitSessions(this.#startedMs + limits.mergeMsMax)
  }

  /** A peer that is not heard may serve for as long as its supervisor bears with a pair unit that hangs. */
  awaitUnheard(): void {
    const { core, clock } = this.#parts
    core.awaitSessions(clock.monotonicMs() + limits.unitHangMsMax + unitBackMs)
    this.#awaitsUnheard = true
  }

  /** The peer follows: it serves nobody. */
  heard(): void {
    if (this.#awaitsUnheard && !this.#awaits) this.#parts.core.awaitSessions(0)
    this.#awaitsUnheard = false
  }

  /** The ticks of both nodes are the same from now on: this one gives what it has. */
  clock({ shiftTicks }: BusMessageOf<'clock'>): void {
    if (shiftTicks === undefined || !this.#isAwaitingClock) return
    this.#isAwaitingClock = false
    const { core, replicator, clock, log } = this.#parts
    if (shiftTicks !== 0) this.#shiftLegs(shiftTicks)
    const gift = core.gift({ ended: this.#ended, users: this.#users })
    const { parts, tooLong } = giftParts(gift)
    this.#gave = {
      given: gift.sessions.length - tooLong.length,
      users: gift.users.length,
      unreadable: tooLong.length,
      shiftTicks,
    }
    for (const session of tooLong) log.warn('merge: a session fits no frame', { session })
    this.#parts.sync.perform(replicator.give(parts, clock.monotonicMs()))
  }

  take(output: Extract<ReplicatorOutput, { kind: 'gift' | 'gave' }>): void {
    if (output.kind === 'gift') this.#gift(output.bodies)
    else this.#gaveAll(output)
  }

  /** The winner: all that the other node had. */
  #gift(bodies: readonly string[]): void {
    const { core, log } = this.#parts
    const { gift, unreadable } = readGift(bodies)
    if (unreadable > 0) log.warn('merge: parts cannot be read', { unreadable })
    const apart = { ended: this.#ended, users: this.#users, isLate: this.#isLate }
    const merge = core.adopt(gift, apart)
    this.#taken = { given: gift.sessions.length, unreadable, merge, next: 0 }
    this.advance()
  }

  /** The loser: the winner has it all, or it could not be given. */
  #gaveAll({ ok, body }: { ok: boolean; body: string }): void {
    this.#isAwaitingClock = false
    const closed = ok ? readClosed(body) : []
    const gone = new Set(closed.map(({ sessionId }) => sessionId))
    if (gone.size > 0) this.#remove(gone)
    // The winner sends them now: this node stops what has no twin.
    this.#parts.media.refresh()
    const none = { adopted: 0, updated: 0, kept: 0, ended: 0, renumbered: 0 }
    this.#say({ side: 'gave', ok, ...this.#times(), ...this.#gave, ...none, closed })
  }

  /** Goes on with the adoption. */
  advance(): void {
    const { replicator, runner, core, clock } = this.#parts
    const nowMs = clock.monotonicMs()
    this.#forget(nowMs)
    if (this.#awaits && !replicator.isMerging(nowMs)) {
      this.#awaits = false
      core.awaitSessions(0)
    }
    const taken = this.#taken
    if (taken === null) return
    const { steps } = taken.merge
    const part = steps.slice(taken.next, taken.next + stepsPerTurn)
    taken.next += part.length
    if (part.length > 0) runner.run((now) => part.flatMap((step) => step(now)))
    if (taken.next < steps.length) return
    this.#taken = null
    this.#took(taken)
  }

  /** 0 while `advance` has something to do, else infinity. */
  nextTimerMs(): number {
    return this.#taken === null ? Number.POSITIVE_INFINITY : 0
  }

  /** When the peer has every record, it is remembered from then on what it may miss. */
  #forget(nowMs: number): void {
    const { replicator, core } = this.#parts
    if (this.#ended.size === 0 && this.#users.size === 0) return
    if (!replicator.inStep(nowMs) || replicator.pending() > 0) return
    this.#ended.clear()
    this.#users.clear()
    core.forgetUntold()
  }

  #took({ given, unreadable, merge }: Taken): void {
    const { sync, replicator } = this.#parts
    const count = (...kinds: Outcome['kind'][]) =>
      merge.outcomes.filter(({ kind }) => kinds.includes(kind)).length
    const closed = merge.outcomes.flatMap(({ sessionId, rule, given: theirs }) =>
      rule === null ? [] : [{ sessionId, rule, given: theirs }],
    )
    const gone = closed.filter((one) => one.given).map(nameAndRule)
    sync.perform(replicator.adopted(JSON.stringify(gone)))
    this.#say({
      side: 'took',
      ok: true,
      ...this.#times(),
      given,
      users: merge.users,
      shiftTicks: 0,
      adopted: count('adopt'),
      updated: count('update'),
      kept: count('keep'),
      ended: count('end', 'end-silently'),
      renumbered: merge.renumbered,
      unreadable,
      closed: closed.map(nameAndRule),
    })
  }

  #say(report: MergeReport): void {
    this.report = report
    this.#parts.log[report.ok ? 'info' : 'warn']('merge', { ...report })
    this.#parts.told(report, this.#term)
  }

  #times(): Pick<MergeReport, 'atMs' | 'tookMs'> {
    const { clock } = this.#parts
    const tookMs = Math.round((clock.monotonicMs() - this.#startedMs) * 10) / 10
    return { atMs: clock.wallMs(), tookMs }
  }

  /** The clock of this node jumped, and the media unit with it. */
  #shiftLegs(ticks: number): void {
    const table = this.#parts.tables.table('wired-media')
    for (const leg of [...table.values()]) {
      const address = table.addressOf(leg.mediaId)
      const version = address === null ? undefined : table.at(address.slot)?.version
      if (address === null || version === undefined) continue
      table.apply(address, leg.mediaId, version, shiftedRecord(leg, ticks))
    }
  }

  /** What the winner did not keep gives its ports back before this node follows: they may be those of a
   * session that it did keep. */
  #remove(sessionIds: ReadonlySet<string>): void {
    for (const name of ['wired-media', 'conference-resource', 'wired-conference'] as const) {
      const table = this.#parts.tables.any(name)
      for (let slot = 0; slot < table.slotCount; slot++) {
        const view = table.at(slot)
        const record = view?.record as { sessionId?: string } | null | undefined
        if (view === null || !sessionIds.has(record?.sessionId ?? '')) continue
        for (const { change, previous } of table.apply(
          view.address,
          view.key,
          view.version,
          null,
        )) {
          this.#parts.media.order(mediaOrders(change, previous, null), () => undefined)
        }
      }
    }
  }

  #note({ address, key }: RecordChange, next: AnyRecord | null): void {
    if (address.table === 'user') remember(this.#users, key)
    if (address.table !== 'wired-conference') return
    if (next === null || (next as Conference).ended !== null) remember(this.#ended, key)
  }
}

function remember(keys: Set<string>, key: string): void {
  keys.add(key)
  if (keys.size <= limits.mergeMemoryMax) return
  // Costly: it steps over all that were deleted before.
  const [oldest] = keys
  if (oldest !== undefined) keys.delete(oldest)
}

function nameAndRule({ sessionId, rule }: Closed): Closed {
  return { sessionId, rule }
}

function readClosed(body: string): Closed[] {
  try {
    const value: unknown = body === '' ? [] : JSON.parse(body)
    return Array.isArray(value) ? value.filter(isClosed) : []
  } catch {
    return []
  }
}

function isClosed(value: unknown): value is Closed {
  if (typeof value !== 'object' || value === null) return false
  const { sessionId, rule } = value as Partial<Closed>
  return typeof sessionId === 'string' && typeof rule === 'string'
}
