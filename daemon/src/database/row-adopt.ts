//! What the peer changed and never sent: it served alone, or died before this node had heard all. The
//! node that serves takes it before it sends its own, or a configuration would end with its node
//! (ADR 0036). Whose a row is follows from the outboxes: each node knows how far it has the other's.
import type { Database, Sql } from '../platform/sqlite.ts'
import type { RepairStep, TableDifferences } from './compare.ts'
import {
  appliedOf,
  applying,
  type ChangedKeys,
  changedAfter,
  changedKey,
  formerOutboxes,
  newestOf,
  type OperationFailure,
  performStep,
  recordOperation,
  setApplied,
} from './operations.ts'
import type { PeerRows } from './peer-rows.ts'
import type { RowReplyOf } from './row-messages.ts'
import { fetchRows } from './row-pull.ts'
import { keyOf } from './rows.ts'
import type { ConfigTable } from './schema.ts'
import { raiseRevision, revisionOf } from './store.ts'

/** What the peer says of itself; a node of an older version does not name its outbox. */
export type PeerOffer = RowReplyOf<'offer'>

export interface Adoption {
  /** Rows that were written or removed here. */
  readonly taken: readonly RepairStep[]
  /** Changed on both nodes, or refused by the database: the peer's version is lost. */
  readonly failures: readonly OperationFailure[]
  /** Both have changed rows: the own outbox does not lead from the peer's rows to these. */
  readonly bothChanged: boolean
}

interface Adopting {
  readonly database: Database
  readonly peer: PeerRows
  /** Compares the rows of both; null: no answer. */
  compare(): Promise<readonly TableDifferences[] | null>
  /** Resolves when what this node took over with is in its database. */
  ready(): Promise<void>
  /** False: another role has begun meanwhile. */
  serves(): boolean
  /** Unix milliseconds, for the logs. */
  readonly wallMs: number
}

interface Claims {
  /** What was changed here is in the own outbox after this number. */
  readonly ownAfter: number
  readonly peer: ChangedKeys
}

const nothing: Adoption = { taken: [], failures: [], bothChanged: false }
const keptHere = 'changed on both nodes; what the serving node has stays'

/** @returns null: the peer did not answer, or this node serves no more; to be tried again. */
export async function adopt(context: Adopting, offer: PeerOffer): Promise<Adoption | null> {
  const { database } = context
  const { source, newest } = offer
  if (source === undefined || newest === undefined) return nothing
  const known = await appliedOf(database, source)
  const isBehind = offer.applied === null ? await isAhead(context) : false
  if (isBehind === null) return null
  if (!isBehind && known !== null && newest <= known) return nothing
  await context.ready()
  const claims = isBehind
    ? ({ ownAfter: 0, peer: 'all' } as const)
    : await claimsOf(context, offer, known)
  if (claims === null) return null
  if (claims === 'own') return nothing
  const differences = await context.compare()
  if (differences === null) return null
  const changes = await peerChanges(context.peer, differences, claims.peer)
  if (changes === null) return null
  return applying(database, async (sql) => {
    if (!context.serves()) return null
    // With what a user has set while the peer was asked.
    const own = await changedAfter(sql, claims.ownAfter)
    const bothChanged = own === 'all' || own.size > 0
    const done = await write(sql, changes, { own, source, wallMs: context.wallMs })
    await raiseRevision(sql, Math.max(offer.revision, await revisionOf(sql)) + Number(bothChanged))
    await setApplied(sql, source, newest)
    return { ...done, bothChanged }
  })
}

/** The rows of both are equal: what the peer has changed so far is here. */
export async function haveAllOf(sql: Sql, { source, newest }: PeerOffer): Promise<void> {
  if (source === undefined || newest === undefined) return
  if ((await appliedOf(sql, source)) !== newest) await setApplied(sql, source, newest)
}

/** The database here is a copy, and the peer heard of changes that were made after it.
 * @returns null: no answer. */
async function isAhead({ database, peer }: Adopting): Promise<boolean | null> {
  for (const { source, seq } of await formerOutboxes(database)) {
    const reply: PeerOffer | null = await peer.ask({ op: 'offer', source })
    if (reply === null) return null
    if (reply.applied !== null && reply.applied > seq) return true
  }
  return false
}

/** What each has changed since it had all of the other's.
 * @returns `own`: nobody knows, and what is here counts; null: no answer. */
async function claimsOf(
  { database, peer }: Adopting,
  { applied, revision }: PeerOffer,
  known: number | null,
): Promise<Claims | 'own' | null> {
  if (known === null && applied === null) {
    // They have never been a pair: only who was never configured takes it all.
    const isBlank = (await revisionOf(database)) === 0
    return isBlank && revision > 0 ? { ownAfter: await newestOf(database), peer: 'all' } : 'own'
  }
  // When only one of them knows, e.g. after an upgrade: the whole outbox of the other.
  const changed = await askChanged(peer, known ?? 0)
  return changed === null ? null : { ownAfter: applied ?? 0, peer: changed }
}

async function askChanged(peer: PeerRows, after: number): Promise<ChangedKeys | null> {
  const keys = new Set<string>()
  for (let from = after; ; ) {
    const reply: RowReplyOf<'changed'> | null = await peer.ask({ op: 'changed', after: from })
    if (reply === null) return null
    if (reply.gap) return 'all'
    for (const key of reply.keys) keys.add(key)
    if (reply.done) return keys
    // A peer that does not come on would be asked for ever.
    if (reply.until <= from) return null
    from = reply.until
  }
}

/** Writes with parents first, then removals with children first. */
async function peerChanges(
  peer: PeerRows,
  differences: readonly TableDifferences[],
  changed: ChangedKeys,
): Promise<RepairStep[] | null> {
  const ofPeer = (table: ConfigTable) => (key: string) =>
    changed === 'all' || changed.has(changedKey(table, key))
  const changes: RepairStep[] = []
  for (const { table, onlyPeer, different } of differences) {
    const keys = [...onlyPeer, ...different].filter(ofPeer(table))
    const rows = await fetchRows(peer, table, keys)
    if (rows === null) return null
    for (const row of rows) changes.push({ table, key: keyOf(table, row), row })
  }
  for (const { table, onlyHere } of differences.toReversed()) {
    for (const key of onlyHere.filter(ofPeer(table))) changes.push({ table, key, row: null })
  }
  return changes
}

async function write(
  sql: Sql,
  changes: readonly RepairStep[],
  context: { own: ChangedKeys; source: string; wallMs: number },
): Promise<Pick<Adoption, 'taken' | 'failures'>> {
  const { own, source, wallMs } = context
  const taken: RepairStep[] = []
  const failures: OperationFailure[] = []
  for (const change of changes) {
    const { table, key, row } = change
    const isOwn = own === 'all' || own.has(changedKey(table, key))
    const reason = isOwn ? keptHere : await performStep(sql, change)
    const op = row === null ? 'delete' : 'update'
    const operation = { seq: 0, table, op, key, changed: {} } as const
    await recordOperation(sql, { source, operation, reason, wallMs })
    if (reason === null) taken.push(change)
    else failures.push({ seq: 0, table, key, reason })
  }
  return { taken, failures }
}
