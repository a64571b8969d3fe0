//! One node of a lab: a real daemon in its namespace, with a generated node file.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import type { ParamsOf, ResultOf, Verb } from '../daemon/src/control/api.ts'
import type { NodeStatus, StatusResult } from '../daemon/src/control/status-schema.ts'
import type { ReachMode } from '../daemon/src/oam/node-config.ts'
import { ask } from './net/control-client.ts'
import {
  type LabNetwork,
  lanInterface,
  type NodeName,
  serviceAddress,
  serviceAddressB,
} from './net/netns.ts'
import {
  exited,
  killTree,
  type Programs,
  preferTree,
  sendSignal,
  signalTree,
} from './net/processes.ts'
import { makeRunFolder } from './net/run-folder.ts'
import { SmallDisk } from './net/small-disk.ts'
import { until } from './waiting.ts'

export type UnitName = NodeStatus['units'][number]['unit']

const repository = join(import.meta.dirname, '..')
export const daemonProgram = join(repository, 'daemon/bin/vccsd')
export const cliProgram = join(repository, 'cli/bin/vccs')
const startMsMax = 30_000
const stopMsMax = 10_000

/** Profile of the pair; that of the product when not given. */
export interface Heartbeat {
  readonly heartbeatMs: number
  readonly missesMax: number
}

interface LabNodeOptions {
  readonly network: LabNetwork
  readonly programs: Programs
  readonly node: NodeName
  readonly directory: string
  readonly keyFile: string
  readonly mediaBackend: 'auto' | 'ffi' | 'dgram'
  readonly diskBytes: number | null
  /** More of the node file. */
  readonly more: Readonly<Record<string, unknown>>
  readonly reach: ReachMode
  /** Its monotonic clock is that of the machine and so many seconds. */
  readonly secondsAhead: number
  readonly heartbeat?: Heartbeat
  /** Null: no beacon. */
  readonly beaconKeyFile: string | null
}

/** A standstill, and what ends it. */
interface Standstill {
  readonly atMs: number
  /** @returns when the first process could go on. */
  wake(): number
}

export class LabNode {
  readonly node: NodeName
  /** `vccs-a`. */
  readonly name: string
  readonly controlSocket: string
  readonly logFile: string
  readonly databaseFile: string
  /** Its own disk, if the lab gives it one. */
  readonly disk: SmallDisk | null
  readonly removeRunFolder: () => void
  /** What the next start runs: another version of it during an upgrade. */
  program = daemonProgram
  readonly #options: LabNodeOptions
  readonly #configFile: string
  #daemon: ChildProcess | undefined
  #isKilled = false

  constructor(options: LabNodeOptions) {
    this.#options = options
    this.node = options.node
    this.name = `vccs-${options.node}`
    const { directory, diskBytes } = options
    this.disk = diskBytes === null ? null : new SmallDisk(directory, diskBytes)
    this.removeRunFolder = this.#makeRunFolder()
    this.controlSocket = join(options.directory, 'run/control.sock')
    this.databaseFile = join(options.directory, 'vccs.db')
    this.logFile = join(options.directory, 'vccsd.log')
    this.#configFile = join(options.directory, 'node.yaml')
    writeFileSync(this.#configFile, stringify(nodeFile(this.name, options)))
  }

  /** A small disk holds everything. */
  #makeRunFolder(): () => void {
    const { directory } = this.#options
    if (this.disk === null) return makeRunFolder(directory)
    mkdirSync(join(directory, 'run'))
    return () => undefined
  }

  /** Starts the daemon; resolves when all its units are up. */
  async start(): Promise<void> {
    const { network, programs, secondsAhead } = this.#options
    const command = [this.program, '--config', this.#configFile]
    const ahead = ['--time', '--monotonic', `${secondsAhead}`]
    this.#isKilled = false
    this.#daemon = programs.start({
      namespace: network.namespace(this.node),
      command: secondsAhead === 0 ? this.program : 'unshare',
      args: secondsAhead === 0 ? command.slice(1) : [...ahead, ...command],
      logFile: this.logFile,
    })
    try {
      await until(() => this.#isUp(), { what: `start of ${this.name}`, msMax: startMsMax })
    } catch (error) {
      throw new Error(`${this.name} is not up:\n${this.log()}`, { cause: error })
    }
  }

  /** A process that was killed may need a while to be gone. */
  get isRunning(): boolean {
    return !this.#isKilled && this.#daemon?.exitCode === null && this.#daemon.signalCode === null
  }

  ask<V extends Verb>(verb: V, params: ParamsOf<V>): Promise<ResultOf<V>> {
    return ask(this.controlSocket, verb, params)
  }

  status(): Promise<StatusResult> {
    return this.ask('status', {})
  }

  /** What this node says of itself. */
  async opinion(): Promise<NodeStatus> {
    const status = await this.ask('status', { opinions: 'own' })
    const own = status.nodes.find((node) => node.asked === 'self')
    if (own === undefined) throw new Error(`${this.name} says nothing of itself`)
    return own
  }

  /** Runs the CLI on this node's socket as a person would. */
  cli(...args: readonly string[]): Promise<{ exitCode: number; output: string }> {
    const child = spawn(cliProgram, [...args, '--socket', this.controlSocket], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output += bytes.toString('utf8')
      })
    }
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (exitCode) => resolve({ exitCode: exitCode ?? 1, output }))
    })
  }

  /** Before the other work of this machine, also the units that it has started since. */
  prefer(): void {
    if (this.#daemon?.pid !== undefined) for (const pid of this.#processes()) preferTree(pid)
  }

  /** SIGKILL to the supervisor and its units. @returns the time of the first signal. */
  killAll(): { atMs: number; pids: number[] } {
    const all = this.#processes()
    this.#isKilled = true
    const atMs = Date.now()
    return { atMs, pids: [...new Set(all.flatMap((pid) => killTree(pid)))] }
  }

  /** The supervisor, and the units: those that it took over are no descendants of it. */
  #processes(): number[] {
    const pid = this.#daemon?.pid
    if (pid === undefined) throw new Error(`${this.name} does not run`)
    return [pid, ...this.#units()]
  }

  #units(): number[] {
    return ['pair', 'switch', 'media'].flatMap((unit) => {
      const file = join(this.#options.directory, `run/${unit}.pid`)
      if (!existsSync(file)) return []
      const pid = Number(readFileSync(file, 'utf8'))
      return runs(pid, this.#configFile) ? [pid] : []
    })
  }

  /** SIGKILL to the supervisor only; its units serve on. */
  killSupervisor(): void {
    this.#daemon?.kill('SIGKILL')
  }

  /** SIGKILL to one unit. */
  async killUnit(unit: UnitName): Promise<{ atMs: number; pid: number }> {
    const pid = (await this.opinion()).units.find((entry) => entry.unit === unit)?.pid
    if (pid === undefined || pid === null) throw new Error(`${this.name}: no pid of ${unit}`)
    const atMs = Date.now()
    sendSignal(pid, 'SIGKILL')
    return { atMs, pid }
  }

  /** The supervisor and all units stand still, as the whole machine of a node may. */
  stopAll(): Standstill {
    const all = this.#processes()
    const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
      return Math.min(...all.map((pid) => signalTree(pid, name)))
    }
    return { atMs: signal('SIGSTOP'), wake: () => signal('SIGCONT') }
  }

  /** One unit stands still: it hangs. */
  async stopUnit(unit: UnitName): Promise<Standstill & { readonly pid: number }> {
    const pid = (await this.opinion()).units.find((entry) => entry.unit === unit)?.pid
    if (pid === undefined || pid === null) throw new Error(`${this.name}: no pid of ${unit}`)
    const atMs = Date.now()
    sendSignal(pid, 'SIGSTOP')
    return { atMs, pid, wake: () => signalTree(pid, 'SIGCONT') }
  }

  /** SIGTERM, as systemd stops it. @returns the exit code; undefined when it did not stop in time. */
  async stop(): Promise<number | undefined> {
    if (this.#daemon === undefined) return 0
    this.#daemon.kill('SIGTERM')
    const ended = exited(this.#daemon)
    const code = await Promise.race([ended, delay(stopMsMax, undefined, { ref: false })])
    // Units of a supervisor that was killed.
    for (const pid of this.#units()) killTree(pid)
    return code
  }

  /** The end of the log, for the reader of a failed test. */
  log(): string {
    if (!existsSync(this.logFile)) return `${this.name} has not been started`
    return this.wholeLog().split('\n').slice(-60).join('\n')
  }

  wholeLog(): string {
    return readFileSync(this.logFile, 'utf8')
  }

  async #isUp(): Promise<boolean> {
    if (this.#daemon !== undefined && this.#daemon.exitCode !== null) {
      throw new Error(`${this.name} ended:\n${this.log()}`)
    }
    this.prefer()
    const { units, role } = await this.opinion()
    return role !== null && units.length > 0 && units.every((unit) => unit.state === 'up')
  }
}

/** Process ids are used again: only one that was given this argument. */
function runs(pid: number, argument: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument)
  } catch {
    return false
  }
}

function service(node: NodeName, reach: ReachMode): object {
  const common = { interface: lanInterface, reach }
  if (reach !== 'direct') return { address: serviceAddress, ...common }
  const [address, peerAddress] =
    node === 'a' ? [serviceAddress, serviceAddressB] : [serviceAddressB, serviceAddress]
  return { address, peerAddress, ...common }
}

function nodeFile(name: string, options: LabNodeOptions): object {
  const { network, node, directory } = options
  const peer = node === 'a' ? 'b' : 'a'
  return {
    node: name,
    site: 'lab',
    links: network.links.map((link) => ({
      name: link,
      own: network.linkAddress(link, node),
      peer: network.linkAddress(link, peer),
    })),
    pair: { keyFile: options.keyFile, ...options.heartbeat },
    service: service(node, options.reach),
    media: { backend: options.mediaBackend },
    ...(options.beaconKeyFile === null
      ? {}
      : { beacon: { keyFile: options.beaconKeyFile, tags: { room: 'lab' } } }),
    database: join(directory, 'vccs.db'),
    controlSocket: join(directory, 'run/control.sock'),
    runDirectory: join(directory, 'run'),
    stateDirectory: join(directory, 'state'),
    ...options.more,
  }
}
