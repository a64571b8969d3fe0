//! A flood of the SIP port from one address while calls are held and others come and go: what the voice, the
//! calls and the memory of both nodes have of it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab, sipPort } from '../lab.ts'
import type { LabNode } from '../lab-node.ts'
import { serviceAddress } from '../net/netns.ts'
import { exited } from '../net/processes.ts'
import { percentile } from '../soak/bounds.ts'
import { type CallCount, SoakLoad, soakMembers, usersFor } from '../soak/load.ts'
import { until } from '../waiting.ts'
import { type BenchContext, round } from './figures.ts'

interface FloodOptions {
  readonly seconds: number
  readonly perSecond: number
  /** Two legs each. */
  readonly heldCalls: number
  /** New calls a second of registered telephones: set up, answered and put down. */
  readonly comingPerSecond: number
}

interface FloodFigures {
  readonly sent: number
  readonly perSecond: number
  /** RTP packets of the held legs, without twins. */
  readonly frames: number
  readonly framesLost: number
  readonly longestPauseMs: number
  readonly held: CallCount
  readonly coming: CallCount
  /** 99 of 100 of those that came had the answer to their BYE after this. */
  readonly byeP99Ms: number | null
  /** Growth of the switch processes from before the flood to their most during it. */
  readonly memoryMiB: { readonly a: number; readonly b: number }
  /** Datagrams that the kernel dropped at the node as a socket buffer was full, of telephones or not. */
  readonly queueFull: { readonly a: number; readonly b: number }
  /** Those that it dropped at the SIP port before they were queued, as their source is throttled. */
  readonly filtered: { readonly a: number; readonly b: number }
  /** `sip-flood ADDRESS`, all that each node said. */
  readonly alarms: { readonly a: readonly string[]; readonly b: readonly string[] }
  readonly attacker: string
  /** From its begin to the alarm of both nodes, s. */
  readonly alarmRaisedSeconds: number
  /** From the end of the flood to the end of the alarm, s. */
  readonly alarmEndedSeconds: number
  readonly hasChangedRoles: boolean
  /** Share of a core that the switch process of the primary took. */
  readonly coreShare: number
}

const afterSeconds = 6
const memoryMiBMax = 64
const alarmMsMax = 60_000
const alarmLookMs = 100

export async function measureFlood({ seconds, say }: BenchContext): Promise<object> {
  const options = { seconds: 12 * seconds, perSecond: 20_000, heldCalls: 50, comingPerSecond: 5 }
  const figures = await flood(options)
  say(
    `${figures.perSecond} messages/s for ${options.seconds} s: ${figures.framesLost} of ` +
      `${figures.frames} frames lost, ${figures.held.lost} of ${figures.held.made} held and ` +
      `${figures.coming.lost} of ${figures.coming.made} new calls failed, ` +
      `memory +${figures.memoryMiB.a} and +${figures.memoryMiB.b} MiB`,
  )
  say(
    `alarm after ${figures.alarmRaisedSeconds} s, ended ${figures.alarmEndedSeconds} s after the flood; ` +
      `dropped as the queue was full ${figures.queueFull.a} and ${figures.queueFull.b}, ` +
      `by the filter ${figures.filtered.a} and ${figures.filtered.b}; ` +
      `${figures.coming.made - figures.coming.lost} BYE of new calls answered, p99 ${figures.byeP99Ms} ms`,
  )
  const missed = missedBy(figures)
  if (missed.length > 0) throw new Error(`missed: ${missed.join(', ')}; ${JSON.stringify(figures)}`)
  return figures
}

/** What the project promises of a flood and these figures do not keep. */
function missedBy({
  framesLost,
  held,
  coming,
  memoryMiB,
  alarms,
  attacker,
}: FloodFigures): string[] {
  const wanted = [`sip-flood ${attacker}`].join()
  const promises: Record<string, boolean> = {
    'no packet of a held leg lost': framesLost === 0,
    'every held call kept': held.lost === 0,
    'every new call of known telephones set up and put down': coming.made > 0 && coming.lost === 0,
    [`memory under +${memoryMiBMax} MiB`]: Math.max(memoryMiB.a, memoryMiB.b) < memoryMiBMax,
    'alarm of both nodes': alarms.a.join() === wanted && alarms.b.join() === wanted,
  }
  return Object.keys(promises).filter((promise) => promises[promise] === false)
}

export async function flood(options: FloodOptions): Promise<FloodFigures> {
  const load = { ...options, conferenceMembers: 0, holdSeconds: options.seconds + afterSeconds }
  const users = usersFor(load)
  const lab = await Lab.start({
    members: [...soakMembers, 'attacker'],
    users: Object.values(users).flat(),
  })
  // Each copy of the flood for a telephone would take from the nodes the processor that they share with it here.
  lab.network.spareMembers()
  try {
    const soak = new SoakLoad(lab, load, users)
    await soak.start()
    return await underFlood(lab, soak, options)
  } finally {
    await lab.close()
  }
}

async function underFlood(lab: Lab, soak: SoakLoad, options: FloodOptions): Promise<FloodFigures> {
  const primary = await lab.inStep()
  const watches = { a: await Watch.start(lab, lab.a), b: await Watch.start(lab, lab.b) }
  const fromMs = Date.now()
  const alarms = new AlarmWatch(lab)
  const { sent, perSecond } = await sendFlood(lab, options)
  const memoryMiB = { a: watches.a.stop(), b: watches.b.stop() }
  const endedMs = Date.now()
  const coreShare = watches[primary === lab.a ? 'a' : 'b'].coreShare()
  const silent = soak.silentLegs()
  const toMs = Date.now()
  const coming = await soak.endComing()
  const wait = { msMax: alarmMsMax }
  await until(() => alarms.isRaised, { what: 'alarm of both nodes', ...wait })
  await until(async () => !(await alarms.now()), { what: 'end of the alarm', ...wait })
  alarms.stop()
  const alarmEndedSeconds = round((Date.now() - endedMs) / 1_000)
  const held = await soak.endHeld(silent)
  await soak.endMeasuring()
  const meters = Object.values(soak.streams)
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
  return {
    sent,
    perSecond,
    frames: sum(meters.map((meter) => meter.packets)),
    framesLost: sum(meters.map((meter) => meter.lostBetween(fromMs, toMs).length)),
    longestPauseMs: Math.max(...meters.map((meter) => meter.longestPauseMs(fromMs, toMs))),
    held,
    coming,
    byeP99Ms: percentile(soak.byeMs, 99),
    memoryMiB,
    queueFull: { a: watches.a.queueFull(), b: watches.b.queueFull() },
    filtered: { a: watches.a.filtered(), b: watches.b.filtered() },
    alarms: { a: [...alarms.seen.a], b: [...alarms.seen.b] },
    attacker: lab.network.address('attacker'),
    alarmRaisedSeconds: alarms.raisedSeconds,
    alarmEndedSeconds,
    hasChangedRoles: (await lab.primary()) !== primary,
    coreShare,
  }
}

async function sendFlood(
  lab: Lab,
  { seconds, perSecond }: FloodOptions,
): Promise<{ sent: number; perSecond: number }> {
  const program = join(import.meta.dirname, '../net/flood-sender.ts')
  const from = lab.network.address('attacker')
  const to = [serviceAddress, String(sipPort)]
  const sender = lab.programs.start({
    namespace: lab.network.namespace('attacker'),
    command: process.execPath,
    args: [program, from, ...to, String(seconds), String(perSecond)],
  })
  let output = ''
  sender.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  const exitCode = await exited(sender)
  if (exitCode !== 0) throw new Error(`the flood ended with ${exitCode}: ${output}`)
  return JSON.parse(output) as { sent: number; perSecond: number }
}

/** The alarms of a flood that the nodes raise from now on. */
class AlarmWatch {
  readonly seen = { a: new Set<string>(), b: new Set<string>() }
  readonly #lab: Lab
  readonly #beganMs = performance.now()
  /** When both nodes had raised one, s. */
  raisedSeconds = Number.NaN
  #isOver = false

  constructor(lab: Lab) {
    this.#lab = lab
    // A node that does not answer has raised nothing.
    this.#look().catch(() => undefined)
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      await this.now()
      await delay(alarmLookMs)
    }
  }

  /** @returns whether one is active on either node. */
  async now(): Promise<boolean> {
    const { a, b } = this.#lab
    const active = { a: await floodAlarms(a), b: await floodAlarms(b) }
    for (const node of ['a', 'b'] as const) {
      for (const alarm of active[node]) this.seen[node].add(alarm)
    }
    if (Number.isNaN(this.raisedSeconds) && this.isRaised) {
      this.raisedSeconds = round((performance.now() - this.#beganMs) / 1_000)
    }
    return active.a.length + active.b.length > 0
  }

  get isRaised(): boolean {
    return this.seen.a.size > 0 && this.seen.b.size > 0
  }

  stop(): void {
    this.#isOver = true
  }
}

async function floodAlarms(node: LabNode): Promise<string[]> {
  const { active } = await node.ask('alarms', {})
  return active
    .filter(({ code }) => code === 'sip-flood')
    .map(({ code, subject }) => `${code} ${subject}`)
}

/** Memory, processor time and the socket of the switch process of a node. */
class Watch {
  readonly #lab: Lab
  readonly #node: LabNode
  readonly #pid: number
  readonly #startMiB: number
  readonly #startTicks: number
  readonly #startMs = performance.now()
  readonly #startDrops: { all: number; queueFull: number }
  readonly #timer: NodeJS.Timeout
  #mostMiB = 0
  #share = 0

  private constructor(lab: Lab, node: LabNode, pid: number) {
    this.#lab = lab
    this.#node = node
    this.#pid = pid
    this.#startMiB = this.#residentMiB()
    this.#startTicks = this.#ticks()
    this.#startDrops = this.#kernelDrops()
    this.#timer = setInterval(() => {
      this.#mostMiB = Math.max(this.#mostMiB, this.#residentMiB())
    }, 250)
  }

  static async start(lab: Lab, node: LabNode): Promise<Watch> {
    const { units } = await node.opinion()
    const pid = units.find(({ unit }) => unit === 'switch')?.pid
    if (pid === null || pid === undefined) throw new Error('the switch process is not known')
    await delay(100)
    return new Watch(lab, node, pid)
  }

  /** @returns by how much its memory grew at most, MiB. */
  stop(): number {
    clearInterval(this.#timer)
    const seconds = (performance.now() - this.#startMs) / 1_000
    this.#share = (this.#ticks() - this.#startTicks) / 100 / seconds
    return round(Math.max(this.#mostMiB, this.#residentMiB()) - this.#startMiB)
  }

  coreShare(): number {
    return Math.round(this.#share * 100) / 100
  }

  queueFull(): number {
    return this.#kernelDrops().queueFull - this.#startDrops.queueFull
  }

  filtered(): number {
    const { all, queueFull } = this.#kernelDrops()
    return Math.max(all - this.#startDrops.all - (queueFull - this.#startDrops.queueFull), 0)
  }

  #residentMiB(): number {
    const text = readFileSync(`/proc/${this.#pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1_024
  }

  /** Processor time in hundredths of a second (proc(5)). */
  #ticks(): number {
    const text = readFileSync(`/proc/${this.#pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  }

  /** `all` are those of the SIP socket, with what its filter dropped; `queueFull` those of all UDP sockets. */
  #kernelDrops(): { all: number; queueFull: number } {
    const read = (file: string) => {
      const text = this.#lab.network.exec(this.#node.node, ['cat', `/proc/net/${file}`])
      return text.split('\n').map((line) => line.trim().split(/\s+/))
    }
    const port = `:${sipPort.toString(16).toUpperCase().padStart(4, '0')}`
    const own = read('udp').find(([, local]) => local?.endsWith(port))
    const [names = [], values = []] = read('snmp').filter(([protocol]) => protocol === 'Udp:')
    const queueFull = Number(values[names.indexOf('RcvbufErrors')] ?? 0)
    return { all: Number(own?.at(-1) ?? 0), queueFull }
  }
}
