//! The calls of libc that the media unit makes itself. Every pointer is a plain number and every result
//! an int, so that a call allocates nothing and can be made in the tick.
import koffi from 'koffi'
import { failure, type Result, success } from '../result.ts'

/** Linux values, equal on x86-64 and arm64. */
export const libcConstant = {
  afUnix: 1,
  afInet: 2,
  sockStream: 1,
  sockDgram: 2,
  sockNonblock: 0o4000,
  sockCloexec: 0o2000000,
  msgTrunc: 0x20,
  msgDontwait: 0x40,
  msgNosignal: 0x4000,
  clockMonotonic: 1,
  timerAbstime: 1,
  schedFifo: 1,
  solSocket: 1,
  soAttachFilter: 26,
  soDetachFilter: 27,
  soRcvbufforce: 33,
  ipprotoIp: 0,
  ipTos: 1,
  ipprotoTcp: 6,
  tcpNodelay: 1,
  mclCurrent: 1,
  eintr: 4,
  eagain: 11,
  eaddrinuse: 98,
  eisconn: 106,
  econnrefused: 111,
  ealready: 114,
  einprogress: 115,
} as const

/** Results as in their manual pages: -1 is a failure, `errno` says which. Addresses are numbers. */
export interface Libc {
  readonly errno: () => number
  readonly socket: (family: number, type: number, protocol: number) => number
  readonly bind: (fd: number, address: number, length: number) => number
  readonly connect: (fd: number, address: number, length: number) => number
  readonly close: (fd: number) => number
  readonly recv: (fd: number, to: number, length: number, flags: number) => number
  readonly send: (fd: number, from: number, length: number, flags: number) => number
  readonly setsockopt: (
    fd: number,
    level: number,
    option: number,
    value: number,
    length: number,
  ) => number
  readonly clockNanosleep: (clock: number, flags: number, time: number, remain: number) => number
  readonly clockGettime: (clock: number, time: number) => number
  readonly schedSetscheduler: (pid: number, policy: number, parameters: number) => number
  /** Where `bytes` lies in this process; must be memory that never moves. */
  readonly addressOf: (bytes: Uint8Array) => number
}

let bound: Libc | undefined

/** Finds libc in this process. */
export function loadLibc(): Result<Libc> {
  if (process.platform !== 'linux') return failure('ffi-failed', `${process.platform} is not Linux`)
  try {
    bound ??= bindLibc()
    return success(bound)
  } catch (error) {
    return failure('ffi-failed', error instanceof Error ? error.message : String(error))
  }
}

function bindLibc(): Libc {
  // Null is the process itself: works with every libc.
  const libc = koffi.load(null)
  const pointer = 'uintptr_t'
  const call = <T>(name: string, result: string, parameters: string[]) =>
    libc.func(name, result, parameters) as unknown as T
  return {
    errno: () => koffi.errno(),
    socket: call('socket', 'int', ['int', 'int', 'int']),
    bind: call('bind', 'int', ['int', pointer, 'uint']),
    connect: call('connect', 'int', ['int', pointer, 'uint']),
    close: call('close', 'int', ['int']),
    recv: call('recv', 'long', ['int', pointer, 'size_t', 'int']),
    send: call('send', 'long', ['int', pointer, 'size_t', 'int']),
    setsockopt: call('setsockopt', 'int', ['int', 'int', 'int', pointer, 'uint']),
    clockNanosleep: call('clock_nanosleep', 'int', ['int', 'int', pointer, pointer]),
    clockGettime: call('clock_gettime', 'int', ['int', pointer]),
    schedSetscheduler: call('sched_setscheduler', 'int', ['int', 'int', pointer]),
    addressOf: (bytes) => Number(koffi.address(bytes)),
  }
}
