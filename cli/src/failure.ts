//! Failures of the command line: one sentence, what to do next, an exit code; never a stack trace.
import { type ErrorCode, errors } from '../../daemon/src/errors.ts'
import { nearest } from './suggest.ts'
import type { Io } from './terminal.ts'

export interface FailureInfo {
  readonly code: string
  readonly message: string
  readonly next: string
  readonly exit: number
}

export class CliFailure extends Error {
  readonly info: FailureInfo

  constructor(code: ErrorCode, detail: string, next?: string) {
    super(detail)
    const entry = errors[code]
    this.info = { code, message: detail, next: next ?? entry.next, exit: entry.exit }
  }
}

/** A failure that the daemon told. Its `next` and `exit` hold, even if its code is newer than us. */
export class DaemonFailure extends CliFailure {
  override readonly info: FailureInfo

  constructor(info: FailureInfo) {
    super('operation-failed', info.message)
    this.info = info
  }
}

/** For an operation whose refusal is no reason to do what the error says in general. */
export function instead(next: string): (error: unknown) => never {
  return (error) => {
    const isRefusal = error instanceof CliFailure && error.info.code === 'refused-unsafe'
    throw isRefusal ? new CliFailure('refused-unsafe', error.info.message, next) : error
  }
}

/** Prints what went wrong. @returns the exit code. */
export function reportFailure(error: unknown, json: boolean, io: Io): number {
  const info = infoOf(error)
  if (json) {
    io.out(`${JSON.stringify({ schema: 'vccs/error/1', error: info })}\n`)
    return info.exit
  }
  const sentence = /[.!?]$/.test(info.message) ? info.message : `${info.message}.`
  io.err(`Error: ${sentence}\nNext:  ${info.next}\n`)
  return info.exit
}

interface ParserError extends Error {
  readonly oclif?: { readonly exit?: number }
  readonly flags?: readonly string[]
  readonly parse?: { readonly input?: { readonly flags?: object } }
}

function infoOf(error: unknown): FailureInfo {
  if (error instanceof CliFailure) return error.info
  if (!(error instanceof Error)) return new CliFailure('internal', String(error)).info
  const { oclif, flags = [], parse, message } = error as ParserError
  // oclif: everything that its parser refuses leaves with 2.
  if (oclif?.exit === 2) {
    const [text = 'bad usage'] = message.split(/\n?See more help/)
    return new CliFailure('usage', oneLine(text), suggestFlag(flags, parse?.input?.flags)).info
  }
  return { ...new CliFailure('internal', oneLine(message)).info, next: internalNext }
}

const internalNext = 'This is a defect of vccs; report it with the command that you gave.'

function suggestFlag(unknown: readonly string[], known: object | undefined): string | undefined {
  const [flag] = unknown
  if (flag === undefined || known === undefined) return undefined
  const name = flag.replace(/^-+/, '').split('=')[0] ?? ''
  const found = nearest(name, Object.keys(known))
  return found === null ? undefined : `Did you mean --${found}? See --help.`
}

function oneLine(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .join(' ')
}
