//! The text of a question to the peer's switch and of its answer. Both are authentic, but the version
//! of the other side may differ.
import { type ErrorCode, errors } from '../errors.ts'
import { failure, type Result, success } from '../result.ts'

interface Question {
  readonly verb: string
  readonly params: Record<string, unknown>
}

/** An unreadable question has an empty verb, which no handler knows. */
export function parseQuestion(body: string): Question {
  try {
    const { verb, params } = JSON.parse(body) as { verb?: unknown; params?: unknown }
    const plain = typeof params === 'object' && params !== null ? params : {}
    return { verb: String(verb), params: plain as Record<string, unknown> }
  } catch {
    return { verb: '', params: {} }
  }
}

export function parseAnswer(text: string): Result<unknown> {
  try {
    const value = JSON.parse(text) as Result<unknown>
    if (value.ok) return success(value.value)
    const code = value.failure.code in errors ? value.failure.code : 'operation-failed'
    return failure(code as ErrorCode, value.failure.detail)
  } catch {
    return failure('operation-failed', 'the answer of the peer is not readable')
  }
}
