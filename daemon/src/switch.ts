//! The switch process: `node daemon/src/switch.ts --config FILE`.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { makeLogHub } from './compose/log-hub.ts'
import { SwitchUnit } from './compose/switch-unit.ts'
import { derivePairKeys, loadNodeConfig, readPairSecret } from './oam/node-config-load.ts'
import { keepCompiled } from './platform/compile-cache.ts'
import { dieLoudly, openLog } from './platform/log.ts'
import { putHelpersBehind } from './platform/process.ts'
import { isOrphan } from './platform/pulse.ts'

async function main(): Promise<void> {
  if (isOrphan()) process.exit(1)
  keepCompiled()
  putHelpersBehind()
  const { values } = parseArgs({ options: { config: { type: 'string' } } })
  const loaded = loadNodeConfig(values.config ?? '')
  if (!loaded.ok) {
    process.stderr.write(`${values.config}:${loaded.failure.detail}\n`)
    process.exit(7)
  }
  const config = loaded.value
  const log = makeLogHub(openLog({ ...config.log, node: config.node, unit: 'switch' }))
  dieLoudly(log)
  const secret = readPairSecret(config)
  if (!secret.ok) throw new Error(secret.failure.detail)
  const unit = new SwitchUnit({
    config,
    keys: derivePairKeys(secret.value),
    log,
    version: version(),
  })
  const started = await unit.start()
  if (!started.ok) {
    log.error('the switch does not start', { ...started.failure })
    log.flush()
    process.exit(1)
  }
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    await unit.stop()
    log.info('switch stopped')
    log.flush()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

await main()
