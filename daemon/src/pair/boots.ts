//! Protection against replayed heartbeats. Each start of the peer's pair unit has a boot id, and each
//! datagram of a boot its own number. A recorded datagram is therefore known by its number, and a
//! recorded boot by its id: ids that were replaced never come back. They are kept with the term.

export interface Boots {
  /** Boot the peer is in; null: none heard. */
  readonly current: string | null
  /** Newest number heard on any link. */
  readonly newest: number
  /** Newest number heard on each link. */
  readonly perLink: readonly number[]
  /** Boots that ended, the newest last. */
  readonly ended: readonly string[]
}

type Arrival =
  /** In order. */
  | 'fresh'
  /** Good for the health of its link, but a newer one has been heard: no news. */
  | 'overtaken'
  /** First datagram of a new boot. */
  | 'new-boot'
  /** Seen before, or of a boot that ended: changes nothing. */
  | 'replayed'

const endedMax = 16

/** What is known of the peer's boots over a restart of this node. */
export interface KeptBoots {
  /** The peer may still be in it; its numbers are not kept. */
  readonly currentBoot: string | null
  readonly endedBoots: readonly string[]
}

export function newBoots(links: number, kept: KeptBoots): Boots {
  const perLink: number[] = Array(links).fill(0)
  return { current: kept.currentBoot, newest: 0, perLink, ended: kept.endedBoots }
}

export function judgeArrival(
  boots: Boots,
  datagram: { readonly bootId: string; readonly sequence: number; readonly link: number },
): { readonly boots: Boots; readonly arrival: Arrival } {
  const { bootId, sequence, link } = datagram
  if (bootId !== boots.current) {
    if (boots.ended.includes(bootId)) return { boots, arrival: 'replayed' }
    const ended = boots.current === null ? boots.ended : [...boots.ended, boots.current]
    const perLink = boots.perLink.map((_, index) => (index === link ? sequence : 0))
    return {
      boots: { current: bootId, newest: sequence, perLink, ended: ended.slice(-endedMax) },
      arrival: 'new-boot',
    }
  }
  if (sequence <= (boots.perLink[link] ?? Number.POSITIVE_INFINITY)) {
    return { boots, arrival: 'replayed' }
  }
  const perLink = boots.perLink.map((last, index) => (index === link ? sequence : last))
  const fresh = sequence > boots.newest
  const newest = fresh ? sequence : boots.newest
  return { boots: { ...boots, newest, perLink }, arrival: fresh ? 'fresh' : 'overtaken' }
}
