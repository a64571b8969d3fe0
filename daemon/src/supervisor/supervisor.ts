//! Starts the node in the order of S1.154 and keeps it: parameters, then the units, each of which logs
//! its own steps (memory blocks, boot report, role, initial sync). Holds no state of the service.
import { setTimeout as pause } from 'node:timers/promises'
import { busAddress, type NodeConfig } from '../oam/node-config.ts'
import { readUnitReport, type UnitReport, unitReportPath } from '../oam/unit-report.ts'
import { monotonicMs, wallMs } from '../platform/clock.ts'
import { errorText, fileExists, makeDirectory, replaceFile } from '../platform/files.ts'
import { takeDirectoryLock } from '../platform/lock.ts'
import type { Log } from '../platform/log.ts'
import type { ProcessIdentity } from '../platform/process.ts'
import { isNotified, notifySystemd, watchdogMs } from '../platform/systemd.ts'
import { failure, type Result, success } from '../result.ts'
import { AddressSpeaker } from './address-speaker.ts'
import { sortFormerUnits } from './former-units.ts'
import { listenToPair, ReportedPulses } from './reported-pulses.ts'
import { holdServiceAddress, isLoopback, releaseServiceAddress } from './service-address.ts'
import { originOf, type SupervisedUnit, unitNames } from './unit-note.ts'
import { SupervisedProcess } from './units.ts'

interface NodeStart {
  readonly config: NodeConfig
  readonly configPath: string
  /** Directory of `pair.ts`, `switch.ts` and `media.ts`. */
  readonly programs: string
  readonly version: string
  readonly log: Log
}

interface RunningNode {
  /** Hands over, ends the units and removes the service address. */
  stop(): Promise<void>
}

/** Longer than the planned switchover that pair tries first. */
const pairPatienceMs = 5_000
const unitPatienceMs = 3_000
/** Between two looks whether a unit stands still. */
const watchMs = 500

export async function startNodeUnits(start: NodeStart): Promise<Result<RunningNode>> {
  const { config, log } = start
  const prepared = await prepare(start)
  if (!prepared.ok) return prepared
  const { speaker, adopted } = prepared.value
  const former = readUnitReport(config.runDirectory)
  const units = makeUnits(start)
  for (const unit of units) {
    const identity = adopted.get(unit.name)
    const told = former?.units.find((one) => one.unit === unit.name)
    if (identity === undefined) unit.start()
    else unit.adopt(identity, told)
  }
  if (adopted.size > 0) units[0]?.tell()
  const endWatch = watch(config, units, adopted.size > 0)
  const endNotices = keepSystemdInformed(config)
  const stop = async () => {
    notifySystemd('STOPPING=1')
    endNotices()
    endWatch()
    const [pair, ...others] = units
    await pair?.end(pairPatienceMs)
    await Promise.all(others.map((unit) => unit.end(unitPatienceMs)))
    speaker?.close()
    const complaints = await releaseServiceAddress(config.service)
    for (const complaint of complaints) log.warn('service address', { complaint })
    log.info('stopped')
  }
  return success({ stop })
}

function makeUnits({ config, configPath, programs, version, log }: NodeStart): SupervisedProcess[] {
  const sinceWallMs = wallMs()
  const report = () => {
    const supervisor = { pid: process.pid, sinceWallMs }
    const told: UnitReport = { supervisor, units: units.map((unit) => unit.report) }
    try {
      replaceFile(unitReportPath(config.runDirectory), JSON.stringify(told), 0o640)
    } catch (error) {
      log.warn('the unit report cannot be written', { error: errorText(error) })
    }
  }
  const units: SupervisedProcess[] = unitNames.map(
    (name) =>
      new SupervisedProcess({
        name,
        program: `${programs}/${name}.ts`,
        config: configPath,
        runDirectory: config.runDirectory,
        origin: originOf(version, configPath, config),
        heapMiB: config.memory[`${name}MiB`],
        log,
        now: monotonicMs,
        wallMs,
        onChange: report,
      }),
  )
  return units
}

/** Looks whether a unit stands still. @param listens some give their signs of life on the bus */
function watch(
  config: NodeConfig,
  units: readonly SupervisedProcess[],
  listens: boolean,
): () => void {
  const pulses = new ReportedPulses()
  const unitOf = (name: SupervisedUnit) => units.find((unit) => unit.name === name)
  const beat = (names: readonly SupervisedUnit[]) => {
    for (const name of names) if (unitOf(name)?.adoptedPid !== null) unitOf(name)?.beat()
  }
  let endListening: (() => void) | null = listens
    ? listenToPair(busAddress(config, 'pair'), (message) => {
        beat(pulses.take(message, (name) => unitOf(name)?.adoptedPid ?? null, monotonicMs()))
      })
    : null
  const timer = setInterval(() => {
    beat(pulses.unknown(monotonicMs()))
    for (const unit of units) unit.watch()
    if (endListening === null || units.some(({ adoptedPid }) => adoptedPid !== null)) return
    endListening()
    endListening = null
  }, watchMs)
  return () => {
    clearInterval(timer)
    endListening?.()
  }
}

interface Prepared {
  /** Who speaks ARP for the service address; null: nobody has to. */
  readonly speaker: AddressSpeaker | null
  /** Units of a former supervisor that go on. */
  readonly adopted: ReadonlyMap<SupervisedUnit, ProcessIdentity>
}

async function prepare(start: NodeStart): Promise<Result<Prepared>> {
  const { config, configPath, version, log } = start
  const { runDirectory, stateDirectory } = config
  log.info('start-up: parameters', { config: configPath, links: config.links.length })
  for (const directory of [runDirectory, stateDirectory]) {
    try {
      makeDirectory(directory)
    } catch (error) {
      return failure('directory-unusable', `${directory}: ${errorText(error)}`)
    }
  }
  if (!(await takeDirectoryLock(runDirectory))) return failure('already-running', runDirectory)
  const origin = originOf(version, configPath, config)
  const wait = (ms: number) => pause(ms)
  const adopted = await sortFormerUnits({ runDirectory, origin, log, wait })
  const held = await holdServiceAddress(config.service)
  if (!held.ok) return held
  log.info('start-up: service address', { done: held.value })
  const floats = config.service.reach === 'floating' && !isLoopback(config.service)
  const speaker = floats ? await AddressSpeaker.start(config, log) : null
  if (speaker !== null && !speaker.ok) return speaker
  log.info('start-up: units', { goingOn: [...adopted.keys()] })
  return success({ speaker: speaker === null ? null : speaker.value, adopted })
}

/** READY when the sockets of pair and switch are served, then the sign of life systemd asks for.
 * @returns what ends it. */
function keepSystemdInformed(config: NodeConfig): () => void {
  if (!isNotified()) return () => undefined
  const sockets = (['pair', 'switch'] as const).map((unit) => busAddress(config, unit))
  const served = () =>
    sockets.every((socket) => socket.transport === 'tcp' || fileExists(socket.path))
  const untilReady = setInterval(() => {
    if (!served()) return
    clearInterval(untilReady)
    notifySystemd('READY=1')
  }, 100)
  const periodMs = watchdogMs()
  const alive =
    periodMs === null ? undefined : setInterval(() => notifySystemd('WATCHDOG=1'), periodMs)
  return () => {
    clearInterval(untilReady)
    clearInterval(alive)
  }
}
