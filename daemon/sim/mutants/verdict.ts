//! What the trial of one mutant has shown.

export type Verdict =
  | { readonly kind: 'survived' }
  /** A test failed, or the mutant cannot even be loaded. */
  | { readonly kind: 'caught'; readonly title: string; readonly why: string }
  /** Neither in time: a test that waits for ever, or a machine that was busy. */
  | { readonly kind: 'time-out'; readonly title: string; readonly why: string }

interface Trial {
  readonly output: string
  readonly errors: string
  /** Exit status; null: killed by its limit of time. */
  readonly code: number | null
}

/** Node ends so when a promise that is awaited can never be settled. */
const unsettled = 13

const endless = { kind: 'time-out', title: 'RAN OUT OF TIME', why: '' } as const

/** @param trial the end of a process of `try-one.ts`; its last line is a verdict. */
export function verdictOf({ output, errors, code }: Trial): Verdict {
  const line = output.trim().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(line)
  } catch {
    if (code === null) return endless
    if (code === unsettled) {
      return { kind: 'caught', title: 'a test waits for what never comes', why: '' }
    }
    return { kind: 'caught', title: 'it does not even load', why: errors.trim() }
  }
}

/** The text of a verdict, for `verdictOf`. */
export function verdictText(failed: { title: string; why: string } | null): string {
  const verdict: Verdict = failed === null ? { kind: 'survived' } : { kind: 'caught', ...failed }
  return JSON.stringify(verdict)
}

export const endlessText = JSON.stringify(endless)
