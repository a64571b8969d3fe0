//! `vccs why --if`: reads the question, and changes a picture of the pair as it supposes. Who would
//! serve then is decided by `pair/decision.ts`, the same function that decides in earnest.
import type { Role } from '../bus/messages.ts'
import { failure, type Result, success } from '../result.ts'

/** What the decision depends on, as this node sees it. */
export interface Situation {
  /** Name of this node. */
  readonly node: string
  readonly role: Role
  readonly alone: boolean
  readonly paused: boolean
  readonly links: readonly { readonly name: string; readonly up: boolean }[]
  readonly own: UnitsAlive
  /** Null: stand-alone, or never heard. */
  readonly peer: (UnitsAlive & PeerFacts) | null
}

interface PeerFacts {
  readonly role: Role
  readonly alive: boolean
  /** Able to serve: more than two units that live. */
  readonly ready: boolean
}

interface UnitsAlive {
  readonly switchAlive: boolean
  readonly mediaAlive: boolean
}

type Supposition =
  | { readonly kind: 'link'; readonly name: string; readonly up: boolean }
  | { readonly kind: 'peer'; readonly alive: boolean }
  | { readonly kind: 'pause'; readonly paused: boolean }
  | {
      readonly kind: 'unit'
      readonly of: 'own' | 'peer'
      readonly unit: 'switch' | 'media'
      readonly alive: boolean
    }

const downWords = ['down', 'dead', 'lost', 'dies', 'fails', 'cut', 'silent', 'killed', 'broken']
const upWords = ['up', 'alive', 'back']
/** Words that may be there and say nothing. */
const fillers = ['the', 'is', 'are', 'link', 'unit', 'goes', 'node']

/** Reads e.g. `net-b down, private down`, `net-a and net-b down`, `only private up`, `all links down`,
 * `peer dead`, `media dead`, `peer switch dead`, `paused`. Errors: `question-unknown`. */
export function parseQuestion(
  text: string,
  situation: Situation,
  peerName: string | null,
): Result<Supposition[]> {
  const parts = partsOf(text)
  if (parts.length === 0) return failure('question-unknown', 'the question is empty')
  const found: Supposition[] = []
  for (const words of parts) {
    const suppositions = parsePart(words, situation, peerName)
    if (suppositions === null) {
      return failure('question-unknown', notUnderstood(words, situation, peerName))
    }
    found.push(...suppositions)
  }
  return success(found)
}

/** Each with its state: `net-a and net-b down` is two parts that are down. */
function partsOf(text: string): string[][] {
  const parts = text
    .slice(0, 200)
    .toLowerCase()
    .split(/,|;| and |&/)
    .map((part) => part.split(/\s+/).filter((word) => word !== '' && !fillers.includes(word)))
    .filter((words) => words.length > 0)
  let state: string | null = null
  for (const words of parts.toReversed()) {
    const last = words.at(-1) ?? ''
    if (downWords.includes(last) || upWords.includes(last)) state = last
    else if (state !== null && !isPauseWord(words.join(' '))) words.push(state)
  }
  return parts
}

function isPauseWord(text: string): boolean {
  return text === 'paused' || text === 'not paused' || text === 'resumed'
}

function notUnderstood(
  words: readonly string[],
  { node, links }: Situation,
  peerName: string | null,
): string {
  const subject = words.slice(0, -1).join(' ')
  if (subject === node.toLowerCase() || subject === 'this') {
    const name = peerName ?? 'the peer'
    return `a dead node decides nothing: ask ${name} with \`vccs why --node peer --if "peer dead"\``
  }
  const names = links.map(({ name }) => name).join(', ')
  return `"${words.join(' ')}" is not understood; links: ${names || 'none'}`
}

function parsePart(
  words: readonly string[],
  { links }: Situation,
  peerName: string | null,
): Supposition[] | null {
  const text = words.join(' ')
  if (isPauseWord(text)) return [{ kind: 'pause', paused: text === 'paused' }]
  const only = parseOnly(words, links)
  if (only !== null) return only
  const state = words.at(-1) ?? ''
  const alive = upWords.includes(state)
  if (!alive && !downWords.includes(state)) return null
  const subject = words.slice(0, -1).join(' ')
  if (['all links', 'links', 'every', 'all'].includes(subject)) {
    return links.map(({ name }) => ({ kind: 'link', name, up: alive }))
  }
  const link = links.find(({ name }) => name.toLowerCase() === subject)
  if (link !== undefined) return [{ kind: 'link', name: link.name, up: alive }]
  if (subject === 'peer' || subject === peerName?.toLowerCase()) return [{ kind: 'peer', alive }]
  const unit = /^(own |peer )?(switch|media)$/.exec(subject)
  if (unit === null) return null
  return [
    {
      kind: 'unit',
      of: unit[1] === 'peer ' ? 'peer' : 'own',
      unit: unit[2] === 'media' ? 'media' : 'switch',
      alive,
    },
  ]
}

/** `only private`, `only private up`: all other links are down. */
function parseOnly(words: readonly string[], links: Situation['links']): Supposition[] | null {
  const [first, name, state = 'up'] = words
  if (first !== 'only' || words.length > 3 || !upWords.includes(state)) return null
  if (!links.some((link) => link.name.toLowerCase() === name)) return null
  return links.map((link) => ({
    kind: 'link',
    name: link.name,
    up: link.name.toLowerCase() === name,
  }))
}

/** The situation as it would be. A peer cannot be heard when no link is up. */
export function suppose(situation: Situation, suppositions: readonly Supposition[]): Situation {
  const changed = suppositions.reduce(supposeOne, situation)
  const { peer, links } = changed
  if (peer === null || links.some(({ up }) => up)) return changed
  return { ...changed, peer: { ...peer, alive: false } }
}

function supposeOne(situation: Situation, supposition: Supposition): Situation {
  const { own, peer } = situation
  switch (supposition.kind) {
    case 'link': {
      const { name, up } = supposition
      const links = situation.links.map((link) => (link.name === name ? { name, up } : link))
      return { ...situation, links }
    }
    case 'peer': {
      // A dead node is silent on every link; they are not broken, but nothing is heard on them.
      return peer === null
        ? situation
        : { ...situation, peer: { ...peer, alive: supposition.alive } }
    }
    case 'pause':
      return { ...situation, paused: supposition.paused }
    case 'unit': {
      const change = { [`${supposition.unit}Alive`]: supposition.alive }
      if (supposition.of === 'own') return { ...situation, own: { ...own, ...change } }
      if (peer === null) return situation
      const units = { ...peer, ...change }
      const ready = units.switchAlive && units.mediaAlive
      return { ...situation, peer: { ...units, ready } }
    }
  }
}

/** One sentence that goes with the answer. `silentMs`: how long this node waits for its peer. */
export function consequence(before: Situation, after: Situation, silentMs: number): string {
  if (after.peer === null) return 'the peer is not heard, and nothing is known of it'
  if (before.peer?.alive && !after.peer.alive) {
    return `the peer would not be heard on any link for ${silentMs} ms`
  }
  const up = after.links.filter((link) => link.up).length
  return `the peer would still be heard on ${up} of ${after.links.length} links`
}
