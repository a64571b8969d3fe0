//! Datagram sockets for SIP, heartbeats and sync frames. Voice has sockets of its own (media/).
//!
//! Heartbeat and sync use dgram-as-promised with its callback: `recv()` and `for await` lose what
//! arrives between two calls, and `setTimeout` makes the next `send` fail. SIP uses node:dgram.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised'
import { failure, type Result, success } from '../result.ts'
import { errorText } from './files.ts'
import { filterDatagrams, forceReceiveBuffer } from './socket-options.ts'

type DatagramKind = 'sip' | 'pair'

interface DatagramOptions {
  readonly address: string
  readonly port: number
  readonly kind: DatagramKind
  /** The bytes are the caller's: they are not used again. */
  readonly onDatagram: (bytes: Uint8Array, from: { address: string; port: number }) => void
  /** Errors of single sends and receives; the socket goes on. */
  readonly onError: (text: string) => void
}

export interface DatagramSocket {
  /** Best effort, as UDP is; a failure goes to `onError`, a target that is none included. */
  send(bytes: Uint8Array, port: number, address: string): void
  /** Which datagrams are heard, as a program for the kernel (platform/socket-options.ts); null: all of them.
   * @returns false when it is not in force. */
  filter(program: Uint8Array | null): boolean
  /** The port, also when zero was asked for. */
  readonly port: number
  close(): Promise<void>
}

/** A burst of a whole catch-up waits here while the process is busy. The kernel takes what its limit
 * (net.core.rmem_max) allows. */
const receiveBufferBytes = 4_194_304

export async function openDatagram(options: DatagramOptions): Promise<Result<DatagramSocket>> {
  try {
    return success(options.kind === 'sip' ? await openCore(options) : await openPromised(options))
  } catch (error) {
    return failure('socket-failed', errorText(error))
  }
}

/** Addresses are numbers: a look-up would only put the send off to a later turn of the loop. */
const lookup = (host: string, _options: unknown, done: (e: null, a: string, f: 4) => void) =>
  done(null, host, 4)

async function openPromised(options: DatagramOptions): Promise<DatagramSocket> {
  const receive = (bytes: Buffer, from: RemoteInfo) => deliver(options, bytes, from)
  const socket: SocketAsPromised = DgramAsPromised.createSocket({ type: 'udp4', lookup }, receive)
  await socket.bind(options.port, options.address)
  prepare(socket.socket, options)
  const failed = (error: unknown) => options.onError(errorText(error))
  return {
    send: (bytes, port, address) => {
      socket.send(bytes, port, address).catch(failed)
    },
    filter: (program) => filterDatagrams(socket.socket, program),
    port: socket.address().port,
    close: async () => {
      await socket.close().catch(() => undefined)
    },
  }
}

function openCore(options: DatagramOptions): Promise<DatagramSocket> {
  const socket = createSocket({ type: 'udp4', lookup })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ port: options.port, address: options.address, exclusive: true }, () => {
      socket.off('error', reject)
      prepare(socket, options)
      socket.on('message', (bytes, from) => deliver(options, bytes, from))
      resolve({
        send: (bytes, port, address) => {
          try {
            socket.send(bytes, port, address, (error) => {
              if (error !== null) options.onError(errorText(error))
            })
          } catch (error) {
            options.onError(errorText(error))
          }
        },
        filter: (program) => filterDatagrams(socket, program),
        port: socket.address().port,
        close: () => new Promise((closed) => socket.close(() => closed())),
      })
    })
  })
}

/** Node tells more of a sender than its address; none of that may get into a record. Port zero wants no
 * answer (RFC 768), and node:dgram throws when it shall send to it. */
function deliver(options: DatagramOptions, bytes: Buffer, { address, port }: RemoteInfo): void {
  if (port !== 0) options.onDatagram(bytes, { address, port })
}

function prepare(socket: Socket, options: DatagramOptions): void {
  socket.on('error', (error) => options.onError(errorText(error)))
  try {
    socket.setRecvBufferSize(receiveBufferBytes)
    forceReceiveBuffer(socket, receiveBufferBytes)
  } catch (error) {
    options.onError(errorText(error))
  }
}
