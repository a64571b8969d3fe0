//! A lock that cannot go stale: an abstract unix socket, which the kernel removes with its process.
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { createServer } from 'node:net'

/** @returns false when another process holds the lock of this directory, which must exist. Held until
 * this process ends. */
export function takeDirectoryLock(directory: string): Promise<boolean> {
  const name = createHash('sha256').update(realpathSync(directory)).digest('hex')
  const server = createServer((socket) => socket.destroy())
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(`\0vccsd-${name}`, () => {
      server.unref()
      resolve(true)
    })
  })
}
