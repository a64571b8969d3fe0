//! Compiles the mixer (daemon/assembly/mixer.ts) to daemon/build/mixer.wasm: SIMD, and a memory that
//! is imported and shared. Run by `make setup` and before the tests.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'
import { arenaPages } from '../daemon/src/media/arena.ts'

const daemon = join(import.meta.dirname, '../daemon')

async function buildMixer(): Promise<string | null> {
  await mkdir(join(daemon, 'build'), { recursive: true })
  const { error, stderr } = await asc.main([
    'assembly/mixer.ts',
    ...['--baseDir', daemon, '--outFile', 'build/mixer.wasm'],
    ...['--runtime', 'stub', '--noAssert', '-O3', '--converge'],
    ...['--enable', 'simd', '--enable', 'threads'],
    ...['--importMemory', '--sharedMemory'],
    ...['--initialMemory', String(arenaPages), '--maximumMemory', String(arenaPages)],
  ])
  return error === null ? null : `${error.message}\n${stderr.toString()}`
}

const problem = await buildMixer()
if (problem !== null) {
  console.error(problem)
  process.exitCode = 1
}
