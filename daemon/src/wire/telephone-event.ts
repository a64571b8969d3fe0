//! The payload of RFC 4733 telephone events (section 2.3): four octets.

interface TelephoneEvent {
  /** 0..15 are the DTMF digits 0-9, *, #, A-D (RFC 4733 3.2). */
  readonly event: number
  /** Set in the last packets of an event. */
  readonly end: boolean
  /** 0..63: the power level is -volume dBm0. */
  readonly volume: number
  /** In time stamp units. */
  readonly duration: number
}

/** Null: not one event. */
export function parseTelephoneEvent(payload: Uint8Array): TelephoneEvent | null {
  if (payload.length !== 4) return null
  const view = new DataView(payload.buffer, payload.byteOffset, 4)
  const second = view.getUint8(1)
  return {
    event: view.getUint8(0),
    end: (second & 0x80) !== 0,
    volume: second & 0x3f,
    duration: view.getUint16(2),
  }
}

export function writeTelephoneEvent(event: TelephoneEvent): Uint8Array {
  const payload = new Uint8Array(4)
  const view = new DataView(payload.buffer)
  view.setUint8(0, event.event)
  view.setUint8(1, (event.end ? 0x80 : 0) | (event.volume & 0x3f))
  view.setUint16(2, event.duration)
  return payload
}
