//! The forwarding of a position by an OPTIONS with a body (ED-137 sheet 5.11).
import test from 'ava'
import { readForwarding } from '../../src/switching/xip/forwarding.ts'
import { profileOf } from '../../src/tables/profile.ts'
import { type Phone, Stage, service } from './core-stage.ts'
import { peerOf, trunkStage } from './trunk-stage.ts'

/** As the standard writes it, with the final target first. */
function body(head: string, ...tails: string[]): string {
  return bodyAt(service, head, ...tails)
}

/** @param host where the targets are */
function bodyAt(host: string, head: string, ...tails: string[]): string {
  const ids = tails.map((tail) => `      <id>sip:${tail}@${host}</id>\n`).join('')
  const list = tails.length === 0 ? '' : `\n    <list type="div">\n${ids}    </list>\n`
  return [
    '<ed137 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
    '  <cfwd_basic>',
    `    <uri id="sip:${head}@10.10.0.5">${list}</uri>`,
    '  </cfwd_basic>',
    '</ed137>',
  ].join('\r\n')
}

/** @returns the status. */
function ask(phone: Phone, text: string): number {
  phone.inbox.length = 0
  phone.callId = 'options'
  phone.localTag = 'o'
  phone.remoteTag = ''
  phone.remoteUser = '102'
  phone.target = `sip:102@${service}`
  phone.request('OPTIONS', { body: text, headers: ['Content-Type: application/xml'] })
  const [answer] = phone.inbox
  return answer?.kind === 'response' ? answer.status : 0
}

function alwaysOf(stage: Stage, number: string): string | null {
  const entry = stage.tables.phoneBook.get(number)
  return entry === undefined ? null : profileOf(entry).settings.forward.always
}

test('a position forwards itself, its calls go there, and a release ends it; over a take-over too', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  t.is(ask(b, body('102', '103')), 200)
  t.like(readForwarding(b.told(200).body), { head: '102', tails: ['103'] })
  t.is(alwaysOf(stage, '102'), '103')
  stage.takeOver()
  a.call('102')
  t.true(stage.phone('103').heard('INVITE'))
  t.false(b.heard('INVITE'))
  t.is(ask(b, body('102')), 200)
  t.is(alwaysOf(stage, '102'), null)
  t.is(ask(b, body('102')), 200, 'a release is always right')
})

test('a target that is forwarded itself: the answer names all, the last one first', (t) => {
  const stage = new Stage()
  t.is(ask(stage.b, body('102', '103')), 200)
  t.is(ask(stage.a, body('101', '102')), 200)
  t.like(readForwarding(stage.a.told(200).body), { head: '101', tails: ['103', '102'] })
  t.is(ask(stage.phone('103'), body('103', '101')), 482, 'a circle')
  t.is(ask(stage.b, body('102', '102')), 482)
  t.is(alwaysOf(stage, '103'), null)
})

test('a target of another system is none of this one, though it has the same number', (t) => {
  const stage = new Stage()
  for (const host of ['10.10.0.7', 'other.system', '10.0.1.99:5060', '', `${service}.other`]) {
    t.is(ask(stage.b, bodyAt(host, '102', '103')), 403, host)
    t.is(alwaysOf(stage, '102'), null)
  }
  const own = stage.phone('103').endpoint.address
  for (const host of [service, `${service}:5060`, 'VCCS.test', own, `${own}:5060;transport=udp`]) {
    t.is(ask(stage.b, bodyAt(host, '102', '103')), 200, host)
  }
})

test('nobody sets it for somebody else, or to nowhere', (t) => {
  const stage = new Stage()
  t.is(ask(stage.a, body('102', '103')), 403)
  t.is(ask(stage.a, body('101', '4711')), 404)
  t.is(alwaysOf(stage, '101'), null)
  t.is(alwaysOf(stage, '102'), null)
  const trunks = trunkStage()
  const peer = peerOf(trunks, 1)
  const liar = Object.assign(peer, { number: '102' })
  t.is(ask(liar, body('102', '103')), 403)
  t.is(alwaysOf(trunks, '102'), null)
})

test('an OPTIONS with anything else in it is an ordinary one', (t) => {
  const stage = new Stage()
  for (const text of ['', 'x', '<ed137 a="b">', body('102', '103').slice(0, 90), '<cfwd_basic/>']) {
    t.is(ask(stage.b, text), 200, text)
    t.not(stage.b.told(200).headers.length, 0)
  }
  t.is(ask(stage.b, `<ed137 ${'<id>'.repeat(900)}</ed137>`), 200)
  t.is(alwaysOf(stage, '102'), null)
})
