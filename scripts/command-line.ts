//! The flags of a command for developers, as `npm run` passes them. `--help` prints how its file begins.
import { readFileSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'

/** As `parseArgs`; a wrong flag is said in one line, and leaves with 2. */
export function commandLine<C extends ParseArgsConfig>(config: C): ReturnType<typeof parseArgs<C>> {
  if (process.argv.slice(2).includes('--help')) {
    process.stdout.write(headOf(process.argv[1] ?? ''))
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : error}\n--help says what there is.\n`,
    )
    process.exit(2)
  }
}

function headOf(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n')
  const end = lines.findIndex((line) => !line.startsWith('//!'))
  const head = lines.slice(0, end).map((line) => line.slice('//! '.length))
  return `${head.join('\n')}\n`
}
