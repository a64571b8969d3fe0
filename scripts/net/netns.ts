//! The network of a lab: nodes, phones and an attacker in namespaces of their own on one bridge (the
//! terminal LAN), and up to three separate links between the nodes that can be cut one by one.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { atExit } from './cleanup.ts'
import { preferSystemPrograms } from './packages.ts'
import { sendSignal } from './processes.ts'

export type NodeName = 'a' | 'b'
export type LinkName = 'net-a' | 'net-b' | 'private'
const nodeNames: readonly NodeName[] = ['a', 'b']
const linkNames: readonly LinkName[] = ['net-a', 'net-b', 'private']

/** Interface of every member on the terminal LAN. */
export const lanInterface = 'lan0'
export const serviceAddress = '10.90.0.10'
/** That of node b in reach mode `direct`, where each node has its own. */
export const serviceAddressB = '10.90.0.20'

const lanPrefix = '10.90.0'
const nodeHosts = { a: 11, b: 12 } as const
const firstOtherHost = 101
const namePattern = /^vccs-lab-(\d+)-[0-9a-f]{4}-[a-z0-9-]+$/

class LabError extends Error {}

function run(command: string, args: readonly string[], input?: string): string {
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  })
  if (done.status === 0) return done.stdout
  const reason = done.error?.message ?? done.stderr.trim()
  throw new LabError(`${command} ${args.join(' ')}: ${reason}`)
}

function ipBatch(namespace: string, lines: readonly string[]): void {
  run('ip', ['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`)
}

interface LabNetworkOptions {
  /** `p1`, `p2`, `attacker`, ... in the order of their addresses from 10.90.0.101 on. */
  readonly members: readonly string[]
  readonly links?: readonly LinkName[]
  /** Members that are on the half of node b when the terminal LAN is split (`splitLan`). */
  readonly secondHalf?: readonly string[]
  /** The links end in two namespaces `relay-a` and `relay-b`, which a relay can join. */
  readonly relayed?: boolean
}

export class LabNetwork {
  readonly #prefix = `vccs-lab-${process.pid}-${randomBytes(2).toString('hex')}`
  readonly #members: readonly string[]
  readonly #links: readonly LinkName[]
  readonly #secondHalf: readonly string[] | undefined
  readonly #relayed: boolean
  readonly #namespaces: string[] = []
  readonly #forget: () => void

  private constructor(options: LabNetworkOptions) {
    this.#members = options.members
    this.#links = options.links ?? linkNames
    this.#secondHalf = options.secondHalf
    this.#relayed = options.relayed ?? false
    this.#forget = atExit(() => this.#remove())
  }

  /** Builds everything, or removes what it began and throws a `LabError`. */
  static create(options: LabNetworkOptions): LabNetwork {
    preferSystemPrograms()
    removeLeftovers()
    const network = new LabNetwork(options)
    try {
      network.#build()
    } catch (error) {
      network.close()
      throw error
    }
    return network
  }

  /** Name of a member's namespace as `ip netns` knows it. */
  namespace(member: string): string {
    return `${this.#prefix}-${member}`
  }

  /** Address on the terminal LAN. */
  address(member: string): string {
    if (member === 'a' || member === 'b') return `${lanPrefix}.${nodeHosts[member]}`
    const index = this.#members.indexOf(member)
    if (index < 0) throw new LabError(`no member ${member} in this lab`)
    return `${lanPrefix}.${firstOtherHost + index}`
  }

  linkAddress(link: LinkName, node: NodeName): string {
    return `10.91.${linkNames.indexOf(link) + 1}.${nodeHosts[node]}`
  }

  get links(): readonly LinkName[] {
    return this.#links
  }

  /** MAC address of a member's interface: it tells which node sent a frame. */
  mac(member: string, device: string = lanInterface): string {
    const output = run('ip', ['-n', this.namespace(member), '-json', 'link', 'show', 'dev', device])
    const [description] = JSON.parse(output) as { address: string }[]
    return description?.address ?? ''
  }

  /** Takes a link (or a node's place on the terminal LAN) away: the interface goes down. */
  setDown(node: NodeName, device: LinkName | typeof lanInterface): void {
    ipBatch(this.namespace(node), [`link set dev ${device} down`])
  }

  setUp(node: NodeName, device: LinkName | typeof lanInterface): void {
    ipBatch(this.namespace(node), [`link set dev ${device} up`])
  }

  /** Frames vanish without a word in both directions, as in a broken switch between the nodes. */
  cut(link: LinkName, node: NodeName = 'a'): void {
    const table = cutTable(link)
    this.nft(node, [
      `add table inet ${table}`,
      `add chain inet ${table} in { type filter hook input priority -300; }`,
      `add chain inet ${table} out { type filter hook output priority -300; }`,
      `add rule inet ${table} in iifname "${link}" drop`,
      `add rule inet ${table} out oifname "${link}" drop`,
    ])
  }

  heal(link: LinkName, node: NodeName = 'a'): void {
    this.nft(node, [`delete table inet ${cutTable(link)}`])
  }

  /** The two halves of the terminal LAN do not hear each other any more. */
  splitLan(): void {
    ipBatch(this.namespace('lan'), ['link set dev joint0 down'])
  }

  joinLan(): void {
    ipBatch(this.namespace('lan'), ['link set dev joint0 up'])
  }

  /** What is for the service address comes to the nodes only, as from a switch of the LAN that is told where they
   * are: the other members cost this machine nothing then of what each of them sends. */
  spareMembers(): void {
    const spared = this.#members.map((member) => {
      return `link set dev to-${member} type bridge_slave mcast_flood off`
    })
    ipBatch(this.namespace('lan'), spared)
  }

  nft(member: string, lines: readonly string[]): void {
    this.exec(member, ['nft', '-f', '-'], `${lines.join('\n')}\n`)
  }

  /** Runs a short program in a member's namespace and gives its standard output. */
  /** Both nodes, and who else has a namespace on the terminal LAN. */
  get members(): readonly string[] {
    return ['a', 'b', ...this.#members]
  }

  exec(member: string, command: readonly string[], input?: string): string {
    return run('nsenter', [`--net=/run/netns/${this.namespace(member)}`, '--', ...command], input)
  }

  close(): void {
    this.#forget()
    this.#remove()
  }

  #build(): void {
    this.#addNamespace('lan')
    ipBatch(this.namespace('lan'), [
      // Without snooping a multicast MAC is flooded, as on a LAN without IGMP.
      'link add br0 type bridge mcast_snooping 0 stp_state 0 forward_delay 0',
      'link set dev br0 up',
    ])
    if (this.#secondHalf !== undefined) this.#addHalf()
    for (const member of ['a', 'b', ...this.#members]) this.#attach(member)
    if (this.#relayed) for (const node of nodeNames) this.#addNamespace(`relay-${node}`)
    for (const link of this.#links) this.#join(link)
  }

  /** A second bridge for the other half of the terminal LAN, joined to the first by one cable. */
  #addHalf(): void {
    ipBatch(this.namespace('lan'), [
      'link add br1 type bridge mcast_snooping 0 stp_state 0 forward_delay 0',
      'link set dev br1 up',
      'link add joint0 type veth peer name joint1',
      'link set dev joint0 master br0 up',
      'link set dev joint1 master br1 up',
    ])
  }

  #bridgeOf(member: string): string {
    const isSecond = member === 'b' || this.#secondHalf?.includes(member) === true
    return this.#secondHalf !== undefined && isSecond ? 'br1' : 'br0'
  }

  #addNamespace(member: string): void {
    const name = this.namespace(member)
    run('ip', ['netns', 'add', name])
    this.#namespaces.push(name)
    // Router solicitations and duplicate address detection would only blur the captures.
    const noIpv6 = 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 || true'
    spawnSync('nsenter', [`--net=/run/netns/${name}`, '--', 'sh', '-c', noIpv6])
    ipBatch(name, ['link set dev lo up'])
  }

  #attach(member: string): void {
    this.#addNamespace(member)
    const name = this.namespace(member)
    const port = `to-${member}`
    ipBatch(name, [
      `link add ${lanInterface} type veth peer name ${port} netns ${this.namespace('lan')}`,
      `address add ${this.address(member)}/24 dev ${lanInterface}`,
      `link set dev ${lanInterface} up`,
    ])
    const bridge = this.#bridgeOf(member)
    ipBatch(this.namespace('lan'), [
      `link set dev ${port} master ${bridge}`,
      `link set dev ${port} up`,
    ])
  }

  #join(link: LinkName): void {
    if (!this.#relayed) {
      this.#connect(link, ['a', 'b'])
      return
    }
    for (const node of nodeNames) this.#connect(link, [node, `relay-${node}`])
  }

  /** One cable. The relay that faces a node has the address of the other one. */
  #connect(link: LinkName, [one, other]: readonly [string, string]): void {
    ipBatch(this.namespace(one), [
      `link add ${link} type veth peer name ${link} netns ${this.namespace(other)}`,
    ])
    const owner = { a: 'a', b: 'b', 'relay-a': 'b', 'relay-b': 'a' } as const
    for (const end of [one, other] as (keyof typeof owner)[]) {
      ipBatch(this.namespace(end), [
        `address add ${this.linkAddress(link, owner[end])}/24 dev ${link}`,
        `link set dev ${link} up`,
      ])
    }
  }

  #remove(): void {
    for (const name of this.#namespaces.splice(0)) removeNamespace(name)
  }
}

function cutTable(link: LinkName): string {
  return `lab_cut_${link.replaceAll('-', '_')}`
}

/** Kills what still runs in a namespace and removes it. */
function removeNamespace(name: string): void {
  const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout
  for (const pid of pids.split('\n').filter((line) => line !== ''))
    sendSignal(Number(pid), 'SIGKILL')
  spawnSync('ip', ['netns', 'delete', name])
}

/** Namespaces of runs that died without a chance to clean up. */
function removeLeftovers(): void {
  if (!existsSync('/run/netns')) return
  for (const name of readdirSync('/run/netns')) {
    const pid = namePattern.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeNamespace(name)
  }
}
