//! Units that outlive their supervisor: which of them go on under the next one, and who supervises them.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { loadNodeConfig } from '../../src/oam/node-config-load.ts'
import { readUnitReport } from '../../src/oam/unit-report.ts'
import type { Log } from '../../src/platform/log.ts'
import { identifyProcess, isRunning, signalProcess } from '../../src/platform/process.ts'
import { ReportedPulses } from '../../src/supervisor/reported-pulses.ts'
import { startNodeUnits } from '../../src/supervisor/supervisor.ts'
import {
  findFormerUnit,
  originOf,
  removeUnitNote,
  type SupervisedUnit,
  unitNames,
  writeUnitNote,
} from '../../src/supervisor/unit-note.ts'

const source = join(import.meta.dirname, '../../src')
const nodeFile = `node: vccs-a
site: lab
links: [{ name: net-a, own: 127.8.1.1, peer: 127.8.1.2 }]
pair: { keyFile: pair.key }
service: { address: 127.8.9.1, interface: lo }
runDirectory: run
stateDirectory: state
`
const nothing = () => undefined
const log: Log = {
  ...{ debug: nothing, info: nothing, warn: nothing, error: nothing, flush: nothing },
  child: () => log,
}
const quietProgram = 'setInterval(() => undefined, 1000)\n'

/** Tells of media, whose signs of life go on until there is a file \`still\`. */
const pairProgram = `import { existsSync, readFileSync } from 'node:fs'
import { listenBus } from '${source}/platform/stream.ts'
const run = process.argv[3].replace('node.yaml', 'run')
const peers = new Set()
let counter = 0
await listenBus({ address: { transport: 'unix', path: run + '/pair.sock' } }, (peer) => peers.add(peer))
setInterval(() => {
  if (!existsSync(run + '/still')) counter += 1
  if (!existsSync(run + '/media.pid')) return
  const pid = Number(readFileSync(run + '/media.pid', 'utf8'))
  const units = [{ unit: 'media', pid, counter }]
  for (const peer of peers) peer.send({ kind: 'units-alive', pid: process.pid, units })
}, 100)
`

/** A supervisor that is a process of its own. */
const supervisorProgram = `import { openLog } from '${source}/platform/log.ts'
import { loadNodeConfig } from '${source}/oam/node-config-load.ts'
import { startNodeUnits } from '${source}/supervisor/supervisor.ts'
const [, , configPath, programs, version] = process.argv
const config = loadNodeConfig(configPath).value
const log = openLog({ ...config.log, node: config.node, unit: 'supervisor' })
await startNodeUnits({ config, configPath, programs, version, log })
`

function install(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-former-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const programs = join(directory, 'daemon/src')
  mkdirSync(programs, { recursive: true })
  for (const unit of unitNames) {
    writeFileSync(join(programs, `${unit}.ts`), unit === 'pair' ? pairProgram : quietProgram)
  }
  writeFileSync(join(directory, 'supervisor.mjs'), supervisorProgram)
  writeFileSync(join(directory, 'pair.key'), 'x'.repeat(32), { mode: 0o600 })
  const configPath = join(directory, 'node.yaml')
  writeFileSync(configPath, nodeFile)
  const loaded = loadNodeConfig(configPath)
  if (!loaded.ok) throw new Error(loaded.failure.detail)
  const config = loaded.value
  mkdirSync(config.runDirectory, { recursive: true })
  return { directory, configPath, programs, version: '1.2.3', config, log }
}

type Place = ReturnType<typeof install>

/** The next supervisor, in this process; ended with the test at the latest. */
async function supervise(t: ExecutionContext, place: Place): Promise<() => Promise<void>> {
  const started = await startNodeUnits(place)
  if (!started.ok) throw new Error(started.failure.detail)
  let ended: Promise<void> | null = null
  const stop = () => {
    ended ??= started.value.stop()
    return ended
  }
  t.teardown(stop)
  return stop
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 10) {
    if (waitedMs > 40_000) throw new Error(`it did not come to ${what}`)
    await delay(10)
  }
}

function pidOf({ config }: Place, unit: SupervisedUnit): number {
  const path = `${config.runDirectory}/${unit}.pid`
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0
}

function pidsOf(place: Place): number[] {
  return unitNames.map((unit) => pidOf(place, unit))
}

/** Starts the units under a supervisor that is killed then. @returns their processes. */
async function leaveBehind(t: ExecutionContext, place: Place): Promise<number[]> {
  const { directory, configPath, programs, version, config } = place
  const program = [join(directory, 'supervisor.mjs'), configPath, programs, version]
  const child = spawn(process.execPath, program, { stdio: 'ignore' })
  // Refused when it cannot be started, which is seen when it is awaited.
  const ended = once(child, 'exit')
  ended.catch(nothing)
  const notes = unitNames.map((unit) => `${config.runDirectory}/${unit}.unit`)
  const socket = `${config.runDirectory}/pair.sock`
  await until('its units', () => [...notes, socket].every((one) => existsSync(one)))
  child.kill('SIGKILL')
  await ended
  const pids = pidsOf(place)
  t.teardown(() => {
    for (const pid of pids) signalProcess(pid, 'SIGKILL')
  })
  return pids
}

test('units left behind go on under the next supervisor, which starts again what dies and ends all', async (t) => {
  const place = install(t)
  const before = await leaveBehind(t, place)
  const stop = await supervise(t, place)
  t.deepEqual(pidsOf(place), before)
  const report = readUnitReport(place.config.runDirectory)
  t.is(report?.supervisor.pid, process.pid)
  t.deepEqual(
    report?.units.map(({ pid, restarts }) => [pid, restarts]),
    before.map((pid) => [pid, 0]),
  )
  const [pair = 0, switchPid = 0, media = 0] = before
  signalProcess(switchPid, 'SIGKILL')
  await until('another switch', () => ![0, switchPid].includes(pidOf(place, 'switch')))
  const told = readUnitReport(place.config.runDirectory)?.units.find((one) => one.unit === 'switch')
  t.deepEqual([told?.restarts, told?.died], [1, 'ended, started by a former supervisor'])
  t.deepEqual([pidOf(place, 'pair'), pidOf(place, 'media')], [pair, media])
  await stop()
  t.deepEqual(pidsOf(place), [0, 0, 0])
  for (const pid of before) t.is(identifyProcess(pid), null)
})

test('a unit that goes on and then hangs is ended by what the pair unit tells of it', async (t) => {
  const place = install(t)
  const [pair, switchPid, media] = await leaveBehind(t, place)
  await supervise(t, place)
  await delay(1_000)
  writeFileSync(`${place.config.runDirectory}/still`, '')
  await until('another media', () => ![0, media].includes(pidOf(place, 'media')))
  const told = readUnitReport(place.config.runDirectory)?.units.find((one) => one.unit === 'media')
  t.regex(told?.died ?? '', /^stood still for/)
  t.deepEqual([pidOf(place, 'pair'), pidOf(place, 'switch')], [pair, switchPid])
})

test('units of another version are ended, and new ones started', async (t) => {
  const place = install(t)
  const before = await leaveBehind(t, place)
  await supervise(t, { ...place, version: '1.2.4' })
  for (const pid of before) t.is(identifyProcess(pid), null)
  t.true(pidsOf(place).every((pid) => pid > 0 && !before.includes(pid)))
})

/** A process that runs the program of a unit. */
function runUnit(t: ExecutionContext, { programs, configPath }: Place): ChildProcess {
  const child = spawn(process.execPath, [join(programs, 'switch.ts'), '--config', configPath], {
    stdio: 'ignore',
  })
  child.on('error', (error) => t.log(error.message))
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

test('what has the number of a former unit, and is not that process, is left alone', async (t) => {
  const place = install(t)
  const { config, configPath, version } = place
  const origin = originOf(version, configPath, config)
  const at = { runDirectory: config.runDirectory, unit: 'switch' } as const
  // A program that is no unit, with a note that is right in all else.
  writeUnitNote(at, process.pid, origin)
  t.is(findFormerUnit(at, origin), null)
  const child = runUnit(t, place)
  const pid = child.pid ?? 0
  writeUnitNote(at, pid, origin)
  const identity = identifyProcess(pid)
  t.deepEqual(findFormerUnit(at, origin), { identity, mayStay: true })
  t.like(findFormerUnit(at, 'another origin'), { mayStay: false })
  t.is(findFormerUnit({ ...at, unit: 'media' }, origin), null)
  // The number was given away since: the time of the start is another one.
  const note = JSON.stringify({ pid, startTicks: '1', origin })
  writeFileSync(`${config.runDirectory}/switch.unit`, note)
  t.is(findFormerUnit(at, origin), null)
  const { startTicks } = identity ?? { startTicks: '' }
  t.true(isRunning({ pid, startTicks }))
  t.false(isRunning({ pid, startTicks: '1' }))
  for (const broken of ['', '{', '{"pid":-1}', `{"pid":1,"startTicks":"1","origin":"${origin}"}`]) {
    writeFileSync(`${config.runDirectory}/switch.unit`, broken)
    t.not(findFormerUnit(at, origin)?.mayStay, true, broken)
  }
  removeUnitNote(at)
  t.is(findFormerUnit(at, origin), null)
})

const nobody = 65_534

/** Only root can, and not where that user has no number (a user namespace) or no way to the folder. */
function mayStartAs(uid: number): boolean {
  return process.geteuid?.() === 0 && spawnSync('/usr/bin/sleep', ['0'], { uid }).status === 0
}

test('a process of another user is no unit, whatever it runs', (t) => {
  if (!mayStartAs(nobody)) {
    t.pass('processes of others cannot be started here')
    return
  }
  const place = install(t)
  const { config, configPath, version } = place
  const origin = originOf(version, configPath, config)
  const at = { runDirectory: config.runDirectory, unit: 'switch' } as const
  const argv0 = '/x/daemon/src/switch.ts'
  const found = (uid: number) => {
    const child = spawn('/usr/bin/sleep', ['60'], { stdio: 'ignore', uid, argv0 })
    child.on('error', (error) => t.log(error.message))
    t.teardown(() => child.kill('SIGKILL'))
    writeUnitNote(at, child.pid ?? 0, origin)
    return findFormerUnit(at, origin)?.mayStay
  }
  t.deepEqual([found(0), found(nobody)], [true, undefined])
})

test('what the bus says of another process is no sign of life of this one', (t) => {
  const pulses = new ReportedPulses()
  const pids: Record<SupervisedUnit, number | null> = { pair: 10, switch: 11, media: null }
  const told = (counter: number, nowMs: number, switchPid = 11) =>
    pulses.take(
      {
        kind: 'units-alive',
        pid: 10,
        units: [
          { unit: 'switch', pid: switchPid, counter },
          { unit: 'media', pid: 12, counter },
        ],
      },
      (unit) => pids[unit],
      nowMs,
    )
  t.deepEqual(pulses.unknown(0), ['switch', 'media'])
  t.deepEqual(told(1, 0), ['pair', 'switch'])
  t.deepEqual(told(2, 100), ['pair', 'switch'])
  t.deepEqual(told(2, 200), ['pair'], 'it has not advanced')
  t.deepEqual(told(3, 300, 99), ['pair'], 'another process')
  t.deepEqual(pulses.unknown(1_000), [])
  // pair was silent: nobody knows what the others did meanwhile.
  t.deepEqual(pulses.unknown(1_400), ['switch', 'media'])
  t.deepEqual(told(3, 5_000), ['pair', 'switch'])
})
