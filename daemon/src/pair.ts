//! The pair unit: heartbeats, links, decision, pair clock, proof of life. Composes `pair/` with sockets
//! and clocks. Nothing else runs in this process, so that nothing delays it.
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { BusMessage } from './bus/messages.ts'
import { clockKeeper, keptClock } from './compose/kept-clock.ts'
import { busAddress, type NodeConfig } from './oam/node-config.ts'
import { derivePairKeys, loadNodeConfig, readPairSecret } from './oam/node-config-load.ts'
import { nothingKept, readKept } from './pair/kept-state.ts'
import { countBetween } from './pair/log-pace.ts'
import { nextPeriod } from './pair/period.ts'
import { nextCheckAt, type PairOutlets, PairRunner } from './pair/runner.ts'
import type { UnitName } from './pair/state.ts'
import { monotonicMs, wallMs } from './platform/clock.ts'
import { keepCompiled } from './platform/compile-cache.ts'
import { makeDirectory, readFileBytes } from './platform/files.ts'
import { KeptFile } from './platform/kept-file.ts'
import { dieLoudly, type Log, openLog, withListener } from './platform/log.ts'
import { isOrphan, openPulse } from './platform/pulse.ts'
import { becomeRealtime } from './platform/realtime.ts'
import { type BusPeer, listenBus } from './platform/stream.ts'
import { type DatagramSocket, openDatagram } from './platform/udp.ts'
import { decodeHeartbeat, encodeHeartbeat } from './wire/heartbeat.ts'

const keptBytesMax = 65_536
const realtimePriority = 30
const bindRetryMs = 1_000
/** A flood of forged heartbeats gets one line of the log a link in this time. */
const forgedLogMs = 10_000
/** A planned handover at the stop of a primary, before it says goodbye unplanned. */
const stopMsMax = 3_000
/** A disk that is slow does not hold the stop up for longer. */
const keepMsMax = 500

interface World {
  readonly config: NodeConfig
  readonly log: Log
  readonly key: Uint8Array
  readonly units: Map<UnitName, BusPeer>
  readonly pids: Map<UnitName, number>
  /** Not a unit: its death moves no role. It has a connection for each of its purposes. */
  readonly supervisors: Set<BusPeer>
  readonly sockets: (DatagramSocket | null)[]
  /** Term and boots. */
  readonly kept: KeptFile
  stopping: boolean
}

async function main(): Promise<void> {
  if (isOrphan()) process.exit(1)
  keepCompiled()
  const { values } = parseArgs({ options: { config: { type: 'string' } } })
  const loaded = loadNodeConfig(values.config ?? '')
  if (!loaded.ok) {
    process.stderr.write(`${values.config}: ${loaded.failure.detail}\n`)
    process.exit(1)
  }
  const config = loaded.value
  const units: World['units'] = new Map()
  const log = withListener(
    openLog({ ...config.log, node: config.node, unit: 'pair' }),
    (level, text, fields) => units.get('switch')?.send({ kind: 'unit-log', level, text, fields }),
  )
  dieLoudly(log)
  const secret = readPairSecret(config)
  if (!secret.ok) throw new Error(secret.failure.detail)
  const key = derivePairKeys(secret.value).heartbeat
  const kept = new KeptFile(keptPathOf(config), (error) => {
    log.error('the term cannot be kept', { error })
  })
  const world: World = {
    config,
    kept,
    log,
    key,
    units,
    pids: new Map(),
    supervisors: new Set(),
    sockets: [],
    stopping: false,
  }
  const realtime = becomeRealtime(realtimePriority)
  if (!realtime.ok) log.warn('no real-time scheduling', { detail: realtime.detail })
  const runner = startRunner(world, realtime.ok)
  for (const link of config.links.keys()) await openLink(world, runner, link)
  const server = await listenBus({ address: busAddress(config, 'pair') }, (peer) =>
    welcome(world, runner, peer),
  )
  if (!server.ok) throw new Error(`${server.failure.code}: ${server.failure.detail}`)
  log.info('pair listens', { bootId: bootId, term: runner.state.term, realtime: realtime.ok })
  beat(runner, world)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => stop(world, runner))
  }
}

const bootId = randomBytes(8).toString('hex')

function keptPathOf(config: NodeConfig): string {
  return `${config.stateDirectory}/pair-term.json`
}

function startRunner(world: World, realtime: boolean): PairRunner {
  const { config, log } = world
  makeDirectory(config.stateDirectory)
  makeDirectory(config.runDirectory)
  const keptPath = keptPathOf(config)
  const file = readFileBytes(keptPath, keptBytesMax)
  const kept = file.ok ? readKept(new TextDecoder().decode(file.bytes)) : null
  if (kept === null && !(file.ok === false && file.reason === 'missing')) {
    log.warn('the kept term is unreadable; the term of the peer will be adopted', { keptPath })
  }
  const outlets: PairOutlets = {
    now: monotonicMs,
    wallMs,
    sendLink: (link, heartbeat) => {
      const address = config.links[link]?.peer ?? ''
      const bytes = encodeHeartbeat(heartbeat, world.key)
      world.sockets[link]?.send(bytes, config.pair.heartbeatPort, address)
    },
    toSwitch: (message) => world.units.get('switch')?.send(message),
    toMedia: (message) => world.units.get('media')?.send(message),
    toSupervisor: (message) => {
      for (const peer of world.supervisors) peer.send(message)
    },
    persist: (text) => world.kept.keep(() => text),
    log: (level, text, fields) => log[level](text, fields),
  }
  const { links, node } = config
  const { heartbeatMs, missesMax, tieBreak } = config.pair
  const options = { node, links, heartbeatMs, missesMax, tieBreak }
  const clock = keptClock(config.runDirectory)
  if (clock !== null) log.info('the pair clock goes on', { offsetMs: clock.offsetMs })
  const identity = { options, bootId, kept: kept ?? nothingKept, realtime, clock }
  return new PairRunner(identity, outlets)
}

/** A link whose address is not there yet is tried again: the other links carry the pair. */
async function openLink(world: World, runner: PairRunner, link: number): Promise<void> {
  const { config, log } = world
  const name = config.links[link]?.name
  const forged = countBetween(forgedLogMs)
  const opened = await openDatagram({
    address: config.links[link]?.own ?? '',
    port: config.pair.heartbeatPort,
    kind: 'pair',
    onDatagram: (bytes, from) => {
      if (from.address !== config.links[link]?.peer) return
      const value = decodeHeartbeat(bytes, world.key)
      if (typeof value !== 'string') runner.received(link, value)
      else if (value === 'forged') {
        const count = forged(monotonicMs())
        if (count > 0) log.warn('forged heartbeats', { link: name, from: from.address, count })
      }
    },
    onError: (text) => log.debug('heartbeat socket', { link: name, error: text }),
  })
  if (opened.ok) {
    world.sockets[link] = opened.value
    return
  }
  world.sockets[link] = null
  log.warn('a link cannot be opened', { link: name, error: opened.failure.detail })
  setTimeout(() => void openLink(world, runner, link), bindRetryMs)
}

function welcome(world: World, runner: PairRunner, peer: BusPeer): void {
  let unit: UnitName | null = null
  peer.onMessage((message) => {
    if (message.kind === 'hello' && message.unit !== 'pair') {
      for (const one of runner.introduction()) peer.send(one)
      if (message.unit === 'supervisor') {
        world.supervisors.add(peer)
        return
      }
      unit = message.unit
      world.pids.set(unit, message.pid)
      world.units.get(unit)?.close('replaced by a new connection')
      world.units.set(unit, peer)
      world.log.info('a unit is connected', { peer: unit, peerPid: message.pid })
      if (unit === 'switch') runner.tellStatus()
    } else if (unit !== null) obey(runner, unit, message)
  })
  peer.onClose((detail) => {
    world.supervisors.delete(peer)
    if (unit === null || world.units.get(unit) !== peer) return
    world.units.delete(unit)
    if (!world.stopping) runner.happen({ kind: 'unit-down', now: monotonicMs(), unit, detail })
  })
}

function obey(runner: PairRunner, unit: UnitName, message: BusMessage): void {
  const now = monotonicMs()
  if (unit === 'media' && message.kind === 'media-alive') {
    runner.happen({ kind: 'media-alive', now, counter: message.counter })
  }
  if (unit !== 'switch') return
  if (message.kind === 'switch-alive' || message.kind === 'flushed') {
    runner.happen({ ...message, now })
  } else if (message.kind === 'switchover' || message.kind === 'pause') {
    runner.happen({ ...message, now })
  } else if (message.kind === 'peer-pair-died') runner.happen({ ...message, now })
}

/** Absolute times: a late period does not delay the next one. Between the periods, the moment in which
 * the peer will be lost or an operation has run out of time is looked at exactly. What waits in the
 * sockets is heard before: after a standstill it would look like the silence of others. */
function beat(runner: PairRunner, world: World): void {
  const { config } = world
  const { heartbeatMs } = config.pair
  const keepClock = clockKeeper(config.runDirectory)
  let dueAt = monotonicMs()
  const pulse = openPulse()
  const turn = () => {
    pulse()
    setImmediate(look)
  }
  const look = () => {
    keepClock(runner.clock)
    const now = monotonicMs()
    if (now >= dueAt) {
      runner.happen({ kind: 'period', now })
      tellSupervisor(world, runner)
      dueAt = nextPeriod(dueAt, now, heartbeatMs)
    } else runner.happen({ kind: 'check', now })
    const checkAt = nextCheckAt(runner.state) ?? dueAt
    const next = checkAt > now ? Math.min(dueAt, checkAt) : dueAt
    setTimeout(turn, Math.max(1, Math.ceil(next - monotonicMs())))
  }
  turn()
}

function tellSupervisor({ units, pids, supervisors }: World, { state }: PairRunner): void {
  if (supervisors.size === 0) return
  const connected = [...units.keys()].map((unit) => {
    return { unit, pid: pids.get(unit) ?? 0, counter: state.own[unit].counter }
  })
  const message = { kind: 'units-alive', pid: process.pid, units: connected } as const
  for (const peer of supervisors) peer.send(message)
}

/** A primary hands over as planned if it can, so that nothing unconfirmed is lost; then goodbye. */
function stop(world: World, runner: PairRunner): void {
  if (world.stopping) return
  world.stopping = true
  const { log } = world
  const begunAt = monotonicMs()
  if (runner.state.role === 'primary') {
    const reason = 'this node stops'
    runner.happen({ kind: 'switchover', now: begunAt, ref: 0, force: false, reason })
  }
  const end = () => {
    if (runner.state.operation !== null && monotonicMs() - begunAt < stopMsMax) {
      setTimeout(end, 5)
      return
    }
    runner.happen({ kind: 'stop', now: monotonicMs() })
    log.info('goodbye said', { role: runner.state.role })
    // One turn of the loop, in which the datagrams leave.
    setTimeout(async () => {
      await Promise.race([world.kept.settled(), delay(keepMsMax)])
      log.flush()
      process.exit(0)
    }, 20)
  }
  end()
}

await main()
