//! Bundles the CLI into cli/dist: one entry, one table of commands, late chunks for what is rarely
//! needed, the manifest of oclif, and a warm compile cache. `vccs status` must feel instant.
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const cli = join(import.meta.dirname, '../cli')
const dist = join(cli, 'dist')
const { version } = JSON.parse(readFileSync(join(cli, 'package.json'), 'utf8'))

/** CommonJS inside the bundle expects these names. */
const banner = [
  "import { createRequire as __createRequire } from 'node:module'",
  "import { fileURLToPath as __fileURLToPath } from 'node:url'",
  "import { dirname as __pathDirname } from 'node:path'",
  'const require = __createRequire(import.meta.url)',
  'const __filename = __fileURLToPath(import.meta.url)',
  'const __dirname = __pathDirname(__filename)',
].join('\n')

async function bundle(): Promise<void> {
  rmSync(dist, { recursive: true, force: true })
  await build({
    entryPoints: { main: join(cli, 'src/main.ts'), commands: join(cli, 'src/commands.ts') },
    outdir: dist,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: banner },
    define: { 'process.env.VCCS_BUNDLE_VERSION': JSON.stringify(version) },
    legalComments: 'linked',
    logLevel: 'warning',
  })
}

/** oclif reads this instead of examining every command class at each start. */
async function writeManifest(): Promise<void> {
  const { Config } = await import('@oclif/core')
  const { loadOptions } = await import('../cli/src/cli.ts')
  const config = await Config.load(loadOptions({ root: dist, commands: './commands.mjs', version }))
  const commands = Object.fromEntries(
    config.commands.map(({ load: _load, ...command }) => [command.id, command]),
  )
  writeFileSync(join(dist, 'oclif.manifest.json'), JSON.stringify({ version, commands }))
}

await bundle()
await writeManifest()
// Started once, so that the first start of the operator is as fast as the others.
execFileSync(process.execPath, [join(dist, 'main.mjs'), 'version', '--json'], { stdio: 'ignore' })
