//! A core with calls in several states, and good messages of every method for each of them: what is mutated.
import { createHash } from 'node:crypto'
import type { CoreEffect, Now } from '../../src/switching/effects.ts'
import type { Endpoint } from '../../src/wire/sip/message.ts'
import { type Line, Phone, Stage, sdp, service } from '../../test/switching/core-stage.ts'

/** A good message, and whose it is. */
export interface Original {
  readonly name: string
  readonly text: string
  readonly source: Endpoint
}

const numbers = ['104', '105', '106', '107', '108', '109', '110', '111', '112', '113']
const password = 'secret'
const realm = 'vccs.test'

/** `besieged`: calls that the messages are for; `bystanders`: calls that no message is for. */
export class Besieged {
  readonly stage = new Stage({ lastPort: 20_099 })
  readonly originals: Original[] = []

  constructor() {
    for (const number of numbers) this.stage.addPhone(number, 'telephone')
    this.#talk('101', '102')
    this.#talk('104', '105')
    this.#hold('104', '105')
    this.#ring('106', '107')
    this.#talk('108', '109')
    this.#beginToHold('108', '109')
    // Bystanders.
    this.#talk('110', '111')
    this.#ring('112', '113')
    this.#ofTalk('101', '102')
    this.#ofTalk('104', '105')
    this.#ofRinging('106', '107')
    this.#ofHolding('108', '109')
    this.#ofNobody()
  }

  now(): Now {
    return { ...this.stage.now, tick: Math.floor(this.stage.now.tick) }
  }

  receive(bytes: Uint8Array, source: Endpoint): CoreEffect[] {
    return this.stage.core.receive(bytes, source, this.now())
  }

  /** Time goes on; what the core sends meanwhile. */
  pass(ms: number): CoreEffect[] {
    const { now, core } = this.stage
    now.monotonicMs += ms
    now.wallMs += ms
    now.tick += ms / 20
    return core.advance(this.now())
  }

  #phone(number: string): Phone {
    return this.stage.phone(number)
  }

  #talk(from: string, to: string): void {
    const [a, b] = [this.#phone(from), this.#phone(to)]
    a.call(to)
    b.respond(b.asked('INVITE'), 180)
    b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
    a.ack(a.told(200))
    b.cseq = 100
  }

  #ring(from: string, to: string): void {
    const [a, b] = [this.#phone(from), this.#phone(to)]
    a.call(to)
    b.respond(b.asked('INVITE'), 180)
  }

  #hold(from: string, to: string): void {
    const [a, b] = [this.#phone(from), this.#phone(to)]
    this.#beginToHold(from, to)
    b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { direction: 'recvonly', version: 2 }))
    a.ack(a.told(200))
  }

  #beginToHold(from: string, _to: string): void {
    const a = this.#phone(from)
    a.reinvite(sdp(a.endpoint, { direction: 'sendonly', version: 2 }))
  }

  /** Messages of this telephone are written down instead of being sent. */
  #written(number: string, say: (phone: Phone) => void): void {
    const phone = this.#phone(number)
    const texts: string[] = []
    const line: Line = { fromNetwork: (text) => texts.push(text), lastSent: () => {} }
    const copy = Object.assign(new Phone(line, number, phone.endpoint), {
      callId: phone.callId,
      localTag: phone.localTag,
      remoteTag: phone.remoteTag,
      target: phone.target,
      remoteUser: phone.remoteUser,
      cseq: phone.cseq,
      branch: phone.branch + 500,
    })
    copy.inbox.push(...phone.inbox)
    say(copy)
    for (const text of texts) {
      const name = `${number} ${text.slice(0, text.indexOf('\r\n')).split(' ').slice(0, 2).join(' ')}`
      this.originals.push({ name, text, source: phone.endpoint })
    }
  }

  #ofTalk(from: string, to: string): void {
    for (const number of [from, to]) {
      this.#written(number, (phone) => {
        phone.request('BYE')
        phone.reinvite(sdp(phone.endpoint, { direction: 'inactive', version: 5 }))
        phone.reinvite(sdp(phone.endpoint, { version: 6 }))
        phone.reinvite('')
        phone.request('INFO', {
          body: 'Signal=5\r\nDuration=160\r\n',
          headers: ['Content-Type: application/dtmf-relay'],
        })
        for (const method of ['OPTIONS', 'UPDATE', 'PRACK', 'MESSAGE', 'NOTIFY'])
          phone.request(method)
        phone.request('REFER', {
          headers: ['Refer-To: <sip:110@10.0.0.9>', 'Referred-By: <sip:101@10.0.0.9>'],
        })
        phone.request('ACK', { cseq: phone.cseq })
      })
    }
  }

  #ofRinging(from: string, to: string): void {
    this.#written(from, (phone) => {
      phone.branch = 1
      phone.request('CANCEL', { cseq: phone.cseq })
      phone.branch = 0
      phone.cseq -= 1
      phone.call(to)
    })
    this.#written(to, (phone) => {
      const invite = phone.asked('INVITE')
      phone.respond(invite, 180)
      phone.respond(invite, 183, sdp(phone.endpoint), ['RSeq: 1', 'Require: 100rel'])
      phone.respond(invite, 200, sdp(phone.endpoint))
      phone.respond(invite, 302, '', ['Contact: <sip:103@10.0.1.3>'])
      phone.respond(invite, 486, '', ['Reason: WG-67;cause=2004;text="busy"'])
      phone.respond(invite, 401, '', ['WWW-Authenticate: Digest realm="a", nonce="b"'])
    })
  }

  #ofHolding(from: string, to: string): void {
    this.#written(from, (phone) => phone.request('BYE'))
    this.#written(to, (phone) => {
      const invite = phone.asked('INVITE')
      phone.respond(invite, 100)
      phone.respond(invite, 200, sdp(phone.endpoint, { direction: 'recvonly', version: 2 }))
      phone.respond(invite, 491)
    })
  }

  /** Outside of dialogs. */
  #ofNobody(): void {
    this.#written('103', (phone) => {
      const headers = [
        'WG67-Version: phone.01;phone.02',
        'Subject: DA/IDA call',
        'Priority: emergency',
        'Supported: 100rel, timer',
        'Session-Expires: 1800;refresher=uac',
        'Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO',
        'User-Agent: "a phone"',
        'P-Asserted-Identity: "Tower" <sip:103@10.0.0.9>',
        'History-Info: <sip:103@10.0.0.9>;index=1',
        'Diversion: <sip:103@10.0.0.9>;reason=unconditional',
      ]
      phone.call('900', sdp(phone.endpoint), headers)
      phone.call('900', '')
      phone.call('777')
      for (const method of ['OPTIONS', 'MESSAGE', 'PUBLISH', 'BYE', 'DANCE']) phone.request(method)
      phone.request('SUBSCRIBE', { headers: ['Event: dialog', 'Expires: 600'] })
      phone.request('INVITE', {
        headers: [`Replaces: x;to-tag=y;from-tag=z`],
        body: sdp(phone.endpoint),
      })
    })
    this.#register()
  }

  #register(): void {
    const { tables } = this.stage
    const phone = this.#phone('103')
    const entry = tables.phoneBook.get('103')
    if (entry !== undefined) tables.phoneBook.put({ ...entry, ha1Md5: ha1('103') })
    phone.remoteUser = '103'
    phone.target = `sip:${service}`
    phone.request('REGISTER')
    const value =
      phone.told(401).headers.find(({ name }) => name === 'WWW-Authenticate')?.value ?? ''
    const nonce = /nonce="([^"]*)"/.exec(value)?.[1] ?? ''
    const response = md5(`${ha1('103')}:${nonce}:00000001:c:auth:${md5(`REGISTER:sip:${service}`)}`)
    const shown =
      `Authorization: Digest username="103", realm="${realm}", nonce="${nonce}", uri="sip:${service}", ` +
      `qop=auth, nc=00000001, cnonce="c", algorithm=MD5, response="${response}"`
    this.#written('103', (copy) => {
      copy.request('REGISTER', { headers: [shown, 'Expires: 600'] })
      copy.request('REGISTER', { headers: ['Expires: 600'] })
    })
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

function ha1(number: string): string {
  return md5(`${number}:${realm}:${password}`)
}
