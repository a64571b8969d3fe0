//! One round of the fail-over matrix: all services come into their states, the primary goes, the new one
//! completes each of them, and all end.
import { setTimeout as delay } from 'node:timers/promises'
import type { CallDetail } from '../../../daemon/src/control/call-schema.ts'
import type { Capture } from '../../../scripts/capture/capture.ts'
import type { LabNode } from '../../../scripts/lab-node.ts'
import type { MatrixCell, MatrixFault } from '../../../scripts/matrix/results.ts'
import { serviceAddress } from '../../../scripts/net/netns.ts'
import { until } from '../../../scripts/waiting.ts'
import type { SilentStandbyWatch } from '../silent-standby.ts'
import type { Desk, Stage } from './desk.ts'
import {
  allCalls,
  callsOf,
  Heard,
  leftovers,
  ofRow,
  release,
  standingOf,
  stands,
  streamsTo,
  type Window,
} from './look.ts'
import { type RecordsDue, recordsWhenDue } from './records.ts'
import type { Row } from './row.ts'

/** The voice is watched so long before the fault, after it, and when the pair is whole again. */
const watchMs = 1_000
/** Sessions whose terminals do not answer any more stay 69 s. */
const cleanMsMax = 100_000

/** One row in the course of a round. */
interface Case {
  readonly row: Row
  readonly problems: string[]
  /** Sessions that there were of it. */
  readonly sessions: Set<string>
  /** Its calls when the node went, after the take-over, and completed. */
  before: readonly CallDetail[]
  after: readonly CallDetail[]
  completed: readonly CallDetail[]
}

interface RoundParts {
  readonly desk: Desk
  readonly watch: SilentStandbyWatch
  readonly fault: MatrixFault
  readonly rows: readonly Row[]
}

export interface RoundResult {
  readonly cells: readonly MatrixCell[]
  readonly leftovers: readonly string[]
  /** Sessions that have a call record. */
  readonly recorded: readonly string[]
  /** Callers of sipp that saw something else than their scenario says. */
  readonly callers: readonly string[]
}

export class Round {
  readonly #desk: Desk
  readonly #watch: SilentStandbyWatch
  readonly #fault: MatrixFault
  readonly #cases: readonly Case[]

  constructor({ desk, watch, fault, rows }: RoundParts) {
    this.#desk = desk
    this.#watch = watch
    this.#fault = fault
    this.#cases = rows.map((row) => ({
      ...{ row, problems: [], sessions: new Set<string>() },
      ...{ before: [], after: [], completed: [] },
    }))
  }

  async run(): Promise<RoundResult> {
    const { lab } = this.#desk
    const beganMs = Date.now()
    const captures = await this.#capture()
    const primary = await lab.inStep()
    await this.#bringUp(primary)
    const atMs = await this.#strike(primary)
    const next = await lab.primary()
    if (next === primary) throw new Error(`${primary.name} still serves`)
    await delay(watchMs)
    const first = { fromMs: atMs - watchMs, toMs: Date.now() }
    await this.#look(next, 'after')
    for (const one of this.#cases) checkStanding(one)
    await this.#complete(next)
    await lab.bothRun()
    await delay(watchMs)
    const second = { fromMs: atMs - watchMs, toMs: Date.now() }
    await this.#end(next)
    const callers = await this.#desk.allEnded()
    const packets = (await Promise.all(captures.map((capture) => capture.stop()))).flat()
    const left = await this.#clean()
    const { counts, ids, faults } = await recordsWhenDue(lab, beganMs, this.#recordsDue())
    left.push(...faults.map((fault) => `call records: ${fault}`))
    const heard = new Heard(packets)
    const cells = this.#cases.map((one) => this.#cell(one, { heard, first, second, counts }))
    return { cells, leftovers: left, recorded: ids, callers }
  }

  #capture(): Promise<Capture[]> {
    const { lab, members } = this.#desk
    return Promise.all(
      members.map((member) =>
        lab.capture(
          member,
          `udp and src host ${serviceAddress} and dst ${lab.network.address(member)}`,
        ),
      ),
    )
  }

  /** Every service is in its state, and both nodes carry every leg. */
  async #bringUp(node: LabNode): Promise<void> {
    this.#desk.listen()
    await this.#stage('talk', node)
    await this.#stage('ring', node)
    for (const { row } of this.#cases) if (row.last === undefined) await this.#standsOn(node, row)
    const { lab } = this.#desk
    await until(
      async () => {
        const { twin } = await node.status()
        return twin.wanted > 0 && twin.both === twin.wanted
      },
      { what: 'all legs on both nodes' },
    )
    await lab.inStep()
    // A voice that has just begun is not due for all of the time before the fault.
    await delay(watchMs)
    for (const isBrief of [false, true]) {
      const due = this.#cases.filter(({ row }) => (row.isBrief ?? false) === isBrief)
      await Promise.all(due.map(({ row }) => row.last?.({ desk: this.#desk, node })))
    }
    await this.#look(node, 'before')
  }

  async #stage(stage: Stage, node: LabNode): Promise<void> {
    const desk = this.#desk
    const begun = this.#cases.map(({ row }) => row.steps?.[stage]?.({ desk, node }))
    desk.dialAll(stage)
    await Promise.all(begun)
  }

  #standsOn(node: LabNode, { key, service, state, stands: wanted }: Row): Promise<boolean> {
    return until(
      async () => {
        const calls = await callsOf(node, key)
        if (stands(calls, wanted)) return true
        throw new Error(JSON.stringify(standingOf(calls)))
      },
      { what: `${service} (${state})` },
    )
  }

  async #strike(primary: LabNode): Promise<number> {
    const { lab } = this.#desk
    const scene = { desk: this.#desk, node: primary }
    await Promise.all(this.#cases.map(({ row }) => row.moment?.(scene)))
    if (this.#fault === 'kill of the primary') {
      const { atMs } = primary.killAll()
      this.#watch.primaryIs(lab.other(primary), atMs)
      return atMs
    }
    const atMs = Date.now()
    this.#watch.primaryIs(lab.other(primary), atMs)
    const { done, detail } = await primary.ask('switchover', { reason: 'fail-over matrix' })
    if (!done) throw new Error(`switchover: ${detail}`)
    return atMs
  }

  async #look(node: LabNode, when: 'before' | 'after' | 'completed'): Promise<void> {
    const calls = await allCalls(node)
    for (const one of this.#cases) {
      one[when] = ofRow(calls, one.row.key)
      for (const { sessionId } of one[when]) one.sessions.add(sessionId)
    }
  }

  async #complete(node: LabNode): Promise<void> {
    await this.#each('completion', async ({ row }) => {
      await row.complete({ desk: this.#desk, node })
      await this.#standsOn(node, { ...row, stands: row.completed })
    })
    await this.#look(node, 'completed')
  }

  async #end(node: LabNode): Promise<void> {
    await this.#each('end', ({ row }) => row.end({ desk: this.#desk, node }))
    const failed = this.#cases.filter(({ problems }) => problems.length > 0)
    await Promise.all(failed.map(({ row }) => release(node, row.key)))
  }

  /** A row that fails does not keep the others from being judged. */
  async #each(what: string, work: (one: Case) => Promise<unknown>): Promise<void> {
    await Promise.all(
      this.#cases.map(async (one) => {
        try {
          await work(one)
        } catch (error) {
          one.problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
        }
      }),
    )
  }

  /** Calls that have a record each. */
  #recordsDue(): RecordsDue[] {
    return this.#cases.map(({ row, sessions }) => {
      return { key: row.key, sessions, brief: row.briefCalls ?? 0 }
    })
  }

  async #clean(): Promise<string[]> {
    const { lab } = this.#desk
    const look = async () => [...(await leftovers(lab, lab.a)), ...(await leftovers(lab, lab.b))]
    try {
      await until(async () => (await look()).length === 0, {
        what: 'clean nodes',
        msMax: cleanMsMax,
        everyMs: 500,
      })
    } catch {
      // Told below.
    }
    return look()
  }

  #cell(
    { row, problems, sessions, before, after, completed }: Case,
    judged: {
      readonly heard: Heard
      readonly first: Window
      readonly second: Window
      /** Records of each row. */
      readonly counts: ReadonlyMap<string, number>
    },
  ): MatrixCell {
    const { heard, first, second, counts } = judged
    const then = row.moment === undefined ? streamsTo(before) : []
    const now = streamsTo(completed)
    const still = streamsTo(after)
    // A state that passes by itself has just begun, and its legs with it.
    const begins = row.last !== undefined
    const [there, gone] = divided(then, (name) => now.includes(name))
    const [leave, left] = divided(gone, (name) => still.includes(name))
    // Who leaves when the service is completed is judged up to then; who is there at the end, up to the end.
    const parts = [
      heard.lost(left, first, { begins, ends: true }),
      heard.lost(leave, first, { begins }),
      heard.lost(there, second, { begins }),
      heard.lost(
        now.filter((name) => !then.includes(name)),
        second,
        { begins: true },
      ),
    ]
    const sum = (of: (part: { due: number; lost: number }) => number) =>
      parts.reduce((total, part) => total + of(part), 0)
    // A service that is over in the end was heard until then.
    const silent =
      now.length > 0 ? heard.silent(now, lastOf(second)) : heard.silent(then, lastOf(first))
    problems.push(...silent)
    const failed = (what: string) => problems.some((problem) => problem.startsWith(what))
    return {
      service: row.service,
      state: row.state,
      fault: this.#fault,
      outcome: row.outcome,
      stood: !failed('standing'),
      completed: !failed('completion'),
      audible: silent.length === 0,
      ended: !failed('end'),
      packetsDue: sum(({ due }) => due),
      packetsLost: sum(({ lost }) => lost),
      records: counts.get(row.key) ?? 0,
      recordsDue: sessions.size + (row.briefCalls ?? 0),
      problems,
    }
  }
}

function divided<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))]
}

/** The end of a window. */
function lastOf({ toMs }: Window): Window {
  return { fromMs: toMs - watchMs, toMs }
}

/** The state before the fault is the one that the table names, and that of the new primary. */
function checkStanding({ row, problems, before, after }: Case): void {
  if (!stands(before, row.stands)) {
    problems.push(`standing: it was ${JSON.stringify(standingOf(before))}`)
  }
  if (row.moment !== undefined) return
  const now = standingOf(after)
  // A state that passes by itself may have passed: then its members are there in the next one.
  const next = row.last === undefined ? row.stands : (row.next ?? row.completed)
  const isSame = stands(after, row.stands) || stands(after, next)
  if (!isSame) problems.push(`standing: ${JSON.stringify(now)} at the new primary`)
}
