//! The value of a SIP message: what every method needs is parsed, the rest is kept as text.

export interface SipUri {
  readonly scheme: 'sip' | 'sips' | 'tel'
  /** Without the password; for `tel` the number as written. Escapes of unreserved characters are
   * resolved, all others kept in upper case (`%75ser%40x` is `user%40x`). */
  readonly user: string | null
  /** Absent: none. Deprecated (RFC 3261 19.1.1), kept so that a URI is written back as it came. */
  readonly password?: string
  /** Host as written, IPv6 in brackets; for `tel` the empty string. */
  readonly host: string
  readonly port: number | null
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string | null>
  /** The part after `?`, as text without the mark, or the empty string. */
  readonly headers: string
}

export interface NameAddress {
  /** Without quotes, quoted pairs resolved. */
  readonly displayName: string | null
  readonly uri: SipUri
  /** Names in lower case; a quoted value keeps its quotes (`unquote` in `scan.ts`). */
  readonly parameters: ReadonlyMap<string, string | null>
}

export interface Via {
  /** Upper case: `UDP`, `TCP`, `TLS`, `WS`. */
  readonly transport: string
  readonly host: string
  readonly port: number | null
  readonly parameters: ReadonlyMap<string, string | null>
}

interface SipMessageBase {
  readonly via: readonly Via[]
  readonly from: NameAddress
  readonly to: NameAddress
  readonly callId: string
  readonly cseq: { readonly number: number; readonly method: string }
  readonly contact: readonly NameAddress[] | '*'
  readonly route: readonly NameAddress[]
  readonly recordRoute: readonly NameAddress[]
  /** Null when absent. RFC 3261 20.22: 0..255. */
  readonly maxForwards: number | null
  /** All other headers in wire order, compact forms expanded, canonical case
   * (`WG67-Version`, `Content-Type`). Content-Length is not among them: the writer makes it. */
  readonly headers: readonly SipHeader[]
  /** UTF-8 text; bytes that are no UTF-8 make the message malformed. */
  readonly body: string
}

export interface SipHeader {
  readonly name: string
  readonly value: string
}

export interface SipRequest extends SipMessageBase {
  readonly kind: 'request'
  readonly method: string
  readonly uri: SipUri
}

export interface SipResponse extends SipMessageBase {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
}

export type SipMessage = SipRequest | SipResponse

/** What a parser says of bytes that are no good message. `reply` is what a 400 needs, when the
 * request could be read far enough to be answered (RFC 3261 16.3): its Via is good, and each of From, To,
 * Call-ID, CSeq and `uri` is good or stands for one that could not be read; its body is empty.
 * Null: drop and count. Never set for a response or an ACK. */
export interface SipMalformed {
  readonly kind: 'malformed'
  readonly why: string
  readonly reply: SipRequest | null
  /** 400, 415 (body is no UTF-8), 416 (unknown scheme), 505, 513 (too large). */
  readonly status: number
}

/** Address and port of a datagram's source or destination. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** The first value of a header that the message keeps as text (name in any case). */
export function header(message: SipMessage, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return message.headers.find((entry) => entry.name.toLowerCase() === wanted)?.value
}

/** All values of a header, one entry a header line. */
export function headerValues(message: SipMessage, name: string): string[] {
  const wanted = name.toLowerCase()
  return message.headers
    .filter((entry) => entry.name.toLowerCase() === wanted)
    .map((entry) => entry.value)
}
