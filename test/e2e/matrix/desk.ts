//! The lab of the fail-over matrix: every service with telephones of its own. Who has to act at a
//! certain instant is a baresip; who only calls and talks is a call of sipp.
import { join } from 'node:path'
import { Lab, type LabOptions } from '../../../scripts/lab.ts'
import { type LabUser, labUsers } from '../../../scripts/lab-site.ts'
import { serviceAddress } from '../../../scripts/net/netns.ts'
import { BaresipPhone } from '../../../scripts/phones/baresip.ts'
import type { Sipp } from '../../../scripts/phones/sipp.ts'
import { phonePort, register, server } from '../sipp-phones.ts'

/** Members of the lab: who calls in the first and in the second stage, whose calls are of another type (ED-137),
 * and telephones. */
const talkCallers = 'p1'
const ringCallers = 'p2'
const typedCallers = 'p3'
const phoneMembers = ['p4', 'p5', 'p6', 'p7'] as const
/** Telephones of another system. */
export const otherSystem = 'p8'
const members = [talkCallers, ringCallers, typedCallers, ...phoneMembers, otherSystem] as const
const callersOf = { talk: talkCallers, ring: ringCallers } as const
export type Stage = keyof typeof callersOf

/** Longer than any round: sipp plays its voice once. */
const voiceSeconds = 240
/** Each telephone has a tone of its own: two equal ones in one conference may be each other's silence. */
const toneHz = { first: 500, step: 25 } as const

export interface Dial {
  readonly stage: Stage
  readonly from: string
  readonly to: string
}

/** A call of another type, dialled in the first stage. */
export interface TypedDial extends Omit<Dial, 'stage'> {
  readonly subject: string
  readonly priority: string
  readonly direction: string
}

export interface DeskPlan {
  readonly dials: readonly Dial[]
  readonly typed: readonly TypedDial[]
  readonly phones: readonly { readonly number: string; readonly answer: 'auto' | 'manual' }[]
  /** They have no account, and are answered here. */
  readonly outside: readonly string[]
  /** What accounts have beside their password. */
  readonly accounts: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly site: NonNullable<LabOptions['site']>
}

export class Desk {
  readonly lab: Lab
  readonly #plan: DeskPlan
  readonly #phones = new Map<string, BaresipPhone>()
  #calling: Sipp[] = []

  private constructor(lab: Lab, plan: DeskPlan) {
    this.lab = lab
    this.#plan = plan
  }

  /** All accounts are registered and every telephone is on. */
  static async start(plan: DeskPlan): Promise<Desk> {
    const numbers = [
      ...plan.dials.map(({ from }) => from),
      ...plan.typed.map(({ from }) => from),
      ...plan.phones.map(({ number }) => number),
      ...Object.keys(plan.accounts),
    ]
    const users = [...new Set(numbers)].sort().map((number) => account(plan, number))
    const lab = await Lab.start({ members, users, site: plan.site })
    const desk = new Desk(lab, plan)
    try {
      await desk.#register()
      await desk.#startPhones()
    } catch (error) {
      await lab.close()
      throw error
    }
    return desk
  }

  get members(): readonly string[] {
    return members
  }

  phone(number: string): BaresipPhone {
    const phone = this.#phones.get(number)
    if (phone === undefined) throw new Error(`there is no telephone ${number}`)
    return phone
  }

  uri(number: string): string {
    return `sip:${number}@${serviceAddress}`
  }

  /** Everyone dials who only calls in this stage. */
  dialAll(stage: Stage): void {
    const dials = this.#plan.dials.filter((dial) => dial.stage === stage)
    this.#call(
      callersOf[stage],
      dials.map(({ from, to }) => `${from};-;${to}`),
    )
    if (stage === 'talk') this.#callTyped()
  }

  /** What is said of each call is in the fields of its line. */
  #callTyped(): void {
    const lines = this.#plan.typed.map(({ from, to, subject, priority, direction }) =>
      [from, '-', to, subject, priority, direction].join(';'),
    )
    const more = '\nSubject: [field3]\nPriority: [field4]\nWG67-Version: phone.01'
    this.#call(typedCallers, lines, { more, media: '\na=[field5]' })
  }

  /** Resolves when all of them have ended; one line for those that did not as the scenario says. */
  async allEnded(): Promise<string[]> {
    const ended = await Promise.all(
      this.#calling.map(async (sipp) => ({ result: await sipp.done(), report: sipp.report() })),
    )
    this.#calling = []
    return ended.flatMap(({ result, report }) => {
      const { failed, successful, exitCode } = result
      const isWell = exitCode === 0 && failed === 0 && successful > 0
      return isWell ? [] : [report]
    })
  }

  /** Ends what a failed round left behind. */
  async hangUpAll(): Promise<void> {
    for (const sipp of this.#calling.splice(0)) sipp.stop()
    await Promise.allSettled([...this.#phones.values()].map((phone) => phone.hangUp()))
  }

  #call(
    member: string,
    users: readonly string[],
    values: Readonly<Record<string, string>> = {},
  ): void {
    const calls = { calls: users.length, callsPerSecond: 10, users, voiceSeconds, values }
    const scenario = 'uac-until-bye'
    this.#calling.push(this.lab.sipp(member, { scenario, port: phonePort, server, ...calls }))
  }

  async #register(): Promise<void> {
    const { dials, typed } = this.#plan
    const of = (calls: readonly { from: string }[]) =>
      calls.map(({ from }) => account(this.#plan, from))
    await Promise.all([
      register(this.lab, talkCallers, of(dials.filter(({ stage }) => stage === 'talk'))),
      register(this.lab, ringCallers, of(dials.filter(({ stage }) => stage === 'ring'))),
      register(this.lab, typedCallers, of(typed)),
    ])
  }

  async #startPhones(): Promise<void> {
    const { phones, outside } = this.#plan
    for (const [index, number] of outside.entries()) {
      this.#phones.set(number, await this.#outside(number, phones.length + index, index))
    }
    for (let first = 0; first < phones.length; first += phoneMembers.length) {
      const row = phones.slice(first, first + phoneMembers.length)
      const place = first / phoneMembers.length
      await Promise.all(
        row.map(async ({ number, answer }, index) => {
          const member = phoneMembers[index] ?? phoneMembers[0]
          const hz = toneHz.first + toneHz.step * (first + index)
          const options = { user: number, toneHz: hz, answer, place }
          this.#phones.set(number, await this.lab.phone(member, options))
        }),
      )
    }
  }

  #outside(number: string, index: number, place: number): Promise<BaresipPhone> {
    const { network, programs, directory } = this.lab
    return BaresipPhone.start({
      ...{ programs, place, user: number, answer: 'manual' },
      namespace: network.namespace(otherSystem),
      directory: join(directory, `${otherSystem}-${number}`),
      address: network.address(otherSystem),
      toneHz: toneHz.first + toneHz.step * index,
    })
  }
}

function account({ accounts }: DeskPlan, number: string): LabUser {
  const [user] = labUsers(Number(number), 1)
  if (user === undefined) throw new Error(`no account ${number}`)
  return { ...user, ...accounts[number] }
}
