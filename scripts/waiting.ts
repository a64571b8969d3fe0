//! Waiting for something to become true, with a sentence that says what did not.
import { setTimeout as delay } from 'node:timers/promises'

/** Far more than it takes: a machine that is busy with other work must not fail a test. */
const defaultMsMax = 30_000
const pollMs = 50

interface Waiting {
  /** What is awaited: `no <what> in <n> ms`. */
  readonly what: string
  readonly msMax?: number
  /** Pause between two askings. */
  readonly everyMs?: number
}

/** Asks until the answer is neither false nor undefined; a rejected answer counts as not yet. */
export async function until<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { what, msMax = defaultMsMax, everyMs = pollMs }: Waiting,
): Promise<T> {
  const endMs = performance.now() + msMax
  let lastError: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      lastError = error
    }
    if (performance.now() > endMs) {
      const reason = lastError instanceof Error ? `: ${lastError.message}` : ''
      throw new Error(`no ${what} in ${msMax} ms${reason}`, { cause: lastError })
    }
    await delay(everyMs)
  }
}
