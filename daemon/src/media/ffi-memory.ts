//! Structures of the kernel in the control part of the arena. Each is used at once after it was
//! written, so one place is enough.
import type { Libc } from '../platform/ffi.ts'
import { libcConstant } from '../platform/ffi.ts'
import { type Arena, arenaOffset } from './arena.ts'

const at = arenaOffset.control

export class FfiMemory {
  readonly libc: Libc
  readonly arena: Arena
  /** Address of the arena in the process. */
  readonly base: number

  constructor(libc: Libc, arena: Arena) {
    this.libc = libc
    this.arena = arena
    this.base = libc.addressOf(arena.bytes)
  }

  /** Writes a `sockaddr_in`. @returns its address; its length is 16. */
  inet(address: number, port: number): number {
    const { bytes, view } = this.arena
    bytes.fill(0, at, at + 16)
    view.setUint16(at, libcConstant.afInet, true)
    view.setUint16(at + 2, port)
    view.setUint32(at + 4, address)
    return this.base + at
  }

  /** Writes a `sockaddr_un`. @returns its address; its length is 110. */
  unix(path: string): number {
    const { bytes, view } = this.arena
    bytes.fill(0, at, at + 110)
    view.setUint16(at, libcConstant.afUnix, true)
    bytes.set(new TextEncoder().encode(path).subarray(0, 107), at + 2)
    return this.base + at
  }

  /** Writes an int. @returns its address. */
  int(value: number): number {
    this.arena.view.setInt32(at, value, true)
    return this.base + at
  }

  /** CLOCK_MONOTONIC in milliseconds, without an allocation. */
  monotonicMs(): number {
    this.libc.clockGettime(libcConstant.clockMonotonic, this.base + at)
    const { words } = this.arena
    const seconds = (words[at >> 2] ?? 0) + (words[(at >> 2) + 1] ?? 0) * 0x1_0000_0000
    return seconds * 1000 + (words[(at >> 2) + 2] ?? 0) / 1e6
  }

  /** Sleeps until CLOCK_MONOTONIC reaches `untilMs`. */
  sleepUntil(untilMs: number): void {
    const { words } = this.arena
    const seconds = Math.floor(untilMs / 1000)
    words[at >> 2] = seconds >>> 0
    words[(at >> 2) + 1] = Math.floor(seconds / 0x1_0000_0000)
    words[(at >> 2) + 2] = Math.floor((untilMs - seconds * 1000) * 1e6)
    words[(at >> 2) + 3] = 0
    const { clockMonotonic, timerAbstime } = libcConstant
    this.libc.clockNanosleep(clockMonotonic, timerAbstime, this.base + at, 0)
  }

  /** Puts this thread before all that is not real-time. @returns false without the right to it. */
  becomeRealtime(priority: number): boolean {
    return this.libc.schedSetscheduler(0, libcConstant.schedFifo, this.int(priority)) === 0
  }
}
