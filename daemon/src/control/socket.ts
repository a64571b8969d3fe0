//! The unix socket of the control server: made with mode 0660, a stale one replaced, none stolen.
import { chmod, lstat, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { failure, type Result, success } from '../result.ts'

/** `sun_path` of unix(7) without its closing zero byte. */
const pathBytesMax = 107

interface UnixListener {
  /** Stops listening and removes the socket, unless another one has taken its place. */
  close(): Promise<void>
}

/** Listens on `path`. Errors: `control-socket`. */
export async function listenUnix(
  path: string,
  onConnection: (socket: Socket) => void,
): Promise<Result<UnixListener>> {
  // Bound under another name and renamed: nobody can connect before the mode is set, and a stale
  // socket is replaced in one step.
  const bound = `${path}.${process.pid}`
  if (Buffer.byteLength(bound) > pathBytesMax) {
    return failure('control-socket', `${path}: longer than ${pathBytesMax} bytes`)
  }
  const server = createServer({ allowHalfOpen: true }, onConnection)
  try {
    const taken = await isTaken(path)
    if (taken !== null) return failure('control-socket', `${path}: ${taken}`)
    await rm(bound, { force: true })
    await listen(server, bound)
    await chmod(bound, 0o660)
    await rename(bound, path)
    const { ino } = await lstat(path)
    return success({ close: () => close(server, path, ino) })
  } catch (error) {
    server.close()
    await rm(bound, { force: true }).catch(() => undefined)
    return failure('control-socket', error instanceof Error ? error.message : String(error))
  }
}

/** @returns why `path` cannot be used, or null. */
async function isTaken(path: string): Promise<string | null> {
  const found = await lstat(path).catch(() => null)
  if (found === null) return null
  if (!found.isSocket()) return 'exists and is not a socket'
  return (await answers(path)) ? 'another daemon listens on it' : null
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => resolve(true))
    probe.once('error', () => resolve(false))
    probe.once('close', () => resolve(false))
    probe.once('connect', () => probe.destroy())
  })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      // An accept that fails (no descriptors left) must not end the process.
      server.on('error', () => undefined)
      resolve()
    })
  })
}

async function close(server: Server, path: string, ino: number): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()))
  const found = await lstat(path).catch(() => null)
  if (found?.ino === ino) await rm(path, { force: true })
}

/** A refused client has this long to read the reason and to go. */
const refusedMsMax = 1_000

/** What the client still sends is read and dropped: a socket closed on unread bytes would be reset,
 * and the client might not see the reason. */
export function sayAndEnd(socket: Socket, line: string): void {
  socket.resume()
  socket.end(`${line}\n`)
  const giveUp = setTimeout(() => socket.destroy(), refusedMsMax)
  giveUp.unref()
  socket.once('close', () => clearTimeout(giveUp))
}
