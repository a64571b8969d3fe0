//! The control server: connections of the control socket, bounded in number, size and time.
import type { Socket } from 'node:net'
import { limits } from '../limits.ts'
import { peerUserId, preparePeerCredentials, userName } from '../platform/peer-credentials.ts'
import { failure, type Result, success } from '../result.ts'
import { type Line, LineReader } from './lines.ts'
import { type Answering, type CallContext, type Caller, errorLine, handleLine } from './session.ts'
import { listenUnix, sayAndEnd } from './socket.ts'

export interface ControlServerOptions extends Answering {
  readonly path: string
  /** For tests; the limits of the product otherwise. */
  readonly frameBytesMax?: number
  readonly connectionsMax?: number
  readonly idleMs?: number
}

export interface ControlServer {
  readonly counters: Readonly<Counters>
  /** Ends all connections and removes the socket. */
  close(): Promise<void>
}

interface Counters {
  requests: number
  /** Connections refused or ended: too many, too long, too slow, idle. */
  refused: number
  tooLong: number
  slow: number
  idle: number
  /** Notifications not sent, because the client does not read. */
  dropped: number
}

interface Shared {
  readonly answering: Answering
  readonly frameBytesMax: number
  readonly idleMs: number
  readonly counters: Counters
  /** Bytes of incomplete lines of all connections together. */
  heldBytes: number
}

/** Notifications to a client that has this much unread are dropped. */
const unreadBytesMax = 1_048_576

/** Starts to listen. Errors: `control-socket`. */
export async function startControlServer(
  options: ControlServerOptions,
): Promise<Result<ControlServer>> {
  preparePeerCredentials()
  const counters: Counters = { requests: 0, refused: 0, tooLong: 0, slow: 0, idle: 0, dropped: 0 }
  const shared: Shared = {
    answering: options,
    frameBytesMax: options.frameBytesMax ?? limits.controlFrameBytesMax,
    idleMs: options.idleMs ?? limits.controlIdleMs,
    counters,
    heldBytes: 0,
  }
  const connectionsMax = options.connectionsMax ?? limits.controlConnectionsMax
  const open = new Set<Connection>()
  const listener = await listenUnix(options.path, (socket) => {
    if (open.size >= connectionsMax) {
      counters.refused += 1
      refuse(socket, connectionsMax)
      return
    }
    const connection = new Connection(socket, shared)
    open.add(connection)
    socket.once('close', () => open.delete(connection))
  })
  if (!listener.ok) return listener
  let closed: Promise<void> | null = null
  const close = (): Promise<void> => {
    closed ??= listener.value.close()
    for (const connection of open) connection.end()
    return closed
  }
  return success({ counters, close })
}

function refuse(socket: Socket, connectionsMax: number): void {
  const busy = failure('control-busy', `${connectionsMax} connections are open already`)
  socket.on('error', () => socket.destroy())
  sayAndEnd(socket, errorLine(null, busy.failure))
}

function callerOf(socket: Socket): Caller {
  const uid = peerUserId(socket)
  return { via: 'local', user: uid === null ? null : userName(uid) }
}

class Connection {
  readonly #socket: Socket
  readonly #shared: Shared
  readonly #reader: LineReader
  readonly #closed = new AbortController()
  readonly #context: CallContext
  #running = 0
  #streaming = false
  /** The client has said its last word, or was told that it has. */
  #ended = false

  constructor(socket: Socket, shared: Shared) {
    this.#socket = socket
    this.#shared = shared
    this.#reader = new LineReader(shared.frameBytesMax)
    this.#context = {
      caller: callerOf(socket),
      notify: (method, params) => this.#notify(method, params),
      keepOpen: () => {
        this.#streaming = true
      },
      closed: this.#closed.signal,
    }
    socket.on('data', (bytes: Buffer) => this.#onData(bytes))
    socket.on('error', () => socket.destroy())
    socket.once('end', () => this.#onEnd())
    socket.once('close', () => this.#onClose())
    socket.setTimeout(shared.idleMs, () => this.#onIdle())
  }

  end(): void {
    this.#socket.destroy()
  }

  #onData(bytes: Uint8Array): void {
    if (this.#ended) return
    const before = this.#reader.heldBytes
    const lines = this.#reader.push(bytes)
    if (lines === 'too-long') {
      this.#shared.counters.tooLong += 1
      const detail = `a line is longer than ${this.#shared.frameBytesMax} bytes`
      this.#refuse(failure('control-too-long', detail))
      return
    }
    this.#shared.heldBytes += this.#reader.heldBytes - before
    // Many half-written long lines must not fill the memory of the switch.
    if (this.#shared.heldBytes > 2 * this.#shared.frameBytesMax) {
      this.#refuse(failure('control-busy', 'too many long requests at once'))
      return
    }
    for (const line of lines) this.#onLine(line)
  }

  #onLine(line: Line): void {
    if (line === '') return
    this.#shared.counters.requests += 1
    if (this.#running >= limits.controlRequestsMax) {
      const busy = failure('control-busy', 'too many requests at once on this connection')
      this.#write(errorLine(null, busy.failure))
      return
    }
    this.#running += 1
    void this.#answer(line)
  }

  async #answer(line: Line): Promise<void> {
    const answer = await handleLine(line, this.#shared.answering, this.#context)
    this.#running -= 1
    this.#write(answer)
    if (this.#ended && this.#running === 0) this.#socket.end()
  }

  #notify(method: string, params: object): boolean {
    if (this.#closed.signal.aborted) return false
    if (this.#socket.writableLength > unreadBytesMax) {
      this.#shared.counters.dropped += 1
      return false
    }
    this.#write(JSON.stringify({ jsonrpc: '2.0', method, params }))
    return true
  }

  #write(line: string): void {
    if (!this.#socket.writable) return
    if (this.#socket.writableLength > this.#shared.frameBytesMax) {
      this.#shared.counters.slow += 1
      this.#socket.destroy()
      return
    }
    this.#socket.write(`${line}\n`)
  }

  #refuse(refusal: ReturnType<typeof failure>): void {
    this.#shared.counters.refused += 1
    this.#ended = true
    sayAndEnd(this.#socket, errorLine(null, refusal.failure))
  }

  #onEnd(): void {
    this.#ended = true
    if (this.#running === 0) this.#socket.end()
  }

  #onIdle(): void {
    if (this.#running > 0) return
    if (this.#streaming && this.#socket.writableLength === 0) return
    this.#shared.counters.idle += 1
    this.#socket.destroy()
  }

  #onClose(): void {
    this.#shared.heldBytes -= this.#reader.heldBytes
    this.#closed.abort()
  }
}
