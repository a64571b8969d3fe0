//! Sockets of the legs through Node, for platforms without FFI: the same behaviour at three to four times
//! the cost, and with the stalls of the event loop.
import { createSocket, type Socket } from 'node:dgram'
import { type Arena, arenaOffset, receiveBytesMax } from './arena.ts'
import { type LegEnds, type LegSockets, type OpenState, parseIpv4 } from './sockets.ts'

/** Packets that wait for the tick of their leg. */
const heldMax = 64

interface Port {
  readonly socket: Socket
  readonly held: Uint8Array[]
  bound: boolean
  connected: boolean
  /** A connection under way is replaced by the last one wanted. */
  wanted: { readonly address: string; readonly port: number } | null
  connecting: boolean
}

interface LegPorts {
  readonly rtp: Port
  readonly rtcp: Port
  problem: OpenState | null
}

export class DgramSockets implements LegSockets {
  readonly #arena: Arena
  readonly #service: string
  readonly #legs: (LegPorts | null)[] = []

  /** @param serviceAddress where the ports are opened, a dotted quad. */
  constructor(arena: Arena, serviceAddress: string) {
    this.#arena = arena
    this.#service = serviceAddress
  }

  open(leg: number, ends: LegEnds): void {
    this.close(leg)
    const ports: LegPorts = { rtp: newPort(), rtcp: newPort(), problem: null }
    this.#legs[leg] = ports
    for (const [port, number] of [
      [ports.rtp, ends.localPort],
      [ports.rtcp, ends.localPort + 1],
    ] as const) {
      port.socket.on('error', (error: NodeJS.ErrnoException) => {
        // Once bound, errors are ICMP answers to single packets.
        if (!port.bound) ports.problem ??= problemOf(error)
      })
      port.socket.bind({ address: this.#service, port: number, exclusive: true }, () => {
        port.bound = true
        connectPort(port)
      })
    }
    this.aim(leg, ends)
  }

  state(leg: number): OpenState {
    const ports = this.#legs[leg]
    if (ports === undefined || ports === null) return { failed: 'never opened' }
    if (ports.problem !== null) return ports.problem
    return ports.rtp.bound && ports.rtcp.bound ? 'open' : 'opening'
  }

  aim(leg: number, ends: LegEnds): boolean {
    const ports = this.#legs[leg]
    const address = ends.terminalAddress
    const usable = parseIpv4(address) !== null && ends.remotePort !== 0
    if (ports === undefined || ports === null) return false
    const controlPort = Math.min(ends.remotePort + 1, 65_535)
    ports.rtp.wanted = usable ? { address, port: ends.remotePort } : null
    ports.rtcp.wanted = usable ? { address, port: controlPort } : null
    for (const port of [ports.rtp, ports.rtcp]) {
      port.held.length = 0
      connectPort(port)
    }
    return usable
  }

  close(leg: number): void {
    const ports = this.#legs[leg]
    this.#legs[leg] = null
    if (ports === undefined || ports === null) return
    for (const { socket } of [ports.rtp, ports.rtcp]) {
      socket.removeAllListeners('message')
      socket.close()
    }
  }

  receive(leg: number): number {
    return this.#receive(this.#legs[leg]?.rtp)
  }

  receiveControl(leg: number): number {
    return this.#receive(this.#legs[leg]?.rtcp)
  }

  send(leg: number, offset: number, length: number): boolean {
    return this.#send(this.#legs[leg]?.rtp, offset, length)
  }

  sendControl(leg: number, offset: number, length: number): boolean {
    return this.#send(this.#legs[leg]?.rtcp, offset, length)
  }

  #receive(port: Port | undefined): number {
    const bytes = port?.held.shift()
    if (bytes === undefined) return 0
    if (bytes.length === 0 || bytes.length > receiveBytesMax) return 1
    this.#arena.bytes.set(bytes, arenaOffset.received)
    return bytes.length
  }

  #send(port: Port | undefined, offset: number, length: number): boolean {
    if (port === undefined || !port.connected || port.connecting) return false
    // Node sends later; the arena is written again in the next tick.
    port.socket.send(this.#arena.bytes.slice(offset, offset + length), () => undefined)
    return true
  }
}

function newPort(): Port {
  const socket = createSocket('udp4')
  const port: Port = {
    socket,
    held: [],
    bound: false,
    connected: false,
    wanted: null,
    connecting: false,
  }
  socket.on('message', (bytes, from) => {
    // Before the connection holds, anybody could write to the port.
    const { wanted } = port
    if (wanted === null || from.address !== wanted.address || from.port !== wanted.port) return
    if (port.held.length < heldMax) port.held.push(bytes)
  })
  return port
}

/** Connects to the wanted end, after a connection that is under way. */
function connectPort(port: Port): void {
  if (!port.bound || port.connecting) return
  const { wanted, socket } = port
  if (port.connected) socket.disconnect()
  port.connected = false
  if (wanted === null) return
  port.connecting = true
  socket.connect(wanted.port, wanted.address, () => {
    port.connecting = false
    port.connected = true
    if (port.wanted !== wanted) connectPort(port)
  })
}

function problemOf(error: NodeJS.ErrnoException): OpenState {
  return error.code === 'EADDRINUSE' ? 'busy' : { failed: error.message }
}
