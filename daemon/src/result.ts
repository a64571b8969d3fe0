//! Expected failures are values with a stable code (`errors.ts`), not exceptions.
import type { ErrorCode } from './errors.ts'

export interface Failure {
  readonly code: ErrorCode
  /** What happened here, for a person; never a secret. */
  readonly detail: string
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure }

export function success<T>(value: T): Result<T> {
  return { ok: true, value }
}

export function failure(code: ErrorCode, detail: string): { ok: false; failure: Failure } {
  return { ok: false, failure: { code, detail } }
}
