//! Operations of this node that the peer has not confirmed: it was away or sync was down when they began or ended.
//! They are told again as they are then; the peer may hear the same one as often as it comes.
import type { Operation } from '../control/operation-schema.ts'
import { limits } from '../limits.ts'
import type { Operations } from '../oam/operations.ts'

export class UntoldOperations {
  readonly #operations: Operations
  readonly #tellPeer: (operation: Operation) => Promise<boolean>
  /** The next to be told first. */
  readonly #ids: Set<string>
  #isTelling = false
  #againMs = 0

  /** Of an earlier life nobody knows what the peer has heard: the newest are told.
   * @param tellPeer whether it has answered */
  constructor(
    operations: Operations,
    node: string,
    tellPeer: (one: Operation) => Promise<boolean>,
  ) {
    this.#operations = operations
    this.#tellPeer = tellPeer
    const own = operations.list().filter((one) => one.node === node)
    this.#ids = new Set(
      own
        .slice(0, limits.operationsShown)
        .reverse()
        .map(({ id }) => id),
    )
  }

  /** @returns true when the peer has heard it. */
  async tell(operation: Operation): Promise<boolean> {
    const { id, state } = operation
    // What cannot be told, e.g. as it is too long, holds up nothing else.
    this.#ids.delete(id)
    this.#ids.add(id)
    const [oldest] = this.#ids
    if (this.#ids.size > limits.operationsKept && oldest !== undefined) this.#ids.delete(oldest)
    const isTold = await this.#tellPeer(operation)
    if (isTold && this.#operations.get(id)?.state === state) this.#ids.delete(id)
    return isTold
  }

  /** To be called now and then. */
  async advance(nowMs: number, isPeerHeard: boolean): Promise<void> {
    if (!isPeerHeard || this.#isTelling || nowMs < this.#againMs) return
    this.#againMs = nowMs + limits.peerAnswerMsMax
    this.#isTelling = true
    for (const id of [...this.#ids]) {
      const operation = this.#operations.get(id)
      if (operation === null) this.#ids.delete(id)
      else if (!(await this.tell(operation))) break
    }
    this.#isTelling = false
  }
}
