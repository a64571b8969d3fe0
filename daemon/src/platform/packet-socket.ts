//! A packet socket (packet(7)) for ARP: frames of one interface, past the kernel's own ARP and past its
//! packet filter. Needs CAP_NET_RAW.
import { failure, type Result, success } from '../result.ts'
import { type Libc, libcConstant, loadLibc } from './ffi.ts'

export interface PacketSocket {
  /** A whole Ethernet frame. @returns false when the kernel did not take it. */
  send(frame: Uint8Array): boolean
  /** The next ARP frame that came, or null. Never waits. */
  receive(): Uint8Array | null
  close(): void
}

const etherTypeArp = 0x0806
const afPacket = 17
const sockRaw = 3
const addressBytes = 20
/** Longer frames than ARP has are cut, and are none. */
const frameBytesMax = 2_048

/** @param interfaceIndex as the kernel counts them. */
export function openArpSocket(interfaceIndex: number): Result<PacketSocket> {
  const libc = loadLibc()
  if (!libc.ok) return libc
  // Off the heap of the engine, so that it never moves.
  const memory = new Uint8Array(frameBytesMax)
  const base = libc.value.addressOf(memory)
  const fd = open(libc.value, { memory, base, interfaceIndex })
  if (typeof fd === 'string') return failure('socket-failed', fd)
  const { msgDontwait } = libcConstant
  return success({
    send: (frame) => {
      memory.set(frame)
      return libc.value.send(fd, base, frame.length, msgDontwait) === frame.length
    },
    receive: () => {
      const length = libc.value.recv(fd, base, frameBytesMax, msgDontwait)
      return length > 0 ? memory.slice(0, length) : null
    },
    close: () => {
      libc.value.close(fd)
    },
  })
}

interface Binding {
  readonly memory: Uint8Array
  readonly base: number
  readonly interfaceIndex: number
}

/** @returns the descriptor, or why there is none. */
function open(libc: Libc, { memory, base, interfaceIndex }: Binding): number | string {
  const { sockNonblock, sockCloexec } = libcConstant
  const fd = libc.socket(afPacket, sockRaw | sockNonblock | sockCloexec, swapped(etherTypeArp))
  if (fd < 0) return `packet socket: errno ${libc.errno()}`
  // sockaddr_ll: family, protocol in network order, interface; the rest is for sending.
  memory.fill(0, 0, addressBytes)
  const view = new DataView(memory.buffer)
  view.setUint16(0, afPacket, true)
  view.setUint16(2, etherTypeArp)
  view.setInt32(4, interfaceIndex, true)
  if (libc.bind(fd, base, addressBytes) === 0) return fd
  const problem = `packet socket: bind to interface ${interfaceIndex}: errno ${libc.errno()}`
  libc.close(fd)
  return problem
}

/** `htons` of a little-endian machine; vccs runs on x86-64 and arm64. */
function swapped(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8)
}
