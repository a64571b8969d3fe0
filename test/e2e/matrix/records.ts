//! The call records of a round (ADR 0026): each call has one, it is the same on both nodes, and there is no
//! other one. The whole lists are judged, also what belongs to no call that was seen.
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import type { RecordItem } from '../../../daemon/src/control/call-schema.ts'
import type { Lab } from '../../../scripts/lab.ts'
import type { LabNode } from '../../../scripts/lab-node.ts'
import { until } from '../../../scripts/waiting.ts'

/** The nodes compare their call records every 60 s. */
const equalMsMax = 100_000

/** The place of a record in the list, and records in one answer. */
type Place = NonNullable<ResultOf<'cdr'>['next']>
const limit = 200

/** What is due for the calls of a row. */
export interface RecordsDue {
  /** First digits of its numbers. */
  readonly key: string
  /** Sessions that were seen. */
  readonly sessions: ReadonlySet<string>
  /** Calls that were over before anybody looked. */
  readonly brief: number
}

export interface RecordsFound {
  /** Of each row. */
  readonly counts: ReadonlyMap<string, number>
  readonly ids: readonly string[]
  /** One line for whatever is not as it should be; empty: nothing. */
  readonly faults: readonly string[]
}

/** All call records of a node that ended from then on. */
export async function recordsOf(node: LabNode, sinceMs: number): Promise<RecordItem[]> {
  const all: RecordItem[] = []
  const since = new Date(sinceMs).toISOString()
  let place: Place | null = null
  do {
    const after: { after?: Place } = place === null ? {} : { after: place }
    const answer: ResultOf<'cdr'> = await node.ask('cdr', { since, limit, ...after })
    all.push(...answer.records)
    place = answer.next
  } while (place !== null)
  return all
}

/** Waits for what is due and judges what there is then.
 * @param sinceMs nothing has ended before */
export async function recordsWhenDue(
  lab: Lab,
  sinceMs: number,
  due: readonly RecordsDue[],
): Promise<RecordsFound> {
  const look = async () => {
    const [a, b] = await Promise.all([recordsOf(lab.a, sinceMs), recordsOf(lab.b, sinceMs)])
    return judged(a, b, due)
  }
  try {
    await until(async () => (await look()).faults.length === 0, {
      what: 'the records that are due',
      msMax: equalMsMax,
      everyMs: 500,
    })
  } catch {
    // Told below.
  }
  return look()
}

export function judged(
  a: readonly RecordItem[],
  b: readonly RecordItem[],
  due: readonly RecordsDue[],
): RecordsFound {
  const faults = differences(a, b)
  for (const [id, twins] of Map.groupBy(a, ({ sessionId }) => sessionId)) {
    if (twins.length > 1) faults.push(`${twins.length} records of ${id}`)
  }
  const byRow = Map.groupBy(a, (record) => rowOf(record, due))
  for (const record of byRow.get(undefined) ?? []) faults.push(`of no row: ${said(record)}`)
  for (const row of due) faults.push(...faultsOf(row, byRow.get(row) ?? []))
  return {
    counts: new Map(due.map((row) => [row.key, byRow.get(row)?.length ?? 0])),
    ids: a.map(({ sessionId }) => sessionId),
    faults,
  }
}

function faultsOf({ key, sessions, brief }: RecordsDue, records: readonly RecordItem[]): string[] {
  const ids = new Set(records.map(({ sessionId }) => sessionId))
  const missing = [...sessions].filter((id) => !ids.has(id))
  const others = records.filter(({ sessionId }) => !sessions.has(sessionId))
  return [
    ...missing.map((id) => `row ${key}: none of ${id}`),
    ...(others.length === brief
      ? []
      : [`row ${key}: ${brief} of calls that nobody saw are due: ${others.map(said).join(', ')}`]),
  ]
}

/** The one row to which all of its numbers belong. */
function rowOf(
  { caller, parties }: RecordItem,
  due: readonly RecordsDue[],
): RecordsDue | undefined {
  const numbers = [caller, ...parties.map(({ number }) => number)]
  return due.find(({ key }) => numbers.every((number) => number.startsWith(key)))
}

function differences(a: readonly RecordItem[], b: readonly RecordItem[]): string[] {
  const only = (name: string, these: readonly RecordItem[], those: readonly RecordItem[]) => {
    const known = new Set(those.map((record) => JSON.stringify(record)))
    const own = these.filter((record) => !known.has(JSON.stringify(record)))
    return own.map((record) => `only ${name} has: ${said(record)}`)
  }
  return [...only('a', a, b), ...only('b', b, a)]
}

function said({ sessionId, type, caller, called, status, endedBy, parties }: RecordItem): string {
  const numbers = parties.map(({ number }) => number).join(' ')
  return `${sessionId} (${type}, ${caller} to ${called}, ${numbers}; ${status}, by ${endedBy})`
}
