//! Sync frames by hand, for what this version's encoder would never write.
import { seal, tagBytes } from '../../src/wire/authentication-tag.ts'
import { serialiseRecord } from '../../src/wire/sync-body.ts'

/** The key of `pair-simulation.ts`. */
export const simulationKey = new Uint8Array(32).fill(7)

interface HandMade {
  readonly kind: number
  readonly term: number
  readonly bootId: string
  readonly version?: number
  readonly flags?: number
  readonly sequence?: number
  /** Instead of a payload. */
  readonly values?: unknown
  readonly payload?: Uint8Array
}

export function pack(frame: HandMade): Uint8Array {
  const payload = frame.payload ?? serialiseRecord(frame.values ?? {}).body
  const bytes = new Uint8Array(60 + payload.length + tagBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x56435359)
  view.setUint8(4, frame.version ?? 2)
  view.setUint8(5, frame.kind)
  view.setUint8(6, frame.flags ?? 0)
  view.setUint8(7, 255)
  view.setFloat64(8, frame.term)
  bytes.set(Buffer.from(frame.bootId, 'hex'), 16)
  view.setFloat64(24, frame.sequence ?? 1)
  bytes.set(payload, 60)
  seal(bytes, simulationKey)
  return bytes
}
