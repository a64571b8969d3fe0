//! Simulated calls in blocks: so many calls of every kind with take-overs between them, then everybody hangs
//! up, and when all clocks have run out nothing may be left on either node. One seed decides everything.
import { tableNames } from '../../src/tables/address.ts'
import { chores, errands } from './errands.ts'
import { habits } from './habits.ts'
import { accounts } from './site.ts'
import { Town } from './town.ts'
import { callTables } from './two-cores.ts'

const usual = {
  /** Calls, after which everybody hangs up. */
  perBlock: 1_000,
  /** Between two take-overs, in calls, on average. */
  takeOverEvery: 1_000,
  lost: 0.004,
  doubled: 0.006,
}

/** Between two calls, on average. */
const paceMs = 350
/** Everybody has given up after this time, session timers included. */
const settleMsMax = 8_000_000
/** Clocks of what has ended: transactions (64*T1 twice), nonces and subscriptions. */
const clocksMs = 700_000
const probeLooks = 4

export interface TrafficReport {
  readonly calls: number
  readonly takeOvers: number
  /** Virtual seconds. */
  readonly seconds: number
  readonly sessions: number
  readonly answered: number
  readonly counts: ReadonlyMap<string, number>
  /** What the cores say that they did, by the text of their log. */
  readonly done: ReadonlyMap<string, number>
  /** Services as the call records name them. */
  readonly services: ReadonlyMap<string, number>
  readonly faults: readonly string[]
}

/** Yields what has been done, after every block. */
export function* traffic(
  count: number,
  seed: number,
  options: Partial<typeof usual> = {},
): IterableIterator<TrafficReport> {
  const { perBlock, takeOverEvery, ...network } = { ...usual, ...options }
  const town = new Town({ seed: `traffic ${seed}`, makeOwner: habits, ...network })
  const services = new Map<string, number>()
  const faults: string[] = []
  let [sessions, answered] = [0, 0]
  town.timeline.runTo(10_000)
  const idle = holdings(town)
  while (town.calls < count && faults.length === 0) {
    const from = town.calls
    const place = () => `seed ${seed}, calls ${from} to ${town.calls}`
    try {
      block(town, Math.min(perBlock, count - town.calls), takeOverEvery)
      const wrong = settle(town)
      faults.push(...wrong.map((text) => `${place()}: ${text}`))
    } catch (error) {
      faults.push(`${place()}: ${error instanceof Error ? error.stack : error}`)
    }
    faults.push(...remains(town, idle).map((text) => `${place()}: ${text}`))
    for (const record of town.pair.primary.disk.calls.values()) {
      sessions += 1
      if (record.answeredAtMs !== null) answered += 1
      for (const name of record.services) services.set(name, (services.get(name) ?? 0) + 1)
    }
    town.pair.forgetCalls()
    yield {
      calls: town.calls,
      takeOvers: town.pair.takeOvers,
      seconds: Math.round(town.timeline.nowMs / 1_000),
      sessions,
      answered,
      counts: town.counts,
      done: town.pair.done,
      services,
      faults,
    }
  }
}

function block(town: Town, count: number, takeOverEvery: number): void {
  const { timeline, random } = town
  town.isClosing = false
  const until = town.calls + count
  while (town.calls < until) {
    timeline.runTo(timeline.nowMs + Math.round(random.exponential(paceMs)))
    if (random.chance(0.12)) random.pick(chores)(town)
    errand(town)
    if (!random.chance(1 / takeOverEvery)) continue
    if (random.chance(0.5)) town.pair.switchOver()
    else town.pair.kill(random.whole(100, 600))
  }
}

const weights = errands.reduce((sum, [weight]) => sum + weight, 0)

function errand(town: Town): void {
  let dice = town.random.unit() * weights
  for (const [weight, name, go] of errands) {
    dice -= weight
    if (dice > 0) continue
    const begun = go(town)
    if (begun === null) return
    town.calls += 1
    town.count(name)
    // A caller does not wait for ever.
    const { handset, talk } = begun
    town.timeline.after(town.random.between(8_000, 90_000), () => handset.cancel(talk))
    return
  }
}

/** @returns what is left. */
function settle(town: Town): string[] {
  const { timeline, pair } = town
  town.isClosing = true
  timeline.runTo(timeline.nowMs + 700)
  pair.restoreAccounts(accounts())
  for (const handset of town.handsets.values()) {
    for (const talk of handset.live) handset.hangUp(talk)
  }
  const untilMs = timeline.nowMs + settleMsMax
  while (timeline.nowMs < untilMs && callTables.some((name) => rows(town, name) > 0)) {
    timeline.runTo(timeline.nowMs + 10_000)
  }
  timeline.runTo(timeline.nowMs + clocksMs)
  return [...leftovers(town), ...recordFaults(town)]
}

function rows({ pair }: Town, name: (typeof callTables)[number]): number {
  return pair.primary.tables.any(name).size
}

function leftovers({ pair }: Town): string[] {
  const wrong: string[] = []
  const [one, other] = pair.nodes
  for (const [index, { tables, legs }] of pair.nodes.entries()) {
    for (const name of callTables) {
      const { size } = tables.any(name)
      const [first] = tables.any(name).values()
      if (size > 0) wrong.push(`node ${index}: ${size} in ${name}: ${JSON.stringify(first)}`)
    }
    if (legs.size > 0) wrong.push(`node ${index}: ${legs.size} legs in the media unit`)
    if (tables.pending() > 0) wrong.push(`node ${index}: ${tables.pending()} flags`)
  }
  for (const name of tableNames) {
    if (one?.tables.hash(name) !== other?.tables.hash(name)) wrong.push(`${name} differs`)
  }
  return wrong
}

/** One call record a session, the same on both nodes. */
function recordFaults({ pair }: Town): string[] {
  pair.exchangeCalls()
  const wrong: string[] = []
  for (const [index, { disk, ledger }] of pair.nodes.entries()) {
    if (ledger.waiting > 0) wrong.push(`node ${index}: ${ledger.waiting} call records wait`)
    for (const id of pair.sessions) {
      if (!disk.calls.has(id)) wrong.push(`node ${index}: no call record of ${id}`)
    }
    for (const id of disk.calls.keys()) {
      if (!pair.sessions.has(id)) wrong.push(`node ${index}: a call record of nothing: ${id}`)
    }
  }
  return wrong.slice(0, 5)
}

/** What the nodes hold when nobody calls. */
function holdings({ pair, handsets }: Town): Record<string, number> {
  const held: Record<string, number> = {}
  for (const [index, { core, tables }] of pair.nodes.entries()) {
    const role = index === 0 ? 'primary' : 'standby'
    for (const [name, count] of Object.entries(core.held())) held[`${role}: ${name}`] = count
    for (const name of tableNames) held[`${role}: table ${name}`] = tables.any(name).size
  }
  const phones = [...handsets.values()]
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)
  held['messages in the outbox'] = pair.outbox.size
  held['calls of the handsets'] = sum(phones.map(({ talks }) => talks.size))
  held['requests of the handsets'] = sum(phones.map(({ asked }) => asked))
  return held
}

/** The probe of a trunk is open for a few seconds, and so long what it holds is looked at again. */
function remains(town: Town, idle: Readonly<Record<string, number>>): string[] {
  const { timeline } = town
  for (let look = 0; look < probeLooks; look++) {
    if (differences(idle, holdings(town)).length === 0) return []
    timeline.runTo(timeline.nowMs + 6_000)
  }
  return differences(idle, holdings(town))
}

function differences(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): string[] {
  return Object.entries(after).flatMap(([name, count]) =>
    count === before[name] ? [] : [`${name}: ${count}, was ${before[name]}`],
  )
}
