//! Stands for a switch whose state, database and log are on a disk that answers nothing: pipes that nobody reads.
//! Everything that a switch has under way there at one time waits, each in a thread; then it looks at its run
//! directory, which is in memory, and writes down what it found.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Alarms } from '../../src/compose/alarms.ts'
import { DiskWatch } from '../../src/compose/disk-watch.ts'
import { makeLogHub } from '../../src/compose/log-hub.ts'
import { limits } from '../../src/limits.ts'
import type { NodeConfig } from '../../src/oam/node-config.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { fileIdentity, lookAtDisk } from '../../src/platform/disk.ts'
import { KeptFile } from '../../src/platform/kept-file.ts'

// Threads that wait would hold up any other end.
process.on('SIGTERM', () => process.kill(process.pid, 'SIGKILL'))

const directory = `${process.argv[3]}.dead`
const inside = (name: string) => join(directory, name)
const kept = ['state/history.jsonl', 'state/operations.jsonl']
/** The look at the file of the database, two connections to databases, a line of the log, a report. */
const others = ['identity', 'database', 'calls', 'line', 'report'].map((name) => `data/${name}`)

for (const name of ['state', 'data', 'log', 'run']) mkdirSync(inside(name), { recursive: true })
const probes = ['state', 'data', 'log'].map((name) => `${name}/.vccs-probe`)
const pipes = [...probes, ...kept.map((name) => `${name}.new`), ...others]
execFileSync('mkfifo', pipes.map(inside))

for (const name of kept) new KeptFile(inside(name), () => undefined).keep(() => 'text')
const wait = (path: string) => open(path, 'w').then(() => null)
for (const name of others.slice(1)) void wait(inside(name))

const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet, flush() {} }
const log = makeLogHub(quiet)
const alarms = new Alarms(log, systemClock)
const standing = () => alarms.list.active().map(({ code, subject }) => `${code} ${subject}`)
const looked = new Map<string, Promise<unknown>>()
const watch = new DiskWatch({
  config: {
    database: inside('data/vccs.db'),
    stateDirectory: inside('state'),
    runDirectory: inside('run'),
    log: { level: 'info', file: inside('log/vccs.log') },
  } as NodeConfig,
  alarms,
  log,
  databaseFile: () => inside('data/identity'),
  isPrimary: () => false,
  peerReady: () => false,
  peerAlarms: async () => null,
  handOver: async () => '',
  disks: {
    look: (place) => {
      const answer = lookAtDisk(place)
      looked.set(place, answer)
      return answer
    },
    identity: (path) => wait(path).then(() => fileIdentity(path)),
  },
})
void watch.advance(0)
await looked.get(inside('run'))
for (let nowMs = 0; nowMs <= limits.diskHangMs; nowMs += limits.diskLookMs)
  void watch.advance(nowMs)
writeFileSync(`${process.argv[3]}.found`, standing().sort().join())
setInterval(() => undefined, 1_000)
