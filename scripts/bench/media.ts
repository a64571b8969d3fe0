//! `node scripts/bench/media.ts`: cost, lateness and delay of the media process, as JSON. The process
//! under test is alone on core 1 (but for the garbage collection load), its terminals on core 0.
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { legRecord } from '../../daemon/test/media/fake-node.ts'
import { type LiveOptions, LiveUnit } from '../../daemon/test/media/live-unit.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    legs: { type: 'string', default: '100,500,1000' },
    backend: { type: 'string', default: 'ffi' },
  },
})
const seconds = Number(values.seconds)
const service = '127.0.0.77'
const terminals = '127.0.0.9'
/** Voice from node to node, see docs/protocols.md. */
const relayPort = 5703
const subjectCore = '1'
const loadCore = '0'

interface Figures {
  readonly legs: number
  readonly members: number
  readonly garbage: boolean
  /** What is heard goes to the other node as well, on three links (reach mode `floating`). */
  readonly relayed: boolean
  readonly nsPerLegTick: number
  /** The same packets sent back by a process that does nothing else, measured right before. */
  readonly nsKernelFloor: number
  readonly coreShare: number
  readonly workUsMean: number
  readonly ticksLate: number
  readonly ticks: number
  readonly tickLateMsMax: number
  readonly sent: number
  readonly received: number
  readonly gaps: number
  readonly realtime: boolean
}

function startOn(core: string, script: string, args: readonly string[]): ChildProcess {
  const file = join(import.meta.dirname, script)
  return spawn('taskset', ['-c', core, process.execPath, file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function outputOf(child: ChildProcess): Promise<Record<string, number>> {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  return JSON.parse(text) as Record<string, number>
}

/** CPU nanoseconds of all threads of a process. */
function cpuNs(pid: number): number {
  let sum = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8')
    sum += Number(text.split(' ')[0])
  }
  return sum
}

function options(floats: boolean): LiveOptions {
  return {
    floats,
    backend: values.backend === 'dgram' ? 'dgram' : 'ffi',
    serviceAddress: service,
    prefix: ['taskset', '-c', subjectCore],
  }
}

interface Calls {
  readonly legs: number
  /** Of each conference. */
  readonly members: number
  readonly relayed?: boolean
}

/** Takes what is relayed, as the other node would. */
async function openPeer(): Promise<() => void> {
  const sockets = [1, 2, 3].map((net) => {
    const socket = createSocket('udp4', () => undefined)
    socket.bind(relayPort, `127.0.${net}.2`)
    return socket
  })
  await Promise.all(sockets.map((socket) => once(socket, 'listening')))
  return () => {
    for (const socket of sockets) socket.close()
  }
}

async function withUnit<T>(
  { legs, members, relayed = false }: Calls,
  body: (unit: LiveUnit) => Promise<T>,
): Promise<T> {
  const unit = new LiveUnit()
  const closePeer = relayed ? await openPeer() : () => undefined
  try {
    await unit.start(options(relayed))
    const [role, because] = ['primary', 'bench'] as const
    unit.tell('pair', { kind: 'role', role, alone: true, term: 1, because, peerServedAtMs: null })
    const { tick } = await unit.until('media-alive')
    const records = Array.from({ length: legs }, (_, n) =>
      legRecord(n, {
        conferenceId: Math.floor(n / members),
        terminalAddress: terminals,
        remotePort: 20_000 + 2 * n,
        ssrc: 100_000 + n * 7,
        tick0: tick + 5,
      }),
    )
    const answer = await unit.order({ kind: 'conference-set', legs: records })
    if (!answer.ok) throw new Error(answer.detail)
    return await body(unit)
  } finally {
    await unit.stop()
    closePeer()
  }
}

/** The same traffic through a process that only sends back: what the kernel takes. */
async function measureFloor(legs: number): Promise<number> {
  const common = ['--legs', `${legs}`, '--seconds']
  const ends = ['--own', service, '--service', terminals]
  const subject = startOn(subjectCore, 'media-load.ts', ['--echo', ...ends, ...common, '5'])
  const result = outputOf(subject)
  await sleep(1_000)
  await outputOf(startOn(loadCore, 'media-load.ts', [...common, '3']))
  return (await result).nsPerPacket ?? 0
}

async function measure(calls: Calls, garbage = false): Promise<Figures> {
  const { legs, members, relayed = false } = calls
  const nsKernelFloor = await measureFloor(legs)
  return withUnit(calls, async (unit) => {
    const neighbour = garbage ? startOn(subjectCore, 'garbage.ts', []) : null
    const load = startOn(loadCore, 'media-load.ts', [
      '--legs',
      `${legs}`,
      '--seconds',
      `${seconds + 3}`,
    ])
    const result = outputOf(load)
    await sleep(2_000)
    const pid = unit.process?.pid ?? 0
    const before = await unit.until('media-statistics')
    const [cpuBefore, atBefore] = [cpuNs(pid), performance.now()]
    await sleep(seconds * 1000)
    const [cpu, wallMs] = [cpuNs(pid) - cpuBefore, performance.now() - atBefore]
    const after = await unit.until('media-statistics')
    const lateMs = unit.messages
      .filter((message) => message.kind === 'media-statistics' && message.tick > before.tick)
      .map((message) => (message.kind === 'media-statistics' ? message.tickLateMsMax : 0))
    const counted = await result
    neighbour?.kill()
    return {
      ...{ legs, members, garbage, relayed },
      nsPerLegTick: Math.round(cpu / ((wallMs / 20) * legs)),
      nsKernelFloor,
      coreShare: cpu / 1e6 / wallMs,
      workUsMean: after.workUsMean,
      ticksLate: after.ticksLate - before.ticksLate,
      ticks: after.tick - before.tick,
      tickLateMsMax: Math.max(...lateMs),
      sent: counted.sent ?? 0,
      received: counted.received ?? 0,
      gaps: counted.gaps ?? 0,
      realtime: after.realtime,
    }
  })
}

function measureDelay(): Promise<Record<string, number>> {
  return withUnit({ legs: 2, members: 2 }, () =>
    outputOf(startOn(loadCore, 'media-load.ts', ['--delay', '--seconds', '24'])),
  )
}

const cost: Figures[] = []
for (const legs of values.legs.split(',').map(Number)) {
  for (const members of [10, 2]) cost.push(await measure({ legs, members }))
}
const relayed = await measure({ legs: 500, members: 10, relayed: true })
const garbage = await measure({ legs: 500, members: 10 }, true)
const delay = await measureDelay()
console.log(
  JSON.stringify({ backend: values.backend, seconds, cost, relayed, garbage, delay }, null, 2),
)
