//! Two real pair processes on the loopback, with units played by the test.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { BusMessage, BusMessageOf, Role } from '../../src/bus/messages.ts'
import { type BusClient, connectBus } from '../../src/platform/stream.ts'

type Status = BusMessageOf<'pair-status'>

const program = join(import.meta.dirname, '../../src/pair.ts')
const nets = [11, 12]

function nodeFile(own: 1 | 2, peer: 1 | 2): string {
  const links = nets.map((net) => {
    return `  - { name: net-${net}, own: 127.9.${net}.${own}, peer: 127.9.${net}.${peer} }\n`
  })
  return `node: vccs-${own === 1 ? 'a' : 'b'}
site: lab
links:
${links.join('')}pair: { keyFile: ../pair.key, heartbeatPort: 15710, syncPort: 15711 }
service: { address: 127.9.9.${own}, interface: lo }
runDirectory: run
stateDirectory: state
log: { level: warn }
`
}

class TestNode {
  status: Status | null = null
  readonly received: BusMessage[] = []
  readonly #directory: string
  readonly #t: ExecutionContext
  #process: ChildProcess | null = null
  #switch: BusClient | null = null
  #media: BusClient | null = null
  #counter = 0
  #waiting: (() => void)[] = []

  constructor(t: ExecutionContext, directory: string, own: 1 | 2) {
    this.#t = t
    this.#directory = directory
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'node.yaml'), nodeFile(own, own === 1 ? 2 : 1))
    const timer = setInterval(() => this.#beat(), 100)
    t.teardown(() => {
      clearInterval(timer)
      this.kill()
    })
  }

  start(): void {
    const args = [program, '--config', join(this.#directory, 'node.yaml')]
    this.#process = spawn(process.execPath, args, { stdio: 'inherit' })
    this.#process.on('error', (error) => this.#t.log(error.message))
    this.#switch ??= this.#connect('switch')
    this.#media ??= this.#connect('media')
  }

  #connect(unit: 'switch' | 'media'): BusClient {
    const client = connectBus({
      address: { transport: 'unix', path: join(this.#directory, 'run/pair.sock') },
      hello: { kind: 'hello', unit, pid: process.pid, version: 1 },
      retryMs: 10,
      onOpen: (peer) => {
        this.#beat()
        if (unit === 'switch') peer.onMessage((message) => this.#hear(message))
      },
      onClose: () => {
        if (unit === 'switch') this.status = null
      },
    })
    this.#t.teardown(() => client.close())
    return client
  }

  get #role(): Role {
    return this.received.findLast((message) => message.kind === 'role')?.role ?? 'starting'
  }

  #beat(): void {
    this.#counter += 1
    const counter = this.#counter
    const alive = { counter, sessions: 0, syncPending: 0, inStep: true, ready: true }
    this.#switch?.send({ kind: 'switch-alive', ...alive, role: this.#role })
    this.#media?.send({ kind: 'media-alive', counter, tick: counter })
  }

  #hear(message: BusMessage): void {
    if (message.kind === 'pair-status') this.status = message
    else this.received.push(message)
    // As the switch does, which pair waits for.
    if (message.kind === 'role') this.#beat()
    if (message.kind === 'flush') {
      this.#switch?.send({ kind: 'flushed', ref: message.ref, ok: true, detail: '' })
    }
    for (const look of this.#waiting) look()
  }

  send(message: BusMessage): void {
    this.#switch?.send(message)
  }

  killSwitch(): void {
    this.#switch?.close()
    this.#switch = null
  }

  reviveSwitch(): void {
    this.#switch = this.#connect('switch')
  }

  kill(): void {
    this.#process?.kill('SIGKILL')
  }

  async stop(): Promise<number | null> {
    const child = this.#process
    if (child === null) return null
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    return (await exit)[0] as number | null
  }

  until(condition: (status: Status) => boolean): Promise<Status> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.status === null || !condition(this.status)) return
        this.#waiting = this.#waiting.filter((one) => one !== look)
        resolve(this.status)
      }
      this.#waiting.push(look)
      look()
    })
  }
}

test('two pair processes find their roles, lose a unit, hand over, stop and return', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-pair-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  writeFileSync(join(directory, 'pair.key'), 'k'.repeat(32), { mode: 0o600 })
  const a = new TestNode(t, join(directory, 'a'), 1)
  const b = new TestNode(t, join(directory, 'b'), 2)
  a.start()
  b.start()

  // The larger address as a string (S1.72), or the one that was a whole listening time earlier.
  const first = await a.until((status) => status.role !== 'starting' && status.peer !== null)
  const [primary, standby] = first.role === 'primary' ? [a, b] : [b, a]
  const inStep = (status: Status) =>
    status.role === 'standby' && status.peer?.role === 'primary' && status.clockSkewMs !== null
  const settled = await standby.until(inStep)
  t.deepEqual(
    settled.links.map((link) => link.state),
    ['up', 'up'],
  )
  t.true(Math.abs(settled.clockSkewMs ?? 99) < 5, 'the pair clocks agree on one machine')

  primary.killSwitch()
  const taken = await standby.until((status) => status.role === 'primary')
  t.regex(taken.decisions.at(-1)?.rule ?? '', /goodbye|peer-has-no-role/)
  t.is(taken.term, settled.term + 1)
  primary.reviveSwitch()
  await primary.until((status) => status.role === 'standby')

  await standby.until((status) => status.peer?.switchAlive === true)
  await primary.until((status) => status.alarms.every((alarm) => alarm.code === 'no-realtime'))
  primary.send({ kind: 'switchover', ref: 5, force: false, reason: 'test at the standby' })
  const back = await primary.until((status) => status.role === 'primary')
  t.is(back.term, settled.term + 2)
  const result = primary.received.find((message) => message.kind === 'operation-result')
  t.like(result, { ref: 5, ok: true })

  t.is(await primary.stop(), 0)
  const alone = await standby.until((status) => status.role === 'primary' && status.alone)
  t.is(alone.term, settled.term + 3)
  t.is(alone.peer, null)
  primary.start()
  const returned = await primary.until((status) => status.role === 'standby')
  t.is(returned.term, alone.term)
})
