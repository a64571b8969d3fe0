//! Speaks ARP for the service address in reach mode `floating`: hears the role from the pair unit over
//! the bus, and gives the claim (address-claim.ts) its socket and its time.
//!
//! The kernel itself never answers for the address (service-address.ts), so a node whose daemon is dead
//! or was just started is silent without anybody's help.
import { type BusMessageOf, busVersion } from '../bus/messages.ts'
import { busAddress, type NodeConfig } from '../oam/node-config.ts'
import { monotonicMs } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import { interfaceFacts } from '../platform/network.ts'
import { openArpSocket, type PacketSocket } from '../platform/packet-socket.ts'
import { type BusClient, connectBus } from '../platform/stream.ts'
import { failure, type Result, success } from '../result.ts'
import { AddressClaim } from './address-claim.ts'

/** An ARP request waits at most this long for its answer. */
const pollMs = 10
/** Frames of one poll; what is more waits, and a flood is dropped by the kernel. */
const framesMax = 64
const reopenMs = 1_000
const conflictLogMs = 10_000

export class AddressSpeaker {
  readonly #config: NodeConfig
  readonly #log: Log
  readonly #claim: AddressClaim
  readonly #timer: NodeJS.Timeout
  readonly #client: BusClient
  #socket: PacketSocket | null
  #alone = false
  #reopenAtMs = 0
  #conflictsTold = 0
  #conflictToldAtMs = Number.NEGATIVE_INFINITY

  private constructor(config: NodeConfig, log: Log, opened: { socket: PacketSocket; mac: string }) {
    this.#config = config
    this.#log = log
    this.#socket = opened.socket
    this.#claim = new AddressClaim({ address: config.service.address, mac: opened.mac })
    this.#timer = setInterval(() => this.#poll(), pollMs)
    this.#client = connectBus({
      address: busAddress(config, 'pair'),
      hello: { kind: 'hello', unit: 'supervisor', pid: process.pid, version: busVersion },
      onOpen: (peer) =>
        peer.onMessage((message) => {
          if (message.kind === 'role' || message.kind === 'lease') this.#told(message)
        }),
      onClose: () => this.#losePair(),
    })
  }

  static async start(config: NodeConfig, log: Log): Promise<Result<AddressSpeaker>> {
    const facts = await interfaceFacts(config.service.interface)
    if (!facts.ok) return facts
    const socket = openArpSocket(facts.value.index)
    if (!socket.ok) {
      const isDenied = /errno (1|13)$/.test(socket.failure.detail)
      const code = isDenied ? 'service-address-denied' : 'service-address-failed'
      return failure(code, `${socket.failure.detail}; ARP needs CAP_NET_RAW`)
    }
    return success(new AddressSpeaker(config, log, { socket: socket.value, mac: facts.value.mac }))
  }

  close(): void {
    clearInterval(this.#timer)
    this.#client.close()
    this.#socket?.close()
    this.#socket = null
  }

  #told(message: BusMessageOf<'role' | 'lease'>): void {
    const nowMs = monotonicMs()
    const was = this.#claim.isOpen
    if (message.kind === 'role') this.#alone = message.alone
    this.#send(
      message.kind === 'role'
        ? this.#claim.told(message.role === 'primary', nowMs)
        : this.#claim.lent(message.untilMs, nowMs),
    )
    if (was !== this.#claim.isOpen) this.#sayChange()
  }

  /** The switch tells the peer, which claims the address at once: this node must not defend it for the
   * rest of the lease. Alone, nobody else claims it. */
  #losePair(): void {
    if (this.#alone || !this.#claim.isOpen) return
    this.#claim.told(false, monotonicMs())
    this.#sayChange()
  }

  #sayChange(): void {
    const { address } = this.#config.service
    this.#log.info('service address', { address, claimed: this.#claim.isOpen })
  }

  #poll(): void {
    const nowMs = monotonicMs()
    const was = this.#claim.isOpen
    if (this.#socket === null) void this.#reopen(nowMs)
    for (let frames = 0; frames < framesMax; frames++) {
      const frame = this.#socket?.receive() ?? null
      if (frame === null) break
      this.#send(this.#claim.heard(frame, nowMs))
    }
    this.#send(this.#claim.advance(nowMs))
    if (was !== this.#claim.isOpen) this.#sayChange()
    this.#tellConflicts(nowMs)
  }

  #send(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      if (this.#socket === null || this.#socket.send(frame)) continue
      // The interface is down, or went away and came back under another number.
      this.#socket.close()
      this.#socket = null
      this.#reopenAtMs = monotonicMs() + reopenMs
    }
  }

  async #reopen(nowMs: number): Promise<void> {
    if (nowMs < this.#reopenAtMs) return
    this.#reopenAtMs = Number.POSITIVE_INFINITY
    const facts = await interfaceFacts(this.#config.service.interface)
    const socket = facts.ok ? openArpSocket(facts.value.index) : facts
    if (socket.ok) this.#socket = socket.value
    else this.#reopenAtMs = monotonicMs() + reopenMs
  }

  /** The peer, while both serve after a partition, or a foreign host with this address. */
  #tellConflicts(nowMs: number): void {
    const count = this.#claim.conflicts - this.#conflictsTold
    if (count === 0 || nowMs - this.#conflictToldAtMs < conflictLogMs) return
    this.#conflictsTold = this.#claim.conflicts
    this.#conflictToldAtMs = nowMs
    const { address } = this.#config.service
    this.#log.warn('another host says that the service address is its own', { address, count })
  }
}
