//! Entry of the bundle: switches the compile cache on before anything large is loaded.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Beside the bundle, not in /tmp: there, another user could prepare code for root to run.
enableCompileCache(join(import.meta.dirname, 'cache'))

async function main(): Promise<void> {
  const { runCli } = await import('./cli.ts')
  const { processIo } = await import('./io.ts')
  // `vccs log | head`: who stops reading has seen enough.
  process.stdout.on('error', () => process.exit(0))
  const installation = {
    root: import.meta.dirname,
    commands: './commands.mjs',
    version: process.env.VCCS_BUNDLE_VERSION ?? '',
  }
  process.exitCode = await runCli(process.argv.slice(2), installation, processIo())
}

void main()
