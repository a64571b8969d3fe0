//! rtpengine of Debian as the peer of our media process: the same generator, packets and core. Packets
//! are forwarded in user space, because a kernel module would be another kind of thing to compare with.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { atExit } from '../net/cleanup.ts'
import { until } from '../waiting.ts'
import { decodeBencode, encodeBencode } from './bencode.ts'
import { cpuNs, subjectCore } from './cores.ts'
import { type BenchContext, ratio } from './figures.ts'

export interface PeerFigures {
  readonly legs: number
  readonly nsPerLegTick: number
  /** The same packets sent back by a process that does nothing else, measured right before. */
  readonly nsKernelFloor: number
  readonly sent: number
  readonly received: number
  readonly gaps: number
}

const service = '127.0.0.77'
const terminals = '127.0.0.9'
const controlPort = 2_223
const loadCore = 0
const firstPort = 20_000
const tickMs = 20
const settleMs = 2_000
const answerMsMax = 2_000

/** Null when rtpengine is not there and cannot be installed. */
export async function measureRtpengine(
  legCounts: readonly number[],
  seconds: number,
  say: BenchContext['say'],
): Promise<PeerFigures[] | null> {
  if (!isInstalled() && !install(say)) {
    say('rtpengine cannot be installed here (as root: apt-get install rtpengine-daemon): no peer')
    return null
  }
  const all: PeerFigures[] = []
  for (const legs of legCounts) {
    const figures = await measure(legs, seconds)
    say(
      `rtpengine, ${legs} legs in calls of 2: ${figures.nsPerLegTick} ns per leg and tick, ` +
        `${ratio(figures.nsPerLegTick, figures.nsKernelFloor)} times the kernel ` +
        `(${figures.nsKernelFloor} ns); ${figures.gaps} packets missing`,
    )
    all.push(figures)
  }
  return all
}

function isInstalled(): boolean {
  return spawnSync('rtpengine', ['--version']).status === 0
}

function install(say: BenchContext['say']): boolean {
  if (process.getuid?.() !== 0) return false
  say('installing rtpengine-daemon ...')
  const command = 'apt-get install -y -q --no-install-recommends rtpengine-daemon'
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const run = (text: string) => spawnSync('sh', ['-c', text], { env, stdio: 'ignore' }).status === 0
  return (run(command) || run(`apt-get update -q && ${command}`)) && isInstalled()
}

async function measure(legs: number, seconds: number): Promise<PeerFigures> {
  const nsKernelFloor = await measureFloor(legs)
  const engine = start()
  const folder = mkdtempSync(join(tmpdir(), 'vccs-bench-'))
  const forget = atExit(() => engine.kill('SIGKILL'))
  const control = await Control.open()
  try {
    await until(() => control.ask({ command: 'ping' }), { what: 'rtpengine' })
    const file = join(folder, 'ports')
    writeFileSync(file, (await openCalls(control, legs)).join('\n'))
    const load = runLoad<Pick<PeerFigures, 'sent' | 'received' | 'gaps'>>(loadCore, [
      ...['--legs', String(legs), '--seconds', String(seconds + 3), '--ports', file],
    ])
    await delay(settleMs)
    const pid = engine.pid ?? 0
    const [cpuBefore, atMs] = [cpuNs(pid), performance.now()]
    await delay(seconds * 1_000)
    const [cpu, wallMs] = [cpuNs(pid) - cpuBefore, performance.now() - atMs]
    const nsPerLegTick = Math.round(cpu / ((wallMs / tickMs) * legs))
    return { legs, nsPerLegTick, nsKernelFloor, ...(await load) }
  } finally {
    control.close()
    engine.kill('SIGKILL')
    forget()
    rmSync(folder, { recursive: true })
  }
}

function start(): ChildProcess {
  const args = [
    ...['--table=-1', `--interface=${service}`, `--listen-ng=${service}:${controlPort}`],
    ...['--foreground', '--log-stderr', '--log-level=2', '--config-file=none'],
    ...['--port-min=20000', '--port-max=39999', '--timeout=3600'],
  ]
  return spawn('taskset', ['-c', String(subjectCore), 'rtpengine', ...args], { stdio: 'ignore' })
}

/** One call for two legs. @returns the port of rtpengine for each leg. */
async function openCalls(control: Control, legs: number): Promise<number[]> {
  const ports: number[] = []
  for (let leg = 0; leg < legs; leg += 2) {
    const call = { 'call-id': `bench-${leg}`, 'from-tag': 'one' }
    const offered = await control.ask({ command: 'offer', ...call, sdp: description(leg) })
    const sdp = description(leg + 1)
    const answer = { command: 'answer', ...call, 'to-tag': 'two', sdp }
    const answered = await control.ask(answer)
    // What is said to one side is where that side sends to.
    ports[leg] = portOf(answered)
    ports[leg + 1] = portOf(offered)
  }
  return ports
}

function description(leg: number): string {
  const lines = [
    ...['v=0', `o=- 1 1 IN IP4 ${terminals}`, 's=-', `c=IN IP4 ${terminals}`, 't=0 0'],
    ...[`m=audio ${firstPort + 2 * leg} RTP/AVP 8`, 'a=rtpmap:8 PCMA/8000', ''],
  ]
  return lines.join('\r\n')
}

function portOf(answer: ReadonlyMap<string, string>): number {
  const port = /^m=audio (\d+) /m.exec(answer.get('sdp') ?? '')?.[1]
  if (port === undefined) throw new Error(`rtpengine: ${JSON.stringify([...answer])}`)
  return Number(port)
}

/** As `bench/media.ts` does it for our process. */
async function measureFloor(legs: number): Promise<number> {
  const ends = ['--own', service, '--service', terminals, '--legs', String(legs)]
  const echo = runLoad<{ nsPerPacket: number }>(subjectCore, ['--echo', ...ends, '--seconds', '5'])
  await delay(1_000)
  await runLoad(loadCore, ['--legs', String(legs), '--seconds', '3'])
  return (await echo).nsPerPacket
}

/** `media-load.ts` on a core, and the JSON it prints. */
async function runLoad<T>(core: number, args: readonly string[]): Promise<T> {
  const script = join(import.meta.dirname, 'media-load.ts')
  const child = spawn('taskset', ['-c', String(core), process.execPath, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  return JSON.parse(text) as T
}

/** The ng protocol: a cookie, a blank and a bencoded dictionary in each datagram. */
class Control {
  readonly #socket: Socket
  readonly #waiting = new Map<string, (answer: Map<string, string>) => void>()
  #count = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('message', (bytes) => {
      const text = bytes.toString('latin1')
      const blank = text.indexOf(' ')
      this.#waiting.get(text.slice(0, blank))?.(decodeBencode(text.slice(blank + 1)))
    })
  }

  static async open(): Promise<Control> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return new Control(socket)
  }

  /** Rejects when there is no answer. */
  async ask(request: Readonly<Record<string, string>>): Promise<Map<string, string>> {
    this.#count += 1
    const cookie = `bench${this.#count}`
    const answer = new Promise<Map<string, string>>((resolve) => this.#waiting.set(cookie, resolve))
    this.#socket.send(`${cookie} ${encodeBencode(request)}`, controlPort, service)
    const late = delay(answerMsMax, null, { ref: false })
    const first = await Promise.race([answer, late])
    this.#waiting.delete(cookie)
    if (first === null) throw new Error(`rtpengine does not answer ${request.command}`)
    return first
  }

  close(): void {
    this.#socket.close()
  }
}
