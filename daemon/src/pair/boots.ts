//! Protection against replayed heartbeats. Each start of the peer's pair unit has a boot id, and each
//! datagram of a boot its own number. A recorded datagram is therefore known by its number, and a
//! recorded boot by its id: ids that were replaced are kept with the term.
//!
//! What is recorded of a boot that this node never knew, or was under way for long, is known by what it
//! answers: a datagram echoes the newest one of ours that its sender heard. The boot that answers the
//! newest of our sends is the present one, whatever was believed before. One that answers nothing newer
//! is taken only while nobody is heard, and never if it was replaced.

export interface Boots {
  /** Boot the peer is in; null: none heard. */
  readonly current: string | null
  /** Newest of our own sends that was answered by a boot of the peer; zero: none. */
  readonly answered: number
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
  /** Of an unknown boot, beside one that is heard: it has to answer us first. */
  | 'doubtful'

const endedMax = 16

/** What is known of the peer's boots over a restart of this node. */
export interface KeptBoots {
  /** The peer may still be in it; its numbers are not kept. */
  readonly currentBoot: string | null
  readonly endedBoots: readonly string[]
}

export function newBoots(links: number, kept: KeptBoots): Boots {
  const perLink: number[] = Array(links).fill(0)
  return { current: kept.currentBoot, answered: 0, newest: 0, perLink, ended: kept.endedBoots }
}

interface Datagram {
  readonly bootId: string
  readonly sequence: number
  readonly link: number
  /** Number of our own send that it echoes; zero: of none that we remember. */
  readonly answers: number
}

/** @param isHeard the present boot is heard. */
export function judgeArrival(
  boots: Boots,
  datagram: Datagram,
  isHeard: boolean,
): { readonly boots: Boots; readonly arrival: Arrival } {
  const { bootId, sequence, link, answers } = datagram
  if (bootId !== boots.current) {
    const proved = answers > boots.answered
    if (!proved && boots.ended.includes(bootId)) return { boots, arrival: 'replayed' }
    if (!proved && isHeard) return { boots, arrival: 'doubtful' }
    return { boots: begin(boots, datagram), arrival: 'new-boot' }
  }
  if (sequence <= (boots.perLink[link] ?? Number.POSITIVE_INFINITY)) {
    return { boots, arrival: 'replayed' }
  }
  const perLink = boots.perLink.map((last, index) => (index === link ? sequence : last))
  const fresh = sequence > boots.newest
  const newest = fresh ? sequence : boots.newest
  const answered = Math.max(boots.answered, answers)
  const judged = { ...boots, answered, newest, perLink }
  return { boots: judged, arrival: fresh ? 'fresh' : 'overtaken' }
}

function begin(boots: Boots, { bootId, sequence, link, answers }: Datagram): Boots {
  const before = boots.ended.filter((id) => id !== bootId)
  const ended = boots.current === null ? before : [...before, boots.current]
  return {
    current: bootId,
    answered: Math.max(boots.answered, answers),
    newest: sequence,
    perLink: boots.perLink.map((_, index) => (index === link ? sequence : 0)),
    ended: ended.slice(-endedMax),
  }
}
