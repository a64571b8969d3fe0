//! `vccsd`: reads the node file, starts the units and keeps them running until it is told to stop.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type ErrorCode, errors } from './errors.ts'
import { loadNodeConfig } from './oam/node-config-load.ts'
import { openLog } from './platform/log.ts'
import { startNodeUnits } from './supervisor/supervisor.ts'

const usage = `Usage: vccsd --config FILE [--check]

Runs one node of a vccs pair in the foreground.

  --config FILE   node file (examples: etc/vccs-a.example.yaml)
  --check         check the node file and the pair key, then end
  --version       print the version
  --help          print this text

Exit codes: 0 stopped, 1 failed, 2 usage, 3 refused, 5 no permission, 7 node file invalid.
`

function end(code: number, text: string): never {
  const stream = code === 0 ? process.stdout : process.stderr
  stream.write(text)
  process.exit(code)
}

/** What happened, and what to do next. */
function refuse(code: ErrorCode, lines: readonly string[]): never {
  const { text, next, exit } = errors[code]
  end(exit, `${lines.join('\n')}\n${text} ${next}\n`)
}

function readArguments() {
  try {
    const options = {
      config: { type: 'string' },
      check: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    } as const
    return parseArgs({ options }).values
  } catch (error) {
    return end(2, `vccsd: ${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

async function main(): Promise<void> {
  const given = readArguments()
  if (given.help === true) end(0, usage)
  if (given.version === true) end(0, `vccsd ${version()}\n`)
  if (given.config === undefined) end(2, `vccsd: --config FILE is missing\n\n${usage}`)
  const configPath = resolve(given.config)
  const loaded = loadNodeConfig(configPath)
  if (!loaded.ok) {
    const { code, detail } = loaded.failure
    refuse(
      code,
      detail.split('\n').map((line) => `${given.config}:${line}`),
    )
  }
  const config = loaded.value
  if (given.check === true) end(0, `${given.config}: valid, node ${config.node}\n`)
  const log = openLog({ ...config.log, node: config.node, unit: 'supervisor' })
  const programs = import.meta.dirname
  const started = await startNodeUnits({ config, configPath, programs, version: version(), log })
  if (!started.ok) {
    const { code, detail } = started.failure
    log.error(errors[code].text, { code, detail })
    log.flush()
    refuse(code, [`vccsd: ${detail}`])
  }
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    log.info('stopping')
    await started.value.stop()
    log.flush()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // The terminal may go; the node stays.
  process.on('SIGHUP', () => undefined)
}

await main()
