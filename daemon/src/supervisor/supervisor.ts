//! Starts the node in the order of S1.154 and keeps it: parameters, then the units, each of which logs
//! its own steps (memory blocks, boot report, role, initial sync). Holds no state of the service.
import { setTimeout as pause } from 'node:timers/promises'
import { busAddress, type NodeConfig } from '../oam/node-config.ts'
import { type UnitReport, unitReportPath } from '../oam/unit-report.ts'
import { monotonicMs, wallMs } from '../platform/clock.ts'
import { errorText, fileExists, makeDirectory, writeFileAtomic } from '../platform/files.ts'
import { takeDirectoryLock } from '../platform/lock.ts'
import type { Log } from '../platform/log.ts'
import { isNotified, notifySystemd, watchdogMs } from '../platform/systemd.ts'
import { failure, type Result, success } from '../result.ts'
import { AddressSpeaker } from './address-speaker.ts'
import { endOldUnits, pidFile } from './old-units.ts'
import { holdServiceAddress, isLoopback, releaseServiceAddress } from './service-address.ts'
import { SupervisedProcess, unitNames } from './units.ts'

interface NodeStart {
  readonly config: NodeConfig
  readonly configPath: string
  /** Directory of `pair.ts`, `switch.ts` and `media.ts`. */
  readonly programs: string
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
  const sinceWallMs = wallMs()
  const report = () => {
    const supervisor = { pid: process.pid, sinceWallMs }
    const told: UnitReport = { supervisor, units: units.map((unit) => unit.report) }
    try {
      writeFileAtomic(unitReportPath(config.runDirectory), JSON.stringify(told), 0o640)
    } catch (error) {
      log.warn('the unit report cannot be written', { error: errorText(error) })
    }
  }
  const units: SupervisedProcess[] = unitNames.map(
    (name) =>
      new SupervisedProcess({
        name,
        program: `${start.programs}/${name}.ts`,
        config: start.configPath,
        pidFile: pidFile(config.runDirectory, name),
        heapMiB: config.memory[`${name}MiB`],
        log,
        now: monotonicMs,
        wallMs,
        onChange: report,
      }),
  )
  for (const unit of units) unit.start()
  const watching = setInterval(() => {
    for (const unit of units) unit.watch()
  }, watchMs)
  const endNotices = keepSystemdInformed(config)
  const stop = async () => {
    notifySystemd('STOPPING=1')
    endNotices()
    clearInterval(watching)
    const [pair, ...others] = units
    await pair?.end(pairPatienceMs)
    await Promise.all(others.map((unit) => unit.end(unitPatienceMs)))
    prepared.value?.close()
    const complaints = await releaseServiceAddress(config.service)
    for (const complaint of complaints) log.warn('service address', { complaint })
    log.info('stopped')
  }
  return success({ stop })
}

/** @returns who speaks ARP for the service address; null: nobody has to. */
async function prepare({
  config,
  configPath,
  log,
}: NodeStart): Promise<Result<AddressSpeaker | null>> {
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
  await endOldUnits(runDirectory, log, (ms) => pause(ms))
  const held = await holdServiceAddress(config.service)
  if (!held.ok) return held
  log.info('start-up: service address', { done: held.value })
  const floats = config.service.reach === 'floating' && !isLoopback(config.service)
  const speaker = floats ? await AddressSpeaker.start(config, log) : null
  if (speaker !== null && !speaker.ok) return speaker
  log.info('start-up: units')
  return success(speaker === null ? null : speaker.value)
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
