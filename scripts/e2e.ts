//! `npm run test:e2e`: the end-to-end tests, two labs at a time; then one at a time those that measure how
//! fast something is, or that load the machine so that others would. Each lab has namespaces, addresses,
//! folders and sockets of its own. With arguments: only these files, one after the other.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'test/e2e')
/** They hold a bound in milliseconds, or take both processors. */
const alone = [
  'failover-matrix',
  'flood',
  'hundred-calls',
  'hung-units',
  'instruments',
  'lonely',
  'memory',
  'merge',
  'suspended',
  'units',
]

function ava(labs: number, files: readonly string[]): Promise<number> {
  const config = ['--config', join(folder, 'ava.config.js')]
  const args = [...config, '--concurrency', String(labs), ...files]
  const child = spawn(join(root, 'node_modules/.bin/ava'), args, { cwd: root, stdio: 'inherit' })
  // It removes its labs first.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)))
}

const named = process.argv.slice(2)
if (named.length > 0) process.exit(await ava(1, named))
const all = readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
const isAlone = (name: string) => alone.includes(basename(name, '.test.ts'))
const missing = alone.filter((name) => !all.includes(`${name}.test.ts`))
if (missing.length > 0) throw new Error(`there is no ${missing.join(', ')}`)
const path = (name: string) => join(folder, name)
const together = await ava(2, all.filter((name) => !isAlone(name)).map(path))
const single = await ava(1, all.filter(isAlone).map(path))
process.exit(together + single === 0 ? 0 : 1)
