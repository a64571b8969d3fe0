//! The mutants still fit the source: a line that was changed would silently drop its mutant.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { groups } from '../../sim/mutants/groups.ts'
import { mutate, timesFound } from '../../sim/mutants/mutant.ts'
import { endlessText, verdictOf, verdictText } from '../../sim/mutants/verdict.ts'

const root = join(import.meta.dirname, '../../..')

for (const group of groups) {
  test(`every mutant of ${group.name} stands in the source exactly once, and changes it`, (t) => {
    for (const mutant of group.mutants) {
      const source = readFileSync(join(root, mutant.file), 'utf8')
      t.is(timesFound(source, mutant), 1, `${mutant.name}: ${mutant.file}`)
      t.not(mutate(source, mutant), source, mutant.name)
    }
  })

  test(`the mutants of ${group.name} have names of their own, and tests that exist`, (t) => {
    t.is(new Set(group.mutants.map(({ name }) => name)).size, group.mutants.length)
    for (const file of group.tests) t.true(existsSync(join(root, file)), file)
  })
}

test('there are at least fifty mutants', (t) => {
  const count = groups.reduce((sum, group) => sum + group.mutants.length, 0)
  t.true(count >= 50, `${count}`)
})

test('a mutant that runs out of time is neither caught nor survives', (t) => {
  const kind = (output: string, code: number | null) => verdictOf({ output, errors: '', code }).kind
  t.is(kind(`${endlessText}\n`, 0), 'time-out')
  t.is(kind('', null), 'time-out')
  t.is(kind(`a line\n${verdictText(null)}\n`, 0), 'survived')
  t.is(kind(verdictText({ title: 'a test', why: 'because' }), 0), 'caught')
  t.is(kind('', 13), 'caught', 'a promise that can never be settled')
  t.is(kind('', 1), 'caught', 'it cannot be loaded')
})
