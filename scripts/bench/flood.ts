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
  /** Datagrams that the kernel dropped at the SIP port, as the socket buffer was full. */
  readonly kernelDrops: { readonly a: number; readonly b: number }
  /** `sip-flood ADDRESS`, as each node said during the flood. */
  readonly alarms: { readonly a: readonly string[]; readonly b: readonly string[] }
  readonly attacker: string
  /** From the end of the flood to the end of the alarm, s. */
  readonly alarmEndedSeconds: number
  readonly hasChangedRoles: boolean
  /** Share of a core that the switch process of the primary took. */
  readonly coreShare: number
}

const afterSeconds = 6
const alarmEndMsMax = 30_000

export async function measureFlood({ seconds, say }: BenchContext): Promise<object> {
  const options = { seconds: 12 * seconds, perSecond: 20_000, heldCalls: 50, comingPerSecond: 5 }
  const figures = await flood(options)
  say(
    `${figures.perSecond} messages/s for ${options.seconds} s: ${figures.framesLost} of ` +
      `${figures.frames} frames lost, ${figures.coming.lost} of ${figures.coming.made} calls failed, ` +
      `memory +${figures.memoryMiB.a} and +${figures.memoryMiB.b} MiB`,
  )
  return figures
}

export async function flood(options: FloodOptions): Promise<FloodFigures> {
  const load = { ...options, conferenceMembers: 0, holdSeconds: options.seconds + afterSeconds }
  const users = usersFor(load)
  const lab = await Lab.start({
    members: [...soakMembers, 'attacker'],
    users: Object.values(users).flat(),
  })
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
  const { sent, perSecond } = await sendFlood(lab, options)
  const alarms = { a: await floodAlarms(lab.a), b: await floodAlarms(lab.b) }
  const memoryMiB = { a: watches.a.stop(), b: watches.b.stop() }
  const endedMs = Date.now()
  const coreShare = watches[primary === lab.a ? 'a' : 'b'].coreShare()
  const silent = soak.silentLegs()
  const toMs = Date.now()
  const coming = await soak.endComing()
  await until(
    async () => (await floodAlarms(lab.a)).concat(await floodAlarms(lab.b)).length === 0,
    {
      what: 'end of the alarm',
      msMax: alarmEndMsMax,
    },
  )
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
    kernelDrops: { a: watches.a.drops(), b: watches.b.drops() },
    alarms,
    attacker: lab.network.address('attacker'),
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
  readonly #startDrops: number
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

  drops(): number {
    return this.#kernelDrops() - this.#startDrops
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

  #kernelDrops(): number {
    const lines = this.#lab.network.exec(this.#node.node, ['cat', '/proc/net/udp']).split('\n')
    const port = `:${sipPort.toString(16).toUpperCase().padStart(4, '0')}`
    const own = lines.find((line) => line.trim().split(/\s+/)[1]?.endsWith(port))
    return Number(own?.trim().split(/\s+/).at(-1) ?? 0)
  }
}
