//! What the switch claims of calls of two, each claim with telephones of its own, played by sipp: the
//! scenarios assert what the messages say. Some are played at the same time. sipp stands before the daemons and
//! gives up at a message that is repeated: what fails on a busy machine is played once more, alone. What was
//! wrong at first is kept: a race of the switch would look the same.
import { setTimeout as delay } from 'node:timers/promises'
import type { Capture } from '../../../scripts/capture/capture.ts'
import type { UdpPacket } from '../../../scripts/capture/pcap.ts'
import type { Lab } from '../../../scripts/lab.ts'
import { type LabUser, labUsers } from '../../../scripts/lab-site.ts'
import { serviceAddress } from '../../../scripts/net/netns.ts'
import type { Sipp, SippOptions } from '../../../scripts/phones/sipp.ts'
import { until } from '../../../scripts/waiting.ts'
import { burstsIn } from '../call.ts'
import { callsOf, type Standing, stands } from '../matrix/look.ts'
import { authentication, register, server } from '../sipp-phones.ts'

/** One telephone, and what it does. */
export interface Part {
  readonly number: string
  readonly scenario: string
  /** Whom it calls; absent: it is called. */
  readonly to?: string
  readonly calls?: number
  readonly pauseMs?: number
  readonly values?: Readonly<Record<string, string>>
  readonly keys?: SippOptions['keys']
  /** It calls from a port where it is not registered. */
  readonly isElsewhere?: boolean
}

/** A tone that a telephone hears of another one, that of the switch for who is held, or none. */
type Heard = 'voice' | 'hold tone' | 'nothing'

export interface Claim {
  readonly title: string
  /** First digits of its numbers. */
  readonly key: string
  /** Those who are called stand before those who call. */
  readonly parts: readonly Part[]
  readonly accounts?: Readonly<Record<string, Omit<LabUser, 'user' | 'password'>>>
  /** Of these accounts nobody is registered. */
  readonly away?: readonly string[]
  readonly hears?: Readonly<Record<string, Heard>>
  /** In the place of all parts at once. */
  readonly play?: (scene: Scene) => Promise<void>
}

/** Where all of them are. */
export const claimsMember = 'p3'
const firstNumber = 2_000
const ports = { sip: 8_000, elsewhere: 9_000, media: 12_000, mediaOfPhone: 20 } as const
/** Nothing that is awaited takes so long, but for the end of a call, which somebody else decides on. */
const silenceMsMax = 20_000
/** Time in which a scenario that waits has begun to; who calls it earlier has to repeat himself. */
const listensMs = 300
const voiceSeconds = 10
/** More at a time, and the switch is late because the telephones have the processors. */
const atOnceMax = 8
/** Of a call that is ended from outside: far less than this. */
export const untilReleasedMs = 60_000
/** In this time a telephone has heard whom it talks to. */
export const hearsMs = 1_500
const voiceHz = 437.5
const holdToneHz = 425
const shareMin = 0.8
/** Shorter bursts are what is left of another one. */
const burstPacketsMin = 5

export function usersOf(claims: readonly Claim[]): LabUser[] {
  return claims.flatMap(({ parts, accounts = {}, away = [] }) => {
    const numbers = [...parts.map(({ number }) => number), ...Object.keys(accounts), ...away]
    return [...new Set(numbers)].flatMap((number) =>
      labUsers(Number(number), 1).map((user) => ({ ...user, ...accounts[number] })),
    )
  })
}

function placeOf(number: string): number {
  return Number(number) - firstNumber
}

/** What a claim is played with. */
export class Scene {
  readonly lab: Lab
  readonly #claim: Claim
  readonly #playing: Playing[] = []

  constructor(lab: Lab, claim: Claim) {
    this.lab = lab
    this.#claim = claim
  }

  /** The part begins. */
  begin(index: number): void {
    const part = this.#claim.parts[index]
    if (part === undefined) throw new Error(`there is no part ${index}`)
    const { number, scenario, to, pauseMs = hearsMs, calls = 1, isElsewhere = false } = part
    const place = placeOf(number)
    const [user] = labUsers(Number(number), 1)
    const login = user === undefined ? '-' : authentication(user)
    const sipp = this.lab.sipp(claimsMember, {
      ...{ scenario, calls, pauseMs, silenceMsMax, voiceSeconds },
      port: (isElsewhere ? ports.elsewhere : ports.sip) + place,
      mediaPort: ports.media + ports.mediaOfPhone * place + (isElsewhere ? 10 : 0),
      ...(to === undefined ? {} : { server, users: [`${number};${login};${to}`] }),
      ...(isElsewhere ? { authUri: `${to}@${serviceAddress}` } : {}),
      values: { service: serviceAddress, ...part.values },
      keys: part.keys ?? {},
    })
    this.#playing.push({ part, sipp })
  }

  /** Until the calls of the claim have these members. */
  async standing(wanted: Standing): Promise<void> {
    const primary = await this.lab.primary()
    await until(async () => stands(await callsOf(primary, this.#claim.key), wanted), {
      what: `${JSON.stringify(wanted)} in "${this.#claim.title}"`,
    })
  }

  /** An operator ends the calls of the claim. */
  async release(): Promise<void> {
    const primary = await this.lab.primary()
    const calls = await callsOf(primary, this.#claim.key)
    await Promise.all(calls.map(({ sessionId }) => primary.ask('call.release', { sessionId })))
  }

  /** Resolves when these parts are over, well or not. */
  async overFor(...indexes: readonly number[]): Promise<void> {
    const parts = indexes.map((index) => this.#claim.parts[index])
    const waited = this.#playing.filter(({ part }) => parts.includes(part))
    await Promise.all(waited.map(({ sipp }) => sipp.done()))
  }

  /** Resolves when all parts that have begun are over; one line for each that was not as it should be. */
  async over(): Promise<string[]> {
    const playing = this.#playing.splice(0)
    const calling = playing.filter(({ part }) => part.to !== undefined)
    const ends = await Promise.all(calling.map(({ sipp }) => sipp.done()))
    const isWell = ends.every(({ failed, exitCode }) => failed === 0 && exitCode === 0)
    // Nobody calls any more: who still waits, waits in vain.
    const patience = setTimeout(() => stopAll(playing), isWell ? silenceMsMax : listensMs)
    const problems = await Promise.all(playing.map(problemOf))
    clearTimeout(patience)
    return problems.flat()
  }

  stop(): void {
    stopAll(this.#playing.splice(0))
  }
}

interface Playing {
  readonly part: Part
  readonly sipp: Sipp
}

function stopAll(playing: readonly Playing[]): void {
  for (const { sipp } of playing) sipp.stop()
}

async function problemOf({ part, sipp }: Playing): Promise<string[]> {
  const { exitCode, failed, successful } = await sipp.done()
  const isWell = exitCode === 0 && failed === 0 && successful === (part.calls ?? 1)
  return isWell ? [] : [`${part.number} ${part.scenario}: ${sipp.report()}`]
}

/** Plays all claims, and keeps what became of each. */
export class Claims {
  readonly #lab: Lab
  readonly #claims: readonly Claim[]
  readonly #firstFailures = new Map<Claim, readonly string[]>()
  readonly #outcomes: Promise<ReadonlyMap<Claim, readonly string[]>>

  constructor(lab: Lab, claims: readonly Claim[]) {
    this.#lab = lab
    this.#claims = claims
    this.#outcomes = this.#play()
    // Whoever asks for an outcome hears of it.
    this.#outcomes.catch(() => undefined)
  }

  /** What is wrong with a claim. */
  async problemsOf(claim: Claim): Promise<readonly string[]> {
    return (await this.#outcomes).get(claim) ?? ['it was not played']
  }

  /** What was wrong with the claims that were played once more. */
  async firstFailures(): Promise<ReadonlyMap<Claim, readonly string[]>> {
    await this.#outcomes
    return this.#firstFailures
  }

  async #play(): Promise<ReadonlyMap<Claim, readonly string[]>> {
    const lab = this.#lab
    const away = new Set(this.#claims.flatMap((claim) => claim.away ?? []))
    const users = usersOf(this.#claims).filter(({ user }) => !away.has(user))
    await register(lab, claimsMember, users, { contactPort: (user) => ports.sip + placeOf(user) })
    const here = lab.network.address(claimsMember)
    const heard = `udp and src host ${serviceAddress} and dst host ${here}`
    const capture: Capture = await lab.capture(claimsMember, heard)
    const played = new Map<Claim, Played>()
    const waiting = [...this.#claims]
    const playSome = async () => {
      for (let claim = waiting.shift(); claim !== undefined; claim = waiting.shift()) {
        played.set(claim, await playOne(lab, claim))
      }
    }
    await Promise.all(Array.from({ length: atOnceMax }, playSome))
    const judge = async (stopped: Capture) => {
      const packets = await stopped.stop()
      return new Map(
        [...played].map(([claim, one]) => [
          claim,
          [...one.problems, ...soundOf(claim, packets, { here, fromMs: one.fromMs })],
        ]),
      )
    }
    const outcomes = await judge(capture)
    const again = [...outcomes].filter(([, problems]) => problems.length > 0)
    if (again.length === 0) return outcomes
    played.clear()
    const second = await lab.capture(claimsMember, heard)
    for (const [claim, problems] of again) {
      this.#firstFailures.set(claim, problems)
      await new Scene(lab, claim).release()
      played.set(claim, await playOne(lab, claim))
    }
    return new Map([...outcomes, ...(await judge(second))])
  }
}

interface Played {
  readonly fromMs: number
  readonly problems: readonly string[]
}

async function playOne(lab: Lab, claim: Claim): Promise<Played> {
  const scene = new Scene(lab, claim)
  const fromMs = Date.now()
  try {
    if (claim.play === undefined) await all(scene, claim)
    else await claim.play(scene)
    return { fromMs, problems: await scene.over() }
  } catch (error) {
    return { fromMs, problems: [error instanceof Error ? error.message : String(error)] }
  } finally {
    scene.stop()
  }
}

async function all(scene: Scene, { parts }: Claim): Promise<void> {
  const called = parts.flatMap(({ to }, index) => (to === undefined ? [index] : []))
  for (const index of called) scene.begin(index)
  await delay(listensMs)
  for (const index of parts.keys()) if (!called.includes(index)) scene.begin(index)
}

function soundOf(
  claim: Claim,
  packets: readonly UdpPacket[],
  { here, fromMs }: { readonly here: string; readonly fromMs: number },
): string[] {
  return Object.entries(claim.hears ?? {}).flatMap(([number, wanted]) => {
    const first = ports.media + ports.mediaOfPhone * placeOf(number)
    const own = packets.filter(
      ({ destinationPort: port }) => port >= first && port < first + ports.mediaOfPhone,
    )
    const bursts = burstsIn(own, here, { fromMs, toMs: Number.POSITIVE_INFINITY })
    const tones = bursts
      .filter((burst) => burst.packets >= burstPacketsMin)
      .map(({ share }) => {
        const found = [voiceHz, holdToneHz].filter((hz) => share(hz) > shareMin)
        return found[0] === voiceHz ? 'voice' : found[0] === holdToneHz ? 'hold tone' : 'noise'
      })
    const isRight = wanted === 'nothing' ? tones.length === 0 : tones.includes(wanted)
    return isRight ? [] : [`${number} hears ${tones.join() || 'nothing'}, not ${wanted}`]
  })
}
