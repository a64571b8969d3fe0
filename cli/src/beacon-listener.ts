//! Hears the state beacon on this machine; no daemon is needed.
import { createSocket } from 'node:dgram'
import { CliFailure } from './failure.ts'

interface Listening {
  readonly group: string | null
  readonly port: number
  /** Own address where the group is heard; null: where the system's routes say. */
  readonly address: string | null
  readonly onDatagram: (bytes: Uint8Array) => void
}

/** @returns how to stop. Throws `CliFailure`. */
export function listen({ group, port, address, onDatagram }: Listening): Promise<() => void> {
  // Several listeners on one machine hear the same group.
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      socket.close()
      const what = group === null ? `port ${port}` : `group ${group}, port ${port}`
      reject(new CliFailure('socket-failed', `Cannot listen on ${what}: ${error.message}`))
    }
    socket.once('error', refuse)
    socket.on('message', onDatagram)
    socket.bind(port, () => {
      try {
        if (group !== null) socket.addMembership(group, address ?? undefined)
      } catch (error) {
        refuse(error as Error)
        return
      }
      socket.off('error', refuse)
      socket.on('error', () => undefined)
      resolve(() => socket.close())
    })
  })
}
