//! A whole lab: two real daemons, phones and captures on a LAN of its own. The demo, the end-to-end
//! tests and the benchmarks stand on it.
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReachMode } from '../daemon/src/oam/node-config.ts'
import { Capture } from './capture/capture.ts'
import { ImpairedLinks } from './impair/impaired-links.ts'
import { type Heartbeat, LabNode } from './lab-node.ts'
import { type LabUser, siteFile } from './lab-site.ts'
import { atExit } from './net/cleanup.ts'
import { LabNetwork, lanInterface, type NodeName, serviceAddress } from './net/netns.ts'
import { exited, Programs } from './net/processes.ts'
import { BaresipPhone, type PhoneOptions } from './phones/baresip.ts'
import { LinphonePhone } from './phones/linphone.ts'
import { Sipp, type SippOptions } from './phones/sipp.ts'
import { until } from './waiting.ts'

type SiteParts = Readonly<Record<string, unknown>>

export interface LabOptions {
  /** Namespaces on the terminal LAN beside the nodes. */
  readonly members: readonly string[]
  readonly users: readonly LabUser[]
  /** Other parts of the site file: conferences, groups; what names a member is made of its address. */
  readonly site?: SiteParts | ((addressOf: (member: string) => string) => SiteParts)
  /** Members on the half of node b when the terminal LAN is split. */
  readonly secondHalf?: readonly string[]
  /** By how much the monotonic clock of a node is ahead of the other one's. */
  readonly secondsAhead?: Readonly<Partial<Record<NodeName, number>>>
  readonly mediaBackend?: 'auto' | 'ffi' | 'dgram'
  /** Default: `shared`. */
  readonly reach?: ReachMode
  /** A relay stands on the links between the nodes: `impair`. */
  readonly relayed?: boolean
  readonly heartbeat?: Heartbeat
  /** Another `vccsd` than that of this tree. */
  readonly program?: string
  /** Both nodes tell their state to the LAN; `beaconKeyFile` is the key. */
  readonly beacon?: boolean
  /** Everything that a node writes is on a disk of its own of this size. */
  readonly diskBytes?: number
  /** More of the node file of one node. */
  readonly nodeFile?: Readonly<Partial<Record<NodeName, Readonly<Record<string, unknown>>>>>
  /** Leave node files, logs, captures and recordings behind; default: VCCS_LAB_KEEP is set. */
  readonly keepFiles?: boolean
}

type LabPhoneOptions = Pick<PhoneOptions, 'user' | 'toneHz' | 'answer'> &
  Partial<Pick<PhoneOptions, 'codec' | 'packetMs' | 'password' | 'place'>>

export const sipPort = 5060
const probeEveryMs = 10

export class Lab {
  readonly directory: string
  readonly network: LabNetwork
  readonly programs = new Programs()
  readonly a: LabNode
  readonly b: LabNode
  readonly #options: LabOptions
  readonly #forget: () => void
  readonly #captures: Capture[] = []
  #impair: ImpairedLinks | null = null

  private constructor(options: LabOptions) {
    this.#options = options
    this.directory = mkdtempSync(join(tmpdir(), 'vccs-lab-'))
    this.#forget = atExit(() => this.#removeFiles())
    const { members, relayed = false, secondHalf } = options
    const halves = secondHalf === undefined ? {} : { secondHalf }
    this.network = LabNetwork.create({ members, relayed, ...halves })
    const keyFile = join(this.directory, 'pair.key')
    writeFileSync(keyFile, randomBytes(32).toString('base64'), { mode: 0o600 })
    const beaconKeyFile = options.beacon === true ? this.beaconKeyFile : null
    if (beaconKeyFile !== null) {
      writeFileSync(beaconKeyFile, randomBytes(32).toString('base64'), { mode: 0o600 })
    }
    const node = (name: NodeName) =>
      new LabNode({
        network: this.network,
        programs: this.programs,
        node: name,
        directory: join(this.directory, name),
        keyFile,
        mediaBackend: options.mediaBackend ?? 'auto',
        diskBytes: options.diskBytes ?? null,
        more: options.nodeFile?.[name] ?? {},
        secondsAhead: options.secondsAhead?.[name] ?? 0,
        reach: options.reach ?? 'shared',
        ...(options.heartbeat === undefined ? {} : { heartbeat: options.heartbeat }),
        beaconKeyFile,
      })
    this.a = node('a')
    this.b = node('b')
    if (options.program !== undefined) this.a.program = this.b.program = options.program
  }

  get beaconKeyFile(): string {
    return join(this.directory, 'beacon.key')
  }

  /** The network and the files; no daemon runs yet. */
  static create(options: LabOptions): Lab {
    return new Lab(options)
  }

  /** Both daemons run, one is primary, the site is loaded, and the standby is in step. */
  static async start(options: LabOptions): Promise<Lab> {
    const lab = new Lab(options)
    try {
      if (options.relayed) {
        lab.#impair = await ImpairedLinks.start(lab.network, { programs: lab.programs })
      }
      await Promise.all([lab.a.start(), lab.b.start()])
      await lab.loadSite()
      await lab.inStep()
    } catch (error) {
      const logs = [lab.a, lab.b].map((node) => `--- ${node.name}\n${node.log()}`)
      await lab.close()
      throw new Error(`the pair did not start\n${logs.join('\n')}`, { cause: error })
    }
    return lab
  }

  /** The links between the nodes, of a lab that is `relayed`. */
  get impair(): ImpairedLinks {
    if (this.#impair === null) throw new Error('this lab has no relay on its links')
    return this.#impair
  }

  /** Writes the site file and applies it with the CLI, as an operator does.
   * @param more accounts beside those of the lab */
  async loadSite(more: readonly LabUser[] = []): Promise<void> {
    const file = join(this.directory, 'site.yaml')
    const { users, site } = this.#options
    const addressOf = (member: string) => this.network.address(member)
    const parts = typeof site === 'function' ? site(addressOf) : site
    writeFileSync(file, siteFile([...users, ...more], parts))
    const primary = await this.primary()
    const { exitCode, output } = await primary.cli('config', 'apply', file)
    if (exitCode !== 0) throw new Error(`config apply: ${output}`)
  }

  /** The node that serves, by its own word; waits until there is exactly one. */
  primary(): Promise<LabNode> {
    return until(async () => (await this.#byRole())?.primary, { what: 'single primary' })
  }

  standby(): Promise<LabNode> {
    return until(async () => (await this.#byRole())?.standby, { what: 'standby' })
  }

  async #byRole(): Promise<{ primary: LabNode; standby: LabNode | undefined } | undefined> {
    const nodes = [this.a, this.b]
    const roles = await Promise.all(nodes.map((node) => roleOf(node)))
    const primaries = nodes.filter((_, index) => roles[index] === 'primary')
    const [primary] = primaries
    if (primary === undefined || primaries.length > 1) return undefined
    return { primary, standby: nodes.find((_, index) => roles[index] === 'standby') }
  }

  /** Both nodes run, and the standby holds everything the primary holds. */
  inStep(): Promise<LabNode> {
    return until(
      async () => {
        const primary = (await this.#byRole())?.primary
        if (primary === undefined) throw new Error('there is no single primary')
        const { mode, degraded, nodes } = await primary.status()
        if (mode !== 'redundant (1+1)' || degraded.length > 0) throw new Error(degraded.join('; '))
        return nodes.every((node) => node.sync?.inStep === true) ? primary : false
      },
      { what: 'standby in step', msMax: 40_000 },
    )
  }

  /** Starts a node that was killed, and waits until the pair is in step. */
  async bothRun(): Promise<LabNode> {
    const dead = [this.a, this.b].filter((node) => !node.isRunning)
    await Promise.all(dead.map((node) => node.start()))
    return this.inStep()
  }

  other(node: LabNode): LabNode {
    return node === this.a ? this.b : this.a
  }

  /** A registered baresip in the namespace `member`. */
  phone(member: string, options: LabPhoneOptions): Promise<BaresipPhone> {
    const user = this.#options.users.find((entry) => entry.user === options.user)
    return BaresipPhone.start({
      password: user?.password ?? '',
      ...options,
      programs: this.programs,
      namespace: this.network.namespace(member),
      directory: join(this.directory, `${member}-${options.user}`),
      address: this.network.address(member),
      server: serviceAddress,
    })
  }

  /** A registered linphone in the namespace `member`. */
  async linphone(member: string, user: LabUser, toneHz: number): Promise<LinphonePhone> {
    // It takes a machine without a way out for one without a network.
    this.network.exec(member, ['ip', 'route', 'replace', 'default', 'dev', lanInterface])
    const phone = await LinphonePhone.start({
      ...user,
      toneHz,
      programs: this.programs,
      namespace: this.network.namespace(member),
      directory: join(this.directory, `${member}-${user.user}`),
      address: this.network.address(member),
      server: serviceAddress,
    })
    const primary = await this.primary()
    const isOnline = async () => {
      const { users } = await primary.ask('users', {})
      return users.some((one) => one.user === user.user && one.status === 'online')
    }
    await until(isOnline, { what: `registration of linphone ${user.user}` })
    return phone
  }

  sipp(
    member: string,
    options: Omit<SippOptions, 'programs' | 'namespace' | 'directory' | 'address'>,
  ): Sipp {
    const folder = `${member}-${options.scenario}-${options.port}`
    return new Sipp({
      ...options,
      programs: this.programs,
      namespace: this.network.namespace(member),
      directory: join(this.directory, folder),
      address: this.network.address(member),
    })
  }

  /** Captures UDP on a member's interface on the terminal LAN. The LAN floods what is sent to the
   * service address, so that a busy lab does well to filter. */
  async capture(member: string, filter = 'udp'): Promise<Capture> {
    const folder = join(this.directory, 'captures')
    mkdirSync(folder, { recursive: true })
    const capture = await Capture.start({
      programs: this.programs,
      namespace: this.network.namespace(member),
      device: lanInterface,
      file: join(folder, `${member}-${this.#captures.length}.pcap`),
      filter,
    })
    this.#captures.push(capture)
    return capture
  }

  /** OPTIONS to the service address every 10 ms; a capture of this member shows who answers. */
  async probe(member: string): Promise<{ stop(): Promise<number> }> {
    const program = this.programs.start({
      namespace: this.network.namespace(member),
      command: process.execPath,
      args: [
        join(import.meta.dirname, 'net/sip-probe.ts'),
        this.network.address(member),
        serviceAddress,
        String(sipPort),
        String(probeEveryMs),
      ],
    })
    await new Promise((resolve) => program.stdout?.once('data', resolve))
    return {
      stop: () => {
        program.kill('SIGKILL')
        return exited(program)
      },
    }
  }

  /** Stops the daemons in order, then removes everything. */
  async close(): Promise<void> {
    await Promise.all([this.a.stop(), this.b.stop()])
    this.programs.close()
    this.network.close()
    this.a.disk?.close()
    this.b.disk?.close()
    this.#forget()
    this.#removeFiles()
  }

  #removeFiles(): void {
    const keep = this.#options.keepFiles ?? process.env.VCCS_LAB_KEEP !== undefined
    if (keep) return
    rmSync(this.directory, { recursive: true, force: true })
    for (const node of [this.a, this.b]) node.removeRunFolder()
  }
}

/** Undefined: the node does not run, or does not know. */
async function roleOf(node: LabNode): Promise<string | undefined> {
  try {
    return (await node.opinion()).role ?? undefined
  } catch {
    return undefined
  }
}
