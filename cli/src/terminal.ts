//! The terminal as the commands see it: its type alone, so that what reports to it need not make one.

export interface Io {
  /** Results. With --json nothing else is ever written here. */
  out(text: string): void
  /** Resolves when what was written has left; a long result waits for it, so that it needs no memory. */
  drained(): Promise<void>
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
