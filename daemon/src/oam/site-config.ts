//! The site as one YAML file: checked, compared, applied to the database and written out again.
import { isMap, isScalar, LineCounter, parseDocument, stringify, visit } from 'yaml'
import type { z } from 'zod'
import { readRows } from '../database/rows.ts'
import { attempt, storeRows } from '../database/store.ts'
import type { ErrorCode } from '../errors.ts'
import type { Database, Sql } from '../platform/sqlite.ts'
import { inTurns } from '../platform/turns.ts'
import { type Failure, failure, type Result, success } from '../result.ts'
import { briefAccount } from './site/account.ts'
import { isObject, type SiteValue, withoutSecrets } from './site/diff.ts'
import { siteFaults } from './site/faults.ts'
import { rowsOfSite, siteOfRows } from './site-config-rows.ts'
import { completeSite, type Site, siteSchema } from './site-config-schema.ts'

interface SiteProblem {
  readonly code: ErrorCode
  /** From 1; null for a value that came without a file (`setSite`). */
  readonly line: number | null
  readonly column: number | null
  /** Dotted. */
  readonly path: string
  readonly text: string
}

export type CheckedSite =
  | { readonly site: Site; readonly problems: readonly [] }
  | { readonly site: null; readonly problems: readonly SiteProblem[] }

type Locate = (
  path: readonly PropertyKey[],
  onKey: boolean,
) => { line: number; column: number } | null

/** Reads a site file. All problems are told at once, in the order of the file.
 * @param realm SIP realm of the passwords (`service.realm` of the node file). */
export function checkSite(text: string, realm: string): CheckedSite {
  const counter = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: counter,
    prettyErrors: false,
    // The library compares each key with each other one: minutes for a hostile file.
    uniqueKeys: false,
  })
  const place = (offset: number) => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const faults = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    offset: pos[0],
    text: message,
  }))
  faults.push(...repeatedKeys(document))
  if (faults.length > 0) {
    const problems = faults
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ offset, text }) => {
        return { code: 'config-syntax' as const, ...place(offset), path: '', text }
      })
    return { site: null, problems }
  }
  keepWriting(document)
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 20 })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { site: null, problems: [{ code: 'config-syntax', line: 1, column: 1, path: '', text }] }
  }
  return checkValue(value ?? {}, realm, locator(document.contents, place))
}

export function parseSite(text: string, realm: string): Result<Site> {
  return parsed(checkSite(text, realm))
}

/** The site as it is in the database. */
export function readSite(sql: Sql): Promise<Result<Site>> {
  return attempt(async () => inTurns(siteOfRows(await readRows(sql))))
}

/** One transaction. @returns how many rows changed. */
export async function applySite(
  database: Database,
  site: Site,
  refusal?: (sql: Sql) => Promise<Failure | null>,
): Promise<Result<number>> {
  return storeRows(database, await inTurns(rowsOfSite(site)), refusal)
}

/** The whole site as YAML that can be applied again. Passwords are not in it, only their HA1. */
export async function exportSite(sql: Sql): Promise<Result<string>> {
  const site = await readSite(sql)
  return site.ok ? success(writeSite(site.value)) : site
}

function writeSite(site: Site): string {
  const accounts = Object.entries(site.accounts).map(([key, one]) => [key, briefAccount(one)])
  return stringify({ ...site, accounts: Object.fromEntries(accounts) }, { lineWidth: 100 })
}

/** The value at a dotted path, e.g. `accounts.1001.priority`, without secrets. `not-found`. */
export function getSite(site: Site, path: string): Result<SiteValue> {
  let value: SiteValue | undefined = site as unknown as SiteValue
  for (const step of path.split('.')) {
    value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
    if (value === undefined) return failure('not-found', `${path} does not exist`)
  }
  return success(withoutSecrets(path.split('.'), value))
}

/** What is kept in the place of a secret that is given. */
const hashesOf: Readonly<Record<string, readonly string[]>> = {
  password: ['ha1', 'peerHa1'],
  pin: ['pinHash'],
}

/** The site with another value at a dotted path; null removes what is there. `accounts.N.password`
 * takes a password and keeps its HA1. `not-found`: the parent does not exist. */
export function setSite(
  site: Site,
  change: { path: string; value: unknown },
  realm: string,
): Result<Site> {
  const copy = structuredClone(site) as unknown as Record<string, unknown>
  const steps = change.path.split('.')
  const last = steps.pop() ?? ''
  let parent: Record<string, unknown> = copy
  for (const step of steps) {
    const next = Object.hasOwn(parent, step) ? parent[step] : undefined
    if (typeof next !== 'object' || next === null || Array.isArray(next)) {
      return failure('not-found', `${change.path} does not exist`)
    }
    parent = next as Record<string, unknown>
  }
  if (change.value === null) delete parent[last]
  else define(parent, last, change.value)
  for (const hash of hashesOf[last] ?? []) delete parent[hash]
  return parsed(checkValue(copy, realm, () => null))
}

function checkValue(value: unknown, realm: string, locate: Locate): CheckedSite {
  const read = siteSchema.safeParse(value)
  const problems = read.success
    ? siteFaults(read.data).map(({ path, text }) => problem('config-value', path, { text, locate }))
    : read.error.issues.flatMap((issue) => issueProblems(issue, locate))
  if (read.success && problems.length === 0) {
    return { site: completeSite(read.data, realm), problems: [] }
  }
  problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  return { site: null, problems }
}

function issueProblems(issue: z.core.$ZodIssue, locate: Locate): SiteProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) =>
      problem('config-unknown-key', [...issue.path, key], {
        text: 'is not a known key',
        locate,
        onKey: true,
      }),
    )
  }
  const inKey = issue.code === 'invalid_key' ? issue.issues[0] : undefined
  const text = inKey?.message ?? issue.message
  return [problem('config-value', issue.path, { text, locate, onKey: inKey !== undefined })]
}

function problem(
  code: ErrorCode,
  path: readonly PropertyKey[],
  at: { text: string; locate: Locate; onKey?: boolean },
): SiteProblem {
  const place = at.locate(path, at.onKey ?? false)
  const dotted = path.map(String).join('.')
  return {
    code,
    line: place?.line ?? null,
    column: place?.column ?? null,
    path: dotted,
    text: `${dotted === '' ? 'the file' : dotted}: ${at.text}`,
  }
}

/** A failure has one `line:column: text` for each problem, one a line. */
export function parsed(checked: CheckedSite): Result<Site> {
  if (checked.site !== null) return success(checked.site)
  const lines = checked.problems.map(({ line, column, text }) =>
    line === null ? text : `${line}:${column}: ${text}`,
  )
  return failure(checked.problems[0]?.code ?? 'config-value', lines.join('\n'))
}

function sourceOf(scalar: { source?: string; value: unknown }): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value))
}

/** Keys that a map has already. 0012 and 12 are two numbers, see `keepWriting`. */
function repeatedKeys(document: ReturnType<typeof parseDocument>) {
  const repeated: { offset: number; text: string }[] = []
  visit(document, {
    Map(_key, map) {
      const seen = new Set<string>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        const source = sourceOf(key)
        const offset = key.range?.[0] ?? 0
        if (seen.has(source)) repeated.push({ offset, text: 'Map keys must be unique' })
        seen.add(source)
      }
    },
  })
  return repeated
}

/** YAML would read the number 0012 as 12 and 121.500 as 121.5: what was written counts. */
function keepWriting(document: ReturnType<typeof parseDocument>): void {
  visit(document, {
    Scalar(key, node) {
      const { source, value } = node
      if (typeof value === 'string' || source === undefined) return
      if (key === 'key' || (typeof value === 'number' && String(value) !== source)) {
        node.value = source
      }
    },
  })
}

/** Finds the deepest node on a path: what is missing is told at its parent. */
function locator(
  contents: unknown,
  place: (offset: number) => { line: number; column: number },
): Locate {
  return (path, onKey) => {
    let node = contents
    let offset = rangeOf(node) ?? 0
    for (const [index, step] of path.entries()) {
      const next = childOf(node, step)
      if (next === null) break
      const wantsKey = onKey && index === path.length - 1
      offset = (wantsKey ? next.keyOffset : rangeOf(next.node)) ?? next.keyOffset ?? offset
      node = next.node
    }
    return place(offset)
  }
}

function childOf(
  node: unknown,
  step: PropertyKey,
): { node: unknown; keyOffset: number | null } | null {
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      const text = isScalar(key) ? String(key.value) : String(key)
      if (text === String(step)) return { node: value, keyOffset: rangeOf(key) }
    }
    return null
  }
  const items = (node as { items?: readonly unknown[] } | null)?.items
  const item = typeof step === 'number' ? items?.[step] : undefined
  return item === undefined ? null : { node: item, keyOffset: null }
}

function rangeOf(node: unknown): number | null {
  const range = (node as { range?: readonly number[] | null } | null)?.range
  return range?.[0] ?? null
}

/** Not by assignment: `__proto__` is an ordinary name here. */
function define(parent: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(parent, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}
