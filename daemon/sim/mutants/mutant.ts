//! Hand-made mutants: the shipped source with one small fault. Each must be caught by a test, or the
//! tests would not notice if somebody made that fault. `npm run mutants` tries them all, `npm run
//! mutants -- TEXT` those whose name or file holds the text.
//!
//! To add one: write it into the list of its group, `decision-mutants.ts` or a list of your own that
//! you add to `groups.ts`. `find` must stand in the file exactly once (an ava test checks that), so
//! take as much of the line as that needs; `replace` takes its place. Both are text, not patterns.
//! The group names the test files that may catch it, the fastest first: the first failing test ends the
//! attempt. A mutant that nobody can catch is not a mutant but a line without a purpose.

export interface Mutant {
  /** What is wrong with it, as a sentence. */
  readonly name: string
  /** Relative to the root of the repository. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface MutantGroup {
  readonly name: string
  /** Test files relative to the root of the repository. They run without ava, in one process. */
  readonly tests: readonly string[]
  readonly mutants: readonly Mutant[]
}

/** How often the text to be replaced stands in the source; anything but one makes no mutant. */
export function timesFound(source: string, mutant: Mutant): number {
  return source.split(mutant.find).length - 1
}

export function mutate(source: string, mutant: Mutant): string {
  return source.replace(mutant.find, () => mutant.replace)
}
