//! What the core counts of the datagrams that come and go.
import type { CoreCounters } from './core-types.ts'
import type { CoreEffect } from './effects.ts'

export class CoreCounts {
  received = 0
  malformed = 0
  late = 0
  readonly #responses: Record<string, number> = {}

  /** @returns the same effects, whose responses are counted by class. */
  counted(effects: CoreEffect[]): CoreEffect[] {
    for (const effect of effects) {
      if (effect.kind !== 'send' || !effect.outgoing.text.startsWith('SIP/2.0 ')) continue
      const group = `${effect.outgoing.text[8]}xx`
      this.#responses[group] = (this.#responses[group] ?? 0) + 1
    }
    return effects
  }

  figures(): Pick<CoreCounters, 'received' | 'malformed' | 'late' | 'responses'> {
    const { received, malformed, late } = this
    return { received, malformed, late, responses: { ...this.#responses } }
  }
}
