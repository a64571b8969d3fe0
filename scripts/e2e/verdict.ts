//! What the runs of the end-to-end files come to. Pure. A red file gets a second run, alone, when something
//! beside the product can have made it red; both results are told, and a file that is red twice is red.

export interface FileRun {
  /** File name without `.test.ts`. */
  readonly name: string
  readonly exitCode: number
  readonly tookMs: number
  /** Files whose labs ran at some time of it. */
  readonly beside: readonly string[]
  /** Longest time in which this machine did not run what stands before all else, and who saw it. */
  readonly stoodStill: { readonly who: string; readonly lengthMs: number }
  readonly output: string
}

/** A jitter buffer: less than this the machine is not to blame for. */
const standstillMsMin = 60

/** What else than the product may have made it red; null: nothing, it is a fault. */
export function excuseOf({ beside, stoodStill }: FileRun): string | null {
  const reasons = [
    ...(beside.length > 0 ? [`the lab of ${beside.join(', ')} ran beside it`] : []),
    ...(stoodStill.lengthMs >= standstillMsMin
      ? [`${stoodStill.who} stood still for ${stoodStill.lengthMs} ms`]
      : []),
  ]
  return reasons.length > 0 ? reasons.join('; ') : null
}

/** Tests of a run by the word of the test runner. */
export function testsIn(output: string, outcome: 'passed' | 'failed'): number {
  const pattern = outcome === 'passed' ? /(\d+) tests? passed/ : /(\d+) tests? failed/
  return Number(pattern.exec(output)?.[1] ?? 0)
}

/** Its red tests, with what the test runner says in the same line. */
export function redTests(output: string): string[] {
  return [...output.matchAll(/^\s*✘ (.*)$/gm)].map(([, text = '']) => text.slice(0, 200))
}

interface Verdict {
  readonly isGreen: boolean
  readonly lines: readonly string[]
}

const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`

/** @param repeated second runs of red files, by name */
export function verdict(
  first: readonly FileRun[],
  repeated: ReadonlyMap<string, FileRun>,
): Verdict {
  const red = first.filter(({ exitCode }) => exitCode !== 0)
  const stillRed = red.filter(({ name }) => repeated.get(name)?.exitCode !== 0)
  const last = first.map((run) => repeated.get(run.name) ?? run)
  const passed = last.reduce((sum, { output }) => sum + testsIn(output, 'passed'), 0)
  const slowest = first.toSorted((one, other) => other.tookMs - one.tookMs).slice(0, 8)
  const lines = [
    `slowest: ${slowest.map(({ name, tookMs }) => `${name} ${seconds(tookMs)}`).join(', ')}`,
    ...red.flatMap((run) => story(run, repeated.get(run.name))),
    `${first.length} files, ${passed} tests green; ${red.length} files red at first, ` +
      `${stillRed.length} red in the end`,
  ]
  return { isGreen: stillRed.length === 0, lines }
}

function story(run: FileRun, again: FileRun | undefined): string[] {
  const end =
    again === undefined
      ? 'not repeated: nothing beside it ran, and the machine did not stand still'
      : `repeated alone: ${again.exitCode === 0 ? 'GREEN' : 'RED'} (${excuseOf(run)})`
  return [
    `${run.name}: RED, ${end}`,
    ...redTests(run.output).map((text) => `  first run:  ${text}`),
    ...(again === undefined ? [] : redTests(again.output)).map((text) => `  second run: ${text}`),
  ]
}
