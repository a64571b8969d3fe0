//! What somebody sees who is not known: the same for every number and every method, and nothing of anybody's
//! password (ADR 0023).
import { createHash } from 'node:crypto'
import test from 'ava'
import { allowedMethods } from '../../src/switching/registrar/capabilities.ts'
import type { PhoneBookEntry } from '../../src/tables/phone-book.ts'
import { header, headerValues, type SipResponse } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { entry, type Phone, Stage, sdp } from './core-stage.ts'

const stranger = { address: '10.0.1.66', port: 5066 }
const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

/** A stage on which 101 and 104 have passwords, 199 is nobody, and 166 is a line in the hand of a stranger. */
function besieged(): { stage: Stage; line: Phone } {
  const stage = new Stage()
  stage.addPhone('166', 'telephone')
  stage.tables.phoneBook.delete('166')
  stage.tables.user.delete('166')
  for (const number of ['101', '104']) {
    stage.tables.phoneBook.put({
      ...entry(number, 'telephone'),
      ha1Md5: md5(`${number}:vccs.test:secret`),
    })
  }
  return { stage, line: stage.phone('166') }
}

interface Asked {
  readonly method: string
  readonly from: string
  readonly to?: string
  readonly toTag?: string
  readonly headers?: readonly string[]
}

let asked = 0

/** Sends a request from the line of the stranger. @returns what came back, without what differs always. */
function ask(line: Phone, { method, from, to = '102', toTag, headers = [] }: Asked): SipResponse[] {
  asked += 1
  const before = line.inbox.length
  const body = method === 'INVITE' ? sdp(stranger) : ''
  const target = method === 'REGISTER' ? 'sip:10.0.0.9' : `sip:${to}@10.0.0.9`
  const lines = [
    `${method} ${target} SIP/2.0`,
    `Via: SIP/2.0/UDP ${line.endpoint.address}:5060;rport;branch=z9hG4bKs-${asked}`,
    'Max-Forwards: 70',
    `From: <sip:${from}@10.0.0.9>;tag=s${asked}`,
    `To: <sip:${method === 'REGISTER' ? from : to}@10.0.0.9>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: stranger-${asked}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:${from}@${line.endpoint.address}:5060>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    ...headers,
    `Content-Length: ${body.length}`,
  ]
  line.send(`${lines.join('\r\n')}\r\n\r\n${body}`)
  return line.inbox.slice(before).filter((message) => message.kind === 'response')
}

/** What of an answer could tell something: all but the names of the request and the nonce. */
function said(answers: readonly SipResponse[]): string {
  return answers
    .map(({ status, reason, headers, body }) => {
      const texts = headers.map(
        ({ name, value }) => `${name}: ${value.replace(/nonce="[^"]*"/, '')}`,
      )
      return [status, reason, ...texts, body].join('\n')
    })
    .join('\n\n')
}

/** All methods of RFC 3261 and its extensions, and one of nobody. */
const methods: readonly [method: string, status: number | null][] = [
  'INVITE',
  'REGISTER',
  'OPTIONS',
  'BYE',
  'INFO',
  'CANCEL',
  'ACK',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'MESSAGE',
  'REFER',
  'UPDATE',
  'PRACK',
  'DANCE',
].map((method) => [method, refusalOf(method)])

function refusalOf(method: string): number | null {
  if (method === 'ACK') return null
  if (method === 'CANCEL') return 481
  if (allowedMethods.includes(method)) return 401
  return method === 'DANCE' ? 501 : 405
}

for (const [method, status] of methods) {
  test(`${method} of a stranger: ${status ?? 'no answer'}, and nothing is kept of it`, (t) => {
    const { stage, line } = besieged()
    for (const from of ['101', '104', '199', '166', '', '%00', 'x'.repeat(200)]) {
      const answers = ask(line, { method, from: from === '' ? 'anonymous' : from })
      t.deepEqual(
        answers.map((answer) => answer.status),
        status === null ? [] : [status],
        from,
      )
    }
    t.is(stage.core.counters().transactions, 0)
    t.is(stage.core.liveSessions, 0)
    t.false([...stage.phones.values()].some((phone) => phone !== line && phone.inbox.length > 0))
  })

  test(`${method} with a dialog that does not exist changes nothing and is not kept`, (t) => {
    const { stage, line } = besieged()
    const [answer] = ask(line, { method, from: '101', toTag: 'guess' })
    const isRefused = method === 'REGISTER' || status === null || status > 404
    t.is(answer?.status, isRefused ? (status ?? undefined) : 481)
    t.is(stage.core.counters().transactions, 0)
  })
}

/** Credentials over a nonce of ours. */
function authorization(asking: {
  method: string
  user: string
  uri: string
  nonce: string
  password: string
}): string {
  const { method, user, uri, nonce, password } = asking
  const ha1 = md5(`${user}:vccs.test:${password}`)
  const response = md5(`${ha1}:${nonce}:00000001:c:auth:${md5(`${method}:${uri}`)}`)
  return (
    `Authorization: Digest username="${user}", realm="vccs.test", nonce="${nonce}", uri="${uri}", ` +
    `qop=auth, nc=00000001, cnonce="c", algorithm=MD5, response="${response}"`
  )
}

function nonceOf(answers: readonly SipResponse[]): string {
  const [answer] = answers
  const [challenge = ''] = answer === undefined ? [] : headerValues(answer, 'WWW-Authenticate')
  return /nonce="([^"]*)"/.exec(challenge)?.[1] ?? ''
}

for (const method of ['INVITE', 'REGISTER', 'OPTIONS', 'BYE', 'INFO']) {
  test(`${method}: an unknown number and a wrong password are told the same`, (t) => {
    const { line } = besieged()
    const uri = method === 'REGISTER' ? 'sip:10.0.0.9' : 'sip:102@10.0.0.9'
    const attempts: ((user: string, nonce: string) => string[])[] = [
      () => [],
      (user, nonce) => [authorization({ method, user, uri, nonce, password: 'wrong' })],
      (user) => [authorization({ method, user, uri, nonce: 'made-up', password: 'wrong' })],
      (user, nonce) => [authorization({ method, user, uri: 'sip:x', nonce, password: 'wrong' })],
      () => ['Authorization: Digest username="x"'],
      () => ['Authorization: Basic eDp5'],
    ]
    for (const [number, attempt] of attempts.entries()) {
      const [known, other, nobody] = ['101', '104', '199'].map((from) => {
        const nonce = nonceOf(ask(line, { method, from }))
        return said(ask(line, { method, from, headers: attempt(from, nonce) }))
      })
      t.is(known, nobody, `attempt ${number}`)
      t.is(other, nobody, `attempt ${number}`)
      t.not(known, '')
    }
  })
}

test('accounts with different digests: a number that nobody has looks like one of them, always the same', (t) => {
  const { stage, line } = besieged()
  const offers: PhoneBookEntry['digest'][] = ['md5', 'sha-256', 'both']
  for (let n = 0; n < 300; n += 1) {
    const account = entry(String(3_000 + n), 'telephone')
    stage.tables.phoneBook.put({ ...account, digest: offers[n % 3] ?? 'md5' })
  }
  stage.pass(61_000)
  const told = (from: string) => said(ask(line, { method: 'INVITE', from }))
  const counts = new Map<string, number>()
  for (let n = 0; n < 300; n += 1) {
    const text = told(String(7_000 + n))
    t.is(told(String(7_000 + n)), text)
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  t.deepEqual([...counts.keys()].sort(), ['3000', '3001', '3002'].map(told).sort())
  for (const count of counts.values()) t.true(count > 60 && count < 140, String(count))
})

test('an account knows nobody whom it calls from its password alone: 404 is said to who showed one', (t) => {
  const { line } = besieged()
  const uri = 'sip:777@10.0.0.9'
  const asking = { method: 'INVITE', from: '104', to: '777' }
  t.deepEqual(
    ask(line, asking).map(({ status }) => status),
    [401],
  )
  const nonce = nonceOf(ask(line, asking))
  const shown = authorization({ method: 'INVITE', user: '104', uri, nonce, password: 'secret' })
  t.deepEqual(
    ask(line, { ...asking, headers: [shown] }).map(({ status }) => status),
    [100, 404],
  )
})

test('no digest goes through the switch: neither what a caller shows nor what a callee asks for', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  const shown = 'Digest username="101", realm="r", nonce="n", uri="u", response="feedbeef"'
  a.call('102', sdp(a.endpoint), [`Authorization: ${shown}`, `Proxy-Authorization: ${shown}`])
  const invite = b.asked('INVITE')
  for (const name of ['Authorization', 'Proxy-Authorization']) t.is(header(invite, name), undefined)
  b.respond(invite, 401, '', [
    'WWW-Authenticate: Digest realm="vccs.test", nonce="phished", qop="auth", algorithm=MD5',
    'Proxy-Authenticate: Digest realm="vccs.test", nonce="phished"',
    'Authentication-Info: rspauth="feedbeef"',
  ])
  const answer = a.told(480)
  t.false(a.heard(401))
  for (const name of ['WWW-Authenticate', 'Proxy-Authenticate', 'Authentication-Info']) {
    t.is(header(answer, name), undefined)
  }
  const logs = JSON.stringify(stage.effects.filter(({ kind }) => kind === 'log'))
  t.false(/feedbeef|phished/.test(logs))
})

test('a stranger who repeats what was refused is refused again, by either node with the same tag', (t) => {
  const { stage, line } = besieged()
  ask(line, { method: 'INVITE', from: '101' })
  const text = line.sentText
  const tags = [line.told(401).to.parameters.get('tag')]
  for (const _ of [1, 2]) {
    stage.takeOver()
    line.send(text)
    tags.push(line.told(401).to.parameters.get('tag'))
  }
  t.is(new Set(tags).size, 1)
  t.is(stage.core.counters().transactions, 0)
  t.not(parseSip(Buffer.from(text)).kind, 'malformed')
})
