//! What the commands share that try a number of things which one seed decides (`forge`, `mutate`).
import { commandLine } from './command-line.ts'

interface Seeded {
  readonly count: number
  readonly seed: number
}

/** `--count N --seed N`. */
export function seededOptions(): Seeded {
  const { values } = commandLine({
    options: {
      count: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
    },
  })
  return { count: whole('--count', values.count), seed: whole('--seed', values.seed) }
}

function whole(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 1) return value
  console.error(`${name} takes a whole number from 1, not "${text}".`)
  process.exit(2)
}

/** The last line, and the exit code: 1 when something is wrong. */
export function sayResult(
  { seed }: Seeded,
  result: { total: number; startedMs: number; wrong: number; what: string; wrongs: string },
): void {
  const { total, startedMs, wrong, what, wrongs } = result
  const seconds = (performance.now() - startedMs) / 1_000
  const rate = Math.round(total / seconds)
  const took = `${total} ${what} in ${seconds.toFixed(1)} s (${rate} a second)`
  console.log(`${took}, ${wrong} ${wrongs}, seed ${seed}`)
  process.exitCode = wrong === 0 ? 0 : 1
}
