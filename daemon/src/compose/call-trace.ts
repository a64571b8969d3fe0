//! The SIP messages of the last moments, for `vccs call trace`: a ring of a bounded size, read only when
//! somebody asks. What is kept is masked when it is shown.
import { limits } from '../limits.ts'
import { callIdOf, masked, summaryOf } from '../oam/sip-text.ts'
import { ownText } from '../switching/transaction/settled.ts'
import type { Conference } from '../tables/wired-conference.ts'
import { legOf } from '../tables/wired-conference.ts'
import type { Endpoint } from '../wire/sip/message.ts'
import { MessageRing, type RingMessage } from './message-ring.ts'

interface TracedMessage {
  /** Grows by one with each message of this start of the daemon. */
  readonly sequence: number
  readonly at: string
  /** `in`: to the switch. */
  readonly direction: 'in' | 'out'
  readonly leg: string
  readonly number: string
  readonly address: string
  readonly summary: string
  readonly text: string
}

interface Leg {
  readonly leg: string
  readonly number: string
}

/** Characters in one answer, so that it crosses to the peer; the first one has what the peer has sent, too. */
const answerTextMax = 40_000
const firstTextMax = answerTextMax / 2

/** In the text of the legs of a session: no Call-ID has a line end in it. */
function beginOf(callId: string): string {
  return `\n\n${callId}\n`
}

/** Thousands of sessions are kept for their names only: as one text each they cost the garbage collector nothing. */
function legsOf(text: string): Map<string, Leg> {
  const entries = text.split('\n\n').slice(1)
  return new Map(
    entries.map((entry) => {
      const [callId = '', number = '', leg = ''] = entry.split('\n')
      return [callId, { leg, number: number.slice(1) }]
    }),
  )
}

export class CallTrace {
  readonly #ring = new MessageRing({ messages: limits.traceMessages, bytes: limits.traceBytes })
  /** Legs of sessions as text (`legsOf`), those that were seen first are first: of ended ones, too. */
  readonly #sessions = new Map<string, string>()

  /** @param wallMs Unix milliseconds */
  keep(direction: 'in' | 'out', bytes: Uint8Array, peer: Endpoint, wallMs: number): void {
    this.#ring.add(direction, bytes, peer, wallMs)
  }

  sessionChanged(sessionId: string, session: Conference | null): void {
    if (session === null) return
    const known = this.#sessions.get(sessionId) ?? ''
    let text = known
    for (const member of session.members) {
      const { callId } = member.dialog
      if (!text.includes(beginOf(callId))) {
        text += `${beginOf(callId)}#${member.user}\n${legOf(member)}`
      }
    }
    // A session changes often, and its legs seldom.
    if (text !== known) this.#sessions.set(sessionId, ownText(text))
    if (this.#sessions.size > limits.traceSessions) this.#forgetOldest()
  }

  /** Looking for the first one steps over all that were deleted before it: once a new session, no more. */
  #forgetOldest(): void {
    const [first] = this.#sessions.keys()
    if (first !== undefined) this.#sessions.delete(first)
  }

  /** Sessions whose number begins like this, the newest first. */
  sessionsLike(prefix: string): string[] {
    return [...this.#sessions.keys()].filter((id) => id.startsWith(prefix)).reverse()
  }

  /** Messages of a session after this one, oldest first.
   * @returns `more`: ask again after the last one; `cut`: the oldest ones are not kept any more */
  of(sessionId: string, after: number): { messages: TracedMessage[]; more: boolean; cut: boolean } {
    const legs = legsOf(this.#sessions.get(sessionId) ?? '')
    const cut = after === 0 && this.#ring.oldest > 0
    const lengthMax = after === 0 ? firstTextMax : answerTextMax
    const messages: TracedMessage[] = []
    let length = 0
    for (let at = Math.max(after, this.#ring.oldest); at < this.#ring.end; at++) {
      const kept = this.#ring.at(at)
      if (kept === null) continue
      const { text } = kept
      const leg = legs.get(callIdOf(text))
      if (leg === undefined) continue
      const message = traced(kept, leg, at + 1)
      length += Buffer.byteLength(JSON.stringify(message))
      if (length > lengthMax && messages.length > 0) return { messages, more: true, cut }
      messages.push(message)
    }
    return { messages, more: false, cut }
  }

  /** What this node has sent of a session, oldest first: as many messages as fit one answer. */
  sent(sessionId: string): TracedMessage[] {
    return this.of(sessionId, 0).messages.filter(({ direction }) => direction === 'out')
  }
}

/** The first messages of this node with those that the peer has sent in the same session while it was
 * primary. A message of the peer has the number of the one before it, behind which the next answer begins. */
export function withSentByPeer(
  own: readonly TracedMessage[],
  sent: readonly TracedMessage[],
): TracedMessage[] {
  const [first] = own
  if (first === undefined) return []
  const all = [...own, ...sent.map((one) => ({ ...one, sequence: 0 }))]
  let sequence = 0
  return all
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map((one) => {
      sequence = Math.max(sequence, one.sequence)
      return { ...one, sequence }
    })
}

function traced(
  { atMs, direction, peer, text }: RingMessage,
  leg: Leg,
  sequence: number,
): TracedMessage {
  return {
    sequence,
    at: new Date(atMs).toISOString(),
    direction,
    ...leg,
    address: peer.address.includes(':')
      ? `[${peer.address}]:${peer.port}`
      : `${peer.address}:${peer.port}`,
    summary: summaryOf(text),
    text: masked(text),
  }
}
