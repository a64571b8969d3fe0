//! What the engine needs of a back end: the sockets of the legs. A back end is one file that has this
//! interface (ffi-sockets.ts, dgram-sockets.ts), and one loop (ffi-loop.ts, dgram-loop.ts).

/** The two ends of a leg. RTCP uses the next port at both (RFC 3550 11). */
export interface LegEnds {
  readonly localPort: number
  /** Dotted quad. */
  readonly terminalAddress: string
  /** 0: not known; nothing is received or sent. */
  readonly remotePort: number
}

/** `busy`: the port is taken, which passes when another process has just died. */
export type OpenState = 'opening' | 'busy' | 'open' | { readonly failed: string }

/** Legs are named by their number in the arena, which is free again after `close`. */
export interface LegSockets {
  /** Begins to open, or to try again after `busy`. Only packets of the other end are taken. */
  open(leg: number, ends: LegEnds): void
  state(leg: number): OpenState
  /** Takes another remote end. @returns false when the address is not usable. */
  aim(leg: number, ends: LegEnds): boolean
  close(leg: number): void
  /** Puts the next RTP packet of the leg at `arenaOffset.received`.
   * @returns its length in bytes, 0 when there is none. */
  receive(leg: number): number
  /** True: more waits, and is to be read in this tick. */
  hasMore?(leg: number): boolean
  receiveControl(leg: number): number
  /** @returns false when the kernel did not take it. */
  send(leg: number, offset: number, length: number): boolean
  sendControl(leg: number, offset: number, length: number): boolean
}

/** @returns the four bytes of a dotted quad as one number, or null. 0.0.0.0 is no address of a
 * terminal (RFC 3264 8.4: the old form of hold). */
export function parseIpv4(text: string): number | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  let value = 0
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part)) return null
    const byte = Number(part)
    if (byte > 255) return null
    value = value * 256 + byte
  }
  return value === 0 ? null : value
}
