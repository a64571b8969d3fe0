//! One round of a soak: a pair, the calls that it holds, and one fault after the other, each as soon as
//! the pair is in step again.
import { setTimeout as delay } from 'node:timers/promises'
import { machineFacts } from '../bench/machine.ts'
import { Lab } from '../lab.ts'
import type { LabNode } from '../lab-node.ts'
import { chooseFault, commit, type FaultKind, faults } from './faults.ts'
import { type CallCount, conferenceSite, SoakLoad, soakMembers, usersFor } from './load.ts'
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
  /** Always this one; a kind of its own is chosen for each fault otherwise. */
  readonly only: FaultKind | null
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

/** Between the pair in step and the next fault: any place between two heartbeats and two ticks. */
const pauseMsMax = 700
/** The last fault comes so long before the calls end. */
const lastFaultMs = 14_000
/** A capture hands its packets over this late, and the last missing one is then lost. */
const judgeMs = 3_500
/** More than a jitter buffer of this length the machine must not be blamed for less. */
const standstillMsMin = 60
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
}

export class Round {
  readonly #options: RoundOptions
  readonly #lab: Lab
  readonly #load: SoakLoad
  readonly #witness: Witness
  readonly #macs: Readonly<Record<'a' | 'b', string>>
  #open: OpenFault[] = []
  readonly #done: FaultResult[] = []
  #killed = 0
  #endMs = 0

  private constructor(options: RoundOptions, lab: Lab, load: SoakLoad) {
    this.#options = options
    this.#lab = lab
    this.#load = load
    this.#witness = Witness.start(lab.programs)
    this.#macs = { a: lab.network.mac('a'), b: lab.network.mac('b') }
  }

  static async run(options: RoundOptions): Promise<SoakRun> {
    const { seconds, comingPerSecond, legs, profile } = options
    const conferenceMembers = legs >= conferenceFromLegs ? conferenceSize : 0
    const heldCalls = (legs - conferenceMembers) / 2
    const wanted = { heldCalls, conferenceMembers, holdSeconds: seconds, comingPerSecond }
    const users = usersFor(wanted)
    const lab = await Lab.start({
      members: soakMembers,
      users: Object.values(users).flat(),
      site: conferenceSite,
      heartbeat: profiles[profile],
    })
    try {
      const load = new SoakLoad(lab, wanted, users)
      await load.start()
      return await new Round(options, lab, load).#run()
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
      if (kills > 0) await this.#faults()
      else await this.#watch()
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
    while (this.#killed < kills && Date.now() < this.#endMs - lastFaultMs) {
      const primary = await this.#lab.inStep()
      await delay(random() * pauseMsMax)
      const kind = only ?? chooseFault(random())
      const fault = await commit(kind, { lab: this.#lab, primary, random })
      this.#killed += faults[kind].kills
      this.#askOfTicks(this.#lab.other(primary))
      await fault.repaired()
      await this.#lab.inStep()
      const backMs = Date.now() - fault.atMs
      const number = this.#done.length + this.#open.length + 1
      const successor = this.#lab.other(primary)
      this.#open.push({ number, kind, successor, atMs: fault.atMs, backMs })
      this.#judge(Date.now() - judgeMs)
    }
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

  /** No faults: nothing may move. */
  async #watch(): Promise<void> {
    const everyMs = 10_000
    const startMs = Date.now()
    let told = 0
    while (Date.now() < this.#endMs - 2_000) {
      await delay(Math.min(everyMs, Math.max(0, this.#endMs - 2_000 - Date.now())))
      for (const meter of Object.values(this.#load.streams)) meter.settle()
      const { answers } = this.#load
      const moved = answers.changesBetween(startMs, Date.now())
      this.#tellChanges(moved.slice(told))
      told = moved.length
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

  #judgeOne({ number, kind, successor, atMs, backMs }: OpenFault, toMs: number): void {
    const { streams, answers } = this.#load
    const fromMs = atMs - beforeMs
    const lost = Object.entries(streams).flatMap(([member, meter]) =>
      meter.lostBetween(fromMs, toMs).map((loss) => ({ member, ...loss })),
    )
    const pauses = Object.values(streams).map((meter) => meter.longestPauseMs(fromMs, toMs))
    const pauseMs = Math.round(Math.max(...pauses))
    const first = answers.firstOf(this.#macs[successor.node], atMs)
    const takeOverMs = faults[kind].moves && first !== null ? Math.round(first - atMs) : null
    const expected = faults[kind].moves ? 1 : 0
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
      },
    })
    const took = takeOverMs === null ? '' : `answers after ${takeOverMs} ms, `
    const back = (backMs / 1_000).toFixed(1)
    const { say } = this.#options
    say(`${number} ${kind}: ${took}${lost.length} lost, pause ${pauseMs} ms, back in ${back} s`)
    if (falseTakeOvers > 0) say(`  FALSE TAKE-OVERS: ${falseTakeOvers}`)
    for (const moment of new Set(lost.map((loss) => Math.round(loss.atMs / 50) * 50))) {
      const here = lost.filter((loss) => Math.round(loss.atMs / 50) * 50 === moment)
      const legs = new Set(here.map(({ member, port }) => `${member}:${port}`)).size
      const { who, lengthMs } = this.#witness.longest(moment - 400, moment + 50)
      const stood = lengthMs === 0 ? 'the machine ran' : `${who} stood still for ${lengthMs} ms`
      say(`  LOST: ${here.length} of ${legs} legs, ${moment - atMs} ms after; ${stood}`)
    }
  }

  #standstillMs(atMs: number): number {
    return this.#witness.longest(atMs - 400, atMs + 20).lengthMs
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
    const { profile, legs, comingPerSecond, kills } = this.#options
    const meters = Object.values(this.#load.streams)
    const moved = kills > 0 ? [] : this.#load.answers.changesBetween(startMs, toMs)
    const sum = (of: (meter: (typeof meters)[number]) => number) =>
      meters.reduce((total, meter) => total + of(meter), 0)
    return {
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
