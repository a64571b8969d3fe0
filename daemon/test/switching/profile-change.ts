//! Changes what an account of a stage may do, how its line behaves, and what its user has set.
import { type Profile, profileOf } from '../../src/tables/profile.ts'
import type { Stage } from './core-stage.ts'

export interface ProfileChange {
  readonly rights?: Partial<Profile['rights']>
  readonly line?: Partial<Profile['line']>
  readonly settings?: Partial<Omit<Profile['settings'], 'forward'>>
  readonly forward?: Partial<Profile['settings']['forward']>
}

export function changeProfile(stage: Stage, number: string, change: ProfileChange): void {
  const entry = stage.tables.phoneBook.get(number)
  if (entry === undefined) throw new Error(`no account ${number}`)
  const { rights, line, settings } = profileOf(entry)
  const forward = { ...settings.forward, ...change.forward }
  const profile = {
    rights: { ...rights, ...change.rights },
    line: { ...line, ...change.line },
    settings: { ...settings, ...change.settings, forward },
  }
  stage.tables.phoneBook.put({ ...entry, profile })
}
