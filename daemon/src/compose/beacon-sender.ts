//! Sends the state beacon: every 2 s, and at once when this node begins to serve (S2.13, S2.14).
import { randomBytes } from 'node:crypto'
import type { Role } from '../bus/messages.ts'
import type { StatusResult } from '../control/status-schema.ts'
import { limits } from '../limits.ts'
import { beaconOf } from '../oam/beacon-content.ts'
import { beaconKey, readKeyFile } from '../oam/key-file.ts'
import type { BeaconConfig, NodeConfig } from '../oam/node-config.ts'
import { type Announcer, openAnnouncer } from '../platform/multicast.ts'
import { encodeBeacon } from '../wire/beacon.ts'
import type { Alarms } from './alarms.ts'

interface BeaconParts {
  readonly config: NodeConfig
  readonly alarms: Pick<Alarms, 'raise' | 'clear'>
  /** What this node says of itself. */
  status(): StatusResult
}

export class BeaconSender {
  readonly #parts: BeaconParts
  readonly #boot = randomBytes(8).toString('hex')
  #key: Uint8Array | null = null
  #announcer: Announcer | null = null
  #opening = false
  #sequence = 0
  #role: Role = 'starting'
  #dueAtMs = 0

  constructor(parts: BeaconParts) {
    this.#parts = parts
  }

  /** To be called several times a second. */
  advance(role: Role, nowMs: number): void {
    const { beacon } = this.#parts.config
    if (beacon === null) return
    const began = role === 'primary' && this.#role !== 'primary'
    this.#role = role
    const speaks = role === 'primary' || (beacon.standby && role === 'standby')
    if (!speaks || (!began && nowMs < this.#dueAtMs)) return
    this.#dueAtMs = nowMs + limits.beaconMs
    if (this.#announcer === null) void this.#open(beacon)
    else this.#send(beacon, this.#announcer)
  }

  close(): void {
    this.#announcer?.close()
    this.#announcer = null
  }

  /** An interface without an address, or a key that was taken away, may come back. */
  async #open(beacon: BeaconConfig): Promise<void> {
    if (this.#opening) return
    this.#opening = true
    const { service } = this.#parts.config
    const secret = readKeyFile(beacon.keyFile)
    const opened = secret.ok
      ? await openAnnouncer({
          interface: beacon.interface,
          // With reach `direct` that address is the node's own.
          not: service.reach === 'direct' ? [] : [service.address],
          hops: beacon.hops,
          onError: (detail) => this.#fail(detail),
        })
      : secret
    this.#opening = false
    if (!secret.ok || !opened.ok) {
      if (!opened.ok) this.#parts.alarms.raise('beacon-failed', 'beacon', opened.failure.detail)
      return
    }
    this.#key = beaconKey(secret.value)
    this.#announcer = opened.value
    this.#parts.alarms.clear('beacon-failed', 'beacon')
    this.#send(beacon, opened.value)
  }

  #send({ group, port, receivers, tags }: BeaconConfig, announcer: Announcer): void {
    const boot = this.#boot
    const identity = { boot, sequence: this.#sequence + 1, periodMs: limits.beaconMs, tags }
    const content = beaconOf(this.#parts.status(), identity)
    if (content === null || this.#key === null) return
    this.#sequence += 1
    const bytes = encodeBeacon(content, this.#key)
    if (group !== null) announcer.send(bytes, port, group)
    for (const receiver of receivers) announcer.send(bytes, receiver.port, receiver.address)
  }

  /** The next period tries with a new socket: an address may have moved. */
  #fail(detail: string): void {
    this.#parts.alarms.raise('beacon-failed', 'beacon', detail)
    this.close()
  }
}
