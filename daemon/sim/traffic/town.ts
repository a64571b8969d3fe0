//! All handsets of the site, the network between them and the pair, and the pair itself.
import type { Endpoint } from '../../src/wire/sip/message.ts'
import { Random } from '../world/random.ts'
import { Timeline } from '../world/timeline.ts'
import { Handset, type Owner } from './handset.ts'
import { addressOf, forwarded, guests, hotline, positions, systems, telephones } from './site.ts'
import type { Talk } from './talk.ts'
import { TwoCores } from './two-cores.ts'

const delayMsMin = 1
const delayMsMax = 6

interface TownParts {
  readonly seed: string
  readonly makeOwner: (town: Town) => Owner
  /** Shares of the datagrams that get lost, and that come twice. */
  readonly lost: number
  readonly doubled: number
}

export class Town {
  readonly timeline = new Timeline()
  readonly random: Random
  readonly pair: TwoCores
  readonly handsets = new Map<string, Handset>()
  readonly #ofAddress = new Map<string, Handset>()
  /** Everybody hangs up. */
  isClosing = false
  calls = 0
  readonly counts = new Map<string, number>()

  readonly #parts: TownParts

  constructor(parts: TownParts) {
    this.#parts = parts
    const { seed, makeOwner } = parts
    this.random = new Random(seed)
    this.pair = new TwoCores(this.timeline, this.random, {
      sip: (text, to) => this.#deliver(text, to),
    })
    const owner = makeOwner(this)
    const all = [...telephones, ...positions, ...forwarded, hotline, ...guests, ...systems]
    for (const number of all) this.#add(number, owner)
  }

  handset(number: string): Handset {
    const there = this.handsets.get(number)
    if (there === undefined) throw new Error(`there is no handset ${number}`)
    return there
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  /** One that has no call; null: none was found in a few looks. */
  idle(numbers: readonly string[]): Handset | null {
    return this.#look(numbers, (one) => one.talks.size === 0)
  }

  /** A call that some handset has in this state. */
  some(
    numbers: readonly string[],
    isMeant: (talk: Talk) => boolean,
  ): { handset: Handset; talk: Talk } | null {
    const handset = this.#look(numbers, (one) => one.live.some(isMeant))
    const talk = handset?.live.find(isMeant)
    return handset === null || talk === undefined ? null : { handset, talk }
  }

  #look(numbers: readonly string[], isMeant: (handset: Handset) => boolean): Handset | null {
    const from = this.random.whole(0, numbers.length - 1)
    for (let index = 0; index < numbers.length; index++) {
      const one = this.handset(numbers[(from + index) % numbers.length] ?? '')
      if (!one.isAway && isMeant(one)) return one
    }
    return null
  }

  #add(number: string, owner: Owner): void {
    const source = { address: addressOf(number), port: 5060 }
    const handset = new Handset({
      number,
      timeline: this.timeline,
      owner,
      send: (text) => this.#travel(() => this.pair.receive(text, source)),
    })
    this.handsets.set(number, handset)
    this.#ofAddress.set(source.address, handset)
  }

  #deliver(text: string, to: Endpoint): void {
    const handset = this.#ofAddress.get(to.address)
    if (handset === undefined) return
    const bytes = Buffer.from(text)
    this.#travel(() => handset.receive(bytes))
  }

  #travel(arrive: () => void): void {
    const { random, timeline } = this
    if (random.chance(this.#parts.lost)) return
    timeline.after(random.whole(delayMsMin, delayMsMax), arrive)
    if (random.chance(this.#parts.doubled)) timeline.after(random.whole(delayMsMin, 40), arrive)
  }
}
