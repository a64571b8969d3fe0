//! The changes of this node's role (`vccs history`), each joined to the operation that wanted it and to
//! what it did to the calls. Bounded; kept over restarts by whoever composes it.
import type { DecisionRecord, Role } from '../bus/messages.ts'
import type { Effect, HistoryEntry, Merge, Operation } from '../control/operation-schema.ts'
import { limits } from '../limits.ts'

/** An operation moves the role within this time; a drill moves it twice. */
const operationMsMax = 15_000
const drillMsMax = 120_000
/** ... and the clocks of the nodes may differ by this, for an operation of the peer. */
const clockMsMax = 2_000

/** Sessions that were closed in a merge, of which the history tells each. */
const closedMax = 50

/** Later than after so many changes of role nobody tells of an operation. */
const joinedMax = 4

const rolesMovedBy: readonly Operation['kind'][] = ['switchover', 'failover', 'drill']
/** The rules of pair/ by which an ordered change moves; what moves by another one, nobody ordered. */
const orderedRules: readonly string[] = ['handed-over', 'handover']

export class History {
  readonly #node: string
  #entries: HistoryEntry[]

  /** @param kept the oldest first. */
  constructor(node: string, kept: readonly HistoryEntry[]) {
    this.#node = node
    this.#entries = kept.slice(-limits.historyKept)
  }

  /** Takes what the pair unit has decided; it repeats its last decisions, and knows also those of the
   * time when the switch unit was away.
   * @returns whether something was new. */
  note(decisions: readonly DecisionRecord[], operations: readonly Operation[]): boolean {
    const known = new Set(this.#entries.map(keyOf))
    const fresh = decisions
      .filter(({ from, to }) => from !== to)
      .map((decision) => this.#entryOf(decision, operations))
      .filter((entry) => !known.has(keyOf(entry)))
    this.#entries = [...this.#entries, ...fresh].slice(-limits.historyKept)
    return fresh.length > 0
  }

  /** An operation of the peer may be heard of after the change of role that it brought about.
   * @returns whether something changed. */
  join(operations: readonly Operation[]): boolean {
    let joined = false
    const newest = this.#entries.length - joinedMax
    this.#entries = this.#entries.map((entry, index) => {
      if (index < newest || entry.operation !== null) return entry
      const operation = operationOf({ atMs: Date.parse(entry.at), rule: entry.rule }, operations)
      if (operation === null) return entry
      joined = true
      const { id, operator, reason } = operation
      return { ...entry, operation: id, operator, reason }
    })
    return joined
  }

  /** Two primaries met, and this node stays or became what it is in this term. */
  noteMerge(atMs: number, term: number, merge: Merge): void {
    const role: Role = merge.side === 'took' ? 'primary' : 'standby'
    const entry: HistoryEntry = {
      ...{ at: new Date(atMs).toISOString(), node: this.#node, from: role, to: role, term },
      ...{ rule: 'merge', because: 'two nodes that both served met' },
      ...{ operation: null, operator: null, reason: null, effect: null },
      merge: { ...merge, closed: merge.closed.slice(0, closedMax) },
    }
    this.#entries = [...this.#entries, entry].slice(-limits.historyKept)
  }

  /** What the take-over of this term did. @returns whether something changed. */
  setEffect(term: number, effect: Effect): boolean {
    const isIt = ({ term: of, to, merge }: HistoryEntry) =>
      of === term && to === 'primary' && merge === null
    const at = this.#entries.findLastIndex(isIt)
    const entry = this.#entries[at]
    if (entry === undefined || JSON.stringify(entry.effect) === JSON.stringify(effect)) return false
    this.#entries = this.#entries.with(at, { ...entry, effect })
    return true
  }

  /** The entry of a decision; null when it changed no role, or was forgotten. */
  entryOf({ atMs, to, term }: Pick<DecisionRecord, 'atMs' | 'to' | 'term'>): HistoryEntry | null {
    const key = keyOf({ at: new Date(atMs).toISOString(), to, term })
    return this.#entries.findLast((one) => keyOf(one) === key) ?? null
  }

  /** The oldest first. */
  list(): readonly HistoryEntry[] {
    return this.#entries
  }

  #entryOf(decision: DecisionRecord, operations: readonly Operation[]): HistoryEntry {
    const { atMs, from, to, term, rule, because } = decision
    const operation = operationOf(decision, operations)
    return {
      at: new Date(atMs).toISOString(),
      node: this.#node,
      from,
      to,
      term,
      rule,
      because,
      operation: operation?.id ?? null,
      operator: operation?.operator ?? null,
      reason: operation?.reason ?? null,
      effect: null,
      merge: null,
    }
  }
}

function keyOf({ at, to, term }: Pick<HistoryEntry, 'at' | 'to' | 'term'>): string {
  return `${at} ${to} ${term}`
}

/** The newest operation that moves roles and was on its way at that moment. */
function operationOf(
  { atMs, rule }: Pick<DecisionRecord, 'atMs' | 'rule'>,
  operations: readonly Operation[],
): Operation | null {
  if (!orderedRules.includes(rule)) return null
  const isIt = ({ kind, startedAt, endedAt }: Operation) => {
    const begunMs = Date.parse(startedAt) - clockMsMax
    const runMs = kind === 'drill' ? drillMsMax : operationMsMax
    const endMs = endedAt === null ? begunMs + runMs : Date.parse(endedAt) + clockMsMax
    return rolesMovedBy.includes(kind) && atMs >= begunMs && atMs <= endMs
  }
  return [...operations].sort((a, b) => b.startedAt.localeCompare(a.startedAt)).find(isIt) ?? null
}
