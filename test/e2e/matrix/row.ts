//! What a row of the fail-over matrix is, and what its telephones can be told to do.
import type { ParamsOf } from '../../../daemon/src/control/api.ts'
import type { LabNode } from '../../../scripts/lab-node.ts'
import { until } from '../../../scripts/waiting.ts'
import type { Called, Desk, DeskPlan, Dial, Stage, TypedDial, Watch } from './desk.ts'
import { callsOf, type Standing, stands } from './look.ts'

export interface Scene {
  readonly desk: Desk
  /** The node that serves. */
  readonly node: LabNode
}

type Step = (scene: Scene) => Promise<unknown>

/** Sections of the site file that have a name in them. */
type Section = 'positions' | 'trunks' | 'routes'

export interface Row {
  /** First digits of its numbers. */
  readonly key: string
  /** Played by `npm run matrix` only; default: by every run of the tests, too. */
  readonly set?: 'more'
  readonly service: string
  readonly state: string
  readonly dials?: readonly Dial[]
  readonly typed?: DeskPlan['typed']
  /** Telephones that answer by themselves, and those that are answered here. A letter behind the number: one
   * more of the same account. */
  readonly auto?: readonly string[]
  readonly manual?: readonly string[]
  /** A telephone of linphone, which can do what baresip cannot. */
  readonly linphone?: string
  /** Telephones of sipp that are called. */
  readonly called?: readonly Called[]
  /** What is watched from the first round to the last one. */
  readonly watches?: readonly Watch[]
  /** Answered here, too; a telephone of another system, reached over a trunk. */
  readonly outside?: string
  readonly accounts?: DeskPlan['accounts']
  readonly conference?: Readonly<Record<string, unknown>>
  readonly group?: Readonly<Record<string, unknown>>
  readonly site?: Readonly<Partial<Record<Section, Readonly<Record<string, unknown>>>>>
  /** Steps of the first and of the second stage, begun before anybody dials. */
  readonly steps?: Readonly<Partial<Record<Stage, Step>>>
  /** The last step before the node goes: a state that passes by itself. */
  readonly last?: Step
  /** It passes within seconds: begun after those of the other rows. */
  readonly isBrief?: boolean
  /** The state into which that one passes; default: `completed`. */
  readonly next?: Standing
  /** What is under way in the very moment in which it goes. */
  readonly moment?: Step
  /** When the node goes. */
  readonly stands: Standing
  /** Its calls that are over before anybody looks, or begin and end between two looks: each has a record, too. */
  readonly briefCalls?: number
  /** The service at the new primary; in words and in deeds. */
  readonly outcome: string
  readonly complete: Step
  readonly completed: Standing
  readonly end: Step
}

export const dial = (stage: Stage, from: string, to: string): Dial => ({ stage, from, to })

export const listens = (from: string, to: string): TypedDial => {
  return { from, to, subject: 'monitoring', priority: 'non-urgent', direction: 'recvonly' }
}

export const speaks = (from: string, to: string): TypedDial => {
  return { from, to, subject: 'IA call', priority: 'urgent', direction: 'sendonly' }
}

export async function accept({ desk }: Scene, ...numbers: readonly string[]): Promise<void> {
  await Promise.all(
    numbers.map(async (number) => {
      const established = desk.phone(number).next('CALL_ESTABLISHED')
      await desk.phone(number).accept()
      await established
    }),
  )
}

export async function hangUp({ desk }: Scene, number: string): Promise<void> {
  const closed = desk.phone(number).next('CALL_CLOSED')
  await desk.phone(number).hangUp()
  await closed
}

export async function rings({ desk }: Scene, ...numbers: readonly string[]): Promise<void> {
  await Promise.all(numbers.map((number) => desk.phone(number).next('CALL_INCOMING')))
}

/** Whether it rings already or will ring. */
export async function answers(scene: Scene, number: string): Promise<void> {
  if (scene.desk.phone(number).lastCallEvent !== 'CALL_INCOMING') await rings(scene, number)
  await accept(scene, number)
}

export async function dials({ desk }: Scene, number: string, target: string): Promise<void> {
  await desk.phone(number).dial(desk.uri(target))
}

export async function getsThrough(scene: Scene, number: string, target: string): Promise<void> {
  const established = scene.desk.phone(number).next('CALL_ESTABLISHED')
  await dials(scene, number, target)
  await established
}

/** Dials for a setting, which is confirmed by a tone, and is over by itself. */
export async function sets({ desk }: Scene, number: string, code: string): Promise<void> {
  const over = desk.phone(number).next('CALL_CLOSED')
  await desk.phone(number).dial(desk.uri(code))
  await over
}

/** Dials, and is refused. */
export async function isRefused(
  { desk }: Scene,
  number: string,
  { target, status }: { readonly target: string; readonly status: number },
): Promise<void> {
  const end = desk.phone(number).next('CALL_CLOSED', 'CALL_ESTABLISHED')
  await desk.phone(number).dial(desk.uri(target))
  const { type, param } = await end
  const isSaid = type === 'CALL_CLOSED' && param.includes(String(status))
  if (!isSaid) throw new Error(`${number} dialled ${target}: ${type} ${param}, not ${status}`)
}

export function waits({ node }: Scene, key: string, standing: Standing): Promise<boolean> {
  return until(async () => stands(await callsOf(node, key), standing), {
    what: `${JSON.stringify(standing)} of ${key}`,
  })
}

type Order = ParamsOf<'conference.order'>['order']

export async function order({ node }: Scene, conference: string, what: Order): Promise<void> {
  await node.ask('conference.order', { conference, order: what })
}
