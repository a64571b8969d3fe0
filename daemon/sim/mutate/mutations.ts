//! What is done to a good SIP message: each header and each line of its description removed, doubled,
//! emptied, and worse. Text is latin1, so that a character is a byte.
import { pick } from '../forge/attack.ts'

type Random = () => number

/** A line that nobody may ever receive from the switch: it was smuggled in. */
export const smuggled = 'X-Smuggled'

/** What does harm somewhere, if it gets there: line ends, ends of text, quotes, escapes, terminal orders. */
export const pieces = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '%0d%0a',
  '%00',
  '%',
  '"',
  '\\',
  '\\"',
  '<',
  '>',
  ';',
  ',',
  '@',
  '?',
  ':',
  ' ',
  '\t',
  `\r\n${smuggled}: 1\r\n`,
  `\n${smuggled}: 1`,
  `\r${smuggled}: 1`,
  `%0d%0a${smuggled}:%201`,
  `\\\r\n${smuggled}: 1`,
  `"\r\n${smuggled}: 1`,
  `\r\n ${smuggled}: 1`,
  `\r\n\r\n${smuggled}: 1\r\n`,
  ';lr;maddr=10.0.9.9;received=10.0.9.9;rport=9',
  '\u001b[2J\u001b]0;owned\u0007',
  '\u009b31m',
  'â\u0080®',
  'ï»¿',
  'ÿþ',
  '</beacon><!--',
  '&lt;',
  "' OR 1=1 --",
  '__proto__',
  'constructor',
  '{{7*7}}',
  '../../etc/passwd',
  'IN IP6 ::1',
  '0.0.0.0',
  '255.255.255.255',
] as const

const numbers = [
  '0',
  '-1',
  '1',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967296',
  '99999999999999999999',
  '00000000000000000000001',
  '1e9',
  '0x10',
] as const

const methods = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'REGISTER',
  'INFO',
  'PRACK',
  'UPDATE',
  'REFER',
  'NOTIFY',
  'SUBSCRIBE',
  'MESSAGE',
  'PUBLISH',
  'invite',
  'DANCE',
] as const

const longest = 20_000

interface Parts {
  first: string
  headers: string[]
  body: string[]
}

function split(text: string): Parts {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...headers] = (end < 0 ? text : text.slice(0, end)).split('\r\n')
  const body = end < 0 ? '' : text.slice(end + 4)
  return { first, headers, body: body === '' ? [] : body.split('\r\n').slice(0, -1) }
}

function join({ first, headers, body }: Parts): string {
  const lines = [first, ...headers].map((line) => `${line}\r\n`).join('')
  return `${lines}\r\n${body.map((line) => `${line}\r\n`).join('')}`
}

/** Works on one line of a list. */
type LineChange = (lines: string[], at: number, random: Random) => void

function value(line: string): { name: string; text: string } {
  const colon = line.search(/[:=]/)
  return { name: line.slice(0, colon + 1), text: line.slice(colon + 1) }
}

function change(line: string, how: (text: string) => string): string {
  const { name, text } = value(line)
  return name + how(text)
}

function insert(text: string, piece: string, random: Random): string {
  const at = Math.floor(random() * (text.length + 1))
  return text.slice(0, at) + piece + text.slice(at)
}

/** Of a header line or a line of the description. */
export const lineChanges = {
  removed: (lines, at) => {
    lines.splice(at, 1)
  },
  doubled: (lines, at) => {
    lines.splice(at, 0, lines[at] ?? '')
  },
  emptied: (lines, at) => {
    lines[at] = value(lines[at] ?? '').name
  },
  bare: (lines, at) => {
    lines[at] = value(lines[at] ?? '').name.slice(0, -1)
  },
  blank: (lines, at) => {
    lines[at] = ''
  },
  'doubled, differing': (lines, at, random) => {
    lines.splice(
      at,
      0,
      change(lines[at] ?? '', (text) => insert(text, '1', random)),
    )
  },
  'of another line': (lines, at, random) => {
    lines[at] = change(lines[at] ?? '', () => value(pick(lines, random)).text)
  },
  moved: (lines, at, random) => {
    const [line = ''] = lines.splice(at, 1)
    lines.splice(Math.floor(random() * (lines.length + 1)), 0, line)
  },
  folded: (lines, at, random) => {
    lines[at] = change(lines[at] ?? '', (text) => insert(text, '\r\n ', random))
  },
  'with a piece': (lines, at, random) => {
    lines[at] = change(lines[at] ?? '', (text) => insert(text, pick(pieces, random), random))
  },
  'with a number': (lines, at, random) => {
    const number = pick(numbers, random)
    lines[at] = change(lines[at] ?? '', (text) => text.replace(/\d+/, number))
  },
  cut: (lines, at, random) => {
    lines[at] = change(lines[at] ?? '', (text) => text.slice(0, Math.floor(random() * text.length)))
  },
  long: (lines, at, random) => {
    const length = Math.floor(random() ** 3 * longest)
    lines[at] = change(lines[at] ?? '', (text) => insert(text, 'x'.repeat(length), random))
  },
  'repeated in itself': (lines, at, random) => {
    const times = 2 + Math.floor(random() * 60)
    lines[at] = change(lines[at] ?? '', (text) => Array(times).fill(text).join(','))
  },
  'in another case': (lines, at) => {
    lines[at] = (lines[at] ?? '').toUpperCase()
  },
} as const satisfies Record<string, LineChange>

export type LineChangeName = keyof typeof lineChanges
const lineChangeNames = Object.keys(lineChanges) as LineChangeName[]

/** One change at one header line (-1: none), for tests that go through all of them. */
export function withHeaderLine(
  text: string,
  at: number,
  name: LineChangeName,
  random: Random,
): string {
  const parts = split(text)
  lineChanges[name](parts.headers, at, random)
  return join(parts)
}

export function withBodyLine(
  text: string,
  at: number,
  name: LineChangeName,
  random: Random,
): string {
  const parts = split(text)
  lineChanges[name](parts.body, at, random)
  return withLength(join(parts))
}

export function headerCount(text: string): number {
  return split(text).headers.length
}

export function bodyLineCount(text: string): number {
  return split(text).body.length
}

/** Content-Length as it is. */
function withLength(text: string): string {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return text
  return text.replace(/^(Content-Length: *)\d+/m, `$1${text.length - end - 4}`)
}

/** Of the whole message, or its bytes. */
function changeWhole(text: string, other: string, random: Random): string {
  const at = Math.floor(random() * text.length)
  switch (Math.floor(random() * 9)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + other.slice(Math.floor(random() * other.length))
    case 2:
      return insert(text, String.fromCharCode(Math.floor(random() * 256)), random)
    case 3:
      return text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 8))
    case 4:
      return text.replaceAll('\r\n', pick(['\n', '\r', '\r\n\r\n', '\n\r'], random))
    case 5:
      return text + other
    case 6:
      return text.replace(/^\S+/, pick(methods, random))
    case 7:
      return text.replaceAll(text.split(' ')[0] ?? '', pick(methods, random))
    default: {
      const bit = 1 << Math.floor(random() * 8)
      const code = text.charCodeAt(at) ^ bit
      return text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
    }
  }
}

/** One to three changes. `other` is a message to take parts from. */
export function mutate(text: string, other: string, random: Random): Buffer {
  let mutated = text
  for (let changes = random() < 0.7 ? 1 : 2 + Math.floor(random() * 2); changes > 0; changes--) {
    mutated = changeOnce(mutated, other, random)
  }
  // Half of them come so far that the body is looked at.
  if (random() < 0.5) mutated = withLength(mutated)
  return Buffer.from(mutated, 'latin1')
}

function changeOnce(text: string, other: string, random: Random): string {
  const kind = random()
  if (kind < 0.15) return changeWhole(text, other, random)
  const parts = split(text)
  if (kind < 0.2) {
    parts.first = insert(parts.first, pick(pieces, random), random)
    return join(parts)
  }
  const lines = kind < 0.4 && parts.body.length > 0 ? parts.body : parts.headers
  if (lines.length === 0) return changeWhole(text, other, random)
  const at = Math.floor(random() * lines.length)
  lineChanges[pick(lineChangeNames, random)](lines, at, random)
  return join(parts)
}
