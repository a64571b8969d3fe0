//! After a take-over each session remembers that another node serves it, for its call record (ADR 0026).
//! Not at once: a take-over is quick. A few sessions at a time, or with the next change of a session.
import type { RoleChange } from '../../tables/call-record.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { withSession } from './call.ts'
import type { Exchange } from './exchange.ts'
import { isOver } from './sessions.ts'

export function noteTakeOver(exchange: Exchange, term: number, now: Now): void {
  const live = exchange.sessions.values().filter((session) => !isOver(session))
  const change: RoleChange = { atMs: Math.round(now.wallMs), term }
  const sessionIds = live.map(({ sessionId }) => sessionId)
  exchange.takenOver.begin(change, sessionIds, now.monotonicMs)
}

/** The next part, when it is due. */
export function rememberTakeOver(exchange: Exchange, now: Now): CoreEffect[] {
  const { takenOver } = exchange
  return takenOver.due(now.monotonicMs).flatMap((sessionId) => {
    const effects = withSession(exchange, { sessionId, now }, (call) => call.change({}))
    // One that is gone has nothing to remember.
    takenOver.take(sessionId)
    return effects
  })
}
