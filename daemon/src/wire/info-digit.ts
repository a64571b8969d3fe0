//! Digits in the body of an INFO, in the three forms that telephones have.
const digits = '0123456789*#ABCD!'
const digitsMax = 64

/** @param contentType value of the header, or undefined.
 * @returns one of `0`..`9`, `*`, `#`, `A`..`D`, `!` (flash); null when the body is no digit. */
export function infoDigit(contentType: string | undefined, body: string): string | null {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (body.length > limitOf(type)) return null
  switch (type) {
    case 'application/dtmf-relay':
      return signalDigit(/^\s*signal\s*=\s*(\S{1,2})\s*$/im.exec(body)?.[1])
    case 'application/dtmf':
      return signalDigit(/^\s*(?:signal\s*=\s*)?(\S{1,2})\s*$/im.exec(body)?.[1])
    case 'audio/telephone-event':
      // RFC 4733 2.3: the first octet is the event. Of the other three a text may not be true.
      return body === '' ? null : (digits[body.charCodeAt(0)] ?? null)
    default:
      return null
  }
}

/** Duration and the like may follow the digit. */
function limitOf(type: string | undefined): number {
  return type === 'audio/telephone-event' ? 8 : digitsMax
}

/** A digit, or the number of its event (RFC 4733 3.2). */
function signalDigit(signal: string | undefined): string | null {
  if (signal === undefined) return null
  const letter = signal.toUpperCase()
  if (letter.length === 1) return digits.includes(letter) ? letter : null
  if (letter === 'HF') return '!'
  return /^1[0-6]$/.test(letter) ? (digits[Number(letter)] ?? null) : null
}
