//! The terminal as the commands see it; tests give another one.
import { AsyncLocalStorage } from 'node:async_hooks'

export interface Io {
  /** Results. With --json nothing else is ever written here. */
  out(text: string): void
  /** Errors, questions and remarks for people. */
  err(text: string): void
  /** A person can be asked. */
  readonly interactive: boolean
  readonly outIsTerminal: boolean
  readonly columns: number
  readonly env: Readonly<Record<string, string | undefined>>
  nowMs(): number
  /** Resolves after `ms`, or earlier when `stop` is aborted. */
  sleep(ms: number): Promise<void>
  /** Aborted by Ctrl-C while a command watches or follows. */
  readonly stop: AbortSignal
  confirm(question: string): Promise<boolean>
  input(question: Question): Promise<string>
}

export interface Question {
  readonly message: string
  readonly initial?: string
  /** @returns true, or what is wrong. */
  readonly validate?: (answer: string) => true | string
}

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
