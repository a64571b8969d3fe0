//! What must be undone when a lab ends, whatever ends it: return, exception, Ctrl-C, SIGTERM.
//! The actions are synchronous, because nothing asynchronous runs once the process exits.

type CleanupAction = () => void

const actions: CleanupAction[] = []
let armed = false

/** Runs `action` at the end of the process, last in first out; the result takes it back. */
export function atExit(action: CleanupAction): () => void {
  arm()
  actions.push(action)
  return () => {
    const index = actions.indexOf(action)
    if (index >= 0) actions.splice(index, 1)
  }
}

function runAll(): void {
  for (let action = actions.pop(); action !== undefined; action = actions.pop()) {
    try {
      action()
    } catch (error) {
      process.stderr.write(`clean-up: ${String(error)}\n`)
    }
  }
}

function arm(): void {
  if (armed) return
  armed = true
  process.once('exit', runAll)
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
  for (const [signal, exitCode] of Object.entries(signals)) {
    process.once(signal, () => {
      runAll()
      process.exit(exitCode)
    })
  }
}
