//! Imported by the configuration of the test runner, and by `scripts/e2e.ts`: the tests need packages,
//! namespaces, and the mixer of the present source.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePackages, ensureRare, testPrograms } from '../../scripts/net/packages.ts'
import { ensureNamespaces } from '../../scripts/net/privilege.ts'

const root = join(import.meta.dirname, '../..')
const compiled = join(root, 'daemon/build/mixer.wasm')
const sources = join(root, 'daemon/assembly')

function isOld(): boolean {
  if (!existsSync(compiled)) return true
  const { mtimeMs } = statSync(compiled)
  return readdirSync(sources).some((file) => statSync(join(sources, file)).mtimeMs > mtimeMs)
}

ensurePackages(testPrograms)
ensureRare('linphonec')
if (isOld()) execFileSync(process.execPath, [join(root, 'scripts/build-mixer.ts')])
await ensureNamespaces()
// A node that starts need not compile again what the one before it has compiled.
process.env.NODE_COMPILE_CACHE ??= join(root, 'build/compile-cache')
