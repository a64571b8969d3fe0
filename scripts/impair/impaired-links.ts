//! The links of a lab through the relay: each direction of each link can be made bad while all runs.
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LabNetwork, LinkName } from '../net/netns.ts'
import type { Programs } from '../net/processes.ts'
import { type Impairment, unimpaired } from './impairment.ts'
import type { Direction, RelayAnswer, RelayCounters, RelayOptions } from './relay-orders.ts'

/** Heartbeat and sync. */
const nodePorts = [5700, 5701] as const
const directions: readonly Direction[] = ['a-b', 'b-a']

interface Bad {
  readonly links: readonly LinkName[]
  /** Both when not given. */
  readonly direction?: Direction
  readonly impairment: Partial<Impairment>
}

export class ImpairedLinks {
  readonly #program: ChildProcess
  readonly #waiting = new Map<number, (answer: RelayAnswer) => void>()
  #ref = 0

  private constructor(program: ChildProcess) {
    this.#program = program
  }

  /** Resolves when the relay carries. The network must have been made for it. */
  static async start(
    network: LabNetwork,
    { programs, seed = 1 }: { readonly programs: Programs; readonly seed?: number },
  ): Promise<ImpairedLinks> {
    const options: RelayOptions = {
      seed,
      namespaces: { a: network.namespace('relay-a'), b: network.namespace('relay-b') },
      links: network.links.map((name) => ({
        name,
        a: network.linkAddress(name, 'a'),
        b: network.linkAddress(name, 'b'),
      })),
      ports: nodePorts,
    }
    const program = programs.start({
      namespace: network.namespace('relay-a'),
      command: process.execPath,
      args: [join(import.meta.dirname, 'relay.ts'), JSON.stringify(options)],
      urgent: true,
    })
    const relay = new ImpairedLinks(program)
    await relay.#begun()
    return relay
  }

  #begun(): Promise<void> {
    return new Promise((resolve, reject) => {
      let errors = ''
      this.#program.stderr?.on('data', (text: Buffer) => {
        errors += text.toString()
      })
      this.#program.once('exit', () => reject(new Error(`the relay ended: ${errors}`)))
      if (this.#program.stdout === null) throw new Error('the relay has no standard output')
      createInterface({ input: this.#program.stdout }).on('line', (line) => {
        if (line === 'relaying') resolve()
        else this.#take(JSON.parse(line) as RelayAnswer)
      })
    })
  }

  #take(answer: RelayAnswer): void {
    this.#waiting.get(answer.ref)?.(answer)
    this.#waiting.delete(answer.ref)
  }

  /** What is not named in `impairment` is well. Resolves when it holds. */
  async set({ links, direction, impairment }: Bad): Promise<void> {
    const ways = direction === undefined ? directions : [direction]
    const changes = links.flatMap((link) =>
      ways.map((way) => ({
        link,
        direction: way,
        impairment: { ...unimpaired, ...impairment },
      })),
    )
    await this.#order(changes)
  }

  heal(links: readonly LinkName[]): Promise<void> {
    return this.set({ links, impairment: {} })
  }

  /** By `link direction`. */
  async counters(): Promise<Readonly<Record<string, RelayCounters>>> {
    return (await this.#order([])).counters
  }

  #order(changes: readonly object[]): Promise<RelayAnswer> {
    this.#ref += 1
    const ref = this.#ref
    return new Promise((resolve) => {
      this.#waiting.set(ref, resolve)
      this.#program.stdin?.write(`${JSON.stringify({ ref, changes })}\n`)
    })
  }
}
