//! Tries one mutant in a process of its own: `try-one.ts GROUP LIMIT_MS [NUMBER]`; without a number the
//! source as it is. Prints one line of JSON, the verdict. The file on disk is not touched: the loader gives
//! the changed text instead.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { groups } from './groups.ts'
import { mutate } from './mutant.ts'
import { collector, runCollected } from './small-ava.ts'
import { endlessText, verdictText } from './verdict.ts'

const root = join(import.meta.dirname, '../../..')
const avaUrl = 'vccs:ava'
const [groupName = '', limitMs = '', number = ''] = process.argv.slice(2)
const group = groups.find(({ name }) => name === groupName)
if (group === undefined) throw new Error(`there is no group ${groupName}`)
const mutant = number === '' ? null : group.mutants[Number(number)]
if (mutant === undefined) throw new Error(`there is no mutant ${number} in ${groupName}`)
const target = mutant === null ? '' : pathToFileURL(join(root, mutant.file)).href

Object.assign(globalThis, { vccsCollector: collector })
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'ava' ? { url: avaUrl, shortCircuit: true } : next(specifier, context),
  load: (url, context, next) => {
    if (url === avaUrl) {
      const source = 'export default globalThis.vccsCollector'
      return { format: 'module', source, shortCircuit: true }
    }
    if (mutant === null || url !== target) return next(url, context)
    const source = mutate(readFileSync(fileURLToPath(url), 'utf8'), mutant)
    return { format: 'module-typescript', source, shortCircuit: true }
  },
})

function tell(verdict: string): never {
  process.stdout.write(`${verdict}\n`)
  process.exit(0)
}

// A test of a mutant may wait for what never comes.
setTimeout(() => tell(endlessText), Number(limitMs)).unref()
process.on('uncaughtException', (error) =>
  tell(verdictText({ title: 'it throws', why: error.message })),
)
for (const file of group.tests) {
  await import(pathToFileURL(join(root, file)).href)
  const caught = await runCollected()
  if (caught !== null) tell(verdictText(caught))
}
tell(verdictText(null))
