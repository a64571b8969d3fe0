//! The texts of a simulated telephone: what it writes is written here by hand, so that the writer of the
//! switch is not trusted.
import { createHash } from 'node:crypto'
import { digestCredentialsText, parseDigestChallenge } from '../../src/wire/sip/auth.ts'
import { headerValues, type SipRequest, type SipResponse } from '../../src/wire/sip/message.ts'
import { nameAddressText } from '../../src/wire/sip/write.ts'

interface Account {
  readonly number: string
  readonly realm: string
  readonly password: string
}

/** The line that answers a challenge (RFC 7616, MD5). */
export function authorizationLine(
  challenge: SipResponse,
  { number, realm, password }: Account,
  { method, uri }: { readonly method: string; readonly uri: string },
): string {
  const offered = parseDigestChallenge(headerValues(challenge, 'WWW-Authenticate')[0] ?? '')
  const nonce = offered?.nonce ?? ''
  const nc = '00000001'
  const ha1 = md5(`${number}:${realm}:${password}`)
  const response = md5([ha1, nonce, nc, 'c1', 'auth', md5(`${method}:${uri}`)].join(':'))
  const text = digestCredentialsText({
    username: number,
    realm,
    nonce,
    uri,
    response,
    algorithm: 'MD5',
    cnonce: 'c1',
    opaque: null,
    qop: 'auth',
    nc,
  })
  return `Authorization: ${text}`
}

/** The password was right, but its nonce is too old (RFC 7616 3.3): another one is tried at once. */
export function isStale(challenge: SipResponse): boolean {
  return headerValues(challenge, 'WWW-Authenticate').some(
    (value) => parseDigestChallenge(value)?.stale === true,
  )
}

interface Speaker {
  readonly direction: 'sendrecv' | 'sendonly'
  readonly sdpVersion: number
}

/** @param offer what is answered: the direction fits it. */
export function sdpText(address: string, speaker: Speaker, offer = ''): string {
  const direction = offer.includes('a=sendonly') ? 'recvonly' : speaker.direction
  return [
    'v=0',
    `o=- 1 ${speaker.sdpVersion} IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    'm=audio 4000 RTP/AVP 8 0',
    `a=${offer.includes('a=inactive') ? 'inactive' : direction}`,
    '',
  ].join('\r\n')
}

/** The remote target of a dialog. */
export function targetOf(message: SipRequest | SipResponse, otherwise: string): string {
  const contact = message.contact === '*' ? undefined : message.contact[0]
  return contact === undefined ? otherwise : nameAddressText(contact).replace(/^.*<|>.*$/g, '')
}

export function viaLine(address: string, branch: string): string {
  return `Via: SIP/2.0/UDP ${address}:5060;rport;branch=${branch}`
}

export function sipText(lines: readonly string[], body: string): string {
  return `${lines.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
