//! Objects of the eight tables. Two versions form a pair during an upgrade: what only the newer one
//! knows stays in the record, and goes back to it unchanged (ADR 0019).
import { z } from 'zod'

/** An object that keeps the fields it does not know. A field that a later version adds must accept
 * null as its default, and null must mean what its absence means. */
export function recordObject<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  // The type names the known fields only, so that no code here can read or forge the others.
  return z.looseObject(shape) as unknown as z.ZodObject<S, z.core.$strict>
}
