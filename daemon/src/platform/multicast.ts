//! A socket that tells the site something: to a multicast group and to single receivers, always from
//! the node's own address, never from the service address.
import { createSocket, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { failure, type Result, success } from '../result.ts'
import { errorText } from './files.ts'

interface AnnouncerOptions {
  readonly interface: string
  /** Addresses on that interface that are not the node's own. */
  readonly not: readonly string[]
  /** Routers that a packet to the group may pass. */
  readonly hops: number
  readonly onError: (text: string) => void
}

export interface Announcer {
  /** Best effort; a failure goes to `onError`. */
  send(bytes: Uint8Array, port: number, address: string): void
  close(): void
}

/** Errors: `socket-failed`. */
export async function openAnnouncer(options: AnnouncerOptions): Promise<Result<Announcer>> {
  const own = ownAddress(options.interface, options.not)
  if (own === null) {
    return failure('socket-failed', `${options.interface} has no IPv4 address of this node`)
  }
  const socket = createSocket('udp4')
  try {
    await bind(socket, own)
    socket.setMulticastInterface(own)
    socket.setMulticastTTL(options.hops)
  } catch (error) {
    socket.close()
    return failure('socket-failed', errorText(error))
  }
  socket.on('error', (error) => options.onError(errorText(error)))
  return success({
    send: (bytes, port, address) => {
      socket.send(bytes, port, address, (error) => {
        if (error !== null) options.onError(errorText(error))
      })
    },
    close: () => socket.close(),
  })
}

function ownAddress(name: string, not: readonly string[]): string | null {
  const held = networkInterfaces()[name] ?? []
  const own = held.find(({ family, address }) => family === 'IPv4' && !not.includes(address))
  return own?.address ?? null
}

function bind(socket: Socket, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ port: 0, address, exclusive: true }, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}
