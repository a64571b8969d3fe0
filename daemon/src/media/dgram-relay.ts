//! The way of relayed voice for the back end without FFI.
import { setTimeout as pause } from 'node:timers/promises'
import type { NodeConfig } from '../oam/node-config.ts'
import { type DatagramSocket, openDatagram } from '../platform/udp.ts'

const retryMs = 1_000

export class DgramRelayLinks {
  readonly #config: NodeConfig
  readonly #take: (frame: Uint8Array) => void
  readonly #sockets: (DatagramSocket | undefined)[] = []
  #ended = false

  constructor(config: NodeConfig, take: (frame: Uint8Array) => void) {
    this.#config = config
    this.#take = take
    for (const link of config.links.keys()) void this.#open(link)
  }

  send(frame: Uint8Array): void {
    for (const [link, { peer }] of this.#config.links.entries()) {
      this.#sockets[link]?.send(frame, this.#config.pair.relayPort, peer)
    }
  }

  close(): void {
    this.#ended = true
    for (const socket of this.#sockets) void socket?.close()
  }

  async #open(link: number): Promise<void> {
    const ends = this.#config.links[link]
    while (!this.#ended && ends !== undefined) {
      const opened = await openDatagram({
        address: ends.own,
        port: this.#config.pair.relayPort,
        kind: 'pair',
        onDatagram: (bytes, from) => {
          if (from.address === ends.peer) this.#take(bytes)
        },
        onError: () => undefined,
      })
      if (opened.ok) {
        this.#sockets[link] = opened.value
        return
      }
      await pause(retryMs, undefined, { ref: false })
    }
  }
}
