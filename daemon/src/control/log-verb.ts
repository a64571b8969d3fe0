//! The verb `log`: the newest lines, then, if asked for, each new one as a notification.
import type { LogTail } from '../oam/log-tail.ts'
import { type Result, success } from '../result.ts'
import { type BodyOf, type CheckedParamsOf, logNotification } from './api.ts'
import type { CallContext } from './session.ts'

/** The handler of `log` over the tail of the daemon's log. */
export async function answerLog(
  tail: LogTail,
  params: CheckedParamsOf<'log'>,
  context: CallContext,
): Promise<Result<BodyOf<'log'>>> {
  const lines = tail.last(params)
  if (params.follow && !context.closed.aborted) {
    const end = tail.follow(params.level, (line) => context.notify(logNotification, line))
    context.closed.addEventListener('abort', end, { once: true })
    context.keepOpen()
  }
  return success({ lines, following: params.follow })
}
