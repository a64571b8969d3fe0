//! Verbs that only the primary can carry out: a standby passes them on, so that an operator may ask either
//! node.
import type { BodyOf, Verb } from '../control/api.ts'
import type { AskPeer } from '../control/session.ts'
import { failure, type Result } from '../result.ts'
import type { Configuration } from './configuration.ts'

/** Asks the primary; `own` when that is this node. */
export type AtPrimary = <V extends Verb>(
  verb: V,
  params: Record<string, unknown>,
  own: () => Promise<Result<BodyOf<V>>>,
) => Promise<Result<BodyOf<V>>>

export function makeAtPrimary(
  configuration: Pick<Configuration, 'role'>,
  askPeer: AskPeer,
): AtPrimary {
  return async <V extends Verb>(
    verb: V,
    params: Record<string, unknown>,
    own: () => Promise<Result<BodyOf<V>>>,
  ) => {
    if (configuration.role === 'primary') return own()
    if (configuration.role === 'starting') {
      return failure('operation-failed', 'this node has no role yet; try again in a moment')
    }
    return (await askPeer(verb, params)) as Result<BodyOf<V>>
  }
}
