//! Joins the replicator to its sockets: one UDP socket a link, one timer, and the questions that one
//! node's control socket passes to the other.
import type { NodeConfig } from '../oam/node-config.ts'
import { monotonicMs } from '../platform/clock.ts'
import { type DatagramSocket, openDatagram } from '../platform/udp.ts'
import type { Replicator, ReplicatorOutput } from '../replication/replicator.ts'
import { failure, type Result, success } from '../result.ts'

type OutputOf<K extends ReplicatorOutput['kind']> = Extract<ReplicatorOutput, { kind: K }>

interface SyncOutlets {
  /** A record of the peer is in the tables; rebuild it, then call `rebuilt`. */
  rebuild(output: OutputOf<'rebuild'>): void
  /** What `whenReplicated` gave the token for is with the standby. */
  replicated(token: string): void
  inStep(inStep: boolean): void
  /** @returns the answer as JSON text. */
  peerRequest(body: string): Promise<string>
  rows(output: OutputOf<'rows' | 'rows-ack'>): void
  /** Called after each turn in which something may have changed. */
  settled(): void
  error(text: string): void
}

type Asked = (answer: Result<string>) => void

export class SyncLink {
  readonly #config: NodeConfig
  readonly #replicator: Replicator
  readonly #out: SyncOutlets
  readonly #asked = new Map<number, Asked>()
  #sockets: DatagramSocket[] = []

  constructor(config: NodeConfig, replicator: Replicator, outlets: SyncOutlets) {
    this.#config = config
    this.#replicator = replicator
    this.#out = outlets
  }

  /** Opens a socket on every link. A link whose address is missing now is an error of that link only:
   * @returns the texts of those. */
  async open(): Promise<string[]> {
    const problems: string[] = []
    for (const [index, link] of this.#config.links.entries()) {
      const opened = await openDatagram({
        address: link.own,
        port: this.#config.pair.syncPort,
        kind: 'pair',
        onDatagram: (bytes, from) => {
          if (from.address === link.peer) this.#received(bytes, index)
        },
        onError: (text) => this.#out.error(`${link.name}: ${text}`),
      })
      if (opened.ok) this.#sockets[index] = opened.value
      else problems.push(`${link.name}: ${opened.failure.detail}`)
    }
    return problems
  }

  /** Carries out what the replicator gave back, and what that leads to. */
  perform(outputs: readonly ReplicatorOutput[]): void {
    for (const output of outputs) this.#performOne(output)
  }

  /** Sends what waits; to be called at the end of a turn in which records changed. */
  settle(): void {
    this.perform(this.#replicator.advance(monotonicMs()))
  }

  /** Asks the peer's switch through the authenticated channel. */
  async ask(body: string): Promise<Result<string>> {
    const ref = this.#replicator.askPeer(body, monotonicMs())
    const answer = new Promise<Result<string>>((resolve) => this.#asked.set(ref, resolve))
    this.settle()
    this.#out.settled()
    return answer
  }

  async close(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.close()))
    this.#sockets = []
  }

  #received(bytes: Uint8Array, link: number): void {
    this.perform(this.#replicator.receive(bytes, link, monotonicMs()))
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
      default:
        this.#out.rows(output)
    }
  }

  #send({ bytes, link }: OutputOf<'datagram'>): void {
    for (const [index, target] of this.#config.links.entries()) {
      if (link !== 'all' && link !== index) continue
      this.#sockets[index]?.send(bytes, this.#config.pair.syncPort, target.peer)
    }
  }

  async #answer({ boot, ref, body }: OutputOf<'peer-request'>): Promise<void> {
    // While this node starts, nobody can answer; the peer's question times out.
    const answer = await this.#out.peerRequest(body).catch(() => null)
    if (answer === null) return
    this.perform(this.#replicator.answerPeer({ boot, ref }, answer))
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
