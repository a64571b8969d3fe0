//! What a terminal gets of its RTP streams, measured while it comes: packets that never came, and the
//! pauses between those that did. The twin of a packet is no packet of its own. Pure: times are those
//! of the capture, in ms since 1970.

interface Stream {
  ssrc: number
  /** Highest sequence number, without the wrap at 65,536. */
  highest: number
  lastNewMs: number
  /** Not come yet, and when the one after it came. */
  readonly missing: Map<number, number>
}

interface Loss {
  readonly port: number
  readonly sequence: number
  readonly atMs: number
}

interface Pause {
  readonly port: number
  readonly endMs: number
  readonly lengthMs: number
}

/** The twin of a packet comes within some ms; a packet of a repeated order of the network, too. */
const settleMs = 1_500
/** Shorter ones are the rule at a packet time of 20 ms. */
const pauseMsMin = 25
const pausesMax = 200_000

const ethernetBytes = 14

export class StreamMeter {
  readonly #streams = new Map<number, Stream>()
  readonly losses: Loss[] = []
  readonly #pauses: Pause[] = []
  /** First copies. */
  packets = 0
  duplicates = 0
  #nowMs = 0

  /** Ethernet frame of a datagram from the switch to the terminal. */
  frame(timeMs: number, bytes: Buffer): void {
    const udp = ethernetBytes + ((bytes[ethernetBytes] ?? 0) & 0x0f) * 4
    const rtp = udp + 8
    if (bytes.length < rtp + 12 || (bytes[rtp] ?? 0) >> 6 !== 2) return
    const type = (bytes[rtp + 1] ?? 0) & 0x7f
    // RTCP, RFC 5761 4.
    if (type >= 72 && type <= 79) return
    this.packet(bytes.readUInt16BE(udp + 2), timeMs, {
      sequence: bytes.readUInt16BE(rtp + 2),
      ssrc: bytes.readUInt32BE(rtp + 8),
    })
  }

  packet(port: number, timeMs: number, rtp: { sequence: number; ssrc: number }): void {
    this.#nowMs = Math.max(this.#nowMs, timeMs)
    const stream = this.#streams.get(port)
    if (stream === undefined || stream.ssrc !== rtp.ssrc) {
      if (stream !== undefined) this.#lose(port, stream, Number.POSITIVE_INFINITY)
      this.packets += 1
      const { ssrc, sequence } = rtp
      this.#streams.set(port, { ssrc, highest: sequence, lastNewMs: timeMs, missing: new Map() })
      return
    }
    const step = ((rtp.sequence - stream.highest + 0x8000) & 0xffff) - 0x8000
    const position = stream.highest + step
    if (step > 0) {
      this.packets += 1
      for (let one = stream.highest + 1; one < position; one += 1) stream.missing.set(one, timeMs)
      this.#pause(port, stream, timeMs)
      stream.highest = position
      stream.lastNewMs = timeMs
    } else if (stream.missing.delete(position)) this.packets += 1
    else this.duplicates += 1
  }

  #pause(port: number, stream: Stream, timeMs: number): void {
    const lengthMs = timeMs - stream.lastNewMs
    if (lengthMs < pauseMsMin) return
    this.#pauses.push({ port, endMs: timeMs, lengthMs })
    if (this.#pauses.length > pausesMax) this.#pauses.splice(0, pausesMax / 2)
  }

  #lose(port: number, stream: Stream, untilMs: number): void {
    for (const [position, atMs] of stream.missing) {
      if (atMs > untilMs) continue
      stream.missing.delete(position)
      this.losses.push({ port, sequence: position & 0xffff, atMs })
    }
  }

  /** Everything missing long enough is lost. */
  settle(): void {
    for (const [port, stream] of this.#streams) this.#lose(port, stream, this.#nowMs - settleMs)
  }

  /** Ports whose stream has stopped. */
  silent(silentMs: number): number[] {
    return [...this.#streams].flatMap(([port, { lastNewMs }]) =>
      this.#nowMs - lastNewMs > silentMs ? [port] : [],
    )
  }

  get streams(): number {
    return this.#streams.size
  }

  lostBetween(fromMs: number, toMs: number): readonly Loss[] {
    return this.losses.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
  }

  /** Longest pause of any stream that ended in this time; 20 when none was longer than the rule. */
  longestPauseMs(fromMs: number, toMs: number): number {
    let longest = 20
    for (const { endMs, lengthMs } of this.#pauses) {
      if (endMs >= fromMs && endMs < toMs) longest = Math.max(longest, lengthMs)
    }
    return longest
  }
}
