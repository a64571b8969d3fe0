import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { limits } from '../src/limits.ts'

test('each limit stands in one file of limits/, and all of them are together in `limits`', async (t) => {
  const folder = join(import.meta.dirname, '../src/limits')
  const names: string[] = []
  for (const file of readdirSync(folder)) {
    const parts: Record<string, object> = await import(join(folder, file))
    for (const part of Object.values(parts)) names.push(...Object.keys(part))
  }
  // A name that stands twice would silently have the value of the last file.
  t.deepEqual(names.sort(), Object.keys(limits).sort())
})
