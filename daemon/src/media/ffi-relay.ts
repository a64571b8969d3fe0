//! The way of relayed voice for the loop that never returns to the event loop: one connected UDP socket a
//! link, read in every slot. The kernel drops what does not come from the peer's address of the link.
import { limits } from '../limits.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { libcConstant } from '../platform/ffi.ts'
import { arenaOffset } from './arena.ts'
import type { FfiMemory } from './ffi-memory.ts'
import { parseIpv4 } from './sockets.ts'

const closed = -1
const retryMs = 1_000
/** Frames that are read of a link in one slot: ten times those of 1,000 legs, and no more, because
 * each costs an HMAC in the loop that sends the voice. */
const framesMax = 64

interface Path {
  readonly own: number
  readonly peer: number
  fd: number
}

export class FfiRelayLinks {
  readonly #memory: FfiMemory
  readonly #port: number
  readonly #paths: Path[]
  readonly #take: (frame: Uint8Array) => void
  #retryAtMs = 0

  constructor(memory: FfiMemory, config: NodeConfig, take: (frame: Uint8Array) => void) {
    this.#memory = memory
    this.#port = config.pair.relayPort
    this.#take = take
    this.#paths = config.links.map(({ own, peer }) => {
      return { own: parseIpv4(own) ?? 0, peer: parseIpv4(peer) ?? 0, fd: closed }
    })
  }

  /** Reads what has come. A link whose address is not there yet is tried again. */
  poll(nowMs: number): void {
    const retry = nowMs >= this.#retryAtMs
    if (retry) this.#retryAtMs = nowMs + retryMs
    for (const path of this.#paths) {
      if (path.fd === closed && retry) path.fd = this.#open(path)
      if (path.fd !== closed) this.#read(path.fd)
    }
  }

  send(frame: Uint8Array): void {
    const { libc, arena, base } = this.#memory
    arena.bytes.set(frame, arenaOffset.bus)
    for (const { fd } of this.#paths) {
      if (fd === closed) continue
      const at = base + arenaOffset.bus
      // An error of an earlier frame (nobody listened) is told once, instead of sending this one.
      const sent = libc.send(fd, at, frame.length, libcConstant.msgDontwait)
      if (sent < 0) libc.send(fd, at, frame.length, libcConstant.msgDontwait)
    }
  }

  #read(fd: number): void {
    const { libc, arena, base } = this.#memory
    const from = arenaOffset.bus
    for (let frames = 0; frames < framesMax; frames++) {
      const { msgDontwait, eagain } = libcConstant
      const length = libc.recv(fd, base + from, limits.relayFrameBytesMax + 1, msgDontwait)
      if (length < 0 && libc.errno() === eagain) return
      // Other errors belong to frames that we sent.
      if (length >= 0) this.#take(arena.bytes.slice(from, from + length))
    }
  }

  #open({ own, peer }: Path): number {
    const { libc } = this.#memory
    const { afInet, sockDgram, sockNonblock, sockCloexec } = libcConstant
    const fd = libc.socket(afInet, sockDgram | sockNonblock | sockCloexec, 0)
    if (fd < 0) return closed
    const isOpen =
      libc.bind(fd, this.#memory.inet(own, this.#port), 16) === 0 &&
      libc.connect(fd, this.#memory.inet(peer, this.#port), 16) === 0
    if (isOpen) return fd
    libc.close(fd)
    return closed
  }
}
