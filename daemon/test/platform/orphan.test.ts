//! A unit whose supervisor died in the moment of its start has no pid file that anyone could find it by.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import test from 'ava'

const source = join(import.meta.dirname, '../../src')

for (const unit of ['pair', 'switch', 'media']) {
  test(`${unit} ends at once when its parent is not the supervisor that started it`, async (t) => {
    const child = spawn(process.execPath, [join(source, `${unit}.ts`), '--config', '/nowhere'], {
      env: { ...process.env, VCCS_SUPERVISOR_PID: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (bytes: Buffer) => {
      said += bytes.toString()
    })
    const [code] = await once(child, 'close')
    t.is(code, 1)
    // It did not even look at its configuration.
    t.notRegex(said, /nowhere/)
  })
}
