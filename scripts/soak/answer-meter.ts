//! Which node answers SIP, as a terminal sees it: the MAC addresses of the answers to its questions. Pure.

interface Answer {
  readonly atMs: number
  readonly mac: string
}

const answersMax = 100_000

export class AnswerMeter {
  readonly #answers: Answer[] = []

  /** Ethernet frame of a datagram from the SIP port of the service address. */
  frame(timeMs: number, bytes: Buffer): void {
    const mac = [...bytes.subarray(6, 12)].map((one) => one.toString(16).padStart(2, '0')).join(':')
    this.#answers.push({ atMs: timeMs, mac })
    if (this.#answers.length > answersMax) this.#answers.splice(0, answersMax / 2)
  }

  /** First answer of a node from this time on. */
  firstOf(mac: string, fromMs: number): number | null {
    return this.#answers.find((one) => one.atMs >= fromMs && one.mac === mac)?.atMs ?? null
  }

  /** When the answering node changed between two times. */
  changesBetween(fromMs: number, toMs: number): number[] {
    const changes: number[] = []
    let last: string | null = null
    for (const { atMs, mac } of this.#answers) {
      if (atMs < fromMs || atMs >= toMs) continue
      if (last !== null && mac !== last) changes.push(atMs)
      last = mac
    }
    return changes
  }

  /** Longest time without an answer that ended in this time. */
  longestSilenceMs(fromMs: number, toMs: number): number {
    let longest = 0
    let lastMs: number | null = null
    for (const { atMs } of this.#answers) {
      if (atMs < fromMs || atMs >= toMs) continue
      if (lastMs !== null) longest = Math.max(longest, atMs - lastMs)
      lastMs = atMs
    }
    return longest
  }
}
