//! Every package that the product installs must have a licence that Apache-2.0 can live with.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-3.0',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'MPL-2.0',
  'Python-2.0',
  'Unlicense',
  'WTFPL',
])

/** Packages whose manifest names no licence; the text in the package was read by a person. */
const readByHand: Record<string, string> = {
  sip: 'MIT text in LICENSE; used in tests and benches only',
  jsonify: 'public domain (README); a build tool of a build tool',
}

interface LockEntry {
  readonly license?: string
  readonly link?: boolean
  readonly optional?: boolean
}

/** `(MIT OR GPL-3.0)` is good when one alternative is; `A AND B` when both are. */
function acceptable(expression: string): boolean {
  const bare = expression.replace(/[()]/g, ' ').trim()
  if (bare.includes(' OR ')) return bare.split(' OR ').some(acceptable)
  if (bare.includes(' AND ')) return bare.split(' AND ').every(acceptable)
  return allowed.has(bare)
}

/** @returns one line a package whose licence is missing or not allowed. */
export function checkLicences(root: string): string[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockEntry>
  }
  const problems: string[] = []
  for (const [path, entry] of Object.entries(lock.packages)) {
    const at = path.lastIndexOf('node_modules/')
    if (at < 0 || entry.link) continue
    const name = path.slice(at + 'node_modules/'.length)
    if (entry.license === undefined ? name in readByHand : acceptable(entry.license)) continue
    problems.push(`${name}: licence ${entry.license ?? 'not stated'} is not on the list`)
  }
  return problems
}
