//! TEMPORARY
import type { ControlHandlers } from '../control/session.ts'
import { success } from '../result.ts'
import type { Configuration } from './configuration.ts'
export type ConfigVerbs = Pick<
  ControlHandlers,
  | 'sync-db'
  | 'config.get'
  | 'config.set'
  | 'config.validate'
  | 'config.apply'
  | 'config.export'
  | 'config.diff'
> & { revision(): { revision: number; hash: string } }
export function makeConfigVerbs(c: Configuration): ConfigVerbs {
  return {
    'config.apply': async ({ text, dryRun }) => {
      if (!dryRun) c.apply(text)
      return success({
        dryRun,
        applied: true,
        revision: 1,
        changes: [{ kind: 'added', path: 'x', before: null, after: null }],
      })
    },
    revision: () => ({ revision: 1, hash: 'x' }),
  } as ConfigVerbs
}
