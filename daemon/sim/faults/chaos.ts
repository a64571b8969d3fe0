//! The faults. Each is begun at a random moment and ended again; at the end of the chaos all are ended.
import type { AnyRecord } from '../../src/tables/tables.ts'
import { nodeNames, type UnitKind } from '../node/host.ts'
import type { SimNode } from '../node/node.ts'
import type { FaultKind } from '../plan.ts'
import { fairWeather, type Path, type Weather } from '../world/network.ts'
import { Random } from '../world/random.ts'
import type { World } from '../world/world.ts'

const units: readonly UnitKind[] = ['pair', 'switch', 'media']

/** Changes of the role that one fault may cost. One, unless it is several in one. */
const manyChanges: Partial<Record<FaultKind, number>> = {
  // Ten stand-stills, each of which may be longer than the peer waits.
  'short-freezes': 10,
}

export class Chaos {
  readonly #world: World
  /** When the next fault comes. */
  readonly #moments: Random
  /** What the present fault is: each has a stream of its own, so that one that is left out changes
   * none of the others. */
  #random: Random
  /** What ends the faults that last. */
  readonly #endings = new Map<string, () => void>()
  #running = false
  #round = 0
  /** Faults that were begun, by kind. */
  readonly counts = new Map<FaultKind, number>()
  /** Numbers of the faults that were begun. */
  readonly struck: number[] = []
  /** What each of those may cost at most, together. */
  changesMax = 0
  #number = 0

  constructor(world: World) {
    this.#world = world
    this.#moments = new Random(`chaos ${world.plan.seed}`)
    this.#random = this.#moments
  }

  begin(): void {
    this.#running = true
    this.#round++
    this.#next(this.#round)
  }

  /** Everything is whole again: the links carry, the nodes are started. */
  heal(): void {
    this.#running = false
    for (const end of [...this.#endings.values()]) end()
    this.#endings.clear()
    for (const node of this.#world.nodes) if (!node.up) node.boot()
    this.#world.note('chaos', 'all is healed')
  }

  #next(round: number): void {
    const { plan, timeline } = this.#world
    timeline.after(this.#moments.exponential(plan.faultMsMean), () => {
      if (!this.#running || round !== this.#round) return
      const number = ++this.#number
      if (plan.strikes?.includes(number) !== false) {
        this.#random = new Random(`fault ${number} ${plan.seed}`)
        this.struck.push(number)
        this.#strike(this.#random.pick(plan.faults))
      }
      this.#next(round)
    })
  }

  #strike(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    this.changesMax += manyChanges[kind] ?? 1
    const node = this.#random.pick(this.#world.nodes)
    const forMs = this.#random.between(20, this.#world.plan.faultMsMax)
    switch (kind) {
      case 'kill-node':
      case 'power-loss':
      case 'stop-node':
        this.#down(kind, node, forMs)
        return
      case 'kill-unit': {
        const unit = this.#random.pick(units)
        this.#note(kind, `${node.name} ${unit}`)
        node.killUnit(unit)
        return
      }
      case 'freeze-unit':
      case 'freeze-node':
      case 'short-freezes':
        this.#freeze(kind, node, forMs)
        return
      case 'switchover':
      case 'forced-switchover': {
        this.#note(kind, node.name)
        const force = kind === 'forced-switchover'
        if (node.pair.process.active) node.pair.process.turn(() => node.pair.switchover(force))
        return
      }
      case 'corrupt-record': {
        this.#corruptRecord(node)
        return
      }
      case 'failing-disk':
      case 'slow-disk':
        this.#badDisk(kind, node, forMs)
        return
      default:
        this.#badNetwork(kind, node, forMs)
    }
  }

  #down(kind: FaultKind, node: SimNode, forMs: number): void {
    if (!node.up) return
    this.#note(kind, `${node.name} for ${Math.round(forMs)} ms`)
    const key = `down ${node.name}`
    const again = () => {
      this.#endings.delete(key)
      if (!node.up) node.boot()
    }
    const down = () => {
      this.#endings.set(key, again)
      this.#after(forMs, key, again)
    }
    if (kind === 'stop-node') {
      node.stop(down)
      return
    }
    node.kill()
    if (kind === 'power-loss') node.loseMemory()
    down()
  }

  #freeze(kind: FaultKind, node: SimNode, forMs: number): void {
    if (kind === 'freeze-node') {
      this.#note(kind, `${node.name} for ${Math.round(forMs)} ms`)
      node.freeze(units, forMs)
      return
    }
    const unit = this.#random.pick(units)
    if (kind === 'freeze-unit') {
      this.#note(kind, `${node.name} ${unit} for ${Math.round(forMs)} ms`)
      node.freeze([unit], forMs)
      return
    }
    this.#note(kind, `${node.name} ${unit}`)
    const { timeline } = this.#world
    for (let count = 0; count < 10; count++) {
      const shortMs = this.#random.exponential(60)
      timeline.after(count * this.#random.between(50, 300), () => node.freeze([unit], shortMs))
    }
  }

  #badNetwork(kind: FaultKind, node: SimNode, forMs: number): void {
    const { links, lan } = this.#world
    const link = this.#random.whole(0, links.length - 1)
    const one = links[link]
    if (one === undefined) return
    switch (kind) {
      case 'cut-link':
        this.#weather(kind, { [`link ${link} a`]: one.a, [`link ${link} b`]: one.b }, forMs)
        return
      case 'cut-one-way':
        this.#weather(kind, { [`link ${link} ${node.name}`]: one[node.name] }, forMs)
        return
      case 'partition': {
        const paths: Record<string, Path> = {}
        for (const [index, { a, b }] of links.entries()) {
          paths[`link ${index} a`] = a
          paths[`link ${index} b`] = b
        }
        this.#weather(kind, paths, forMs)
        return
      }
      case 'bad-lan': {
        const paths: Record<string, Path> = {}
        for (const name of nodeNames) {
          paths[`lan to ${name}`] = lan.to[name]
          paths[`lan from ${name}`] = lan.from[name]
        }
        this.#weather(kind, paths, forMs)
        return
      }
      default: {
        const paths: Record<string, Path> = {}
        for (const name of nodeNames) {
          if (this.#random.chance(0.7)) paths[`link ${link} ${name}`] = one[name]
        }
        this.#weather(kind, paths, forMs)
      }
    }
  }

  #weather(kind: FaultKind, paths: Readonly<Record<string, Path>>, forMs: number): void {
    const weather = this.#newWeather(kind)
    const { delayMs, jitterMs, loss, duplicate, corrupt, cut } = weather
    const what = cut ? 'cut' : [delayMs, jitterMs, loss, duplicate, corrupt].map(round).join(' ')
    this.#note(kind, `${Object.keys(paths).join(', ')} for ${Math.round(forMs)} ms: ${what}`)
    for (const [key, path] of Object.entries(paths)) {
      path.weather = weather
      const end = () => {
        this.#endings.delete(key)
        if (path.weather === weather) path.weather = fairWeather
      }
      this.#endings.set(key, () => {
        path.weather = fairWeather
      })
      this.#after(forMs, key, end)
    }
  }

  #newWeather(kind: FaultKind): Weather {
    const random = this.#random
    if (kind === 'damage') return { ...fairWeather, corrupt: random.pick([0.01, 0.2, 1]) }
    if (kind !== 'bad-lan' && kind !== 'bad-link') return { ...fairWeather, cut: true }
    const isLan = kind === 'bad-lan'
    return {
      ...fairWeather,
      delayMs: random.pick([0.2, 1, isLan ? 5 : 40]),
      jitterMs: random.pick([0, 5, isLan ? 20 : 120]),
      loss: random.pick([0, 0.02, isLan ? 0.1 : 0.5]),
      duplicate: random.pick([0, 0.02, 0.3]),
    }
  }

  /** One record in the memory of a standby is not what the primary sent. */
  #corruptRecord(node: SimNode): void {
    const { engine } = node.switch
    if (engine === null || engine.role !== 'standby') return
    const name = this.#random.pick(['user', 'phone-book', 'wired-conference'] as const)
    const table = engine.tables.any(name)
    const slot = this.#random.whole(0, Math.max(0, table.slotCount - 1))
    const view = table.at(slot)
    if (view === null || view.record === null) return
    this.#note('corrupt-record', `${node.name} ${name} ${slot}`)
    const field = { user: 'cseq', 'phone-book': 'priority', 'wired-conference': 'startedAtMs' }[
      name
    ]
    const value = (view.record as unknown as Record<string, number>)[field] ?? 0
    const record = { ...view.record, [field]: name === 'phone-book' ? (value % 4) + 1 : value + 1 }
    table.apply(view.address, view.key, view.version, record as AnyRecord)
  }

  #badDisk(kind: FaultKind, node: SimNode, forMs: number): void {
    this.#note(kind, `${node.name} for ${Math.round(forMs)} ms`)
    const key = `${kind} ${node.name}`
    if (kind === 'failing-disk') node.disk.failing = true
    else node.disk.slowMs = this.#random.pick([30, 300, 2_000])
    const end = () => {
      this.#endings.delete(key)
      if (kind === 'failing-disk') node.disk.failing = false
      else node.disk.slowMs = 0
    }
    this.#endings.set(key, end)
    this.#after(forMs, key, end)
  }

  /** Ends one fault, unless another of the same kind has taken its place. */
  #after(inMs: number, key: string, end: () => void): void {
    const ending = this.#endings.get(key)
    this.#world.timeline.after(inMs, () => {
      if (this.#endings.get(key) === ending) end()
    })
  }

  #note(kind: FaultKind, text: string): void {
    this.#world.note('chaos', `${kind}: ${text}`)
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
