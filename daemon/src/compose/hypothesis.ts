//! `vccs why --if`: what this node would decide.
import type { BusMessageOf } from '../bus/messages.ts'
import type { BodyOf } from '../control/api.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { failure, type Result } from '../result.ts'
export function hypothesis(_q: string, _m: BusMessageOf<'pair-status'>, _c: NodeConfig): Result<NonNullable<BodyOf<'why'>['hypothesis']>> {
  return failure('question-unknown', 'not yet')
}
