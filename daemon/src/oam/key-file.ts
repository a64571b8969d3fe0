//! Secrets in files: at least 32 bytes, closed to others.
import { hkdfSync } from 'node:crypto'
import { readFileBytes } from '../platform/files.ts'
import { failure, type Result, success } from '../result.ts'

export const keyBytesMin = 32
const keyBytesMax = 4_096

/** White space at the end does not count, so that an editor's last line break does not make two keys of
 * one. Errors: `key-missing`, `key-readable`. */
export function readKeyFile(path: string): Result<Uint8Array> {
  const file = readFileBytes(path, keyBytesMax)
  if (!file.ok) return failure('key-missing', `key file ${path}: ${file.detail}`)
  if ((file.mode & 0o077) !== 0) {
    const mode = file.mode.toString(8).padStart(4, '0')
    return failure('key-readable', `key file ${path} has mode ${mode}; it must be 0600`)
  }
  let length = file.bytes.length
  while (length > 0 && (file.bytes[length - 1] ?? 0) <= 0x20) length--
  if (length < keyBytesMin) {
    return failure('key-missing', `key file ${path} has ${length} bytes, not ${keyBytesMin}`)
  }
  return success(file.bytes.slice(0, length))
}

/** The key of the beacon's HMAC (RFC 5869). The secret is its own, not the pair key: receivers hold it. */
export function beaconKey(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, 'vccs-beacon-1', 'vccs beacon', keyBytesMin))
}
