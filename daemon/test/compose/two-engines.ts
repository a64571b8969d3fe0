//! Two whole switch processes without I/O, for tests: joined by sync links that can be cut, each on its
//! half of a terminal LAN, with a media unit that does what it is told. The test is the pair unit.
import { NodeDisk } from '../../sim/node/disk.ts'
import { assert } from '../../src/assert.ts'
import type { BusMessage, Role } from '../../src/bus/messages.ts'
import { makeLogHub } from '../../src/compose/log-hub.ts'
import { SwitchEngine } from '../../src/compose/switch-engine.ts'
import { parseNodeConfig } from '../../src/oam/node-config-load.ts'
import type { Log } from '../../src/platform/log.ts'
import type { JournalFile } from '../../src/replication/journal.ts'
import { tableNames } from '../../src/tables/address.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import type { Endpoint } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { healthyPeer, pairStatus } from '../pair/pair-status.ts'
import { Phone, service } from '../switching/core-stage.ts'
import { plainAccount, plainUser } from '../tables/plain-records.ts'

type Name = 'a' | 'b'

interface Held {
  readonly atMs: number
  run(): void
}

export interface Node {
  readonly name: Name
  readonly engine: SwitchEngine
  /** What the media unit was told, but what repeats. */
  readonly orders: BusMessage[]
  /** Legs of the media unit. */
  readonly legs: Map<string, WiredMedia>
  readonly journal: JournalFile
  readonly lines: { text: string; fields: Record<string, unknown> }[]
}

export const keys = {
  heartbeat: new Uint8Array(32).fill(1),
  sync: new Uint8Array(32).fill(2),
  digest: new Uint8Array(32).fill(3),
  relay: new Uint8Array(32).fill(4),
}

export class TwoEngines {
  nowMs = 10_000
  /** No datagram between the nodes comes through. */
  cut = false
  /** The two halves of the terminal LAN do not hear each other. */
  split = false
  readonly a: Node
  readonly b: Node
  readonly phones = new Map<string, { phone: Phone; half: Name }>()
  #held: Held[] = []
  #only: Name | null = null
  #term = 10
  #seed = 1

  constructor() {
    this.a = this.#makeNode('a')
    this.b = this.#makeNode('b')
    for (const half of ['a', 'b'] as const) {
      for (const index of [1, 2, 3, 4]) this.#addPhone(`${half === 'a' ? 1 : 2}0${index}`, half)
    }
  }

  phone(number: string): Phone {
    const there = this.phones.get(number)
    assert(there !== undefined, `no telephone ${number}`)
    return there.phone
  }

  /** `a` serves, `b` follows, and they hear each other. */
  join(): void {
    this.setRole('a', 'primary', 1)
    this.setRole('b', 'standby', 1)
    this.setPeers(true)
    this.pass(1_000)
  }

  setRole(name: Name, role: Role, term: number, merge?: 'give' | 'take'): void {
    const word = { role, alone: false, term, because: 'test', peerServedAtMs: null }
    const message = { kind: 'role', ...word } as const
    this[name].engine.pair.take(merge === undefined ? message : { ...message, merge })
  }

  setPeers(alive: boolean): void {
    this.cut = !alive
    for (const name of ['a', 'b'] as const) this.hears(name, alive)
  }

  /** Pair says of the peer whether it lives, and what it thinks of it. */
  hears(name: Name, alive: boolean, peer: { ready?: boolean; inStep?: boolean } = {}): void {
    const { engine } = this[name]
    const known = alive ? { ...healthyPeer, ...peer } : null
    engine.pair.take(pairStatus({ role: engine.role, alone: !alive, peer: known }))
  }

  /** All links and the joint of the LAN are cut: after half a second both serve. */
  part(): void {
    this.cut = true
    this.split = true
    this.pass(500)
    this.setPeers(false)
    this.setRole('a', 'primary', 1)
    this.setRole('b', 'primary', 2)
  }

  /** Everything heals, and one loses. Its clock has to jump by so many ticks. */
  heal(loser: Name, shiftTicks = 0): void {
    const winner = loser === 'a' ? 'b' : 'a'
    this.split = false
    this.#term += 1
    this.setRole(loser, 'standby', this.#term, 'give')
    this.setRole(winner, 'primary', this.#term, 'take')
    this.setPeers(true)
    const offsetMs = shiftTicks * 20
    const clock = { kind: 'clock', offsetMs, synchronised: true, shiftTicks } as const
    this[loser].engine.pair.take(clock)
    this.pass(3_000)
  }

  pass(ms: number): void {
    const endMs = this.nowMs + ms
    for (;;) {
      const held = this.#held.reduce((next, { atMs }) => Math.min(next, atMs), endMs + 1)
      const timers = [this.a, this.b].map(({ engine }) => engine.nextTimerMs())
      const nextMs = Math.max(this.nowMs, Math.min(held, ...timers))
      if (nextMs > endMs) break
      this.nowMs = nextMs
      const due = this.#held.filter(({ atMs }) => atMs <= nextMs)
      this.#held = this.#held.filter(({ atMs }) => atMs > nextMs)
      for (const one of due) one.run()
      for (const { engine } of [this.a, this.b]) {
        if (engine.nextTimerMs() <= nextMs) engine.advance()
      }
    }
    this.nowMs = endMs
  }

  /** A call that is talking. */
  talk(from: string, to: string): void {
    const [caller, callee] = [this.phone(from), this.phone(to)]
    caller.inbox.length = 0
    callee.inbox.length = 0
    caller.call(to)
    this.pass(50)
    callee.respond(callee.asked('INVITE'), 200, sdpOf(callee))
    this.pass(50)
    caller.ack(caller.told(200))
    this.pass(50)
  }

  /** Only this node hears the terminals, wherever they are. */
  talkOn(node: Name, from: string, to: string): void {
    this.#only = node
    this.talk(from, to)
    this.#only = null
  }

  /** The caller hangs up, and the callee answers the BYE. */
  hangUp(from: string, to: string): void {
    const callee = this.phone(to)
    this.phone(from).request('BYE')
    this.pass(50)
    callee.respond(callee.asked('BYE'), 200)
    this.pass(50)
  }

  /** Tables that differ between the nodes. */
  different(): string[] {
    return tableNames.filter(
      (name) => this.a.engine.tables.hash(name) !== this.b.engine.tables.hash(name),
    )
  }

  #makeNode(name: Name): Node {
    const orders: BusMessage[] = []
    const legs = new Map<string, WiredMedia>()
    const lines: Node['lines'] = []
    const { journal } = new NodeDisk()
    const parsed = parseNodeConfig(nodeFile(name))
    assert(parsed.ok, 'the node file is good')
    const engine = new SwitchEngine({
      config: parsed.value,
      keys,
      log: makeLogHub(collecting(lines)),
      clock: { monotonicMs: () => this.nowMs, wallMs: () => 1_700_000_000_000 + this.nowMs },
      journalFile: journal,
      random: (length) => Uint8Array.from({ length }, () => this.#random()),
      sendSync: (bytes, link) => this.#sync(name, bytes, link),
      answerPeer: () => Promise.resolve(''),
      settled: () => undefined,
    })
    const node = { name, engine, orders, legs, lines, journal }
    this.#addMedia(node)
    engine.runner.attach({
      send: (bytes, _port, address) => this.#sip(name, Buffer.from(bytes), address),
    })
    engine.pair.attach({
      send: (message) => {
        if (message.kind !== 'switch-alive') return true
        const lease = { kind: 'lease', untilMs: this.nowMs + 500, echo: message.counter } as const
        this.#later(0.1, () => engine.pair.take(lease))
        return true
      },
      close: () => undefined,
      connected: true,
    })
    engine.begin()
    return node
  }

  #addMedia({ engine, orders, legs }: Node): void {
    let tell: (message: BusMessage) => void = () => undefined
    const send = (message: BusMessage): boolean => {
      if (message.kind !== 'conference-set') orders.push(message)
      if (message.kind === 'member-add' || message.kind === 'member-update') {
        legs.set(message.leg.mediaId, message.leg)
      }
      if (message.kind === 'member-delete') legs.delete(message.mediaId)
      if (!('ref' in message)) return true
      const { ref } = message
      this.#later(1, () => tell({ kind: 'media-response', ref, ok: true, detail: '' }))
      return true
    }
    engine.media.accept({
      send,
      sendAll: (messages) => messages.every(send),
      onMessage: (handler) => {
        tell = handler
      },
      onClose: () => undefined,
      close: () => undefined,
      queuedBytes: 0,
    })
    tell({ kind: 'hello', unit: 'media', pid: 1, version: 1 })
  }

  #addPhone(number: string, half: Name): void {
    const endpoint = { address: `10.0.1.${number}`, port: 5060 }
    const line = {
      lastSent: () => undefined,
      fromNetwork: (text: string, source: Endpoint) => this.#fromPhone(half, text, source),
    }
    this.phones.set(number, { phone: new Phone(line, number, endpoint), half })
    for (const { engine } of [this.a, this.b]) {
      engine.tables.table('phone-book').put(plainAccount(number))
    }
    const times = { registeredAtMs: 1_700_000_000_000, expiresAtMs: 1_800_000_000_000 }
    this.a.engine.tables.table('user').put(plainUser(number, endpoint, times))
  }

  #fromPhone(half: Name, text: string, source: Endpoint): void {
    const bytes = Buffer.from(text)
    for (const node of [this.a, this.b]) {
      if (this.split && node.name !== half) continue
      if (this.#only !== null && this.#only !== node.name) continue
      this.#later(1, () => node.engine.runner.receive(bytes, source))
    }
  }

  #sip(from: Name, bytes: Uint8Array, address: string): void {
    const message = parseSip(bytes)
    assert(message.kind !== 'malformed', 'the switch sends good messages')
    const line = [...this.phones.values()].find(({ phone }) => phone.endpoint.address === address)
    if (line === undefined || (this.split && line.half !== from)) return
    this.#later(1, () => line.phone.inbox.push(message))
  }

  #sync(from: Name, bytes: Uint8Array, link: number): void {
    const to = from === 'a' ? 'b' : 'a'
    if (this.cut) return
    const copy = Uint8Array.from(bytes)
    this.#later(0.2, () => {
      if (!this.cut) this[to].engine.sync.received(copy, link)
    })
  }

  #later(ms: number, run: () => void): void {
    this.#held.push({ atMs: this.nowMs + ms, run })
  }

  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0
    return this.#seed >>> 24
  }
}

function nodeFile(name: Name): string {
  const [own, peer] = name === 'a' ? ['127.8.1.1', '127.8.1.2'] : ['127.8.1.2', '127.8.1.1']
  return `node: vccs-${name}
site: tower
links: [{ name: net-a, own: ${own}, peer: ${peer} }]
pair: { keyFile: pair.key }
service: { address: ${service}, interface: lo, rtpPorts: { first: 20000, last: 20079 } }
`
}

function sdpOf({ endpoint }: Phone): string {
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${endpoint.address}`,
    's=-',
    `c=IN IP4 ${endpoint.address}`,
    't=0 0',
    'm=audio 4000 RTP/AVP 8',
    '',
  ].join('\r\n')
}

function collecting(lines: Node['lines']): Log {
  const write = (text: string, fields: Record<string, unknown> = {}) => {
    lines.push({ text, fields })
  }
  const log: Log = {
    debug: () => undefined,
    info: write,
    warn: write,
    error: write,
    child: () => log,
    flush: () => undefined,
  }
  return log
}
