//! Handlers that refuse every verb; a test replaces those that it needs.
import { verbs } from '../../src/control/api.ts'
import type { ControlHandlers } from '../../src/control/session.ts'
import { failure } from '../../src/result.ts'

export const refusingHandlers = Object.fromEntries(
  Object.keys(verbs).map((verb) => [verb, async () => failure('operation-failed', verb)]),
) as unknown as ControlHandlers
