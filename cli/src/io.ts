//! The terminal of this process, and the one of the command that runs; tests give another one.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Io } from './terminal.ts'

const storage = new AsyncLocalStorage<Io>()

/** Runs `work` with `io` as the terminal of every command inside it. */
export function withIo<T>(io: Io, work: () => Promise<T>): Promise<T> {
  return storage.run(io, work)
}

/** The terminal of the command that runs. */
export function currentIo(): Io {
  return storage.getStore() ?? processIo()
}

/** The terminal of this process. */
export function processIo(): Io {
  const { stdin, stdout, stderr, env } = process
  return {
    out: (text) => stdout.write(text),
    drained: () => drained(stdout),
    err: (text) => stderr.write(text),
    interactive: stdin.isTTY === true && stderr.isTTY === true,
    outIsTerminal: stdout.isTTY === true,
    // A terminal without a size, as some serial consoles are, says 0.
    columns: Math.max(40, (stdout.isTTY === true && stdout.columns) || 80),
    env,
    nowMs: () => Date.now(),
    sleep: (ms) => sleepUntilStop(ms),
    get stop() {
      return stopSignal()
    },
    confirm: async (message) => {
      const { confirm } = await import('./prompts.ts')
      return confirm(message)
    },
    input: async (question) => {
      const { input } = await import('./prompts.ts')
      return input(question)
    },
  }
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (!stream.writableNeedDrain) return Promise.resolve()
  return new Promise((resolve) => {
    // A reader that went away drains nothing; `main.ts` ends the process then.
    stream.once('drain', resolve)
    stream.once('close', resolve)
  })
}

let stopping: AbortController | null = null

/** Ctrl-C ends the process at once, until somebody asks for this signal. */
function stopSignal(): AbortSignal {
  if (stopping === null) {
    const controller = new AbortController()
    process.once('SIGINT', () => controller.abort())
    process.once('SIGTERM', () => controller.abort())
    stopping = controller
  }
  return stopping.signal
}

function sleepUntilStop(ms: number): Promise<void> {
  const stop = stopSignal()
  return new Promise((resolve) => {
    if (stop.aborted) {
      resolve()
      return
    }
    const end = () => {
      clearTimeout(timer)
      stop.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    stop.addEventListener('abort', end)
  })
}
