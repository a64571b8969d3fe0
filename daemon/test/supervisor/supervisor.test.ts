//! The supervisor with units that do nothing but live, and the command line of vccsd.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { restartAlarms, unitStates } from '../../src/compose/unit-states.ts'
import { loadNodeConfig } from '../../src/oam/node-config-load.ts'
import { commandLine, signalProcess } from '../../src/platform/process.ts'
import { startNodeUnits } from '../../src/supervisor/supervisor.ts'
import { unitNames } from '../../src/supervisor/unit-note.ts'
import { restartPauseMs } from '../../src/supervisor/units.ts'

const nodeFile = `node: vccs-a
site: lab
links: [{ name: net-a, own: 127.8.1.1, peer: 127.8.1.2 }]
pair: { keyFile: pair.key }
service: { address: 127.8.9.1, interface: lo }
runDirectory: run
stateDirectory: state
`

/** Writes when it is asked to end, to see the order. */
const unitProgram = `import { appendFileSync } from 'node:fs'
const name = process.argv[1].split('/').pop().replace('.ts', '')
process.on('SIGTERM', () => { appendFileSync(process.argv[3] + '.ended', name + ' '); process.exit(0) })
appendFileSync(process.argv[3] + '.begun', name + ' ')
setInterval(() => undefined, 1000)
`

function install(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-supervisor-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const programs = join(directory, 'daemon/src')
  mkdirSync(programs, { recursive: true })
  for (const unit of unitNames) writeFileSync(join(programs, `${unit}.ts`), unitProgram)
  writeFileSync(join(directory, 'pair.key'), 'x'.repeat(32), { mode: 0o600 })
  const configPath = join(directory, 'node.yaml')
  writeFileSync(configPath, nodeFile)
  const loaded = loadNodeConfig(configPath)
  if (!loaded.ok) throw new Error(loaded.failure.detail)
  return { directory, configPath, programs, version: '1.2.3', config: loaded.value }
}

async function until(condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 5) {
    if (waitedMs > 20_000) throw new Error('it did not come to that')
    await delay(5)
  }
}

/** The units that have begun, in order. */
function readBegun(configPath: string): string[] {
  const path = `${configPath}.begun`
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split(' ') : []
}

function collectingLog() {
  const lines: string[] = []
  const add = (text: string, fields?: object) =>
    lines.push(`${text} ${JSON.stringify(fields ?? {})}`)
  const log = {
    debug: add,
    info: add,
    warn: add,
    error: add,
    child: () => log,
    flush: () => undefined,
  }
  return { log, lines }
}

test('restarts begin after 100 ms and never wait longer than 5 s', (t) => {
  t.deepEqual([0, 1, 2, 5, 6, 1_000].map(restartPauseMs), [100, 200, 400, 3_200, 5_000, 5_000])
})

test('a unit that dies is started again, and all end in order, pair first', async (t) => {
  const place = install(t)
  const { log, lines } = collectingLog()
  const started = await startNodeUnits({ ...place, log })
  if (!started.ok) return t.fail(started.failure.detail)
  const pidOf = (unit: string) => {
    const path = join(place.directory, `run/${unit}.pid`)
    return existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0
  }
  const begun = () => readBegun(place.configPath)
  await until(() => begun().length === 3)
  const media = pidOf('media')
  signalProcess(media, 'SIGKILL')
  await until(() => pidOf('media') > 0 && pidOf('media') !== media && begun().length === 4)
  t.true(lines.some((line) => /unit died.*"media".*SIGKILL.*"restarts":1/.test(line)))
  const second = await startNodeUnits({ ...place, log })
  t.is(second.ok ? '' : second.failure.code, 'already-running')
  const pids = unitNames.map(pidOf)
  await started.value.stop()
  t.regex(readFileSync(`${place.configPath}.ended`, 'utf8'), /^pair (switch media|media switch) $/)
  for (const pid of pids) t.is(commandLine(pid), null)
  t.deepEqual(unitNames.map(pidOf), [0, 0, 0], 'no pid file is left')
})

test('a switch whose disk answers nothing, whatever it asks there, goes on with the others', async (t) => {
  const place = install(t)
  const program = join(import.meta.dirname, 'switch-on-dead-disk.ts')
  writeFileSync(join(place.programs, 'switch.ts'), `await import('${program}')`)
  const { log } = collectingLog()
  const started = await startNodeUnits({ ...place, log })
  if (!started.ok) return t.fail(started.failure.detail)
  const found = `${place.configPath}.found`
  await until(() => existsSync(found) && readFileSync(found, 'utf8') !== '').finally(() =>
    started.value.stop(),
  )
  t.is(readFileSync(found, 'utf8'), 'disk-failed database,disk-failed log,disk-failed state')
})

/** Gives signs of life as a unit does. */
const livingProgram = `${unitProgram}
import { writeSync } from 'node:fs'
setInterval(() => writeSync(Number(process.env.VCCS_PULSE_FD), '.'), 100)
`

test('a unit that hangs is ended and started again, and the report says why', async (t) => {
  const place = install(t)
  writeFileSync(join(place.programs, 'media.ts'), livingProgram)
  const { log, lines } = collectingLog()
  const started = await startNodeUnits({ ...place, log })
  if (!started.ok) return t.fail(started.failure.detail)
  await until(() => readBegun(place.configPath).includes('media'))
  const hung = Number(readFileSync(join(place.directory, 'run/media.pid'), 'utf8'))
  // Signs of life have come: it is not held for one that still starts.
  await delay(1_000)
  signalProcess(hung, 'SIGSTOP')
  await until(() => readBegun(place.configPath).filter((unit) => unit === 'media').length === 2)
  t.is(commandLine(hung), null)
  t.true(lines.some((line) => /unit hangs and is ended.*"media"/.test(line)))
  t.true(lines.some((line) => /unit died.*"media".*stood still for/.test(line)))
  const alarms = restartAlarms(join(place.directory, 'run'), Date.now())
  t.deepEqual(
    alarms.map(({ code, subject }) => [code, subject]),
    [['unit-restarted', 'media']],
  )
  t.regex(alarms[0]?.detail ?? '', /^stood still for/)
  await started.value.stop()
})

test('a unit that dies at once again and again waits longer each time, and an alarm says so', async (t) => {
  const place = install(t)
  writeFileSync(join(place.programs, 'switch.ts'), 'process.exit(3)\n')
  const { log, lines } = collectingLog()
  const started = await startNodeUnits({ ...place, log })
  if (!started.ok) return t.fail(started.failure.detail)
  const deaths = () => lines.filter((line) => /unit died.*"switch"/.test(line))
  await until(() => deaths().length >= 4)
  await started.value.stop()
  const pauses = deaths().map((line) => Number(/"pauseMs":(\d+)/.exec(line)?.[1]))
  t.deepEqual(pauses.slice(0, 4), [100, 200, 400, 800])
  const alarms = restartAlarms(join(place.directory, 'run'), Date.now())
  t.true(alarms.some(({ code, detail }) => code === 'crash-loop' && /exit code 3/.test(detail)))
})

test('the steps of the start are logged in the order of S1.154', async (t) => {
  const place = install(t)
  const { log, lines } = collectingLog()
  const started = await startNodeUnits({ ...place, log })
  if (!started.ok) return t.fail(started.failure.detail)
  await until(() => existsSync(`${place.configPath}.begun`))
  await started.value.stop()
  const steps = lines
    .filter((line) => line.startsWith('start-up'))
    .map((line) => line.split(' {')[0])
  t.deepEqual(steps, ['start-up: parameters', 'start-up: service address', 'start-up: units'])
})

test('a unit of which nobody knows what it was started with is ended before new ones start', async (t) => {
  const place = install(t)
  const orphan = execFile(process.execPath, [
    join(place.programs, 'switch.ts'),
    '--config',
    place.configPath,
  ])
  const ended = once(orphan, 'exit')
  ended.catch(() => undefined)
  await until(() => existsSync(`${place.configPath}.begun`))
  mkdirSync(join(place.directory, 'run'), { recursive: true })
  writeFileSync(join(place.directory, 'run/switch.pid'), `${orphan.pid}\n`)
  // A process id that was used again by somebody else is left alone.
  writeFileSync(join(place.directory, 'run/media.pid'), `${process.pid}\n`)
  const { log, lines } = collectingLog()
  const started = await startNodeUnits({ ...place, log })
  if (!started.ok) return t.fail(started.failure.detail)
  await ended
  t.true(lines.some((line) => line.includes('a unit of a former supervisor is ended')))
  await started.value.stop()
})

test('a pid file that cannot be written ends no supervisor', async (t) => {
  const place = install(t)
  mkdirSync(join(place.directory, 'run/media.pid.new'), { recursive: true })
  const { log, lines } = collectingLog()
  const started = await startNodeUnits({ ...place, log })
  if (!started.ok) return t.fail(started.failure.detail)
  t.true(lines.some((line) => /a pid file cannot be written.*"media"/.test(line)))
  t.is(lines.filter((line) => line.startsWith('unit started')).length, 3)
  await started.value.stop()
})

test('units without their supervisor say so', (t) => {
  const { directory } = install(t)
  const report = (pid: number, quickDeaths = 0) => {
    const unit = {
      unit: 'media',
      pid: 1,
      sinceWallMs: 5,
      restarts: 1,
      quickDeaths,
      died: 'SIGKILL',
    }
    const text = JSON.stringify({ supervisor: { pid, sinceWallMs: 0 }, units: [unit] })
    writeFileSync(join(directory, 'units.json'), text)
    const seen = { mediaConnected: true, pairConnected: true, startedWallMs: 0 }
    const [supervisor] = unitStates({ runDirectory: directory, ...seen })
    return [supervisor?.state, ...restartAlarms(directory, 10).map(({ code }) => code)]
  }
  t.deepEqual(report(process.pid), ['up', 'unit-restarted'])
  // Above every process id of Linux.
  t.deepEqual(report(2 ** 23), ['down', 'supervisor-lost', 'unit-restarted'])
  t.deepEqual(report(process.pid, 2), ['up', 'unit-restarted'])
  t.deepEqual(report(process.pid, 3), ['up', 'unit-restarted', 'crash-loop'])
})

function vccsd(args: readonly string[], program = join(import.meta.dirname, '../../bin/vccsd')) {
  return new Promise<{ code: number; text: string }>((resolve) => {
    execFile(program, [...args], (error, out, complaints) => {
      resolve({ code: error === null ? 0 : Number(error.code), text: out + complaints })
    })
  })
}

test('vccsd checks a node file and tells place, reason and next step', async (t) => {
  const { configPath, directory } = install(t)
  t.deepEqual(await vccsd(['--config', configPath, '--check']), {
    code: 0,
    text: `${configPath}: valid, node vccs-a\n`,
  })
  const wrong = join(directory, 'wrong.yaml')
  writeFileSync(wrong, nodeFile.replace('site: lab', 'sitee: lab'))
  const told = await vccsd(['--config', wrong, '--check'])
  t.is(told.code, 7)
  t.is(
    told.text,
    `${wrong}:1:1: site is missing\n${wrong}:2:1: sitee is not a known key; did you mean site?\n` +
      'A value in the configuration file is not allowed. ' +
      'Correct the value at the line and column named in the message.\n',
  )
  const open = join(directory, 'open.yaml')
  writeFileSync(open, nodeFile.replace('pair.key', 'open.key'))
  writeFileSync(join(directory, 'open.key'), 'x'.repeat(32), { mode: 0o644 })
  t.is((await vccsd(['--config', open])).code, 5)
})

test('vccsd knows its version and its usage, also through a symbolic link', async (t) => {
  const { directory } = install(t)
  const link = join(directory, 'vccsd')
  symlinkSync(join(import.meta.dirname, '../../bin/vccsd'), link)
  const version = await vccsd(['--version'], link)
  t.regex(version.text, /^vccsd \d+\.\d+\.\d+\n$/)
  const unknown = await vccsd(['--frobnicate'])
  t.is(unknown.code, 2)
  t.regex(unknown.text, /Usage: vccsd --config FILE/)
  t.is((await vccsd([])).code, 2)
})
