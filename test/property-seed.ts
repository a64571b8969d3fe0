//! Loaded before every unit test file (package.json): property tests draw the same examples in every run, so that
//! a red one is red for everybody. `npm run explore:properties` gives other seeds, and more runs of each.
import { registerHooks } from 'node:module'
import fc from 'fast-check'

const seed = Number(process.env.VCCS_PROPERTY_SEED ?? 20_260)
const times = Number(process.env.VCCS_PROPERTY_TIMES ?? 1)

fc.configureGlobal({ seed })

if (times > 1) {
  // Every property says itself how often it runs in the suite.
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith('.test.ts') || loaded.source === undefined) return loaded
      const text = Buffer.from(loaded.source as Uint8Array).toString()
      const runs = /\b(numRuns(?::| =)) ([\d_]+|Number\([^)]*\))/g
      const source = text.replaceAll(runs, `$1 ${times} * $2`)
      return { ...loaded, source }
    },
  })
}
