//! The SIP messages of the last moments, for `vccs call trace`: a ring of a bounded size, read only when
//! somebody asks. What is kept is masked when it is shown.
import { limits } from '../limits.ts'
import { callIdOf, masked, summaryOf } from '../oam/sip-text.ts'
import type { Conference } from '../tables/wired-conference.ts'
import { legOf } from '../tables/wired-conference.ts'
import type { Endpoint } from '../wire/sip/message.ts'

interface Kept {
  readonly atMs: number
  readonly direction: 'in' | 'out'
  readonly peer: Endpoint
  readonly bytes: Uint8Array | string
}

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

export class CallTrace {
  /** Message n is at n modulo its length. */
  readonly #ring: (Kept | undefined)[] = []
  #count = 0
  #bytes = 0
  /** The first one that is kept. */
  #oldest = 0
  /** Call-IDs of sessions, the newest last: of ended ones, too. */
  readonly #sessions = new Map<string, Map<string, Leg>>()

  /** @param wallMs Unix milliseconds */
  keep(direction: 'in' | 'out', bytes: Uint8Array | string, peer: Endpoint, wallMs: number): void {
    if (this.#count - this.#oldest >= limits.traceMessages) this.#drop()
    this.#ring[this.#count % limits.traceMessages] = { atMs: wallMs, direction, peer, bytes }
    this.#count += 1
    this.#bytes += bytes.length
    while (this.#bytes > limits.traceBytes) this.#drop()
  }

  sessionChanged(sessionId: string, session: Conference | null): void {
    if (session === null) return
    const legs = this.#sessions.get(sessionId) ?? new Map<string, Leg>()
    this.#sessions.delete(sessionId)
    this.#sessions.set(sessionId, legs)
    for (const member of session.members) {
      legs.set(member.dialog.callId, { leg: legOf(member), number: member.user })
    }
    const [first] = this.#sessions.keys()
    if (this.#sessions.size > limits.traceSessions && first !== undefined) {
      this.#sessions.delete(first)
    }
  }

  /** Sessions whose number begins like this, the newest first. */
  sessionsLike(prefix: string): string[] {
    return [...this.#sessions.keys()].filter((id) => id.startsWith(prefix)).reverse()
  }

  /** Messages of a session after this one, oldest first.
   * @returns `more`: ask again after the last one; `cut`: the oldest ones are not kept any more */
  of(sessionId: string, after: number): { messages: TracedMessage[]; more: boolean; cut: boolean } {
    const legs = this.#sessions.get(sessionId) ?? new Map<string, Leg>()
    const cut = after === 0 && this.#oldest > 0
    const lengthMax = after === 0 ? firstTextMax : answerTextMax
    const messages: TracedMessage[] = []
    let length = 0
    for (let at = Math.max(after, this.#oldest); at < this.#count; at++) {
      const kept = this.#ring[at % limits.traceMessages]
      if (kept === undefined) continue
      const text = typeof kept.bytes === 'string' ? kept.bytes : Buffer.from(kept.bytes).toString()
      const leg = legs.get(callIdOf(text))
      if (leg === undefined) continue
      const message = traced(kept, leg, { sequence: at + 1, text })
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

  #drop(): void {
    const index = this.#oldest % limits.traceMessages
    this.#bytes -= this.#ring[index]?.bytes.length ?? 0
    this.#ring[index] = undefined
    this.#oldest += 1
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
  { atMs, direction, peer }: Kept,
  leg: Leg,
  { sequence, text }: { sequence: number; text: string },
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
