//! The sockets of the replication: one UDP socket a link.
import type { NodeConfig } from '../oam/node-config.ts'
import { type DatagramSocket, openDatagram } from '../platform/udp.ts'

interface SyncSocketOutlets {
  received(bytes: Uint8Array, link: number): void
  error(text: string): void
}

export class SyncSockets {
  readonly #config: NodeConfig
  readonly #out: SyncSocketOutlets
  #sockets: DatagramSocket[] = []

  constructor(config: NodeConfig, outlets: SyncSocketOutlets) {
    this.#config = config
    this.#out = outlets
  }

  /** Opens a socket on every link. A link whose address is missing now is an error of that link only:
   * @returns the texts of those. */
  async open(): Promise<string[]> {
    const problems: string[] = []
    for (const [index, link] of this.#config.links.entries()) {
      const opened = await openDatagram({
        address: link.own,
        port: this.#config.pair.syncPort,
        kind: 'pair',
        onDatagram: (bytes, from) => {
          if (from.address === link.peer) this.#out.received(bytes, index)
        },
        onError: (text) => this.#out.error(`${link.name}: ${text}`),
      })
      if (opened.ok) this.#sockets[index] = opened.value
      else problems.push(`${link.name}: ${opened.failure.detail}`)
    }
    return problems
  }

  send(bytes: Uint8Array, link: number): void {
    const peer = this.#config.links[link]?.peer ?? ''
    this.#sockets[link]?.send(bytes, this.#config.pair.syncPort, peer)
  }

  async close(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.close()))
    this.#sockets = []
  }
}
