//! One round of a soak: a pair, the calls that it holds, and one fault after the other, each as soon as
//! the pair is in step again.
import { setTimeout as delay } from 'node:timers/promises'
import { machineFacts } from '../bench/machine.ts'
import { LiveCapture } from '../capture/live-capture.ts'
import { Lab } from '../lab.ts'
import { daemonProgram, type LabNode } from '../lab-node.ts'
import { until } from '../waiting.ts'
import { chooseFault, commit, type FaultKind, faults } from './faults.ts'
import { HeartbeatMeter } from './heartbeat-meter.ts'
import { type CallCount, conferenceSite, SoakLoad, soakMembers, usersFor } from './load.ts'
import type { FaultFindings } from './long-faults.ts'
import type { FaultResult, ProfileName, SoakRun } from './results.ts'
import { Witness } from './witness.ts'

interface RoundOptions {
  /** No more faults after so many kills; 0: none at all. */
  readonly kills: number
  /** How long the calls are held. */
  readonly seconds: number
  readonly profile: ProfileName
  readonly legs: number
  readonly comingPerSecond: number
  /** These, one after the other; a kind of its own is chosen for each fault when there is none. */
  readonly only: readonly FaultKind[]
  /** Terminals that hear one node only, and no twin of it. */
  readonly single: boolean
  /** The other node is dead. */
  readonly oneNode: boolean
  /** The version that both nodes run at first. */
  readonly former: { readonly commit: string; readonly program: string } | null
  /** Numbers from 0 to below 1. */
  readonly random: () => number
  readonly say: (text: string) => void
}

const profiles = {
  default: { heartbeatMs: 100, missesMax: 5 },
  fast: { heartbeatMs: 20, missesMax: 3 },
} as const

/** One conference of ten is among the legs that are held, when there are enough for calls beside it. */
const conferenceSize = 10
const conferenceFromLegs = 40

const apart: readonly FaultKind[] = ['all-links', 'lan-before-links']

/** Between the pair in step and the next fault: any place between two heartbeats and two ticks. */
const pauseMsMax = 700
/** The last fault comes so long before the calls end. */
const lastFaultMs = 14_000
/** A capture hands its packets over this late, and the last missing one is then lost. */
const judgeMs = 3_500
/** More than a jitter buffer of this length the machine must not be blamed for less. */
const standstillMsMin = 60
/** A media unit that did not run for long is cold for 480 ms after it, and does not send as a twin. */
const coldMs = 600
/** What comes right before a fault is not of it. */
const beforeMs = 20

/** A tick that is later than this pauses its legs. */
const lateMsMax = 30
/** A terminal asks every 10 ms, and the peer waits for its silence before: a standstill this long before
 * a change of the answering node may be why. */
const changeMs = 800

interface OpenFault {
  readonly number: number
  readonly kind: FaultKind
  readonly successor: LabNode
  readonly atMs: number
  readonly backMs: number
  readonly findings: FaultFindings | null
}

interface LossOfMember {
  readonly member: string
  readonly port: number
  readonly atMs: number
}

interface RoundParts {
  readonly lab: Lab
  readonly load: SoakLoad
  readonly witness: Witness
}

const heartbeatPort = 5700

/** At the end of node b of the private link. */
function listenToHeartbeats(lab: Lab, meter: HeartbeatMeter): Promise<LiveCapture> {
  const { network, programs } = lab
  const from = network.linkAddress('private', 'a')
  return LiveCapture.start({
    ...{ programs, namespace: network.namespace('b'), device: 'private' },
    filter: `udp and src host ${from} and dst port ${heartbeatPort}`,
    onFrame: (timeMs) => meter.heard(timeMs),
  })
}

async function leaveOne(lab: Lab): Promise<void> {
  const primary = await lab.inStep()
  lab.other(primary).killAll()
  await until(async () => (await primary.opinion()).alone, { what: 'a node alone' })
}

export class Round {
  readonly #options: RoundOptions
  readonly #lab: Lab
  readonly #load: SoakLoad
  readonly #witness: Witness
  readonly #macs: Readonly<Record<'a' | 'b', string>>
  #open: OpenFault[] = []
  readonly #done: FaultResult[] = []
  readonly #beats = new HeartbeatMeter()
  #killed = 0
  #endMs = 0
  #ticksBefore: { late: number; lateMsMax: number } | null = null
  #ticksAfter: { late: number; lateMsMax: number } | null = null

  private constructor(options: RoundOptions, parts: RoundParts) {
    const { lab, load, witness } = parts
    this.#options = options
    this.#lab = lab
    this.#load = load
    this.#witness = witness
    this.#macs = { a: lab.network.mac('a'), b: lab.network.mac('b') }
  }

  static async run(options: RoundOptions): Promise<SoakRun> {
    const { seconds, comingPerSecond, legs, profile } = options
    const conferenceMembers = legs >= conferenceFromLegs ? conferenceSize : 0
    const heldCalls = (legs - conferenceMembers) / 2
    const wanted = { heldCalls, conferenceMembers, holdSeconds: seconds, comingPerSecond }
    const users = usersFor(wanted)
    const accounts = Object.values(users).flat()
    const lab = await Lab.start({
      members: soakMembers,
      users: options.single ? accounts.map((user) => ({ ...user, twin: false })) : accounts,
      site: conferenceSite,
      heartbeat: profiles[profile],
      ...(options.only.some((kind) => apart.includes(kind)) ? { secondHalf: ['p3', 'p4'] } : {}),
      ...(options.former === null ? {} : { program: options.former.program }),
    })
    try {
      const load = new SoakLoad(lab, wanted, users)
      const witness = await Witness.start(lab.programs)
      await load.start()
      if (options.oneNode) await leaveOne(lab)
      return await new Round(options, { lab, load, witness }).#run()
    } finally {
      await lab.close()
    }
  }

  async #run(): Promise<SoakRun> {
    const { kills, seconds, say } = this.#options
    const startMs = Date.now()
    say(`${this.#options.legs} legs are held`)
    this.#endMs = startMs + seconds * 1_000
    let problem: string | null = null
    try {
      this.#ticksBefore = await this.#ticks()
      if (kills > 0) await this.#faults()
      else await this.#watch()
      this.#ticksAfter = await this.#ticks()
    } catch (error) {
      problem = error instanceof Error ? error.message.slice(0, 500) : String(error)
      say(`PROBLEM: ${problem}`)
    }
    const silentLegs = this.#load.silentLegs()
    const coming = await this.#load.endComing()
    const held = await this.#load.endHeld(silentLegs)
    const toMs = Date.now()
    const notCaptured = await this.#load.endMeasuring()
    this.#judge(Number.POSITIVE_INFINITY)
    return this.#result({ startMs, toMs, coming, held, notCaptured, problem })
  }

  async #faults(): Promise<void> {
    const { random, kills, only } = this.#options
    const longestMs = Math.max(0, ...only.map((kind) => faults[kind].lastsMs ?? 0))
    while (this.#killed < kills && Date.now() < this.#endMs - lastFaultMs - longestMs) {
      const primary = await this.#lab.inStep()
      await delay(random() * pauseMsMax)
      const number = this.#done.length + this.#open.length + 1
      const kind = only[(number - 1) % only.length] ?? chooseFault(random())
      const scene = { lab: this.#lab, primary, random, programOf: this.#otherProgram }
      const fault = await commit(kind, scene)
      this.#killed += faults[kind].kills
      this.#askOfTicks(this.#lab.other(primary))
      await fault.repaired()
      const findings = fault.findings?.() ?? null
      await this.#lab.inStep()
      const backMs = Date.now() - fault.atMs
      const successor = this.#lab.other(primary)
      this.#open.push({ number, kind, successor, atMs: fault.atMs, backMs, findings })
      this.#judge(Date.now() - judgeMs)
    }
  }

  /** From the former version to this one, and back. */
  readonly #otherProgram = (node: LabNode): string => {
    const { former } = this.#options
    return former !== null && node.program === daemonProgram ? former.program : daemonProgram
  }

  /** Of the node that serves, or null: a node that was started again counts anew. */
  async #ticks(): Promise<{ late: number; lateMsMax: number } | null> {
    if (!this.#options.oneNode) return null
    const { media } = await (await this.#lab.primary()).opinion()
    return media === null ? null : { late: media.ticksLate, lateMsMax: media.tickLateMsMax }
  }

  /** How late the media unit of the node that goes on was, by its own word: of the second of the fault. */
  #askOfTicks(node: LabNode): void {
    const askMs = 1_000
    setTimeout(async () => {
      try {
        const { media } = await node.opinion()
        const late = media?.tickLateMsMax ?? 0
        if (late > lateMsMax) this.#options.say(`  ${node.name}: a tick was ${late} ms late`)
      } catch {
        // The node may be the one that died.
      }
    }, askMs)
  }

  /** No faults: nothing may move, and the heartbeats keep their period. */
  async #watch(): Promise<void> {
    const capture = this.#options.oneNode ? null : await listenToHeartbeats(this.#lab, this.#beats)
    try {
      await this.#watchAnswers()
    } finally {
      await capture?.stop()
    }
  }

  async #watchAnswers(): Promise<void> {
    const everyMs = 10_000
    const startMs = Date.now()
    let told = 0
    // Also what was lost while the load began: it counts.
    let toldOfMs = 0
    while (Date.now() < this.#endMs - 2_000) {
      await delay(Math.min(everyMs, Math.max(0, this.#endMs - 2_000 - Date.now())))
      for (const meter of Object.values(this.#load.streams)) meter.settle()
      const { answers } = this.#load
      const moved = answers.changesBetween(startMs, Date.now())
      this.#tellChanges(moved.slice(told))
      told = moved.length
      const settledMs = Date.now() - judgeMs
      this.#tellLosses(this.#lossesBetween(toldOfMs, settledMs), startMs)
      toldOfMs = settledMs
      const seconds = Math.round((Date.now() - startMs) / 1_000)
      this.#options.say(`${seconds} s: ${told} take-overs, ${this.#lostFrames()} frames lost`)
    }
  }

  #tellChanges(moments: readonly number[]): void {
    for (const atMs of moments) {
      const { who, lengthMs } = this.#witness.longest(atMs - changeMs, atMs)
      const stood = lengthMs === 0 ? 'the machine ran' : `${who} stood still for ${lengthMs} ms`
      this.#options.say(`  FALSE TAKE-OVER: ${stood}`)
    }
  }

  /** Changes that this machine is to blame for: a processor did not run for as long as a silent peer
   * is waited for. */
  #stoodStill(moments: readonly number[]): number {
    const { heartbeatMs, missesMax } = profiles[this.#options.profile]
    const waitMs = heartbeatMs * missesMax
    return moments.filter(
      (atMs) => this.#witness.longest(atMs - changeMs, atMs).lengthMs >= waitMs - heartbeatMs,
    ).length
  }

  #lostFrames(): number {
    return Object.values(this.#load.streams).reduce((sum, { losses }) => sum + losses.length, 0)
  }

  /** Judges the faults that were over by then, each until the next one. */
  #judge(untilMs: number): void {
    for (const meter of Object.values(this.#load.streams)) meter.settle()
    while (this.#open.length > 0) {
      const [fault, next] = this.#open
      if (fault === undefined) return
      // The window of a fault ends with the next one, so that the newest waits for it.
      if (next === undefined && untilMs !== Number.POSITIVE_INFINITY) return
      if (fault.atMs + fault.backMs > untilMs) return
      const toMs = (next?.atMs ?? Number.POSITIVE_INFINITY) - beforeMs
      this.#open.shift()
      this.#judgeOne(fault, toMs)
    }
  }

  #judgeOne({ number, kind, successor, atMs, backMs, findings }: OpenFault, toMs: number): void {
    const { streams, answers } = this.#load
    const fromMs = atMs - beforeMs
    const lost = this.#lossesBetween(fromMs, toMs)
    const pauses = Object.values(streams).map((meter) => meter.longestPauseMs(fromMs, toMs))
    const pauseMs = Math.round(Math.max(...pauses))
    const first = answers.firstOf(this.#macs[successor.node], atMs)
    const takeOverMs = faults[kind].moves && first !== null ? Math.round(first - atMs) : null
    const expected = faults[kind].changes ?? (faults[kind].moves ? 1 : 0)
    const changes = answers.changesBetween(fromMs, toMs)
    const falseTakeOvers = Math.max(0, changes.length - expected)
    const unexplained = lost.filter(
      (loss) => this.#standstillMs(loss.atMs) < standstillMsMin,
    ).length
    this.#done.push({
      ...{
        kind,
        takeOverMs,
        framesLost: lost.length,
        unexplained,
        pauseMs,
        backMs,
        falseTakeOvers,
        ...(findings === null ? {} : { findings }),
      },
    })
    const found = findings === null ? '' : `, ${JSON.stringify(findings)}`
    const took = takeOverMs === null ? '' : `answers after ${takeOverMs} ms, `
    const back = (backMs / 1_000).toFixed(1)
    const { say } = this.#options
    say(
      `${number} ${kind}: ${took}${lost.length} lost, pause ${pauseMs} ms, back in ${back} s${found}`,
    )
    if (falseTakeOvers > 0) say(`  FALSE TAKE-OVERS: ${falseTakeOvers}`)
    this.#tellLosses(lost, atMs)
  }

  #lossesBetween(fromMs: number, toMs: number): LossOfMember[] {
    return Object.entries(this.#load.streams).flatMap(([member, meter]) =>
      meter.lostBetween(fromMs, toMs).map((loss) => ({ member, ...loss })),
    )
  }

  #tellLosses(lost: readonly LossOfMember[], sinceMs: number): void {
    for (const moment of new Set(lost.map((loss) => Math.round(loss.atMs / 50) * 50))) {
      const here = lost.filter((loss) => Math.round(loss.atMs / 50) * 50 === moment)
      const legs = new Set(here.map(({ member, port }) => `${member}:${port}`)).size
      const { who, lengthMs } = this.#witness.longest(moment - coldMs, moment + 50)
      const stood = lengthMs === 0 ? 'the machine ran' : `${who} stood still for ${lengthMs} ms`
      const after = Math.round(moment - sinceMs)
      this.#options.say(`  LOST: ${here.length} of ${legs} legs, ${after} ms after; ${stood}`)
    }
  }

  #standstillMs(atMs: number): number {
    return this.#witness.longest(atMs - coldMs, atMs + 20).lengthMs
  }

  #result(facts: {
    startMs: number
    toMs: number
    coming: CallCount
    held: CallCount
    notCaptured: number
    problem: string | null
  }): SoakRun {
    const { startMs, toMs, ...rest } = facts
    const { profile, legs, comingPerSecond, kills, single, oneNode, former } = this.#options
    const [before, after] = [this.#ticksBefore, this.#ticksAfter]
    const all = Math.round((toMs - startMs) / 20)
    const heartbeats = this.#beats.figures()
    const meters = Object.values(this.#load.streams)
    const moved = kills > 0 ? [] : this.#load.answers.changesBetween(startMs, toMs)
    const sum = (of: (meter: (typeof meters)[number]) => number) =>
      meters.reduce((total, meter) => total + of(meter), 0)
    return {
      ...(single ? { kind: 'single-terminals' as const } : {}),
      ...(oneNode ? { kind: 'one-node' as const } : {}),
      ...(before === null || after === null
        ? {}
        : { ticks: { all, late: after.late - before.late, lateMsMax: after.lateMsMax } }),
      ...(former === null ? {} : { upgradeFrom: former.commit }),
      ...(heartbeats === null ? {} : { heartbeats }),
      conferenceLegs: legs >= conferenceFromLegs ? conferenceSize : 0,
      ...{ machine: machineFacts(), profile, legs, comingPerSecond, ...rest },
      seconds: Math.round((toMs - startMs) / 1_000),
      faults: this.#done,
      frames: sum((meter) => meter.packets),
      framesLost: sum((meter) => meter.losses.length),
      falseTakeOvers: moved.length,
      stoodStill: this.#stoodStill(moved),
      longestPauseMs: Math.round(
        Math.max(...meters.map((one) => one.longestPauseMs(startMs, toMs))),
      ),
    }
  }
}
