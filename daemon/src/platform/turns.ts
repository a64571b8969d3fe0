//! Long work on the loop of a process, in slices: what waits at the loop (messages, signs of life) has its
//! turn between two of them.
import { setImmediate as immediate } from 'node:timers/promises'
import { monotonicMs } from './clock.ts'

/** Resolves when the loop has looked at its sockets once more. */
export function nextTurn(): Promise<void> {
  return immediate()
}

/** Work that says by each `yield` where it may be interrupted. */
export type Work<T> = Generator<undefined, T, undefined>

/** A call that comes in the midst of a slice waits no longer than this. */
const sliceMs = 4

/** Does all of it. */
export async function inTurns<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const endMs = monotonicMs() + sliceMs
    do {
      const step = work.next()
      if (step.done === true) return step.value
    } while (monotonicMs() < endMs)
    await nextTurn()
  }
}

/** For a loop that awaits other things as well: to be awaited once a round. */
export function sliced(): () => Promise<void> | undefined {
  let endMs = monotonicMs() + sliceMs
  return () => {
    if (monotonicMs() < endMs) return undefined
    return nextTurn().then(() => {
      endMs = monotonicMs() + sliceMs
    })
  }
}
