//! Options of a UDP socket that node:dgram does not know.
import type { Socket } from 'node:dgram'
import { libcConstant, loadLibc } from './ffi.ts'

/** Sets the receive buffer beyond the limit of the kernel, where the process may (CAP_NET_ADMIN): under a flood
 * its default is full in 20 ms. Without the right, or another Node that hides the descriptor, the limit holds. */
export function forceReceiveBuffer(socket: Socket, sizeBytes: number): void {
  const value = new Uint8Array(new ArrayBuffer(4))
  new DataView(value.buffer).setInt32(0, sizeBytes, true)
  setOption(socket, libcConstant.soRcvbufforce, value)
}

/** Which datagrams the kernel queues; needs no right.
 * @param program instructions of classic BPF (linux/filter.h); null: all of them.
 * @returns false when the kernel did not take it: what was before holds. */
export function filterDatagrams(socket: Socket, program: Uint8Array | null): boolean {
  const { soAttachFilter, soDetachFilter } = libcConstant
  if (program === null) return setOption(socket, soDetachFilter, new Uint8Array(new ArrayBuffer(4)))
  const loaded = loadLibc()
  if (!loaded.ok) return false
  // struct sock_fprog of 64 bit: the number of instructions, and where they are.
  const pointer = new Uint8Array(new ArrayBuffer(16))
  const view = new DataView(pointer.buffer)
  view.setUint16(0, program.length / 8, true)
  view.setBigUint64(8, BigInt(loaded.value.addressOf(program)), true)
  return setOption(socket, soAttachFilter, pointer)
}

/** @param value memory that does not move. */
function setOption(socket: Socket, option: number, value: Uint8Array): boolean {
  const fd = (socket as { _handle?: { fd?: unknown } })._handle?.fd
  const loaded = loadLibc()
  if (typeof fd !== 'number' || fd < 0 || !loaded.ok) return false
  const { addressOf, setsockopt } = loaded.value
  return setsockopt(fd, libcConstant.solSocket, option, addressOf(value), value.length) === 0
}
