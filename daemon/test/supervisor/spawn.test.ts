//! The machine refuses a process: no memory, no descriptors, no process numbers. The supervisor stays, says
//! why, and starts the unit when it can.
import { ChildProcess, execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { runTool } from '../../src/platform/process.ts'
import { SupervisedProcess } from '../../src/supervisor/units.ts'

type Spawn = (this: ChildProcess, options: object) => unknown

const prototype = ChildProcess.prototype as unknown as { spawn: Spawn }
const realSpawn = prototype.spawn
let count = 0
let refused: ReadonlyMap<number, Spawn> = new Map()
prototype.spawn = function (options) {
  count += 1
  const refusal = refused.get(count)
  return refusal === undefined ? realSpawn.call(this, options) : refusal.call(this, options)
}

/** What Node does with each errno of `fork`. */
const refusals: Readonly<Record<string, Spawn>> = {
  ENOMEM: () => {
    throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' })
  },
  // No pid, no pipes: `stdio` was never made.
  EMFILE: function () {
    process.nextTick(() => this.emit('error', new Error('spawn EMFILE')))
    return -24
  },
  // The pipes were made.
  EAGAIN: function () {
    Object.assign(this, {
      stdin: null,
      stdout: null,
      stderr: null,
      stdio: [null, null, null, null],
    })
    process.nextTick(() => this.emit('error', new Error('spawn EAGAIN')))
    return -11
  },
}

/** The n-th starts from now on are refused. */
function refuse(refusal: Spawn, ...nths: number[]): void {
  count = 0
  refused = new Map(nths.map((nth) => [nth, refusal]))
}

function superviseIn(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-spawn-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const program = join(directory, 'unit.mjs')
  writeFileSync(program, `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1e3)`)
  const lines: string[] = []
  const say = (text: string, fields?: object) =>
    lines.push(`${text} ${JSON.stringify(fields ?? {})}`)
  const log = { debug: say, info: say, warn: say, error: say, child: () => log, flush: () => {} }
  const changes: (() => void)[] = []
  const unit = new SupervisedProcess({
    name: 'switch',
    program,
    config: 'node.yaml',
    runDirectory: directory,
    origin: '',
    heapMiB: 64,
    log,
    now: () => performance.now(),
    wallMs: () => 0,
    onChange: () => {
      for (const changed of changes.splice(0)) changed()
    },
  })
  t.teardown(() => unit.end(2_000))
  const until = async (isDone: () => boolean) => {
    while (!isDone()) await new Promise<void>((resolve) => changes.push(resolve))
  }
  const untilRunning = () => until(() => unit.report.pid !== null)
  return { unit, lines, until, untilRunning, pidFile: join(directory, 'switch.pid') }
}

for (const [errno, refusal] of Object.entries(refusals)) {
  test.serial(`two starts in a row that fail with ${errno} end no supervisor`, async (t) => {
    const { unit, lines, untilRunning, pidFile } = superviseIn(t)
    refuse(refusal, 1, 2)
    unit.start()
    t.is(unit.report.pid, null)
    t.is(unit.report.quickDeaths, 1)
    await untilRunning()
    t.is(count, 3)
    t.is(unit.report.restarts, 2)
    t.true((unit.report.pid ?? 0) > 0)
    t.true(existsSync(pidFile))
    const died = lines.filter((line) => line.startsWith('unit died'))
    t.regex(died[0] ?? '', /cannot be started.*"pauseMs":100/)
    t.regex(died[1] ?? '', /cannot be started.*"pauseMs":200/)
  })

  test.serial(`a restart that fails with ${errno} is tried again`, async (t) => {
    const { unit, until, untilRunning } = superviseIn(t)
    refuse(refusal, 2)
    unit.start()
    const { pid } = unit.report
    t.truthy(pid)
    process.kill(pid ?? 0, 'SIGKILL')
    await until(() => unit.report.restarts === 2)
    await untilRunning()
    t.is(count, 3)
    t.not(unit.report.pid, pid)
  })

  test.serial(`a tool that cannot be run for ${errno} is a failure with a reason`, async (t) => {
    refuse(refusal, 1)
    const ran = await runTool({ program: 'true', args: [], debianPackage: 'coreutils' })
    t.is(ran.ok ? '' : ran.failure.code, 'tool-failed')
    t.regex(ran.ok ? '' : ran.failure.detail, new RegExp(errno))
    t.true((await runTool({ program: 'true', args: [], debianPackage: 'coreutils' })).ok)
  })
}

/** Opens files until there is no descriptor left, starts a unit, closes them, and starts one more. */
const starved = `
import { closeSync, openSync } from 'node:fs'
import { startNode } from ${JSON.stringify(join(import.meta.dirname, '../../src/platform/process.ts'))}
const start = () => startNode({
  path: process.argv[2], args: [], nodeArgs: [], environment: {}, onPulse: () => {}, onExit: ({ code }) => process.exit(code),
})
const open = []
try { for (;;) open.push(openSync('/dev/null', 'r')) } catch {}
const first = start()
for (const file of open) closeSync(file)
console.log(first.ok, first.ok ? '' : first.failure.code, start().ok)
`

test.serial('without a free descriptor no unit starts, and nothing is thrown', async (t) => {
  refuse(realSpawn)
  const directory = mkdtempSync(join(tmpdir(), 'vccs-spawn-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const program = join(directory, 'starved.mjs')
  writeFileSync(program, starved)
  writeFileSync(join(directory, 'unit.mjs'), '')
  const { stdout } = await promisify(execFile)('/bin/sh', [
    '-c',
    'ulimit -n 64; exec "$0" "$1" "$2"',
    process.execPath,
    program,
    join(directory, 'unit.mjs'),
  ])
  t.is(stdout.trim(), 'false unit-failed true')
})
