//! Reads the node-local file. Every failure names line and column of its cause, and all failures of
//! a file are told at once.
import { hkdfSync } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { isMap, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import type { z } from 'zod'
import type { ErrorCode } from '../errors.ts'
import { readFileBytes } from '../platform/files.ts'
import { failure, type Result, success } from '../result.ts'
import { keyBytesMin, readKeyFile } from './key-file.ts'
import type { NodeConfig } from './node-config.ts'
import { crossFaults, type Fault, written } from './node-config-rules.ts'
import { knownKeys, nodeConfigSchema, type WrittenNodeConfig } from './node-config-schema.ts'

const fileBytesMax = 262_144

interface Place {
  readonly line: number
  readonly column: number
}

interface PlacedFault extends Place {
  readonly code: ErrorCode
  readonly text: string
}

type Locate = (path: readonly PropertyKey[], onKey?: boolean) => Place

interface Parsed {
  readonly config: NodeConfig
  readonly locate: Locate
}

/** @returns the configuration with its defaults; relative paths stay as they are written. A failure
 * has one `line:column: text` for each fault, in the order of the file, one a line. */
export function parseNodeConfig(text: string): Result<NodeConfig> {
  const parsed = parse(text)
  return parsed.ok ? success(parsed.value.config) : parsed
}

/** Reads, checks and completes the file at `path`; relative paths in it are seen from its directory.
 * The pair key file must be there, long enough and closed to others. */
export function loadNodeConfig(path: string): Result<NodeConfig> {
  const file = readFileBytes(path, fileBytesMax)
  if (!file.ok) return failure('config-unreadable', `1:1: cannot be read: ${file.detail}`)
  const text = decode(file.bytes)
  if (text === null) return failure('config-syntax', '1:1: is not UTF-8 text')
  const parsed = parse(text)
  if (!parsed.ok) return parsed
  const config = absolute(parsed.value.config, dirname(resolve(path)))
  const keys = [{ section: 'pair', path: config.pair.keyFile }]
  if (config.beacon !== null) keys.push({ section: 'beacon', path: config.beacon.keyFile })
  for (const { section, path: keyPath } of keys) {
    const key = readKeyFile(keyPath)
    if (key.ok) continue
    return failure(
      key.failure.code,
      at(parsed.value.locate([section, 'keyFile']), key.failure.detail),
    )
  }
  return success(config)
}

/** The secret both nodes share. */
export function readPairSecret(config: NodeConfig): Result<Uint8Array> {
  return readKeyFile(config.pair.keyFile)
}

export interface PairKeys {
  readonly heartbeat: Uint8Array
  readonly sync: Uint8Array
  /** Nonces of the SIP digest, which both nodes must be able to check. */
  readonly digest: Uint8Array
  /** Relayed RTP of reach mode `floating`. */
  readonly relay: Uint8Array
}

/** One key for each use (RFC 5869), so that a datagram of one protocol is never valid in another. */
export function derivePairKeys(secret: Uint8Array): PairKeys {
  const derive = (use: string) =>
    new Uint8Array(hkdfSync('sha256', secret, 'vccs-pair-1', `vccs ${use}`, keyBytesMin))
  return {
    heartbeat: derive('heartbeat'),
    sync: derive('sync'),
    digest: derive('digest'),
    relay: derive('relay'),
  }
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function parse(text: string): Result<Parsed> {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false })
  const place = (offset: number): Place => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const faults = [...document.errors, ...document.warnings].map((error): PlacedFault => {
    return { code: 'config-syntax', text: error.message, ...place(error.pos[0]) }
  })
  if (faults.length > 0) return refuse(faults)
  const locate = locator(document.contents, place)
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 20 })
  } catch (error) {
    return refuse([{ code: 'config-syntax', text: String(error), line: 1, column: 1 }])
  }
  const checked = nodeConfigSchema.safeParse(value)
  if (!checked.success)
    return refuse(checked.error.issues.flatMap((one) => issueFaults(one, locate)))
  const cross = crossFaults(checked.data).map((one) => placed(one, locate))
  if (cross.length > 0) return refuse(cross)
  return success({ config: complete(checked.data), locate })
}

/** Finds the deepest node of the document on a path: what is missing is told at its parent. */
function locator(contents: ParsedNode | null, place: (offset: number) => Place): Locate {
  return (path, onKey = false) => {
    let node: unknown = contents
    let offset = contents?.range[0] ?? 0
    for (const [index, step] of path.entries()) {
      const last = index === path.length - 1
      const next = child(node, step)
      if (next === null) break
      offset = (last && onKey ? next.keyOffset : next.offset) ?? offset
      node = next.node
    }
    return place(offset)
  }
}

function child(node: unknown, step: PropertyKey) {
  if (isMap<ParsedNode, ParsedNode>(node)) {
    const pair = node.items.find((one) => String(one.key) === String(step))
    if (pair === undefined) return null
    const keyOffset = pair.key.range[0]
    return { node: pair.value, keyOffset, offset: pair.value?.range[0] ?? keyOffset }
  }
  const items = (node as { items?: readonly ParsedNode[] } | null)?.items
  const item = typeof step === 'number' ? items?.[step] : undefined
  return item === undefined ? null : { node: item, keyOffset: undefined, offset: item.range[0] }
}

function issueFaults(issue: z.core.$ZodIssue, locate: Locate): PlacedFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      const near = nearest(key, knownKeys(issue.path))
      const hint = near === null ? '' : `; did you mean ${near}?`
      const text = `${written(path)} is not a known key${hint}`
      return { code: 'config-unknown-key', text, ...locate(path, true) }
    })
  }
  const subject = issue.path.length === 0 ? 'the file' : written(issue.path)
  const text = `${subject} ${issueText(issue)}`
  return [{ code: 'config-value', text, ...locate(issue.path) }]
}

function issueText(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type': {
      const what = issue.expected === 'int' ? 'a whole number' : article(issue.expected)
      return issue.input === undefined && /undefined/.test(issue.message)
        ? 'is missing'
        : `must be ${what}`
    }
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at least ${issue.minimum}`
        : issue.message
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at most ${issue.maximum}`
        : issue.message
    case 'invalid_value':
      return `must be ${issue.values
        .map(String)
        .join(', ')
        .replace(/, ([^,]*)$/, ' or $1')}`
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message
    default:
      return issue.message
  }
}

function article(type: string): string {
  const names: Record<string, string> = { object: 'a set of keys', array: 'a list', string: 'text' }
  return names[type] ?? `a ${type}`
}

/** The known key with the smallest edit distance, if that is small beside the length. */
function nearest(key: string, known: readonly string[]): string | null {
  if (key.length > 64) return null
  const ranked = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= Math.max(2, best.name.length / 3) ? best.name : null
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(same, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

function placed(fault: Fault, locate: Locate): PlacedFault {
  return { code: fault.code, text: fault.text, ...locate(fault.path) }
}

function refuse(faults: readonly PlacedFault[]): Result<never> {
  const sorted = [...faults].sort((a, b) => a.line - b.line || a.column - b.column)
  const text = sorted.map((fault) => at(fault, fault.text)).join('\n')
  return failure(sorted[0]?.code ?? 'config-syntax', text)
}

function at(place: Place, text: string): string {
  return `${place.line}:${place.column}: ${text}`
}

function complete(written: WrittenNodeConfig): NodeConfig {
  const { service, beacon } = written
  const bytes = service.address.split('.').map((part) => (+part).toString(16).padStart(2, '0'))
  return {
    ...written,
    service: {
      ...service,
      peerAddress: service.peerAddress ?? null,
      mac: service.reach === 'shared' ? (service.mac ?? `03:bf:${bytes.join(':')}`) : null,
      realm: service.realm ?? written.site,
    },
    beacon:
      beacon === undefined ? null : { ...beacon, interface: beacon.interface ?? service.interface },
    database: written.database ?? `${written.stateDirectory}/vccs.db`,
    controlSocket: written.controlSocket ?? `${written.runDirectory}/control.sock`,
  }
}

function absolute(config: NodeConfig, directory: string): NodeConfig {
  const seen = (path: string) => resolve(directory, path)
  return {
    ...config,
    pair: { ...config.pair, keyFile: seen(config.pair.keyFile) },
    beacon:
      config.beacon === null ? null : { ...config.beacon, keyFile: seen(config.beacon.keyFile) },
    database: seen(config.database),
    controlSocket: seen(config.controlSocket),
    runDirectory: seen(config.runDirectory),
    stateDirectory: seen(config.stateDirectory),
    log: { ...config.log, file: config.log.file === null ? null : seen(config.log.file) },
  }
}
