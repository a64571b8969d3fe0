//! The lab of the fail-over matrix: every service with telephones of its own. Who has to act at a
//! certain instant is a baresip; who only calls and talks is a call of sipp.
import { join } from 'node:path'
import { Lab, type LabOptions } from '../../../scripts/lab.ts'
import { type LabUser, labUsers } from '../../../scripts/lab-site.ts'
import { serviceAddress } from '../../../scripts/net/netns.ts'
import { BaresipPhone } from '../../../scripts/phones/baresip.ts'
import type { LinphonePhone } from '../../../scripts/phones/linphone.ts'
import type { Sipp } from '../../../scripts/phones/sipp.ts'
import { until } from '../../../scripts/waiting.ts'
import { phonePort, register, server } from '../sipp-phones.ts'

/** Members of the lab: who calls in the first and in the second stage, whose calls are of another type (ED-137),
 * and telephones. */
const talkCallers = 'p1'
const ringCallers = 'p2'
const typedCallers = 'p3'
const phoneMembers = ['p4', 'p5', 'p6', 'p7'] as const
/** Telephones of another system. */
export const otherSystem = 'p8'
/** Telephones of sipp that are called, and those that only watch. */
const sippPhones = 'p9'
const linphoneMember = 'p10'
const members = [
  ...[talkCallers, ringCallers, typedCallers, ...phoneMembers],
  ...[otherSystem, sippPhones, linphoneMember],
] as const
const callersOf = { talk: talkCallers, ring: ringCallers } as const
export type Stage = keyof typeof callersOf

/** Of telephones of sipp: each has ports of its own. */
const calledPortFirst = 6_000
const calledMediaFirst = 30_000
const mediaPortsOfPhone = 20
/** Of the watchers, beside that of the others. */
const registrationPort = 5_071
const watcherPort = 5_090
/** More telephones at a time, and the switch waits for them. */
const startsAtOnce = 12
/** Before each message in what sipp has heard and said. */
const messageHead = /^-{20,}.*\n.*\n\n/m
/** What a telephone of sipp waits for comes sooner, or does not come; and so does the end of its calls. */
const calledMsMax = 90_000
const endMsMax = 20_000
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

/** A telephone that is called once a round, and does by itself what its scenario says. */
export interface Called {
  readonly number: string
  readonly scenario: string
  readonly pauseMs: number
  readonly values?: Readonly<Record<string, string>>
  /** Of another system: the first way to its number. */
  readonly isOutside?: boolean
}

/** A subscription (RFC 6665). */
export interface Watch {
  readonly from: string
  readonly event: string
  readonly watched: string
  readonly accepts: string
}

interface Notified {
  /** CSeq in the dialog of the subscription. */
  readonly sequence: number
  readonly text: string
}

export interface DeskPlan {
  readonly dials: readonly Dial[]
  readonly typed: readonly TypedDial[]
  readonly phones: readonly { readonly name: string; readonly answer: 'auto' | 'manual' }[]
  /** Null: none is here. */
  readonly linphone: string | null
  readonly called: readonly Called[]
  readonly watches: readonly Watch[]
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
  #linphone: LinphonePhone | null = null
  #watching: Sipp | null = null
  readonly #calling: Sipp[] = []

  private constructor(lab: Lab, plan: DeskPlan) {
    this.lab = lab
    this.#plan = plan
  }

  /** All accounts are registered and every telephone is on. */
  static async start(plan: DeskPlan): Promise<Desk> {
    const numbers = [
      ...plan.dials.map(({ from }) => from),
      ...plan.typed.map(({ from }) => from),
      ...plan.phones.map(({ name }) => numberOf(name)),
      ...(plan.linphone === null ? [] : [plan.linphone]),
      ...plan.called.flatMap(({ number, isOutside }) => (isOutside ? [] : [number])),
      ...plan.watches.map(({ from }) => from),
      ...Object.keys(plan.accounts),
    ]
    const users = [...new Set(numbers)].sort().map((number) => account(plan, number))
    const lab = await Lab.start({ members, users, site: plan.site })
    const desk = new Desk(lab, plan)
    try {
      await desk.#register()
      await Promise.all([desk.#startPhones(), desk.#startLinphone()])
      desk.#startWatching()
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

  get linphone(): LinphonePhone {
    if (this.#linphone === null) throw new Error('there is no linphone')
    return this.#linphone
  }

  uri(number: string): string {
    return `sip:${number}@${serviceAddress}`
  }

  /** The newest NOTIFY to this subscriber says so. */
  async isTold(subscriber: string, what: RegExp): Promise<void> {
    const newest = () => this.notified(subscriber).at(-1)?.text ?? ''
    await until(() => what.test(newest()), { what: `${what} told to ${subscriber}` })
  }

  /** Each NOTIFY that came to this subscriber, in the order in which it came first. */
  notified(subscriber: string): Notified[] {
    const messages = (this.#watching?.messages() ?? '').split(messageHead)
    const told = new Map<number, Notified>()
    for (const text of messages) {
      const isOwn = text.startsWith('NOTIFY ') && text.includes(`\r\nTo: <sip:${subscriber}@`)
      const sequence = Number(/\r\nCSeq: (\d+)/.exec(text)?.[1])
      if (isOwn && !told.has(sequence)) told.set(sequence, { sequence, text })
    }
    return [...told.values()]
  }

  /** Telephones wait for their call of this round. */
  listen(): void {
    for (const [index, called] of this.#plan.called.entries()) {
      const { number, scenario, pauseMs, values = {}, isOutside = false } = called
      const sipp = this.lab.sipp(isOutside ? otherSystem : sippPhones, {
        ...{ scenario, pauseMs, values, voiceSeconds, calls: 1, silenceMsMax: calledMsMax },
        port: calledPort(number),
        mediaPort: calledMediaFirst + mediaPortsOfPhone * index,
      })
      this.#calling.push(sipp)
    }
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

  /** Resolves when all of them have ended, or were ended; one line for those that did not as the scenario says. */
  async allEnded(): Promise<string[]> {
    const calling = this.#calling.splice(0)
    const patience = setTimeout(() => stopAll(calling), endMsMax)
    const ended = await Promise.all(
      calling.map(async (sipp) => ({ result: await sipp.done(), report: sipp.report() })),
    )
    clearTimeout(patience)
    return ended.flatMap(({ result, report }) => {
      const { failed, successful, exitCode } = result
      const isWell = exitCode === 0 && failed === 0 && successful > 0
      return isWell ? [] : [report]
    })
  }

  /** Ends what a failed round left behind. */
  async hangUpAll(): Promise<void> {
    stopAll(this.#calling.splice(0))
    await this.#linphone?.hangUp()
    await Promise.allSettled([...this.#phones.values()].map((phone) => phone.hangUp()))
  }

  #call(
    member: string,
    users: readonly string[],
    values: Readonly<Record<string, string>> = {},
  ): void {
    if (users.length === 0) return
    const calls = { calls: users.length, callsPerSecond: 10, users, voiceSeconds, values }
    const scenario = 'uac-until-bye'
    this.#calling.push(this.lab.sipp(member, { scenario, port: phonePort, server, ...calls }))
  }

  async #register(): Promise<void> {
    const { dials, typed, called, watches } = this.#plan
    const of = (calls: readonly { from: string }[]) =>
      calls.map(({ from }) => account(this.#plan, from))
    const here = called.filter(({ isOutside }) => isOutside !== true)
    const listening = here.map(({ number }) => account(this.#plan, number))
    await Promise.all([
      register(this.lab, talkCallers, of(dials.filter(({ stage }) => stage === 'talk'))),
      register(this.lab, ringCallers, of(dials.filter(({ stage }) => stage === 'ring'))),
      register(this.lab, typedCallers, of(typed)),
      register(this.lab, sippPhones, listening, { contactPort: calledPort }),
      register(this.lab, sippPhones, of(watches), {
        fromPort: registrationPort,
        contactPort: () => watcherPort,
      }),
    ])
  }

  async #startLinphone(): Promise<void> {
    const { linphone } = this.#plan
    if (linphone === null) return
    this.#linphone = await this.lab.linphone(
      linphoneMember,
      account(this.#plan, linphone),
      toneHz.first,
    )
  }

  #startWatching(): void {
    const { watches } = this.#plan
    if (watches.length === 0) return
    this.#watching = this.lab.sipp(sippPhones, {
      ...{ scenario: 'uac-watch', port: watcherPort, server, keepsMessages: true },
      calls: watches.length,
      users: watches.map(({ from, event, watched, accepts }) =>
        [from, event, watched, accepts].join(';'),
      ),
    })
  }

  async #startPhones(): Promise<void> {
    const { phones, outside } = this.#plan
    const starts = [
      ...phones.map((phone, index) => () => this.#startPhone(phone, index)),
      ...outside.map((number, place) => async () => {
        this.#phones.set(number, await this.#outside(number, phones.length + place, place))
      }),
    ]
    while (starts.length > 0) {
      await Promise.all(starts.splice(0, startsAtOnce).map((start) => start()))
    }
  }

  async #startPhone({ name, answer }: DeskPlan['phones'][number], index: number): Promise<void> {
    const place = Math.floor(index / phoneMembers.length)
    const member = phoneMembers[index % phoneMembers.length] ?? phoneMembers[0]
    const hz = toneHz.first + toneHz.step * index
    const options = { user: numberOf(name), toneHz: hz, answer, place }
    this.#phones.set(name, await this.lab.phone(member, options))
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

function stopAll(calling: readonly Sipp[]): void {
  for (const sipp of calling) sipp.stop()
}

/** Where a telephone of sipp is called. */
export function calledPort(number: string): number {
  return calledPortFirst + Number(number)
}

/** Of a telephone; several may have the same one. */
function numberOf(name: string): string {
  return name.replace(/\D+$/, '')
}

function account({ accounts }: DeskPlan, number: string): LabUser {
  const [user] = labUsers(Number(number), 1)
  if (user === undefined) throw new Error(`no account ${number}`)
  return { ...user, ...accounts[number] }
}
