//! Broken invariants end the process, so that the peer takes over (ADR 0007).

/** Throws when an invariant is broken; `text` says which one. */
export function assert(condition: unknown, text: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${text}`)
}

/** Marks a switch over a closed set as complete; reached only if the types lied. */
export function unreachable(value: never): never {
  throw new Error(`invariant broken: unreachable value ${JSON.stringify(value)}`)
}
