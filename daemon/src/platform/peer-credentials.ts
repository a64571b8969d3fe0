//! Who is at the other end of a unix socket, by the word of the kernel (SO_PEERCRED, unix(7)).
import type { Socket } from 'node:net'
import koffi from 'koffi'
import { readFileBytes } from './files.ts'

const solSocket = 1
const soPeercred = 17
/** `struct ucred`: pid, uid, gid. */
const ucredBytes = 12
const passwdBytesMax = 262_144
/** Names that are remembered; a user is seldom renamed, and the daemon is asked often. */
const namesMax = 64

type Getsockopt = (
  fd: number,
  level: number,
  option: number,
  value: Uint8Array,
  length: Uint8Array,
) => number

const names = new Map<number, string>()
let getsockopt: Getsockopt | null | undefined

/** Finds the system call, which takes some milliseconds: not at the first connection. */
export function preparePeerCredentials(): void {
  bound()
}

function bound(): Getsockopt | null {
  if (getsockopt !== undefined) return getsockopt
  try {
    const libc = koffi.load(null)
    const types = ['int', 'int', 'int', '_Inout_ uint8_t *', '_Inout_ uint8_t *']
    getsockopt = libc.func('getsockopt', 'int', types) as unknown as Getsockopt
  } catch {
    getsockopt = null
  }
  return getsockopt
}

/** @returns the user's number, or null where the kernel or Node does not tell. */
export function peerUserId(socket: Socket): number | null {
  // Node has no public name for the descriptor of a connected pipe.
  const handle = (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle
  const fd = handle?.fd
  const ask = bound()
  if (ask === null || typeof fd !== 'number' || fd < 0) return null
  const value = new Uint8Array(ucredBytes)
  const length = new Uint8Array(new Uint32Array([ucredBytes]).buffer)
  if (ask(fd, solSocket, soPeercred, value, length) !== 0) return null
  return new DataView(value.buffer).getUint32(4, true)
}

/** @returns the name in /etc/passwd, or the number as text. */
export function userName(uid: number): string {
  const known = names.get(uid)
  if (known !== undefined) return known
  const name = readUserName(uid)
  if (names.size >= namesMax) names.clear()
  names.set(uid, name)
  return name
}

function readUserName(uid: number): string {
  const file = readFileBytes('/etc/passwd', passwdBytesMax)
  if (!file.ok) return `uid ${uid}`
  for (const line of new TextDecoder().decode(file.bytes).split('\n')) {
    const [name, , number] = line.split(':')
    if (name !== undefined && name !== '' && number === String(uid)) return name
  }
  return `uid ${uid}`
}
