//! The media process: `node daemon/src/media.ts --config FILE`. Ends by signal only: the kernel then
//! closes its sockets, and the twin of the peer goes on.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startMedia } from './media/start.ts'
import type { NodeConfig } from './oam/node-config.ts'
import { derivePairKeys, loadNodeConfig, readPairSecret } from './oam/node-config-load.ts'
import { keepCompiled } from './platform/compile-cache.ts'
import { dieLoudly, openLog } from './platform/log.ts'
import { isOrphan } from './platform/pulse.ts'

function main(): number {
  if (isOrphan()) return 1
  keepCompiled()
  const { values } = parseArgs({ options: { config: { type: 'string' } } })
  if (values.config === undefined) {
    process.stderr.write('usage: media.ts --config FILE\n')
    return 2
  }
  const config = loadNodeConfig(values.config)
  if (!config.ok) {
    process.stderr.write(`${values.config}:${config.failure.detail}\n`)
    return 7
  }
  const { node, log: logConfig } = config.value
  const log = openLog({ ...logConfig, node, unit: 'media' })
  dieLoudly(log)
  const mixerFile = join(import.meta.dirname, '../build/mixer.wasm')
  const relayKey = relayKeyOf(config.value)
  const started = startMedia({ config: config.value, log, mixerFile, relayKey })
  if (started.ok) return 0
  log.error('media does not start', { ...started.failure })
  log.flush()
  return 1
}

/** Only a node whose peer does not hear the terminals needs the pair key here. */
function relayKeyOf(config: NodeConfig): Uint8Array | null {
  if (config.service.reach !== 'floating') return null
  const secret = readPairSecret(config)
  if (!secret.ok) throw new Error(secret.failure.detail)
  return derivePairKeys(secret.value).relay
}

process.exitCode = main()
