//! Subscriptions (RFC 6665): what is told, to whom, how often, and that a new primary goes on.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { header, type SipRequest } from '../../src/wire/sip/message.ts'
import type { XmlElement, XmlNode } from '../../src/wire/xml.ts'
import { readXml } from '../../src/wire/xml-read.ts'
import {
  conferenceStage,
  dialIn,
  hangUp as hangUpPhone,
  pickUp,
  presetMembers,
} from './conference-stage.ts'
import { type Phone, Stage, sdp, service } from './core-stage.ts'

function subscribe(
  phone: Phone,
  to: string,
  more: { event?: string; expires?: number; headers?: string[]; mark?: string } = {},
): void {
  const { event = 'dialog', expires = 600, headers = [], mark = event } = more
  phone.callId = `watch-${phone.number}-${to}-${mark}`
  phone.localTag = `w${phone.number}`
  phone.remoteTag = ''
  phone.remoteUser = to
  phone.target = `sip:${to}@${service}`
  phone.request('SUBSCRIBE', { headers: [`Event: ${event}`, `Expires: ${expires}`, ...headers] })
}

/** The SUBSCRIBE was answered 200: what follows is in its dialog. */
function accepted(phone: Phone): number {
  const answer = phone.told(200)
  phone.remoteTag = answer.to.parameters.get('tag') ?? ''
  return Number(header(answer, 'Expires'))
}

function renew(phone: Phone, expires: number, event = 'dialog'): void {
  phone.request('SUBSCRIBE', { headers: [`Event: ${event}`, `Expires: ${expires}`] })
}

/** The NOTIFYs that came since the last call, each answered. */
function notified(phone: Phone, status = 200): SipRequest[] {
  const seen = new Map<string, SipRequest>()
  for (const message of phone.inbox) {
    if (message.kind === 'request' && message.method === 'NOTIFY') {
      seen.set(`${message.callId} ${message.cseq.number}`, message)
    }
  }
  phone.inbox.length = 0
  for (const request of seen.values()) phone.respond(request, status)
  return [...seen.values()]
}

/** The last word of the notifier: one NOTIFY may wait for the answer to another. */
function newest(stage: Stage, phone: Phone): SipRequest | undefined {
  stage.pass(limits.notifyMsMin)
  const first = notified(phone)
  stage.pass(limits.notifyMsMin)
  return notified(phone).at(-1) ?? first.at(-1)
}

function documentOf(request: SipRequest | undefined): XmlElement {
  const read = readXml(Buffer.from(request?.body ?? ''), 16_384)
  if (typeof read === 'string') throw new Error(read)
  return read
}

function find(node: XmlNode, name: string): XmlElement[] {
  if (typeof node === 'string') return []
  const own = node.name === name ? [node] : []
  return [...own, ...node.children.flatMap((child) => find(child, name))]
}

function texts(root: XmlElement, name: string): string[] {
  return find(root, name).map((one) => one.children.join(''))
}

function stateOf(request: SipRequest | undefined): string {
  return request === undefined ? '' : (header(request, 'Subscription-State') ?? '')
}

const ring = ({ a, b }: Stage) => {
  a.call('102')
  b.respond(b.asked('INVITE'), 180)
}

const talk = ({ a, b }: Stage) => {
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  a.ack(a.told(200))
}

const hangUp = ({ a, b }: Stage) => {
  a.request('BYE')
  b.respond(b.asked('BYE'), 200)
}

const between = limits.notifyMsMin

function stateAt(request: SipRequest | undefined): string {
  return texts(documentOf(request), 'state').join()
}

test('a busy lamp follows the calls of a number, and the record is gone in the end', (t) => {
  const stage = new Stage()
  const lamp = stage.phone('103')
  subscribe(lamp, '102')
  t.is(accepted(lamp), 600)
  const [first, ...more] = notified(lamp)
  t.is(more.length, 0)
  t.is(first?.cseq.number, 1)
  t.is(stateOf(first), 'active;expires=600')
  t.is(first === undefined ? '' : header(first, 'Content-Type'), 'application/dialog-info+xml')
  const { attributes } = documentOf(first)
  t.like(Object.fromEntries(attributes), {
    xmlns: 'urn:ietf:params:xml:ns:dialog-info',
    version: '0',
    state: 'full',
    entity: `sip:102@${service}`,
  })
  t.is(stateAt(first), '')
  stage.pass(between)
  ring(stage)
  const ringing = newest(stage, lamp)
  t.is(stateAt(ringing), 'early')
  const [dialog] = find(documentOf(ringing), 'dialog')
  t.is(dialog?.attributes.get('direction'), 'recipient')
  t.is(dialog?.attributes.get('call-id'), stage.b.asked('INVITE').callId)
  const { from } = stage.b.asked('INVITE')
  t.is(dialog?.attributes.get('remote-tag'), from.parameters.get('tag') ?? '')
  t.deepEqual(texts(documentOf(ringing), 'identity'), [`sip:102@${service}`, `sip:101@${service}`])
  stage.pass(between)
  talk(stage)
  const talking = notified(lamp).at(-1)
  t.is(stateAt(talking), 'confirmed')
  t.is(find(documentOf(talking), 'dialog')[0]?.attributes.get('local-tag'), 'tag102')
  stage.pass(between)
  hangUp(stage)
  const over = notified(lamp).at(-1)
  t.is(stateAt(over), '')
  t.is(Number(documentOf(over).attributes.get('version')), (over?.cseq.number ?? 0) - 1)
  renew(lamp, 0)
  const last = notified(lamp)
  t.deepEqual(last.map(stateOf), ['terminated;reason=timeout'])
  t.is(stage.tables.subscription.size, 0)
})

test('the caller of a call that rings is an initiator, and a held one does not render', (t) => {
  const stage = new Stage()
  const lamp = stage.phone('103')
  subscribe(lamp, '101')
  ring(stage)
  const [dialog] = find(documentOf(newest(stage, lamp)), 'dialog')
  t.is(dialog?.attributes.get('direction'), 'initiator')
  t.is(dialog === undefined ? '' : texts(dialog, 'state').join(), 'early')
  talk(stage)
  stage.a.reinvite(sdp(stage.a.endpoint, { direction: 'sendonly', version: 2 }))
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint, { direction: 'recvonly' }))
  const held = documentOf(newest(stage, lamp))
  t.deepEqual(find(held, 'param')[0]?.attributes.get('pname'), '+sip.rendering')
})

test('a call in instantaneous access lights no lamp', (t) => {
  const stage = new Stage()
  const lamp = stage.phone('103')
  subscribe(lamp, '102')
  notified(lamp)
  stage.pass(between)
  const headers = ['WG67-Version: phone.01', 'Subject: IA call', 'Priority: urgent']
  stage.a.call('102', sdp(stage.a.endpoint), headers)
  stage.pass(between)
  t.true(stage.b.heard('INVITE'))
  t.deepEqual(notified(lamp), [])
})

test('presence says registered, busy and offline', (t) => {
  const stage = new Stage()
  const { b } = stage
  const watcher = stage.phone('103')
  const state = () => {
    stage.pass(between)
    const root = documentOf(notified(watcher).at(-1))
    return [...texts(root, 'basic'), ...texts(root, 'note')].join()
  }
  subscribe(watcher, '102', { event: 'presence', expires: 7_200 })
  t.is(state(), 'open,registered')
  ring(stage)
  t.is(state(), 'open,busy')
  b.respond(b.asked('INVITE'), 486)
  t.is(state(), 'open,registered')
  stage.pass(3_600_000)
  t.is(state(), 'closed,offline')
})

test('an account watches its own registration and no other one', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  subscribe(a, '101', { event: 'reg' })
  t.deepEqual(texts(documentOf(notified(a)[0]), 'uri'), ['sip:101@10.0.1.01:5060'])
  subscribe(b, '101', { event: 'reg' })
  t.true(b.heard(403))
  t.is(stage.tables.subscription.size, 1)
})

test('a conference tells its members, and that it is no more', (t) => {
  const stage = conferenceStage()
  const watcher = stage.phone('103')
  subscribe(watcher, '710', { event: 'conference' })
  t.true(watcher.heard(404))
  dialIn(stage, '241', '710')
  pickUp(stage, '231')
  for (const phone of presetMembers.slice(1)) {
    stage.phone(phone).respond(stage.phone(phone).asked('INVITE'), 486)
  }
  subscribe(watcher, '710', { event: 'conference' })
  accepted(watcher)
  const info = documentOf(notified(watcher)[0])
  t.is(info.name, 'conference-info')
  t.deepEqual(texts(info, 'user-count'), ['2'])
  t.deepEqual(
    find(info, 'user').map((user) => [
      user.attributes.get('entity'),
      ...texts(user, 'joining-method'),
    ]),
    [
      [`sip:241@${service}`, 'dialed-in'],
      [`sip:231@${service}`, 'dialed-out'],
    ],
  )
  stage.pass(between)
  stage.order('710', { kind: 'mute', user: '231', muted: true })
  const muted = find(documentOf(newest(stage, watcher)), 'media')
  t.deepEqual(
    muted.flatMap((one) => texts(one, 'status')),
    ['sendrecv', 'recvonly'],
  )
  hangUpPhone(stage.phone('231'))
  t.deepEqual(texts(documentOf(newest(stage, watcher)), 'user-count'), ['1'])
  hangUpPhone(stage.phone('241'))
  const last = newest(stage, watcher)
  t.is(stateOf(last), 'terminated;reason=noresource')
  t.is(documentOf(last).attributes.get('state'), 'deleted')
  t.is(stage.tables.subscription.size, 0)
})

test('what cannot be subscribed to is refused, each with its status', (t) => {
  const stage = new Stage()
  const watcher = stage.phone('103')
  const refusal = (status: number, name: string) => {
    const value = header(watcher.told(status), name) ?? ''
    watcher.inbox.length = 0
    return value
  }
  subscribe(watcher, '102', { event: 'winfo' })
  t.regex(refusal(489, 'Allow-Events'), /^dialog, presence, conference, reg, refer$/)
  subscribe(watcher, '102', { event: 'refer' })
  t.true(watcher.heard(403))
  watcher.inbox.length = 0
  subscribe(watcher, '102', { event: 'dialog;id="quoted"', mark: 'quoted' })
  t.true(watcher.heard(489))
  subscribe(watcher, '102', { headers: ['Accept: text/plain'] })
  t.is(refusal(406, 'Accept'), 'application/dialog-info+xml')
  subscribe(watcher, '102', { headers: ['Accept: text/plain, application/*;q=0.5'] })
  t.is(accepted(watcher), 600)
  renew(watcher, 29)
  t.is(refusal(423, 'Min-Expires'), '30')
  renew(watcher, 60, 'presence')
  t.true(watcher.heard(403), 'one subscription a dialog')
  subscribe(watcher, '199')
  t.true(watcher.heard(404))
  watcher.remoteTag = 'unknown'
  renew(watcher, 600)
  t.true(watcher.heard(481))
  stage.tables.user.delete('103')
  subscribe(watcher, '102', { mark: 'stranger' })
  t.regex(refusal(401, 'WWW-Authenticate'), /^Digest/)
  t.is(stage.tables.subscription.size, 1)
})

test('another account cannot end or renew a subscription', (t) => {
  const stage = new Stage()
  const watcher = stage.phone('103')
  subscribe(watcher, '102')
  accepted(watcher)
  const { callId, remoteTag, remoteUser, target } = watcher
  Object.assign(stage.a, { callId, remoteTag, remoteUser, target, localTag: 'w103', cseq: 9 })
  renew(stage.a, 0)
  t.true(stage.a.heard(403))
  t.is(stage.tables.subscription.size, 1)
})

test('a subscription that is not renewed ends with its time, a renewed one later', (t) => {
  const stage = new Stage()
  const watcher = stage.phone('103')
  subscribe(watcher, '102', { expires: 60 })
  accepted(watcher)
  notified(watcher)
  stage.pass(50_000)
  renew(watcher, 60)
  t.deepEqual(notified(watcher).map(stateOf), ['active;expires=60'])
  stage.pass(59_000)
  t.deepEqual(notified(watcher), [])
  stage.pass(1_000)
  t.deepEqual(notified(watcher).map(stateOf), ['terminated;reason=timeout'])
  t.is(stage.tables.subscription.size, 0)
  subscribe(watcher, '102', { expires: 0, mark: 'fetch' })
  t.is(accepted(watcher), 0)
  const fetched = notified(watcher)
  t.deepEqual(fetched.map(stateOf), ['terminated;reason=timeout'])
  t.is(documentOf(fetched[0]).name, 'dialog-info')
  t.is(stage.tables.subscription.size, 0, 'told once, and nothing is kept')
})

test('a subscriber that has forgotten, or is silent, is not told any more', (t) => {
  const answers: [number | null, number][] = [
    [481, 0],
    [489, 0],
    [500, 1],
    [null, 0],
  ]
  for (const [status, left] of answers) {
    const stage = new Stage()
    const watcher = stage.phone('103')
    subscribe(watcher, '102', { expires: 7_200 })
    if (status !== null) notified(watcher, status)
    stage.pass(33_000)
    t.is(stage.tables.subscription.size, left, `${status}`)
  }
})

test('many changes make few notifications, and the last one tells the newest state', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  const watcher = stage.phone('103')
  subscribe(watcher, '102')
  let sum = notified(watcher).length
  for (let round = 0; round < 20; round++) {
    ring(stage)
    b.respond(b.asked('INVITE'), 486)
    sum += notified(watcher).length
    stage.pass(50)
    a.callId = `round-${round}`
  }
  stage.pass(between)
  const last = notified(watcher)
  sum += last.length
  t.true(sum <= 2 + 1_000 / between, `${sum} in a second`)
  t.is(texts(documentOf(last.at(-1)), 'state').join(), '')
  // One that is not answered holds back the next one.
  ring(stage)
  stage.pass(100)
  b.respond(b.asked('INVITE'), 486)
  stage.pass(2_000)
  t.is(new Set(watcher.inbox.map(({ cseq }) => cseq.number)).size, 1)
})

test('one account has so many subscriptions, and a change for all leaves in bursts', (t) => {
  const stage = new Stage()
  const watcher = stage.phone('103')
  for (let count = 0; count < limits.subscriptionsPerUserMax; count++) {
    subscribe(watcher, '102', { mark: `key-${count}`, expires: 7_200 })
    stage.pass(1)
    notified(watcher)
  }
  t.is(stage.tables.subscription.size, limits.subscriptionsPerUserMax)
  subscribe(watcher, '102', { mark: 'too-many' })
  t.true(watcher.heard(403))
  notified(watcher)
  stage.pass(between)
  stage.sent = 0
  ring(stage)
  const [perTurn, bursts] = [
    limits.notifyBurst,
    limits.subscriptionsPerUserMax / limits.notifyBurst,
  ]
  t.true(stage.sent < perTurn + 5, `${stage.sent} at once`)
  stage.pass(limits.notifyBurstMs * (bursts + 1))
  t.is(notified(watcher).length, limits.subscriptionsPerUserMax)
})

test('a name of any characters makes a readable document', (t) => {
  const stage = new Stage()
  const entry = stage.tables.phoneBook.get('101')
  if (entry === undefined) throw new Error('no account')
  const displayName = `"Tower" <&'>\u0007${'\u{1F6EB}'.repeat(60)}`
  stage.tables.phoneBook.put({ ...entry, displayName })
  const watcher = stage.phone('103')
  subscribe(watcher, '102')
  notified(watcher)
  stage.pass(between)
  ring(stage)
  stage.pass(between)
  const [, remote] = find(documentOf(notified(watcher).at(-1)), 'identity')
  t.regex(remote?.attributes.get('display') ?? '', /^"Tower" <&'>\u{FFFD}\u{1F6EB}+$/u)
})

/** One step of the story of a watcher; each leaves at most one NOTIFY to be looked at. */
const story: readonly [string, (stage: Stage) => void, string][] = [
  ['subscribed', ({ phones }) => subscribe(phoneOf(phones, '103'), '102'), ''],
  ['ringing', ring, 'early'],
  ['talking', talk, 'confirmed'],
  ['over', hangUp, ''],
]

function phoneOf(phones: ReadonlyMap<string, Phone>, number: string): Phone {
  const phone = phones.get(number)
  if (phone === undefined) throw new Error(`no telephone ${number}`)
  return phone
}

for (const [index, [when]] of story.entries()) {
  for (const lost of [false, true]) {
    test(`a new primary goes on ${when}, the last NOTIFY ${lost ? 'lost' : 'answered'}`, (t) => {
      const stage = new Stage()
      const watcher = stage.phone('103')
      let seq = 0
      for (const [at, [, step, state]] of story.entries()) {
        step(stage)
        if (at === 0) accepted(watcher)
        if (at === index) {
          if (lost) watcher.inbox.length = 0
          else seq = notified(watcher).at(-1)?.cseq.number ?? 0
          stage.takeOver()
        }
        const last = newest(stage, watcher)
        t.is(texts(documentOf(last), 'state').join(), state)
        t.is(last?.callId, watcher.callId)
        t.true((last?.cseq.number ?? 0) > seq, 'numbers grow')
        seq = last?.cseq.number ?? 0
        t.is(Number(documentOf(last).attributes.get('version')), seq - 1)
      }
      renew(watcher, 0)
      t.deepEqual(notified(watcher).map(stateOf), ['terminated;reason=timeout'])
      t.is(stage.tables.subscription.size, 0)
    })
  }
}

test('a SUBSCRIBE that the dead node took, or did not, is answered once by the new one', (t) => {
  const stage = new Stage()
  const watcher = stage.phone('103')
  subscribe(watcher, '102')
  const tag = watcher.told(200).to.parameters.get('tag')
  watcher.inbox.length = 0
  stage.takeOver()
  stage.lastSent()
  t.is(watcher.told(200).to.parameters.get('tag'), tag)
  t.is(stage.tables.subscription.size, 1)
  accepted(watcher)
  stage.die()
  renew(watcher, 300)
  stage.takeOver()
  stage.pass(between)
  t.is(accepted(watcher), 300, 'the dead node did not hear it, the new one did')
})
