//! Carries out what the replicator gives back: datagrams on the links, rebuilds, and the questions that
//! one node's control socket passes to the other. Without sockets: `sync-sockets.ts`.
import type { Clock } from '../platform/clock.ts'
import type { Replicator, ReplicatorOutput } from '../replication/replicator.ts'
import { failure, type Result, success } from '../result.ts'

type OutputOf<K extends ReplicatorOutput['kind']> = Extract<ReplicatorOutput, { kind: K }>

interface SyncOutlets {
  /** A datagram to the peer on this link. */
  send(bytes: Uint8Array, link: number): void
  /** A record of the peer is in the tables; rebuild it, then call `rebuilt`. */
  rebuild(output: OutputOf<'rebuild'>): void
  /** What `whenReplicated` gave the token for is with the standby. */
  replicated(token: string): void
  inStep(inStep: boolean): void
  /** @returns the answer as JSON text. */
  peerRequest(body: string): Promise<string>
  /** A table differs from the primary's or is damaged here, or was fetched anew. */
  tableFault(output: OutputOf<'table-fault'>): void
  rows(output: OutputOf<'rows' | 'rows-ack'>): void
  /** Two primaries met (`merge.ts`). */
  merge(output: OutputOf<'gift' | 'gave'>): void
  /** The peer has heard this on the SIP port. */
  heard(output: OutputOf<'heard'>): void
  /** Called after each turn in which something may have changed. */
  settled(): void
}

interface SyncParts {
  readonly replicator: Replicator
  readonly clock: Clock
  readonly links: number
}

type Asked = (answer: Result<string>) => void

export class SyncLink {
  readonly #parts: SyncParts
  readonly #out: SyncOutlets
  readonly #asked = new Map<number, Asked>()

  constructor(parts: SyncParts, outlets: SyncOutlets) {
    this.#parts = parts
    this.#out = outlets
  }

  /** Carries out what the replicator gave back, and what that leads to. */
  perform(outputs: readonly ReplicatorOutput[]): void {
    for (const output of outputs) this.#performOne(output)
  }

  /** Sends what waits; to be called at the end of a turn in which records changed. */
  settle(): void {
    const { replicator, clock } = this.#parts
    this.perform(replicator.advance(clock.monotonicMs()))
  }

  /** A datagram on the SIP port, for the peer, which does not hear it. */
  passOn(bytes: Uint8Array, from: { address: string; port: number }): void {
    this.perform(this.#parts.replicator.passOn(bytes, from))
  }

  /** Asks the peer's switch through the authenticated channel. */
  async ask(body: string): Promise<Result<string>> {
    const { replicator, clock } = this.#parts
    const ref = replicator.askPeer(body, clock.monotonicMs())
    const answer = new Promise<Result<string>>((resolve) => this.#asked.set(ref, resolve))
    this.settle()
    this.#out.settled()
    return answer
  }

  /** A datagram of the peer came on this link. */
  received(bytes: Uint8Array, link: number): void {
    const { replicator, clock } = this.#parts
    this.perform(replicator.receive(bytes, link, clock.monotonicMs()))
    this.#out.settled()
  }

  #performOne(output: ReplicatorOutput): void {
    switch (output.kind) {
      case 'datagram':
        this.#send(output)
        return
      case 'rebuild':
        this.#out.rebuild(output)
        return
      case 'replicated':
        this.#out.replicated(output.token)
        return
      case 'in-step':
        this.#out.inStep(output.inStep)
        return
      case 'peer-request':
        void this.#answer(output)
        return
      case 'peer-response':
        this.#answered(output)
        return
      case 'table-fault':
        this.#out.tableFault(output)
        return
      case 'gift':
      case 'gave':
        this.#out.merge(output)
        return
      case 'heard':
        this.#out.heard(output)
        return
      default:
        this.#out.rows(output)
    }
  }

  #send({ bytes, link }: OutputOf<'datagram'>): void {
    if (link !== 'all') this.#out.send(bytes, link)
    else for (let one = 0; one < this.#parts.links; one++) this.#out.send(bytes, one)
  }

  async #answer({ boot, ref, body }: OutputOf<'peer-request'>): Promise<void> {
    // While this node starts, nobody can answer; the peer's question times out.
    const answer = await this.#out.peerRequest(body).catch(() => null)
    if (answer === null) return
    this.perform(this.#parts.replicator.answerPeer({ boot, ref }, answer))
    this.#out.settled()
  }

  #answered({ ref, body, failure: why }: OutputOf<'peer-response'>): void {
    const done = this.#asked.get(ref)
    this.#asked.delete(ref)
    if (body !== null) done?.(success(body))
    else if (why === 'too-long') done?.(failure('operation-failed', 'the answer is too long'))
    else done?.(failure('peer-unreachable', `the peer does not answer (${why ?? 'unknown'})`))
  }
}
