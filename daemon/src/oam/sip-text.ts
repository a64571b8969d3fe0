//! SIP messages for people: what must not be shown is masked, and one line says what a message is.

const secretHeaders = ['authorization', 'proxy-authorization', 'authentication-info']
/** Bodies whose digits may be those of a PIN. */
const digitTypes = [
  'application/dtmf-relay',
  'application/dtmf',
  'application/vnd.nortelnetworks.digits',
]

/** Neither credentials nor dialled digits nor keys of media are left. */
export function masked(text: string): string {
  const end = text.indexOf('\r\n\r\n')
  const head = end === -1 ? text : text.slice(0, end)
  const body = end === -1 ? '' : text.slice(end + 4)
  const lines = head.split('\r\n').map(maskedLine)
  const type = headerIn(lines, 'content-type').toLowerCase()
  const hidden = digitTypes.some((known) => type.startsWith(known))
    ? body.replace(/[0-9*#A-Da-d]/g, '?')
    : body.replace(/^(a=crypto:\d+ \S+).*$/gm, '$1 masked')
  return `${lines.join('\r\n')}${end === -1 ? '' : `\r\n\r\n${hidden}`}`
}

function maskedLine(line: string): string {
  const colon = line.indexOf(':')
  if (colon === -1 || !secretHeaders.includes(line.slice(0, colon).trim().toLowerCase()))
    return line
  const [scheme = ''] = line
    .slice(colon + 1)
    .trim()
    .split(' ')
  return `${line.slice(0, colon)}: ${scheme} masked`
}

/** `INVITE sip:1002@10.0.0.9 (sdp)`, `200 OK, INVITE (sdp)`. */
export function summaryOf(text: string): string {
  const lines = text.split('\r\n', 100)
  const [first = ''] = lines
  const [, method = ''] = headerIn(lines, 'cseq').split(' ')
  const type = headerIn(lines, 'content-type', 'c').toLowerCase()
  const body = type.startsWith('application/sdp') ? ' (sdp)' : ''
  if (first.startsWith('SIP/2.0 ')) return `${first.slice(8)}, ${method}${body}`
  return `${first.replace(/ SIP\/2\.0$/, '')}${body}`
}

/** The Call-ID of a datagram, without parsing it whole. */
export function callIdOf(text: string): string {
  return headerIn(text.split('\r\n', 100), 'call-id', 'i')
}

function headerIn(lines: readonly string[], ...names: readonly string[]): string {
  for (const line of lines) {
    if (line === '') break
    const colon = line.indexOf(':')
    if (colon !== -1 && names.includes(line.slice(0, colon).trim().toLowerCase())) {
      return line.slice(colon + 1).trim()
    }
  }
  return ''
}
