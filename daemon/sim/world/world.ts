//! The whole: two nodes, their links, the terminal LAN with its telephones, and the record of what went
//! wrong. One process, one virtual clock.
import { createHash } from 'node:crypto'
import type { NodeConfig } from '../../src/oam/node-config.ts'
import { derivePairKeys, parseNodeConfig } from '../../src/oam/node-config-load.ts'
import type { PhoneBookEntry } from '../../src/tables/phone-book.ts'
import { decodeHeartbeat, encodeHeartbeat } from '../../src/wire/heartbeat.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import type { NodeName } from '../node/host.ts'
import { type NodeOutlets, SimNode } from '../node/node.ts'
import type { Plan } from '../plan.ts'
import { Callers } from '../telephones/callers.ts'
import { type Call, Calls } from '../telephones/calls.ts'
import { Telephone } from '../telephones/telephone.ts'
import { damage, Path } from './network.ts'
import { Random } from './random.ts'
import { Timeline } from './timeline.ts'

const service = '10.0.0.9'
const realm = 'vccs.sim'
const linkNames = ['net-a', 'net-b', 'private']
const traceMax = 4_000

export interface Violation {
  readonly atMs: number
  readonly rule: string
  readonly detail: string
}

/** What watches the world; `checks.ts`. */
export interface Watcher {
  sentSip(node: SimNode): void
  changed(node: SimNode): void
  losing(node: SimNode): void
  callChanged(call: Call): void
  noted(node: SimNode, text: string, fields: Readonly<Record<string, unknown>>): void
}

export class World {
  readonly plan: Plan
  readonly timeline = new Timeline()
  readonly random: Random
  readonly a: SimNode
  readonly b: SimNode
  readonly phones: Telephone[] = []
  readonly calls: Calls
  readonly callers: Callers
  readonly violations: Violation[] = []
  readonly trace: string[] = []
  /** Set once, by the checks. */
  watcher: Watcher | null = null
  /** Told each line of the trace. */
  onLine: ((line: string) => void) | null = null
  readonly #links: { readonly a: Path; readonly b: Path }[] = []
  readonly #toNode: Record<NodeName, Path>
  readonly #fromNode: Record<NodeName, Path>
  readonly #key: Uint8Array

  constructor(plan: Plan) {
    this.plan = plan
    this.random = new Random(`world ${plan.seed}`)
    const { timeline } = this
    const path = (name: string) => new Path(timeline, new Random(`${name} ${plan.seed}`))
    for (let link = 0; link < plan.links; link++) {
      this.#links.push({ a: path(`link ${link} a`), b: path(`link ${link} b`) })
    }
    this.#toNode = { a: path('to a'), b: path('to b') }
    this.#fromNode = { a: path('from a'), b: path('from b') }
    this.#key = derivePairKeys(secretOf(plan.seed)).heartbeat
    const accounts = numbersOf(plan).map(accountOf)
    this.a = this.#makeNode('a', accounts)
    this.b = this.#makeNode('b', accounts)
    this.calls = new Calls({
      nowMs: () => timeline.nowMs,
      note: (text) => this.note('calls', text),
      lost: (call, how) =>
        this.violate('call-lost', `call ${call.id}, ${call.caller} to ${call.callee}: ${how}`),
      changed: (call) => this.watcher?.callChanged(call),
    })
    for (const [index, number] of numbersOf(plan).entries()) this.#addPhone(number, index)
    this.callers = new Callers({
      phones: this.phones,
      calls: this.calls,
      timeline,
      random: new Random(`callers ${plan.seed}`),
      habits: plan.habits,
    })
  }

  get nodes(): readonly [SimNode, SimNode] {
    return [this.a, this.b]
  }

  other(node: SimNode): SimNode {
    return node === this.a ? this.b : this.a
  }

  /** Both directions of a link; `a` is what node a sends. */
  get links(): readonly { readonly a: Path; readonly b: Path }[] {
    return this.#links
  }

  /** The terminal LAN: towards and from each node. */
  get lan(): { readonly to: Record<NodeName, Path>; readonly from: Record<NodeName, Path> } {
    return { to: this.#toNode, from: this.#fromNode }
  }

  note(who: string, text: string): void {
    this.timeline.noteText(text)
    const line = `${this.timeline.nowMs.toFixed(3).padStart(14)} ${who.padEnd(8)} ${text}`
    this.onLine?.(line)
    this.trace.push(line)
    if (this.trace.length > traceMax) this.trace.splice(0, traceMax / 2)
  }

  violate(rule: string, detail: string): void {
    this.violations.push({ atMs: this.timeline.nowMs, rule, detail })
    this.note('CHECK', `${rule}: ${detail}`)
  }

  start(): void {
    this.a.boot()
    this.timeline.after(this.random.between(0, 2_000), () => this.b.boot())
    for (const phone of this.phones) {
      this.timeline.after(this.random.between(1_500, 4_000), () => phone.register())
    }
    this.callers.start()
  }

  #makeNode(name: NodeName, accounts: readonly PhoneBookEntry[]): SimNode {
    const { plan, timeline } = this
    const random = new Random(`node ${name} ${plan.seed}`)
    return new SimNode(
      {
        name,
        config: configOf(name, plan),
        keys: derivePairKeys(secretOf(plan.seed)),
        accounts,
        timeline,
        random,
        clockAheadMs: random.between(1_000, 1_000_000),
        clockPpm: random.between(-50, 50),
        wallAheadMs: random.between(-200, 200),
      },
      this.#outlets(),
    )
  }

  #outlets(): NodeOutlets {
    return {
      heartbeat: (from, link, heartbeat) => this.#carryHeartbeat(from, link, heartbeat),
      sync: (from, link, bytes) => this.#carrySync(from, link, bytes),
      sip: (from, bytes, address) => this.#carrySip(from, bytes, address),
      note: (from, unit, text, fields) => {
        this.note(`${from.name} ${unit}`, describe(text, fields))
        this.watcher?.noted(from, text, fields)
      },
      defect: (from, unit, error) => {
        const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
        this.violate('defect', `${from.name} ${unit}: ${detail}`)
      },
      changed: (from) => this.watcher?.changed(from),
      losing: (from) => this.watcher?.losing(from),
    }
  }

  #addPhone(number: string, index: number): void {
    const address = `10.0.1.${index + 1}`
    const phone = new Telephone(
      {
        number,
        address,
        service,
        realm,
        password: passwordOf(number),
        timeline: this.timeline,
        random: new Random(`phone ${number} ${this.plan.seed}`),
      },
      {
        send: (text) => this.#fromPhone(address, text),
        event: (from, event, detail) => {
          this.calls.event(from, event, detail)
          this.callers.react(from, event)
        },
      },
    )
    this.phones.push(phone)
  }

  /** As a value: the bytes are made only when they are damaged on their way. */
  #carryHeartbeat(from: SimNode, link: number, heartbeat: Heartbeat): void {
    const to = this.other(from)
    const path = this.#links[link]?.[from.name]
    this.timeline.note(heartbeat.sequence)
    path?.send((atMs, damaged) => {
      if (damaged) {
        const bytes = damage(encodeHeartbeat(heartbeat, this.#key), this.random)
        if (typeof decodeHeartbeat(bytes, this.#key) === 'string') return
        this.violate('damaged-accepted', 'a heartbeat with a changed bit was read')
      }
      to.pair.process.deliver(atMs, () => to.pair.heard(link, heartbeat))
    })
  }

  #carrySync(from: SimNode, link: number, bytes: Uint8Array): void {
    const to = this.other(from)
    this.timeline.noteBytes(bytes)
    this.#links[link]?.[from.name].send((atMs, damaged) => {
      const arrived = damaged ? damage(bytes, this.random) : bytes
      to.switch.process.deliver(atMs, () => to.switch.receiveSync(arrived, link))
    })
  }

  #carrySip(from: SimNode, bytes: Uint8Array, address: string): void {
    this.timeline.noteText(Buffer.from(bytes).toString('utf8'))
    this.watcher?.sentSip(from)
    const phone = this.phones.find((one) => one.address === address)
    if (phone === undefined) return
    this.#fromNode[from.name].send((atMs) => {
      this.timeline.at(atMs, () => phone.receive(bytes))
    })
  }

  /** The LAN floods what is for the service address: both nodes hear it. */
  #fromPhone(address: string, text: string): void {
    const bytes = Buffer.from(text, 'utf8')
    this.timeline.noteText(text)
    for (const node of this.nodes) {
      this.#toNode[node.name].send((atMs) => {
        node.receiveSip(atMs, bytes, { address, port: 5060 })
      })
    }
  }
}

function secretOf(seed: number): Uint8Array {
  return createHash('sha256').update(`pair ${seed}`).digest()
}

function numbersOf({ phones }: Plan): string[] {
  return Array.from({ length: phones }, (_, index) => String(1001 + index))
}

function passwordOf(number: string): string {
  return `password of ${number}`
}

function accountOf(number: string): PhoneBookEntry {
  const digest = (name: string) =>
    createHash(name)
      .update(`${number}:${realm}:${passwordOf(number)}`)
      .digest('hex')
  return {
    number,
    type: 'telephone',
    displayName: '',
    ha1Md5: digest('md5'),
    ha1Sha256: digest('sha256'),
    digest: 'md5',
    profile: null,
    priority: 2,
    // One of eight cannot take two copies of each packet.
    twin: Number(number) % 8 !== 3,
  }
}

function configOf(name: NodeName, plan: Plan): NodeConfig {
  const host = (of: NodeName, link: number) => `192.168.${link + 1}.${of === 'a' ? 200 : 201}`
  const links = linkNames.slice(0, plan.links).map((link, index) => ({
    name: link,
    own: host(name, index),
    peer: host(name === 'a' ? 'b' : 'a', index),
  }))
  const period = plan.profile === 'fast' ? { heartbeatMs: 20, missesMax: 3 } : {}
  const parsed = parseNodeConfig(
    JSON.stringify({
      node: `vccs-${name}`,
      site: 'sim',
      links,
      pair: { keyFile: 'pair.key', ...period },
      service: {
        address: service,
        interface: 'sim',
        realm,
        rtpPorts: { first: 20_000, last: 20_119 },
      },
    }),
  )
  if (!parsed.ok) throw new Error(parsed.failure.detail)
  return parsed.value
}

function describe(text: string, fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return parts.length === 0 ? text : `${text}: ${parts.join(' ')}`
}
