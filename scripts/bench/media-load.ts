//! The terminals of the media benchmark, one process: sends 50 packets a second for each leg, spread over
//! the tick, and counts what comes back. Prints one line of JSON at its end.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Arena, arenaOffset, openArena } from '../../daemon/src/media/arena.ts'
import { FfiMemory } from '../../daemon/src/media/ffi-memory.ts'
import { FfiSockets } from '../../daemon/src/media/ffi-sockets.ts'
import { loadLibc } from '../../daemon/src/platform/ffi.ts'

const { values } = parseArgs({
  options: {
    legs: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '5' },
    own: { type: 'string', default: '127.0.0.9' },
    service: { type: 'string', default: '127.0.0.77' },
    firstPort: { type: 'string', default: '20000' },
    /** File with the port of the service for each leg, one a line; else it is that of the terminal. */
    ports: { type: 'string' },
    /** Measure the way from leg 0 to leg 1 instead of feeding voice. */
    delay: { type: 'boolean', default: false },
    /** Be the other side: send back what comes. */
    echo: { type: 'boolean', default: false },
  },
})
const legs = Number(values.legs)
const remotePorts =
  values.ports === undefined ? null : readFileSync(values.ports, 'utf8').split('\n').map(Number)
const slotsOfTick = 20
const packetBytes = 172
const packetAt = arenaOffset.bus
const idle = 0xd5

function open(): { arena: Arena; memory: FfiMemory; sockets: FfiSockets } {
  const wasm = join(import.meta.dirname, '../../daemon/build/mixer.wasm')
  const arena = openArena(wasm)
  const libc = loadLibc()
  if (!libc.ok) throw new Error(libc.failure.detail)
  const memory = new FfiMemory(libc.value, arena)
  memory.becomeRealtime(10)
  const sockets = new FfiSockets(memory, values.own)
  for (let leg = 0; leg < legs; leg++) {
    const port = Number(values.firstPort) + 2 * leg
    const remotePort = remotePorts?.[leg] ?? port
    sockets.open(leg, { localPort: port, terminalAddress: values.service, remotePort })
    const state = sockets.state(leg)
    if (state !== 'open') throw new Error(`port ${port}: ${JSON.stringify(state)}`)
  }
  return { arena, memory, sockets }
}

const { arena, memory, sockets } = open()
const { bytes, view } = arena
let sent = 0
let received = 0
let gaps = 0
const lastSequence = new Int32Array(legs).fill(-1)

function send(leg: number, k: number, loud: boolean): void {
  bytes[packetAt] = 0x80
  bytes[packetAt + 1] = 8
  view.setUint16(packetAt + 2, k & 0xffff)
  view.setUint32(packetAt + 4, (k * 160) >>> 0)
  view.setUint32(packetAt + 8, leg + 1)
  for (let i = 0; i < 160; i++) {
    bytes[packetAt + 12 + i] = loud ? (i * 7 + leg * 3 + k) & 0xff : idle
  }
  if (sockets.send(leg, packetAt, packetBytes)) sent++
}

/** @returns whether the last packet read carries voice. */
function read(leg: number): boolean {
  let loud = false
  for (;;) {
    const length = sockets.receive(leg)
    if (length <= 0) return loud
    if (length !== packetBytes) continue
    received++
    const sequence = view.getUint16(arenaOffset.received + 2)
    const last = lastSequence[leg] ?? -1
    if (last >= 0) gaps += ((sequence - last - 1) << 16) >> 16
    lastSequence[leg] = sequence
    loud = bytes[arenaOffset.received + 12 + 159] !== idle
  }
}

function feed(): void {
  const startMs = memory.monotonicMs() + 20
  const slots = Number(values.seconds) * 50 * slotsOfTick
  for (let slot = 0; slot < slots; slot++) {
    memory.sleepUntil(startMs + slot)
    const k = Math.floor(slot / slotsOfTick)
    for (let leg = slot % slotsOfTick; leg < legs; leg += slotsOfTick) {
      send(leg, k, true)
      read(leg)
    }
  }
  console.log(JSON.stringify({ sent, received, gaps }))
}

/** One frame of tone a second and a bit, at a place in the tick that moves on. */
function measureDelay(): void {
  const delays: number[] = []
  const startMs = memory.monotonicMs() + 20
  const slots = Number(values.seconds) * 1000
  let onsetMs = 0
  for (let slot = 0; slot < slots; slot++) {
    memory.sleepUntil(startMs + slot)
    if (slot % 20 === 0) {
      const loud = slot >= 4_000 && (slot / 20) % 13 === 0
      // The first sample of a packet was spoken 20 ms before the packet can leave.
      if (loud) onsetMs = memory.monotonicMs()
      send(0, slot / 20, loud)
      send(1, slot / 20, false)
    }
    read(0)
    if (read(1) && onsetMs > 0) {
      delays.push(memory.monotonicMs() - onsetMs)
      onsetMs = 0
    }
  }
  delays.sort((a, b) => a - b)
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
  const p95 = delays[Math.floor(delays.length * 0.95)]
  console.log(
    JSON.stringify({ onsets: delays.length, meanMs: mean, p95Ms: p95, maxMs: delays.at(-1) }),
  )
}

/** What the same calls cost without a media unit: each packet goes back to its leg, in four phases of
 * the tick as in the unit. Gives CPU time for one packet received and one sent. */
function echo(): void {
  let count = 0
  const phasesOfTick = 4
  const startMs = memory.monotonicMs() + 20
  const slots = Number(values.seconds) * 50 * phasesOfTick
  const before = process.cpuUsage()
  for (let slot = 0; slot < slots; slot++) {
    memory.sleepUntil(startMs + slot * 5)
    for (let leg = slot % phasesOfTick; leg < legs; leg += phasesOfTick) {
      const length = sockets.receive(leg)
      if (length <= 0) continue
      sockets.send(leg, arenaOffset.received, length)
      count++
    }
  }
  const { user, system } = process.cpuUsage(before)
  console.log(JSON.stringify({ nsPerPacket: Math.round(((user + system) * 1000) / count) }))
}

if (values.echo) echo()
else if (values.delay) measureDelay()
else feed()
