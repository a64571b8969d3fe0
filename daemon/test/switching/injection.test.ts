//! Smuggled lines, ends of text, quotes, escapes and orders to a terminal, in every place of a call that a
//! telephone can write: none of it leaves as anything but text, to the other side, into the log, onto the
//! screen of the operator or into a document of a subscription.
import test from 'ava'
import { drawLogLine } from '../../../cli/src/screens/lists.ts'
import { Screen } from '../../../cli/src/screens/screen.ts'
import type { SipMessage } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { writeSip } from '../../src/wire/sip/write.ts'
import type { XmlNode } from '../../src/wire/xml.ts'
import { readXml } from '../../src/wire/xml-read.ts'
import { Stage, sdp, service } from './core-stage.ts'

const pieces: Readonly<Record<string, string>> = {
  'CR LF and a header': 'x\r\nX-Smuggled: 1',
  'CR LF, space and a header': 'x\r\n X-Smuggled: 1',
  'LF and a header': 'x\nX-Smuggled: 1',
  'CR and a header': 'x\rX-Smuggled: 1',
  'a quoted pair of CR LF': 'x\\\r\nX-Smuggled: 1',
  'the end of the headers': 'x\r\n\r\nX-Smuggled: 1',
  'percent CR LF': 'x%0d%0aX-Smuggled:%201',
  NUL: 'x\0y',
  'an escaped NUL': 'x\\\0y',
  'a quote': 'x"y',
  'a quote and a header parameter': 'x";tag=stolen;y="',
  'a backslash at the end': 'x\\',
  'angle brackets': 'x<sip:evil@10.0.9.9>y',
  'an order to a terminal': 'x\u001b[2J\u001b]0;owned\u0007y',
  'an escaped order to a terminal': 'x\\\u001b[31my',
  'an order of one byte': 'x\u009b31my',
  'a turned line': 'x\u202ey\u2066z',
  'line separators': 'x\u2028y\u2029z\u0085',
  'a tag of XML': 'x</target><evil/><target>',
  'an entity of XML': 'x&evil;&#0;<![CDATA[',
  'much text': 'x'.repeat(9_000),
  'much text of four bytes': '😀'.repeat(2_000),
  'half a character': 'x\ud83d',
}

/** Makes the INVITE of 101 with a piece in one place. */
const places: Readonly<Record<string, (invite: string, piece: string) => string>> = {
  'display name of From': (text, piece) => text.replace('From: <', `From: "${piece}" <`),
  'bare display name of From': (text, piece) => text.replace('From: <', `From: ${piece} <`),
  'user of From': (text, piece) => text.replace('From: <sip:101', `From: <sip:101${piece}`),
  'parameter of From': (text, piece) => text.replace(';tag=tag101', `;tag=tag101;x="${piece}"`),
  'tag of From': (text, piece) => text.replace(';tag=tag101', `;tag=${piece}`),
  'display name of To': (text, piece) => text.replace('To: <', `To: "${piece}" <`),
  'parameter of To': (text, piece) => text.replace('>\r\nCall-ID', `>;x="${piece}"\r\nCall-ID`),
  'Call-ID': (text, piece) => text.replace('Call-ID: ', `Call-ID: ${piece}`),
  'parameter of Via': (text, piece) => text.replace(';rport', `;rport;x="${piece}"`),
  'branch of Via': (text, piece) => text.replace('branch=', `branch=z9hG4bK${piece}`),
  'second Via': (text, piece) =>
    text.replace('Max-F', `Via: SIP/2.0/UDP p.test;branch=${piece}\r\nMax-F`),
  'display name of Contact': (text, piece) => text.replace('Contact: <', `Contact: "${piece}" <`),
  'user of Contact': (text, piece) => text.replace('Contact: <sip:', `Contact: <sip:${piece}`),
  'parameter of the Contact URI': (text, piece) =>
    text.replace(/(Contact: <[^>]*)>/, `$1;x=${piece}>`),
  'Record-Route': (text, piece) =>
    text.replace('Max-F', `Record-Route: <sip:10.0.1.01;lr;x=${piece}>\r\nMax-F`),
  Subject: (text, piece) => text.replace('Max-F', `Subject: ${piece}\r\nMax-F`),
  'quoted Subject': (text, piece) => text.replace('Max-F', `Subject: "${piece}"\r\nMax-F`),
  Priority: (text, piece) => text.replace('Max-F', `Priority: ${piece}\r\nMax-F`),
  'WG67-Version': (text, piece) => text.replace('Max-F', `WG67-Version: ${piece}\r\nMax-F`),
  'User-Agent': (text, piece) => text.replace('Max-F', `User-Agent: ${piece}\r\nMax-F`),
  Diversion: (text, piece) =>
    text.replace('Max-F', `Diversion: "${piece}" <sip:9@10.0.0.9>\r\nMax-F`),
  'a name of a header': (text, piece) => text.replace('Max-F', `${piece}: 1\r\nMax-F`),
  'Request-URI': (text, piece) => text.replace('@10.0.0.9 SIP', `@10.0.0.9;x=${piece} SIP`),
  'name of the description': (text, piece) => text.replace('s=-', `s=${piece}`),
  'user of the description': (text, piece) => text.replace('o=- ', `o=${piece} `),
  'address of the description': (text, piece) => text.replace('c=IN IP4 ', `c=IN IP4 ${piece}`),
  'attribute of the description': (text, piece) => text.replace('a=sendrecv', `a=x:${piece}`),
  'codec of the description': (text, piece) =>
    text.replace('telephone-event/8000', `${piece}/8000`),
  'another stream': (text, piece) => `${text}m=video 0 RTP/AVP 99 ${piece}\r\n`,
}

/** Headers that the switch writes itself. */
const ownHeaders = new Set(
  [
    ...['Via', 'Route', 'Record-Route', 'Max-Forwards', 'From', 'To', 'Call-ID', 'CSeq', 'Contact'],
    ...['Allow', 'Supported', 'Content-Type', 'Content-Length', 'Subject', 'Priority', 'Reason'],
    ...['WG67-Version', 'WG67-CallType', 'Date', 'Retry-After', 'Unsupported', 'WWW-Authenticate'],
    ...['Accept', 'Accept-Encoding', 'Accept-Language', 'Expires', 'Event', 'Subscription-State'],
    ...[
      'Allow-Events',
      'Session-Expires',
      'Min-SE',
      'Require',
      'RSeq',
      'Diversion',
      'History-Info',
    ],
    ...['Alert-Info', 'Call-Info', 'Answer-Mode', 'Warning', 'Timestamp', 'Server', 'User-Agent'],
  ].map((name) => name.toLowerCase()),
)

/** Sends a message with Content-Length as it is, like a telephone would that means it. */
function sendChanged(stage: Stage, text: string): void {
  const end = text.indexOf('\r\n\r\n')
  const length = Buffer.byteLength(text.slice(end + 4))
  stage.a.send(text.replace(/^Content-Length: \d+/m, `Content-Length: ${length}`))
}

function isHarmless(message: SipMessage): string | null {
  const text = writeSip(message)
  const head = text.slice(0, text.indexOf('\r\n\r\n'))
  for (const line of head.split(/\r\n|[\r\n]/).slice(1)) {
    if (!ownHeaders.has(line.slice(0, line.indexOf(':')).toLowerCase())) return `a line: ${line}`
  }
  for (const line of message.body.split(/\r\n|[\r\n]/)) {
    if (line.includes('X-Smuggled') && !line.startsWith('m=')) return `of the body: ${line}`
  }
  return parseSip(Buffer.from(text)).kind === 'malformed' ? `malformed: ${text}` : null
}

const screen = new Screen({ colour: false, unicode: true, columns: 80 })
const moves = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

/** What the operator reads of it. */
function logged(stage: Stage): string[] {
  return stage.effects.flatMap((effect) => {
    if (effect.kind !== 'log') return []
    const { level, text, fields } = effect
    const at = '2026-01-01T00:00:00.000Z'
    return [drawLogLine(screen, { level, text, fields, unit: 'switch', at } as never)]
  })
}

function names(node: XmlNode): string[] {
  return typeof node === 'string' ? [] : [node.name, ...node.children.flatMap(names)]
}

/** Both ends of the call are watched. */
function watched(): Stage {
  const stage = new Stage()
  const watcher = stage.phone('103')
  for (const number of ['101', '102']) {
    watcher.callId = `watch-${number}`
    watcher.localTag = 'w'
    watcher.remoteTag = ''
    watcher.remoteUser = number
    watcher.target = `sip:${number}@${service}`
    watcher.request('SUBSCRIBE', { headers: ['Event: dialog', 'Expires: 600'] })
  }
  return stage
}

for (const [place, put] of Object.entries(places)) {
  test(`what is smuggled in the ${place} of an INVITE is text or is refused`, (t) => {
    for (const [what, piece] of Object.entries(pieces)) {
      const stage = watched()
      const { a, b } = stage
      a.call('102')
      const good = a.sentText
      const fresh = good.replace('call-101-102', 'another').replace('z9hG4bK', 'z9hG4bKn')
      // The call without the piece is busy with the line of 102: it goes first.
      stage.release([...stage.tables.wiredConference.values()][0]?.sessionId ?? '')
      b.respond(b.asked('INVITE'), 487)
      stage.pass(10_000)
      for (const phone of stage.phones.values()) phone.inbox.length = 0
      sendChanged(stage, put(fresh, piece))
      if (b.heard('INVITE')) {
        b.callId = 'none'
        b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
      }
      stage.pass(2_000)
      const messages = [...stage.phones.values()].flatMap(({ inbox }) => inbox)
      for (const message of messages) t.is(isHarmless(message), null, what)
      for (const line of logged(stage)) t.false(moves.test(line), `${what}: ${line}`)
      for (const { body } of messages.filter(({ body }) => body.startsWith('<?xml'))) {
        const read = readXml(Buffer.from(body), 65_536)
        if (typeof read === 'string') return t.fail(`${what}: ${read}`)
        t.false(names(read).includes('evil'), what)
      }
      const shown = b.inbox.find(({ cseq }) => cseq.method === 'INVITE')?.from.displayName ?? ''
      t.false(moves.test(shown), what)
      t.true(shown.length <= 128, what)
      t.notThrows(() => stage.takeOver(), what)
    }
  })
}

test('what a callee says in its answers reaches the caller as text only', (t) => {
  for (const [what, piece] of Object.entries(pieces)) {
    for (const status of [183, 200, 302, 486, 603]) {
      const stage = new Stage()
      const { a, b } = stage
      a.call('102')
      const body = status < 300 ? sdp(b.endpoint).replace('s=-', `s=${piece}`) : ''
      b.respond(b.asked('INVITE'), status, body, [
        `Reason: WG-67;cause=2004;text="${piece}"`,
        `Warning: 399 x "${piece}"`,
        `Server: ${piece}`,
        `Subject: ${piece}`,
      ])
      stage.pass(100)
      for (const message of a.inbox) t.is(isHarmless(message), null, `${what} ${status}`)
      for (const line of logged(stage)) t.false(moves.test(line), `${what}: ${line}`)
      t.notThrows(() => stage.takeOver(), what)
    }
  }
})

test('what is no text of an INFO leaves as it came, as a body and nothing else', (t) => {
  for (const [what, piece] of Object.entries(pieces)) {
    const stage = new Stage()
    const { a, b } = stage
    a.call('102')
    b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
    a.ack(a.told(200))
    a.request('INFO', { headers: ['Content-Type: text/plain'], body: piece })
    a.request('INFO', { headers: [`Content-Type: text/plain;x="${piece}"`], body: 'y' })
    for (const message of b.inbox) {
      t.is(isHarmless({ ...message, body: '' }), null, what)
      t.is(isHarmless({ ...message, headers: [], body: '' }), null, what)
    }
  }
})

test('the screen of an operator shows no character that moves its cursor', (t) => {
  for (const [what, piece] of Object.entries(pieces)) {
    const cells = screen.table(['A', 'B'], [[piece, { text: piece, tone: 'bad' }]])
    const lines = [...cells, ...screen.text(piece), ...screen.labelled('label', piece)]
    for (const line of lines) t.false(moves.test(line), what)
  }
})
