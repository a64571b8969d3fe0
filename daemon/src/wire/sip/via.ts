//! Via (RFC 3261 20.42): sent-protocol, sent-by and parameters.
import { scanHostPort } from './host.ts'
import type { Via } from './message.ts'
import { parametersText, scanParameters } from './parameters.ts'
import { Cursor } from './scan.ts'

/** One Via value. `complete` is false when its parameters are broken: the message is malformed, but
 * the 400 can still name the sender. Null: not even the sender can be read. */
interface ScannedVia {
  readonly via: Via
  readonly complete: boolean
}

export function scanVia(cursor: Cursor): ScannedVia | null {
  const protocol = cursor.token().toUpperCase()
  if (protocol !== 'SIP' || !cursor.takeSeparator('/')) return null
  const version = cursor.token()
  if (version === '' || !cursor.takeSeparator('/')) return null
  const transport = cursor.token().toUpperCase()
  if (transport === '' || !cursor.skipSpace()) return null
  const place = scanHostPort(cursor, true)
  if (place === null) return null
  const { parameters, complete } = scanParameters(cursor)
  return { via: { transport, ...place, parameters }, complete: complete && version === '2.0' }
}

/** One Via value, alone. */
export function parseVia(text: string): Via | null {
  const cursor = new Cursor(text)
  cursor.skipSpace()
  const scanned = scanVia(cursor)
  cursor.skipSpace()
  return scanned?.complete && cursor.ended ? scanned.via : null
}

export function viaText(via: Via): string {
  const port = via.port === null ? '' : `:${via.port}`
  return `SIP/2.0/${via.transport} ${via.host}${port}${parametersText(via.parameters)}`
}
