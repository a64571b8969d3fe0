//! What a full disk means, and what the node does about it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Alarms } from '../../src/compose/alarms.ts'
import { judgeDisk, wantsToStepDown } from '../../src/compose/disk-judgement.ts'
import { DiskWatch } from '../../src/compose/disk-watch.ts'
import { makeLogHub } from '../../src/compose/log-hub.ts'
import { limits } from '../../src/limits.ts'
import type { NodeConfig } from '../../src/oam/node-config.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { fileIdentity, lookAtDisk } from '../../src/platform/disk.ts'

const mebibyte = 1_048_576
const gibibyte = 1_024 * mebibyte

function code(freeBytes: number, totalBytes: number, failure: { full: boolean } | null = null) {
  const told = failure === null ? null : { ...failure, text: 'EROFS: read-only' }
  return judgeDisk({ freeBytes, totalBytes, failure: told })?.code ?? null
}

test('a disk is low before it is full, by bytes or by share', (t) => {
  t.is(code(10 * gibibyte, 100 * gibibyte), null)
  t.is(code(200 * mebibyte, 100 * gibibyte), 'disk-low')
  t.is(code(3 * mebibyte, 100 * gibibyte), 'disk-full')
  t.is(code(5 * mebibyte, 16 * mebibyte), null, 'a small file system')
  t.is(code(1.5 * mebibyte, 16 * mebibyte), 'disk-low')
  t.is(code(0.1 * mebibyte, 16 * mebibyte), 'disk-full')
})

test('what a write says counts more than what is said to be free', (t) => {
  t.is(code(10 * gibibyte, 100 * gibibyte, { full: true }), 'disk-full')
  t.is(code(10 * gibibyte, 100 * gibibyte, { full: false }), 'disk-failed')
})

test('only a primary with a ready peer steps down, and not again and again', (t) => {
  const view = { lost: ['state'], isPrimary: true, peerReady: true, triedAtMs: null, nowMs: 1_000 }
  t.true(wantsToStepDown(view))
  t.false(wantsToStepDown({ ...view, lost: [] }))
  t.false(wantsToStepDown({ ...view, isPrimary: false }))
  t.false(wantsToStepDown({ ...view, peerReady: false }), 'alone it goes on')
  t.false(wantsToStepDown({ ...view, triedAtMs: 1_000, nowMs: limits.diskStepDownMs }))
  t.true(wantsToStepDown({ ...view, triedAtMs: 1_000, nowMs: 1_000 + limits.diskStepDownMs }))
})

interface Hanging {
  /** Directories of which nothing is heard. */
  readonly places: Set<string>
  /** Let them answer. */
  readonly wake: (() => void)[]
  /** Looks at the others. */
  readonly answers: Promise<unknown>[]
}

/** The real directories, of which some do not answer at present. */
function disksThat({ places, wake, answers }: Hanging) {
  const answer = <T>(path: string, ask: () => Promise<T>): Promise<T> => {
    if ([...places].some((place) => path.startsWith(place))) {
      return new Promise<void>((resolve) => wake.push(resolve)).then(ask)
    }
    const answered = ask()
    answers.push(answered)
    return answered
  }
  return {
    look: (directory: string) => answer(directory, () => lookAtDisk(directory)),
    identity: (path: string) => answer(path, () => fileIdentity(path)),
  }
}

function watched(t: ExecutionContext, peerAlarms: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-disk-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  for (const name of ['data', 'state', 'run']) mkdirSync(join(directory, name))
  const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet, flush() {} }
  const log = makeLogHub(quiet)
  const alarms = new Alarms(log, systemClock)
  const database = join(directory, 'data/vccs.db')
  writeFileSync(database, 'rows')
  const handed: string[] = []
  const config = {
    database,
    stateDirectory: join(directory, 'state'),
    runDirectory: join(directory, 'run'),
    log: { level: 'info', file: null },
  } as NodeConfig
  const hanging: Hanging = { places: new Set(), wake: [], answers: [] }
  const watch = new DiskWatch({
    disks: disksThat(hanging),
    config,
    alarms,
    log,
    databaseFile: () => database,
    isPrimary: () => true,
    peerReady: () => true,
    peerAlarms: async () => peerAlarms,
    handOver: async (reason) => {
      handed.push(reason)
      return 'done'
    },
  })
  const standing = () =>
    alarms.list
      .active()
      .map((one) => `${one.code} ${one.subject}`)
      .sort()
  /** One look, to its end. */
  let nowMs = 0
  const look = async () => {
    nowMs += limits.diskLookMs
    await watch.advance(nowMs)
  }
  /** One look of which a part never ends. */
  const glance = async () => {
    const whole = look()
    await Promise.all(hanging.answers)
    return { whole }
  }
  return { directory, database, standing, look, glance, handed, hanging }
}

test('a directory that cannot be written is an alarm, and two looks move the role', async (t) => {
  const { directory, standing, look, handed } = watched(t, [])
  await look()
  t.deepEqual(standing(), [])
  rmSync(join(directory, 'state'), { recursive: true })
  await look()
  t.deepEqual(standing(), ['disk-failed state'])
  t.deepEqual(handed, [], 'a single failure may pass')
  await look()
  t.deepEqual(handed, ['state of this node cannot be written'])
  await look()
  t.is(handed.length, 1)
  mkdirSync(join(directory, 'state'))
  await look()
  t.deepEqual(standing(), [])
})

test('a disk that hangs is an alarm, and moves the role as one that fails', async (t) => {
  const { directory, standing, look, glance, hanging, handed } = watched(t, [])
  await look()
  hanging.places.add(join(directory, 'state'))
  const { whole } = await glance()
  await look()
  t.deepEqual(standing(), [], 'it may only be slow')
  await look()
  t.deepEqual(standing(), ['disk-failed state'])
  t.deepEqual(handed, [])
  await look()
  t.deepEqual(handed, ['state of this node cannot be written'])
  t.is(hanging.wake.length, 1, 'it is not asked again before it answers')
  hanging.places.clear()
  for (const wake of hanging.wake) wake()
  await whole
  t.deepEqual(standing(), [])
  await look()
  t.deepEqual(standing(), [])
  t.is(handed.length, 1)
})

test('of two disks the one that hangs hides nothing of the other', async (t) => {
  const { directory, standing, look, glance, hanging, handed } = watched(t, [])
  hanging.places.add(join(directory, 'data'))
  const { whole } = await glance()
  t.is(hanging.wake.length, 2)
  rmSync(join(directory, 'state'), { recursive: true })
  await look()
  t.deepEqual(standing(), ['disk-failed state'])
  await look()
  t.deepEqual(handed, ['state of this node cannot be written'])
  await look()
  t.deepEqual(standing(), ['disk-failed database', 'disk-failed state'])
  for (const wake of hanging.wake) wake()
  await whole
})

test('nobody gains from a peer whose disk is full as well', async (t) => {
  const { directory, look, handed } = watched(t, ['disk-full'])
  rmSync(join(directory, 'state'), { recursive: true })
  for (let looks = 0; looks < 4; looks += 1) await look()
  t.deepEqual(handed, [])
})

test('a database file that is removed or replaced while it is in use is an alarm', async (t) => {
  const { database, standing, look } = watched(t, [])
  await look()
  rmSync(database)
  await look()
  t.deepEqual(standing(), ['database-gone file'])
  writeFileSync(`${database}.new`, 'other rows')
  writeFileSync(database, 'other rows')
  await look()
  t.deepEqual(standing(), ['database-gone file'])
})
