//! The bus over stream sockets: a server, and a client that comes back by itself. Messages are
//! checked at both ends (bus/messages.ts); a peer that breaks the frame is cut off. What cannot be
//! delivered is bounded: a peer that reads too slowly is closed, never buffered without end.
import { lstatSync, unlinkSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { BusFrameReader, encodeBusFrame, encodeBusFrames } from '../bus/frame.ts'
import type { BusMessage } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import { failure, type Result, success } from '../result.ts'
import { errorText, setFileMode } from './files.ts'

export type BusAddress =
  | { readonly transport: 'unix'; readonly path: string }
  | { readonly transport: 'tcp'; readonly host: string; readonly port: number }

/** One end of one connection. */
export interface BusPeer {
  /** False when the connection is closed; the message is then lost, as it is when it closes later. */
  send(message: BusMessage): boolean
  /** The same for several that belong together: they leave in one write. */
  sendAll(messages: readonly BusMessage[]): boolean
  onMessage(handler: (message: BusMessage) => void): void
  /** Called once, in the same turn of the event loop in which the kernel reports the end. */
  onClose(handler: (reason: string) => void): void
  close(reason?: string): void
  readonly queuedBytes: number
}

export interface BusServer {
  /** Stops listening and closes all connections. */
  close(): Promise<void>
}

interface BusListenOptions {
  readonly address: BusAddress
  /** Mode of the unix socket; the file mode is the right to use it. */
  readonly mode?: number
}

interface BusConnectOptions {
  readonly address: BusAddress
  /** First message of every connection. */
  readonly hello: BusMessage
  readonly onOpen: (peer: BusPeer) => void
  /** Only for connections that were open. */
  readonly onClose?: (reason: string) => void
  readonly retryMs?: number
}

/** A connection that is tried again until `close`. */
export interface BusClient {
  /** False when there is no connection now. */
  send(message: BusMessage): boolean
  readonly connected: boolean
  close(): void
}

/** Where `sun_path` of Linux ends. */
const socketPathBytesMax = 107
const probeMs = 500

/** Listens and gives every accepted connection to `onConnection`. A socket file that nobody serves
 * is removed; one that is served is refused with `bus-in-use`. */
export async function listenBus(
  options: BusListenOptions,
  onConnection: (peer: BusPeer) => void,
): Promise<Result<BusServer>> {
  const { address } = options
  if (address.transport === 'unix') {
    if (Buffer.byteLength(address.path) > socketPathBytesMax) {
      return failure('bus-failed', `${address.path} is longer than ${socketPathBytesMax} bytes`)
    }
    const taken = await removeStaleSocket(address.path)
    if (taken !== null) return failure('bus-in-use', taken)
  }
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    onConnection(new StreamPeer(socket))
  })
  const error = await listen(server, options)
  if (error !== null) return failure(busErrorCode(error), errorText(error))
  server.on('error', () => undefined)
  return success({
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  })
}

function busErrorCode(error: NodeJS.ErrnoException): 'bus-in-use' | 'bus-failed' {
  return error.code === 'EADDRINUSE' ? 'bus-in-use' : 'bus-failed'
}

function listen(server: Server, options: BusListenOptions): Promise<NodeJS.ErrnoException | null> {
  const { address } = options
  return new Promise((resolve) => {
    server.once('error', resolve)
    server.listen(socketOptions(address), () => {
      server.off('error', resolve)
      if (address.transport === 'unix') setFileMode(address.path, options.mode ?? 0o600)
      resolve(null)
    })
  })
}

function socketOptions(address: BusAddress) {
  return address.transport === 'unix'
    ? { path: address.path }
    : { host: address.host, port: address.port }
}

/** @returns null when the path is free now, otherwise why it is not. */
async function removeStaleSocket(path: string): Promise<string | null> {
  try {
    if (!lstatSync(path).isSocket()) return `${path} exists and is not a socket`
  } catch {
    return null
  }
  if (await isServed(path)) return `another process serves ${path}`
  unlinkSync(path)
  return null
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection({ path })
    const end = (served: boolean) => {
      probe.destroy()
      resolve(served)
    }
    probe.setTimeout(probeMs, () => end(true))
    probe.once('connect', () => end(true))
    probe.once('error', (error: NodeJS.ErrnoException) => {
      // A full backlog (EAGAIN) means that somebody listens.
      end(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}

/** Connects, says hello, and comes back after `retryMs` (default 100 ms) whenever the connection
 * is lost. */
export function connectBus(options: BusConnectOptions): BusClient {
  let current: StreamPeer | null = null
  let timer: NodeJS.Timeout | null = null
  let ended = false
  let pending: Socket | null = null
  const again = () => {
    if (ended || timer !== null) return
    timer = setTimeout(() => {
      timer = null
      open()
    }, options.retryMs ?? 100)
  }
  const open = () => {
    const socket = createConnection({ ...socketOptions(options.address), noDelay: true })
    pending = socket
    const failed = () => again()
    socket.once('error', failed)
    socket.once('connect', () => {
      socket.off('error', failed)
      const peer = new StreamPeer(socket)
      current = peer
      peer.onClose((reason) => {
        current = null
        options.onClose?.(reason)
        again()
      })
      peer.send(options.hello)
      options.onOpen(peer)
    })
  }
  open()
  return {
    send: (message) => current?.send(message) ?? false,
    get connected() {
      return current !== null
    },
    close: () => {
      ended = true
      if (timer !== null) clearTimeout(timer)
      if (current === null) pending?.destroy()
      current?.close('closed by this side')
    },
  }
}

class StreamPeer implements BusPeer {
  readonly #socket: Socket
  readonly #reader = new BusFrameReader()
  #message: (message: BusMessage) => void = () => undefined
  readonly #closeHandlers: ((reason: string) => void)[] = []
  #closed = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes) => this.#receive(bytes as Buffer))
    socket.on('error', (error) => {
      this.#end(error.message)
    })
    // The end of the other direction is the death of the peer: nobody half-closes the bus.
    socket.on('end', () => this.#end('connection closed'))
    socket.on('close', () => this.#end('connection closed'))
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  send(message: BusMessage): boolean {
    return this.#write(encodeBusFrame(message))
  }

  sendAll(messages: readonly BusMessage[]): boolean {
    return this.#write(encodeBusFrames(messages))
  }

  #write(frames: Uint8Array): boolean {
    if (this.#closed) return false
    this.#socket.write(frames)
    if (this.#socket.writableLength > limits.busQueueBytesMax) {
      this.#end('the peer does not read', true)
      return false
    }
    return true
  }

  onMessage(handler: (message: BusMessage) => void): void {
    this.#message = handler
  }

  onClose(handler: (reason: string) => void): void {
    this.#closeHandlers.push(handler)
  }

  close(reason = 'closed by this side'): void {
    this.#end(reason)
  }

  #receive(bytes: Buffer): void {
    if (this.#closed) return
    const messages = this.#reader.push(bytes)
    if (typeof messages === 'string') {
      this.#end(`broken frame: ${messages}`, true)
      return
    }
    for (const message of messages) {
      if (this.#closed) return
      this.#message(message)
    }
  }

  #end(reason: string, cut = false): void {
    if (this.#closed) return
    this.#closed = true
    // What was sent before a wanted close still goes out; a broken peer is cut.
    if (cut) this.#socket.destroy()
    else this.#socket.destroySoon()
    for (const handler of this.#closeHandlers) handler(reason)
  }
}
