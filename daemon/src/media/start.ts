//! Puts the parts of the media unit together behind one of its two back ends.
import type { BusMessage } from '../bus/messages.ts'
import { busVersion } from '../bus/messages.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { monotonicMs, wallMs } from '../platform/clock.ts'
import { libcConstant, loadLibc } from '../platform/ffi.ts'
import type { Log } from '../platform/log.ts'
import { inheritedPulse, openPulse } from '../platform/pulse.ts'
import { type BusAddress, type BusClient, connectBus } from '../platform/stream.ts'
import { failure, type Result, success } from '../result.ts'
import { type Arena, openArena } from './arena.ts'
import { runDgramLoop } from './dgram-loop.ts'
import { DgramRelayLinks } from './dgram-relay.ts'
import { DgramSockets } from './dgram-sockets.ts'
import { runFfiLoop } from './ffi-loop.ts'
import { FfiMemory } from './ffi-memory.ts'
import { FfiRelayLinks } from './ffi-relay.ts'
import { FfiSockets } from './ffi-sockets.ts'
import { FfiStream } from './ffi-stream.ts'
import { Relay } from './relay.ts'
import type { LegSockets } from './sockets.ts'
import { type BusEnd, MediaUnit, type UnitOptions } from './unit.ts'

/** Below pair, which decides about this unit. */
const realtimePriority = 10
const ends: readonly BusEnd[] = ['pair', 'switch']

interface StartOptions {
  readonly config: NodeConfig
  readonly log: Log
  /** The compiled mixer. */
  readonly mixerFile: string
  /** For relayed voice; null: the network delivers it to both nodes. */
  readonly relayKey: Uint8Array | null
}

/** Starts the unit. With the FFI back end it returns only when it fails to start.
 * @returns the function that ends the dgram back end. */
export function startMedia(options: StartOptions): Result<() => void> {
  const { config, log } = options
  const arena = loadArena(options.mixerFile)
  if (!arena.ok) return arena
  if (config.media.backend !== 'dgram') {
    const memory = probe(arena.value)
    if (memory.ok) return runFfi(options, memory.value)
    if (config.media.backend === 'ffi') return memory
    log.warn('alarm media-fallback', { alarm: 'media-fallback', reason: memory.failure.detail })
  }
  return success(runDgram(options, arena.value))
}

function loadArena(mixerFile: string): Result<Arena> {
  try {
    return success(openArena(mixerFile))
  } catch (error) {
    return failure('mixer-missing', error instanceof Error ? error.message : String(error))
  }
}

/** Does what the loop will do: a clock in the arena that agrees with that of Node. */
function probe(arena: Arena): Result<FfiMemory> {
  const libc = loadLibc()
  if (!libc.ok) return libc
  try {
    const memory = new FfiMemory(libc.value, arena)
    const difference = Math.abs(memory.monotonicMs() - monotonicMs())
    if (difference < 1_000) return success(memory)
    return failure('ffi-failed', `the clock of the kernel is ${difference} ms off`)
  } catch (error) {
    return failure('ffi-failed', error instanceof Error ? error.message : String(error))
  }
}

function runFfi(options: StartOptions, memory: FfiMemory): never {
  const { config, log } = options
  const realtime = memory.becomeRealtime(realtimePriority)
  sayScheduling(log, realtime)
  const streams = new Map<BusEnd, FfiStream>()
  const send = (to: BusEnd, message: BusMessage) => streams.get(to)?.send(message)
  // The loop must not wait for a disk or a pipe: its lines go over the bus, and switch writes them.
  const say: UnitOptions['say'] = (text, fields) => {
    send('switch', { kind: 'unit-log', level: 'info', text, fields })
  }
  const { arena } = memory
  const sockets = new FfiSockets(memory, config.service.address)
  const relay = makeRelay(options, { arena, sockets, send: (frame) => links?.send(frame) })
  const links =
    relay === undefined
      ? null
      : new FfiRelayLinks(memory, config, (frame) => relay.take(frame, unit.engine.tick))
  const unit: MediaUnit = new MediaUnit({
    wallMs,
    say,
    arena,
    sockets,
    relay,
    backend: 'ffi',
    realtime,
    patienceMs: patienceMs(config),
    monotonicMs: () => memory.monotonicMs(),
    send,
    pulse: pulseOf(memory),
  })
  for (const end of ends) {
    const stream = new FfiStream({
      memory,
      address: addressOf(config, end),
      hello: hello(),
      onMessage: (message) => unit.receive(message),
      onChange: (connected, reason) => say(`bus ${end}`, { connected, reason }),
    })
    streams.set(end, stream)
  }
  log.info('media runs', { backend: 'ffi', realtime })
  log.flush()
  return runFfiLoop(memory, unit, [...streams.values(), ...(links === null ? [] : [links])])
}

function runDgram(options: StartOptions, arena: Arena): () => void {
  const { config, log } = options
  sayScheduling(log, false)
  const clients = new Map<BusEnd, BusClient>()
  const sockets = new DgramSockets(arena, config.service.address)
  const relay = makeRelay(options, { arena, sockets, send: (frame) => links?.send(frame) })
  const links =
    relay === undefined
      ? null
      : new DgramRelayLinks(config, (frame) => relay.take(frame, unit.engine.tick))
  const unit: MediaUnit = new MediaUnit({
    wallMs,
    say: (text, fields) => log.info(text, fields),
    arena,
    sockets,
    relay,
    backend: 'dgram',
    realtime: false,
    patienceMs: patienceMs(config),
    monotonicMs,
    send: (to, message) => void clients.get(to)?.send(message),
    pulse: openPulse(),
  })
  for (const end of ends) {
    const client = connectBus({
      address: addressOf(config, end),
      hello: hello(),
      onOpen: (peer) => {
        sayBus(log, end, { connected: true, reason: 'connected' })
        peer.onMessage((message) => unit.receive(message))
      },
      onClose: (reason) => sayBus(log, end, { connected: false, reason }),
    })
    clients.set(end, client)
  }
  log.info('media runs', { backend: 'dgram', realtime: false })
  const stop = runDgramLoop(unit, monotonicMs)
  return () => {
    stop()
    for (const client of clients.values()) client.close()
    links?.close()
    unit.close()
  }
}

/** A pipe that is full, or whose reader is gone, holds nothing up. */
function pulseOf(memory: FfiMemory): () => void {
  const fd = inheritedPulse()
  if (fd === null) return () => undefined
  const { msgDontwait, msgNosignal } = libcConstant
  return () => void memory.libc.send(fd, memory.int(0), 1, msgDontwait | msgNosignal)
}

interface RelayEnds {
  readonly arena: Arena
  readonly sockets: LegSockets
  readonly send: (frame: Uint8Array) => void
}

/** Undefined when the network delivers all to both nodes. */
function makeRelay({ config, relayKey }: StartOptions, ends: RelayEnds): Relay | undefined {
  const [link] = config.links
  if (relayKey === null || link === undefined) return undefined
  return new Relay({ ...ends, key: relayKey, side: link.own > link.peer ? 1 : 0 })
}

function sayScheduling(log: Log, realtime: boolean): void {
  if (!realtime) log.warn('alarm no-realtime', { alarm: 'no-realtime' })
}

function sayBus(log: Log, end: BusEnd, state: { connected: boolean; reason: string }): void {
  log.info(`bus ${end}`, state)
}

function patienceMs({ pair }: NodeConfig): number {
  return pair.heartbeatMs * pair.missesMax
}

function hello(): BusMessage {
  return { kind: 'hello', unit: 'media', pid: process.pid, version: busVersion }
}

function addressOf(config: NodeConfig, end: BusEnd): BusAddress {
  const { transport, tcpPort } = config.bus
  if (transport === 'unix') return { transport, path: `${config.runDirectory}/${end}.sock` }
  return { transport, host: '127.0.0.1', port: end === 'pair' ? tcpPort : tcpPort + 1 }
}
