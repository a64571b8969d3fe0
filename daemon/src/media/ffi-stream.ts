//! A connection to the bus for the loop that never returns to the event loop of Node: non-blocking, read
//! in every slot, and tried again for ever when it is gone.
import { BusFrameReader, encodeBusFrame } from '../bus/frame.ts'
import type { BusMessage } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import { libcConstant } from '../platform/ffi.ts'
import type { BusAddress } from '../platform/stream.ts'
import { type Arena, arenaOffset, busBytesMax } from './arena.ts'
import type { FfiMemory } from './ffi-memory.ts'
import { parseIpv4 } from './sockets.ts'

const retryMs = 100
const closed = -1

interface FfiStreamOptions {
  readonly memory: FfiMemory
  readonly address: BusAddress
  readonly hello: BusMessage
  readonly onMessage: (message: BusMessage) => void
  readonly onChange: (connected: boolean, reason: string) => void
}

export class FfiStream {
  readonly #options: FfiStreamOptions
  readonly #arena: Arena
  #fd = closed
  #connected = false
  #retryAtMs = 0
  #reader = new BusFrameReader()
  #unsent: Uint8Array = new Uint8Array(0)

  constructor(options: FfiStreamOptions) {
    this.#options = options
    this.#arena = options.memory.arena
  }

  /** Connects when it is time, and handles what has come. */
  poll(nowMs: number): void {
    if (this.#fd === closed) {
      if (nowMs < this.#retryAtMs) return
      this.#retryAtMs = nowMs + retryMs
      this.#open()
    }
    if (this.#fd !== closed && !this.#connected) this.#connect()
    if (!this.#connected) return
    this.#flush()
    this.#read()
  }

  /** The message is lost when there is no connection. */
  send(message: BusMessage): void {
    if (!this.#connected) return
    const frame = encodeBusFrame(message)
    if (this.#unsent.length + frame.length > limits.busQueueBytesMax) {
      this.#close('the other end does not read')
      return
    }
    const held = this.#unsent
    this.#unsent = new Uint8Array(held.length + frame.length)
    this.#unsent.set(held)
    this.#unsent.set(frame, held.length)
    this.#flush()
  }

  #open(): void {
    const { libc } = this.#options.memory
    const { afUnix, afInet, sockStream, sockNonblock, sockCloexec } = libcConstant
    const family = this.#options.address.transport === 'unix' ? afUnix : afInet
    this.#fd = libc.socket(family, sockStream | sockNonblock | sockCloexec, 0)
  }

  /** Called again until it has succeeded or failed. */
  #connect(): void {
    const { memory, address, hello } = this.#options
    const unix = address.transport === 'unix'
    const at = unix
      ? memory.unix(address.path)
      : memory.inet(parseIpv4(address.host) ?? 0, address.port)
    const result = memory.libc.connect(this.#fd, at, unix ? 110 : 16)
    const errno = result < 0 ? memory.libc.errno() : 0
    if (errno === libcConstant.einprogress || errno === libcConstant.ealready) return
    if (errno !== 0 && errno !== libcConstant.eisconn) {
      memory.libc.close(this.#fd)
      this.#fd = closed
      return
    }
    if (!unix) {
      const { ipprotoTcp, tcpNodelay } = libcConstant
      memory.libc.setsockopt(this.#fd, ipprotoTcp, tcpNodelay, memory.int(1), 4)
    }
    this.#connected = true
    this.#reader = new BusFrameReader()
    this.#unsent = new Uint8Array(0)
    this.#options.onChange(true, 'connected')
    this.send(hello)
  }

  #read(): void {
    const { memory, onMessage } = this.#options
    const { msgDontwait, eagain, eintr } = libcConstant
    const from = memory.base + arenaOffset.bus
    while (this.#connected) {
      const length = memory.libc.recv(this.#fd, from, busBytesMax, msgDontwait)
      if (length < 0) {
        const errno = memory.libc.errno()
        if (errno !== eagain && errno !== eintr) this.#close(`errno ${errno}`)
        return
      }
      if (length === 0) {
        this.#close('closed by the other end')
        return
      }
      const bytes = this.#arena.bytes.slice(arenaOffset.bus, arenaOffset.bus + length)
      const messages = this.#reader.push(bytes)
      if (typeof messages === 'string') {
        this.#close(`broken frame: ${messages}`)
        return
      }
      for (const message of messages) onMessage(message)
    }
  }

  #flush(): void {
    const { memory } = this.#options
    const { msgDontwait, msgNosignal, eagain, eintr } = libcConstant
    while (this.#unsent.length > 0 && this.#connected) {
      const part = this.#unsent.subarray(0, busBytesMax)
      this.#arena.bytes.set(part, arenaOffset.bus)
      const at = memory.base + arenaOffset.bus
      const sent = memory.libc.send(this.#fd, at, part.length, msgDontwait | msgNosignal)
      if (sent < 0) {
        const errno = memory.libc.errno()
        if (errno !== eagain && errno !== eintr) this.#close(`errno ${errno}`)
        return
      }
      this.#unsent = this.#unsent.subarray(sent)
    }
  }

  #close(reason: string): void {
    this.#options.memory.libc.close(this.#fd)
    this.#fd = closed
    this.#connected = false
    this.#options.onChange(false, reason)
  }
}
