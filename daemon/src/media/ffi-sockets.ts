//! Sockets of the legs straight from the kernel: packets go into the arena and out of it, no byte passes
//! Node. One connected UDP socket for RTP and one for RTCP per leg.
import { limits } from '../limits.ts'
import { libcConstant } from '../platform/ffi.ts'
import { arenaOffset, receiveBytesMax } from './arena.ts'
import type { FfiMemory } from './ffi-memory.ts'
import { type LegEnds, type LegSockets, type OpenState, parseIpv4 } from './sockets.ts'

const closed = -1
/** DSCP EF (46), ED-137 for voice. */
const typeOfService = 46 << 2
const drainPacketsMax = 1_000

export class FfiSockets implements LegSockets {
  readonly #memory: FfiMemory
  readonly #service: number
  readonly #rtp = new Int32Array(limits.legsMax).fill(closed)
  readonly #rtcp = new Int32Array(limits.legsMax).fill(closed)
  /** 1: the other end is known. */
  readonly #aimed = new Uint8Array(limits.legsMax)
  readonly #states: OpenState[] = []

  /** @param serviceAddress where the ports are opened, a dotted quad. */
  constructor(memory: FfiMemory, serviceAddress: string) {
    this.#memory = memory
    this.#service = parseIpv4(serviceAddress) ?? 0
  }

  open(leg: number, ends: LegEnds): void {
    this.close(leg)
    this.#states[leg] = this.#open(leg, ends)
    if (this.#states[leg] !== 'open') this.close(leg)
  }

  state(leg: number): OpenState {
    return this.#states[leg] ?? { failed: 'never opened' }
  }

  aim(leg: number, ends: LegEnds): boolean {
    const address = parseIpv4(ends.terminalAddress)
    this.#aimed[leg] = 0
    if (address === null || ends.remotePort === 0) return false
    const { libc } = this.#memory
    const rtp = this.#rtp[leg] ?? closed
    const rtcp = this.#rtcp[leg] ?? closed
    if (libc.connect(rtp, this.#memory.inet(address, ends.remotePort), 16) < 0) return false
    const controlPort = Math.min(ends.remotePort + 1, 65_535)
    if (libc.connect(rtcp, this.#memory.inet(address, controlPort), 16) < 0) return false
    // Until now anybody could write to the port.
    for (let packets = 0; packets < drainPacketsMax; packets++) {
      if (this.#receive(rtp) === 0 && this.#receive(rtcp) === 0) break
    }
    this.#aimed[leg] = 1
    return true
  }

  close(leg: number): void {
    for (const fds of [this.#rtp, this.#rtcp]) {
      const fd = fds[leg] ?? closed
      if (fd !== closed) this.#memory.libc.close(fd)
      fds[leg] = closed
    }
    this.#aimed[leg] = 0
  }

  receive(leg: number): number {
    return this.#aimed[leg] === 1 ? this.#receive(this.#rtp[leg] ?? closed) : 0
  }

  receiveControl(leg: number): number {
    return this.#aimed[leg] === 1 ? this.#receive(this.#rtcp[leg] ?? closed) : 0
  }

  send(leg: number, offset: number, length: number): boolean {
    return this.#aimed[leg] === 1 && this.#send(this.#rtp[leg] ?? closed, offset, length)
  }

  sendControl(leg: number, offset: number, length: number): boolean {
    return this.#aimed[leg] === 1 && this.#send(this.#rtcp[leg] ?? closed, offset, length)
  }

  #open(leg: number, ends: LegEnds): OpenState {
    const rtp = this.#bind(ends.localPort)
    if (typeof rtp !== 'number') return rtp
    this.#rtp[leg] = rtp
    const rtcp = this.#bind(ends.localPort + 1)
    if (typeof rtcp !== 'number') return rtcp
    this.#rtcp[leg] = rtcp
    this.aim(leg, ends)
    return 'open'
  }

  #bind(port: number): number | OpenState {
    const { libc } = this.#memory
    const { afInet, sockDgram, sockNonblock, sockCloexec } = libcConstant
    const fd = libc.socket(afInet, sockDgram | sockNonblock | sockCloexec, 0)
    if (fd < 0) return { failed: `socket: errno ${libc.errno()}` }
    if (libc.bind(fd, this.#memory.inet(this.#service, port), 16) < 0) {
      const errno = libc.errno()
      libc.close(fd)
      return errno === libcConstant.eaddrinuse ? 'busy' : { failed: `bind: errno ${errno}` }
    }
    const { ipprotoIp, ipTos } = libcConstant
    libc.setsockopt(fd, ipprotoIp, ipTos, this.#memory.int(typeOfService), 4)
    return fd
  }

  /** @returns the length; 1 for one that is too short or too long to be RTP. */
  #receive(fd: number): number {
    const { libc, base } = this.#memory
    const flags = libcConstant.msgDontwait | libcConstant.msgTrunc
    let length = libc.recv(fd, base + arenaOffset.received, receiveBytesMax, flags)
    // An ICMP error of an earlier packet is told once, instead of a packet that waits.
    if (length < 0 && libc.errno() === libcConstant.econnrefused) {
      length = libc.recv(fd, base + arenaOffset.received, receiveBytesMax, flags)
    }
    if (length < 0) return 0
    return length === 0 || length > receiveBytesMax ? 1 : length
  }

  #send(fd: number, offset: number, length: number): boolean {
    const { libc, base } = this.#memory
    const { msgDontwait } = libcConstant
    if (libc.send(fd, base + offset, length, msgDontwait) === length) return true
    // As above: the error belongs to an earlier packet, and this one did not leave.
    return libc.send(fd, base + offset, length, msgDontwait) === length
  }
}
