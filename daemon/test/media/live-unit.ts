//! A media process with the two other ends of its bus, for tests with real sockets.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BusMessage, BusMessageOf, MediaCommand } from '../../src/bus/messages.ts'
import {
  type BusAddress,
  type BusPeer,
  type BusServer,
  listenBus,
} from '../../src/platform/stream.ts'
import type { InputMap } from '../../src/tables/wired-media.ts'

type WithoutRef<C> = C extends { ref: number } ? Omit<C, 'ref'> : never

export interface LiveOptions {
  readonly backend: 'ffi' | 'dgram'
  readonly serviceAddress: string
  /** Bus over TCP at this port and the next one; else over sockets in the directory. */
  readonly tcpPort?: number
  /** It passes what it hears on to a peer, on three links: 127.0.N.2. */
  readonly floats?: boolean
  /** Words before the command, for example `taskset`. */
  readonly prefix?: readonly string[]
}

export class LiveUnit {
  readonly directory = mkdtempSync(join(tmpdir(), 'media-'))
  readonly messages: BusMessage[] = []
  process: ChildProcess | null = null
  readonly #servers = new Map<'pair' | 'switch', BusServer>()
  #peers = new Map<'pair' | 'switch', BusPeer>()
  #waiting: { test: (message: BusMessage) => boolean; resolve: (m: BusMessage) => void }[] = []
  #ref = 0

  async start(options: LiveOptions): Promise<void> {
    await this.listen('pair', options)
    await this.listen('switch', options)
    this.spawn(options)
    await this.until('media-statistics')
  }

  /** Opens one end of the bus. */
  async listen(end: 'pair' | 'switch', { tcpPort }: LiveOptions): Promise<void> {
    const path = join(this.directory, `${end}.sock`)
    const address: BusAddress =
      tcpPort === undefined
        ? { transport: 'unix', path }
        : { transport: 'tcp', host: '127.0.0.1', port: tcpPort + (end === 'pair' ? 0 : 1) }
    const server = await listenBus({ address }, (peer) => {
      this.#peers.set(end, peer)
      peer.onMessage((message) => this.#hear(message))
    })
    if (!server.ok) throw new Error(server.failure.detail)
    this.#servers.set(end, server.value)
  }

  spawn(options: LiveOptions): void {
    const config = join(this.directory, 'node.yaml')
    const key = join(this.directory, 'key')
    writeFileSync(key, 'k'.repeat(64))
    chmodSync(key, 0o600)
    writeFileSync(config, nodeFile(this.directory, options))
    const main = join(import.meta.dirname, '../../src/media.ts')
    const [command, ...words] = [...(options.prefix ?? []), process.execPath, main]
    this.process = spawn(command ?? '', [...words, '--config', config], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.process.on('error', (error) => process.stderr.write(`media unit: ${error.message}\n`))
  }

  /** Ends the switch side of the bus, opens it again and waits for the unit. */
  async loseSwitch(options: LiveOptions): Promise<void> {
    await this.#servers.get('switch')?.close()
    const back = this.until('hello')
    await this.listen('switch', options)
    await back
  }

  maps(mediaId: string): InputMap[] {
    return this.messages
      .filter((message) => message.kind === 'input-mapped')
      .flatMap((message) => (message.mediaId === mediaId ? [message.map] : []))
      .slice(-2)
  }

  tell(end: 'pair' | 'switch', message: BusMessage): void {
    this.#peers.get(end)?.send(message)
  }

  /** Sends a command and waits for its answer. */
  order(order: WithoutRef<MediaCommand>): Promise<BusMessageOf<'media-response'>> {
    const ref = ++this.#ref
    const answer = this.until('media-response', (message) => message.ref === ref)
    this.tell('switch', { ...order, ref } as BusMessage)
    return answer
  }

  until<K extends BusMessage['kind']>(
    kind: K,
    test: (message: BusMessageOf<K>) => boolean = () => true,
  ): Promise<BusMessageOf<K>> {
    return new Promise((resolve) => {
      this.#waiting.push({
        test: (message) => message.kind === kind && test(message as BusMessageOf<K>),
        resolve: (message) => resolve(message as BusMessageOf<K>),
      })
    })
  }

  async stop(): Promise<void> {
    const child = this.process
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
    for (const server of this.#servers.values()) await server.close()
    rmSync(this.directory, { recursive: true })
  }

  #hear(message: BusMessage): void {
    this.messages.push(message)
    const found = this.#waiting.filter(({ test }) => test(message))
    this.#waiting = this.#waiting.filter((waiting) => !found.includes(waiting))
    for (const { resolve } of found) resolve(message)
  }
}

function link(net: number): string {
  return `{ name: net-${net}, own: 127.0.${net}.1, peer: 127.0.${net}.2 }`
}

function nodeFile(directory: string, options: LiveOptions): string {
  return `node: vccs-a
site: test
links: [${(options.floats === true ? [1, 2, 3] : [0]).map(link).join(', ')}]
pair: { keyFile: key }
service:
  address: ${options.serviceAddress}
  interface: lo
  reach: ${options.floats === true ? 'floating' : 'shared'}
  rtpPorts: { first: 20000, last: 39998 }
media: { backend: ${options.backend} }
bus: { transport: ${options.tcpPort === undefined ? 'unix' : 'tcp'}, tcpPort: ${options.tcpPort ?? 5710} }
database: ${directory}/site.db
controlSocket: ${directory}/control.sock
runDirectory: ${directory}
stateDirectory: ${directory}
`
}
