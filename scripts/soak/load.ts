//! What a soak holds while the faults happen: calls that stand, calls that come and go, and a
//! terminal that asks who answers.
import { join } from 'node:path'
import { SippLoad } from '../bench/sipp-load.ts'
import { LiveCapture } from '../capture/live-capture.ts'
import { type Lab, sipPort } from '../lab.ts'
import { type LabUser, labUsers } from '../lab-site.ts'
import { lanInterface, serviceAddress } from '../net/netns.ts'
import type { Sipp } from '../phones/sipp.ts'
import { until } from '../waiting.ts'
import { AnswerMeter } from './answer-meter.ts'
import { StreamMeter } from './stream-meter.ts'

export const soakMembers = ['p1', 'p2', 'p3', 'p4', 'probe'] as const
const phonePort = 5060
const registrationPort = 5070
const server = `${serviceAddress}:${sipPort}`
const registrationsPerSecond = 100
const setUpMsMax = 60_000
const callsPerSecond = 20
/** Of the calls that come and go. */
const holdMs = 1_000
/** A pair of telephones is free again when its turn comes, also after a call that waited for a
 * take-over. */
const turnSeconds = 12
/** A leg without a packet for so long, before the calls are put down, is lost. */
const silentMs = 1_000
/** The first calls begin before all are held, and none may end before the last look at them. */
const holdMoreSeconds = 15
/** The media units join a call a moment after its last answer. */
const listenMs = 1_500

interface LoadOptions {
  readonly heldCalls: number
  /** Members of one conference, which is held as long; 0: none. */
  readonly conferenceMembers: number
  readonly holdSeconds: number
  /** Calls a second that come and go. */
  readonly comingPerSecond: number
}

interface Users {
  readonly callers: readonly LabUser[]
  readonly callees: readonly LabUser[]
  readonly comingCallers: readonly LabUser[]
  readonly comingCallees: readonly LabUser[]
}

export const conferenceSite = { conferences: { crew: { name: 'Crew', number: '700' } } }
const conferenceNumber = conferenceSite.conferences.crew.number

export function usersFor({ heldCalls, conferenceMembers, comingPerSecond }: LoadOptions): Users {
  const pairs = Math.max(1, Math.ceil(comingPerSecond * turnSeconds))
  return {
    callers: labUsers(2000, heldCalls + conferenceMembers),
    callees: labUsers(4000, heldCalls),
    comingCallers: labUsers(6000, pairs),
    comingCallees: labUsers(8000, pairs),
  }
}

async function register(lab: Lab, member: string, users: readonly LabUser[]): Promise<void> {
  const sipp = lab.sipp(member, {
    scenario: 'uac-register',
    port: registrationPort,
    server,
    calls: users.length,
    callsPerSecond: registrationsPerSecond,
    users: users.map(
      ({ user, password }) => `${user};[authentication username=${user} password=${password}]`,
    ),
    values: { contact_port: String(phonePort) },
  })
  const { exitCode } = await sipp.done()
  if (exitCode !== 0) throw new Error(`registration: ${sipp.report()}`)
}

/** What became of calls. */
export interface CallCount {
  readonly made: number
  readonly lost: number
  /** What the telephones said of the first lost one. */
  readonly firstError: string
}

export class SoakLoad {
  readonly #lab: Lab
  readonly #options: LoadOptions
  readonly #users: Users
  readonly streams = { p1: new StreamMeter(), p2: new StreamMeter() }
  readonly answers = new AnswerMeter()
  /** Of the calls that came: from the BYE to its answer, when they have ended. */
  byeMs: readonly number[] = []
  readonly #captures: LiveCapture[] = []
  #probe: { stop(): Promise<number> } | null = null
  #held: { calling: Sipp; answering: Sipp } | null = null
  #coming: { calling: SippLoad; answering: SippLoad } | null = null

  constructor(lab: Lab, options: LoadOptions, users: Users) {
    this.#lab = lab
    this.#options = options
    this.#users = users
  }

  /** Resolves when every held call is answered. */
  async start(): Promise<void> {
    const { callers, callees, comingCallers, comingCallees } = this.#users
    await register(this.#lab, 'p1', callers)
    await register(this.#lab, 'p2', callees)
    await register(this.#lab, 'p3', comingCallers)
    await register(this.#lab, 'p4', comingCallees)
    await this.#measure()
    this.#holdCalls()
    await this.#allTalk()
    if (this.#options.comingPerSecond > 0) await this.#letCome()
    await new Promise((resolve) => setTimeout(resolve, listenMs))
  }

  async #measure(): Promise<void> {
    const lab = this.#lab
    for (const member of ['p1', 'p2'] as const) {
      const to = `dst host ${lab.network.address(member)} and not port ${sipPort}`
      await this.#listen(member, `udp and src host ${serviceAddress} and ${to}`, (timeMs, bytes) =>
        this.streams[member].frame(timeMs, bytes),
      )
    }
    const filter = `udp and src host ${serviceAddress} and src port ${sipPort}`
    await this.#listen('probe', filter, (timeMs, bytes) => this.answers.frame(timeMs, bytes))
    this.#probe = await lab.probe('probe')
  }

  async #listen(
    member: string,
    filter: string,
    onFrame: (timeMs: number, bytes: Buffer) => void,
  ): Promise<void> {
    const { programs, network } = this.#lab
    const place = { namespace: network.namespace(member), device: lanInterface }
    this.#captures.push(await LiveCapture.start({ programs, ...place, filter, onFrame }))
  }

  #holdCalls(): void {
    const { callers, callees } = this.#users
    const { heldCalls, conferenceMembers, holdSeconds } = this.#options
    const wholeSeconds = holdSeconds + holdMoreSeconds
    const common = { port: phonePort, voiceSeconds: wholeSeconds + 30 }
    const answering = this.#lab.sipp('p2', {
      ...common,
      ...{ calls: heldCalls, scenario: 'uas-answer', pauseMs: 100 },
    })
    // The conference first, so that it is complete when the last call is answered.
    const users = callers.map(({ user }, index) => {
      const called = callees[index - conferenceMembers]?.user ?? conferenceNumber
      return `${user};;${called}`
    })
    const calling = this.#lab.sipp('p1', {
      ...{ ...common, calls: heldCalls + conferenceMembers },
      ...{ scenario: 'uac-call', server, users, callsPerSecond, pauseMs: wholeSeconds * 1_000 },
    })
    this.#held = { calling, answering }
  }

  async #allTalk(): Promise<void> {
    const { heldCalls, conferenceMembers } = this.#options
    const sessions = heldCalls + (conferenceMembers > 0 ? 1 : 0)
    await until(
      async () => {
        const { service } = await (await this.#lab.primary()).opinion()
        return service !== null && service.calls - service.ringing >= sessions
      },
      { what: `${sessions} answered calls`, msMax: setUpMsMax },
    )
  }

  async #letCome(): Promise<void> {
    const { programs, network, directory } = this.#lab
    const { comingPerSecond, holdSeconds } = this.#options
    const side = (member: 'p3' | 'p4', scenario: 'set-up-uac' | 'set-up-uas') => ({
      programs,
      namespace: network.namespace(member),
      directory: join(directory, `coming-${member}`),
      address: network.address(member),
      scenario,
      timeoutSeconds: holdSeconds + 120,
    })
    const answering = new SippLoad(side('p4', 'set-up-uas'))
    await answering.ready()
    const users = this.#users.comingCallers.map(
      ({ user }, index) => `${user};${this.#users.comingCallees[index]?.user}`,
    )
    const more = { server, callsPerSecond: comingPerSecond, pauseMs: holdMs, users }
    const calling = new SippLoad({ ...side('p3', 'set-up-uac'), ...more })
    this.#coming = { calling, answering }
  }

  /** No more new calls. @returns what became of those that came. */
  async endComing(): Promise<CallCount> {
    if (this.#coming === null) return { made: 0, lost: 0, firstError: '' }
    const { calling, answering } = this.#coming
    const { successful, failed, byeMs } = await calling.stop()
    this.byeMs = byeMs
    await answering.stop()
    const firstError = failed === 0 ? '' : calling.firstError()
    return { made: successful + failed, lost: failed, firstError }
  }

  /** Held legs that get nothing at this moment. */
  silentLegs(): number {
    const meters = Object.values(this.streams)
    return meters.reduce((sum, meter) => sum + meter.silent(silentMs).length, 0)
  }

  /** Waits for the end of the held calls. `silentLegs`: of the time before they were put down. */
  async endHeld(silentLegs: number): Promise<CallCount> {
    if (this.#held === null) return { made: 0, lost: 0, firstError: '' }
    const { calling, answering } = this.#held
    const { successful } = await calling.done()
    answering.stop()
    const made = this.#options.heldCalls + this.#options.conferenceMembers
    // A call that was lost is silent, or its caller cannot put it down.
    const lost = Math.max(made - successful, Math.ceil(silentLegs / 2))
    return { made, lost, firstError: lost === 0 ? '' : calling.report().slice(-2_000) }
  }

  /** @returns frames that no capture has seen. */
  async endMeasuring(): Promise<number> {
    await this.#probe?.stop()
    const dropped = await Promise.all(this.#captures.map((capture) => capture.stop()))
    for (const meter of Object.values(this.streams)) meter.settle()
    return dropped.reduce((sum, one) => sum + one, 0)
  }
}
