//! Unit 3b as one object for the composing file: the standby's and the primary's side and the channel
//! of control requests. Pure: time is an argument, what is to be done is returned.
import type { Role } from '../bus/messages.ts'
import { type RecordChange, type TableName, tableNames } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'
import { readRecord, serialiseRecord } from '../wire/sync-body.ts'
import { decodeSyncFrame, encodeSyncFrame } from '../wire/sync-frame.ts'
import type { SyncBody, SyncFrame } from '../wire/sync-frame-types.ts'
import { BootGate } from './boot-gate.ts'
import { Giving } from './giving.ts'
import { HeardSip } from './heard-sip.ts'
import { type JournalRow, writeTurn } from './journal-turn.ts'
import { PeerChannel } from './peer-channel.ts'
import { type Port, type ReplicatorOutput, sendBody } from './port.ts'
import { PrimarySide } from './primary.ts'
import { Receiver } from './receiver.ts'
import type { ReplicationStatus, TableStates } from './replication-status.ts'
import { Sender } from './sender.ts'
import { StandbySide } from './standby.ts'
import { Taking } from './taking.ts'

export type { ReplicatorOutput } from './port.ts'

interface ReplicatorOptions {
  readonly tables: Tables
  /** The pair key. */
  readonly key: Uint8Array
  /** Hex, 16 digits; new at every start of the switch unit. */
  readonly bootId: string
}

type RowsFrame = Extract<SyncFrame, { kind: 'rows' | 'rows-ack' }>
type ReceivedFrame = Exclude<ReturnType<typeof decodeSyncFrame>, string>

/** A kind of frame that is not known here is answered this often. */
const unknownAnswerMs = 1_000
/** An incompatible peer counts as one until nothing of it came for this long. */
const foreignMs = 5_000

export class Replicator {
  readonly #options: ReplicatorOptions
  readonly #sender: Sender
  readonly #receiver: Receiver
  readonly #primary: PrimarySide
  readonly #standby: StandbySide
  readonly #channel: PeerChannel
  readonly #taking = new Taking()
  /** Before this standby follows, it gives what only it has. */
  #giving: Giving | null = null
  #gifts = 0
  readonly #heard = new HeardSip()
  readonly #port: Port
  readonly #refused: Record<string, number> = {}
  #role: Role = 'starting'
  #term = 0
  #peerAlive = false
  #preferredLink = 0
  #sequence = 0
  #wasInStep = false
  readonly #boots = new BootGate()
  /** Newest question of the peer's database. */
  #rows = { boot: '', ref: 0 }
  /** When each kind of frame that is not known here was answered last. */
  readonly #answeredUnknown = new Map<number, number>()
  /** When the last frame of an incompatible version came. */
  #foreignAtMs = Number.NEGATIVE_INFINITY
  #outputs: ReplicatorOutput[] = []
  #untold = false

  constructor(options: ReplicatorOptions) {
    const { tables } = options
    this.#options = options
    this.#port = {
      bootId: options.bootId,
      encode: (body, term) => this.#encode(body, term ?? this.#term),
      datagram: (bytes, links) => {
        const link = links === 'all' ? links : this.#preferredLink
        this.#outputs.push({ kind: 'datagram', bytes, link })
      },
      output: (output) => this.#outputs.push(output),
      refuse: (why) => this.#refuse(why),
    }
    this.#sender = new Sender(tables, { encode: this.#port.encode, serialise: serialiseRecord })
    this.#receiver = new Receiver(tables, readRecord)
    this.#primary = new PrimarySide(tables, this.#sender, this.#port)
    this.#standby = new StandbySide(tables, this.#receiver, this.#port)
    this.#channel = new PeerChannel(options.bootId)
  }

  /** Give every change of origin `local` (`Tables.onChange`), then call `advance` at the end of the
   * turn: several changes of one record in a turn are one frame. */
  changed(change: RecordChange): void {
    this.#sender.changed(change.address)
  }

  /** @returns null when nothing has to be waited for, else a token that comes back in `replicated`. */
  whenReplicated(changes: readonly RecordChange[]): string | null {
    return this.#primary.whenReplicated(changes)
  }

  /** Two primaries met; call it before `setRole`. The one that lost then calls `give`. */
  beginMerge(merge: 'give' | 'take', nowMs: number): void {
    if (merge === 'take') this.#taking.open(nowMs)
    else this.#giving = new Giving(++this.#gifts, nowMs)
  }

  setRole(role: Role, term: number, nowMs: number): ReplicatorOutput[] {
    const roleChanged = role !== this.#role
    const termChanged = term > this.#term
    this.#untold = this.untold(nowMs)
    if (role !== 'standby') this.#giving = null
    this.#role = role
    this.#term = Math.max(term, this.#term)
    if (roleChanged && role === 'standby') this.#sender.release()
    // What waits here must not leave: this node is silent from now on.
    if (roleChanged && role !== 'primary') this.#primary.forgetWaiting()
    // S1.106: a change of roles ends what was under way; so does a new term of the primary.
    if (roleChanged || (termChanged && role === 'primary')) this.#restart(nowMs)
    return this.advance(nowMs)
  }

  /** @param alive the pair hears the peer, and the peer's switch lives. */
  setPeer(alive: boolean, nowMs: number): ReplicatorOutput[] {
    const changed = alive !== this.#peerAlive
    this.#peerAlive = alive
    if (changed) this.#restart(nowMs)
    return this.advance(nowMs)
  }

  /** What this node has and its peer has not; text of the switching. */
  give(bodies: readonly string[], nowMs: number): ReplicatorOutput[] {
    this.#giving?.begin(bodies, nowMs)
    return this.advance(nowMs)
  }

  /** The answer to a `gift`: it is in the tables. */
  adopted(body: string): ReplicatorOutput[] {
    const reply = this.#taking.adopted(body)
    if (reply !== null) sendBody(this.#port, reply, 'all')
    return this.#take()
  }

  /** Sessions of the peer may be on their way to this primary. */
  isMerging(nowMs: number): boolean {
    return this.#role === 'primary' && this.#taking.isOpen(nowMs)
  }

  /** `vccs reinit`: a standby throws its records away, in its units too, and asks for all of them. It is
   * not in step until they are here, so that no planned switchover comes to it; should the primary die
   * meanwhile, it serves with what has come.
   * @returns null when this node is no standby, or hears no primary to ask. */
  reinit(nowMs: number): ReplicatorOutput[] | null {
    if (this.#role !== 'standby' || !this.#peerAlive) return null
    this.#standby.reinit(nowMs)
    return this.advance(nowMs)
  }

  /** @param linkIndex the link it came on; answers and first sendings take that one. */
  receive(datagram: Uint8Array, linkIndex: number, nowMs: number): ReplicatorOutput[] {
    const frame = decodeSyncFrame(datagram, this.#options.key)
    if (typeof frame === 'string') this.#refuseUnread(frame, nowMs)
    else if (frame.bootId === this.#options.bootId) this.#refuse('own')
    else {
      this.#preferredLink = linkIndex
      this.#receiveFrame(frame, nowMs)
    }
    return this.advance(nowMs)
  }

  /** The answer to a `rebuild`: the record is, or could not be, rebuilt in core and media. */
  rebuilt(token: number, ok: boolean, nowMs: number): ReplicatorOutput[] {
    this.#standby.deliver(this.#receiver.rebuilt(token, ok))
    return this.advance(nowMs)
  }

  /** Sends what waits, repeats what is due. To be called at the end of each turn of the loop in which
   * a record changed, and at `nextTimerMs`. */
  advance(nowMs: number): ReplicatorOutput[] {
    const { bodies, outputs } = this.#channel.advance(nowMs, this.#peerAlive)
    this.#outputs.push(...outputs)
    for (const body of bodies) sendBody(this.#port, body, 'all')
    if (this.#role === 'standby' && this.#peerAlive) {
      if (this.#giving === null) this.#standby.advance(nowMs)
      else this.#advanceGiving(this.#giving, nowMs)
    }
    if (this.#role === 'primary' && this.#peerAlive) this.#primary.advance(nowMs)
    // Of the catch-up only: a record under way must not make it flicker.
    const inStep = this.#isFollowed()
    if (inStep !== this.#wasInStep) this.#outputs.push({ kind: 'in-step', inStep })
    if (inStep) this.#untold = false
    this.#wasInStep = inStep
    return this.#take()
  }

  /** When `advance` has to be called; infinity when not. */
  nextTimerMs(): number {
    const channelMs = this.#channel.nextTimerMs()
    if (!this.#peerAlive || this.#role === 'starting') return channelMs
    const follower = this.#giving ?? this.#standby
    const side = this.#role === 'standby' ? follower : this.#primary
    return Math.min(channelMs, side.nextTimerMs())
  }

  /** Records whose flag is not NONE. */
  pending(): number {
    return this.#options.tables.pending()
  }

  /** Standby: everything of the primary is here. Primary: the standby has everything but what is just
   * under way. */
  inStep(nowMs: number): boolean {
    return this.#isFollowed() && (this.#role === 'standby' || !this.#sender.lags(nowMs))
  }

  /** This node served, and the peer had not everything when that ended: until it has what the peer has. */
  untold(nowMs: number): boolean {
    return this.#role === 'primary' ? !this.inStep(nowMs) : this.#untold
  }

  /** Asks the peer's switch. The answer comes as a `peer-response` with this number, at the latest
   * after `limits.peerAnswerMsMax`; call `advance` after it. */
  askPeer(body: string, nowMs: number): number {
    return this.#channel.ask(body, nowMs)
  }

  /** The answer to a `peer-request`, once. */
  answerPeer(request: { boot: string; ref: number }, body: string): ReplicatorOutput[] {
    const reply = this.#channel.answer(request.boot, request.ref, body)
    if (reply !== null) sendBody(this.#port, reply, 'preferred')
    return this.#take()
  }

  /** Sends rows of the database or their answer; `database/row-sync.ts` repeats them. */
  sendRows(rows: { kind: 'rows' | 'rows-ack'; ref: number; body: string }): ReplicatorOutput[] {
    if (this.#peerAlive) sendBody(this.#port, rows, rows.kind === 'rows' ? 'all' : 'preferred')
    return this.#take()
  }

  /** What this node heard on its SIP port, for the peer, which does not hear it. */
  passOn(bytes: Uint8Array, from: { address: string; port: number }): ReplicatorOutput[] {
    const body = this.#heard.bodyOf(bytes, from)
    if (body !== null) sendBody(this.#port, body, 'all')
    return this.#take()
  }

  /** Bytes for the journal. */
  turnOf(rows: readonly JournalRow[]): Uint8Array {
    return writeTurn(this.#term, rows, this.#options.key)
  }

  status(nowMs: number): ReplicationStatus {
    return {
      inStep: this.inStep(nowMs),
      pending: this.pending(),
      peer: this.#peerAlive ? (this.#isFollowed() ? 'following' : 'catching-up') : 'none',
      sent: { ...this.#sender.counters },
      received: { ...this.#receiver.counters },
      refused: { ...this.#refused },
      incompatible: nowMs - this.#foreignAtMs < foreignMs,
      lastSweep: this.#primary.lastSweep,
      verify: this.#verifyStatus(),
    }
  }

  /** Makes the digests of all that has changed: for who wants to know. */
  tableStates(): TableStates {
    const states = {} as Record<TableName, TableStates[TableName]>
    for (const name of tableNames) {
      const { size, pending, hash } = this.#options.tables.any(name)
      states[name] = { records: size, pending, hash }
    }
    return states
  }

  #verifyStatus(): ReplicationStatus['verify'] {
    const { counters, comparedAtMs: atMs } = this.#standby
    return { ...counters, damaged: counters.damaged + this.#primary.damaged, atMs }
  }

  /** The standby has caught up, seen from the side this node has. */
  #isFollowed(): boolean {
    if (!this.#peerAlive || this.#role === 'starting') return false
    return this.#role === 'standby' ? this.#standby.complete : this.#primary.confirmed
  }

  #restart(nowMs: number): void {
    this.#primary.stop()
    this.#standby.stop()
    if (!this.#peerAlive) return
    if (this.#role === 'primary') this.#primary.start(nowMs)
    if (this.#role === 'standby' && this.#giving === null) this.#standby.start(nowMs)
  }

  #advanceGiving(giving: Giving, nowMs: number): void {
    const end = giving.end(nowMs)
    if (end === null) {
      for (const body of giving.advance(nowMs)) sendBody(this.#port, body, 'all')
      return
    }
    this.#giving = null
    this.#outputs.push({ kind: 'gave', ok: end.ok, body: end.ok ? end.body : '' })
    this.#standby.start(nowMs)
    this.#standby.advance(nowMs)
  }

  #receiveGift(frame: Extract<SyncFrame, { kind: 'give' }>, nowMs: number): void {
    // In the present term only: a recording of an earlier merge tells nothing.
    const isNow = this.#role === 'primary' && frame.term === this.#term
    const taken = isNow ? this.#taking.receive(frame.bootId, frame, nowMs) : 'closed'
    if (taken === 'closed') {
      this.#refuse('no-merge')
      return
    }
    if (taken.reply !== undefined) sendBody(this.#port, taken.reply, 'preferred')
    if (taken.bodies !== undefined) this.#outputs.push({ kind: 'gift', bodies: taken.bodies })
  }

  #receiveFrame(frame: ReceivedFrame, nowMs: number): void {
    const judged = this.#boots.judge(frame, nowMs)
    if (judged === 'refused') this.#refuse('old-boot')
    else if (frame.kind === 'unknown') this.#answerUnknown(frame.code, nowMs)
    else if (frame.kind === 'not-known') this.#refuse(`not-known-there-${frame.code}`)
    else if (frame.kind === 'response') {
      const output = this.#channel.response(frame, nowMs)
      if (output !== null) this.#outputs.push(output)
    } else if (frame.kind === 'request') {
      const { reply, output } = this.#channel.request(frame)
      if (reply !== undefined) sendBody(this.#port, reply, 'preferred')
      if (output !== undefined) this.#outputs.push(output)
    } else if (frame.kind === 'heard') {
      if (this.#heard.isNew(frame.bootId, frame.ref)) this.#outputs.push(frame)
    } else if (!this.#peerAlive) this.#refuse('no-peer')
    else if (frame.kind === 'rows' || frame.kind === 'rows-ack') this.#receiveRows(frame)
    else if (frame.kind === 'give') this.#receiveGift(frame, nowMs)
    else if (frame.kind === 'give-ack' || frame.kind === 'given') this.#giving?.receive(frame)
    else if (this.#giving !== null) this.#refuse('giving')
    else if (this.#role === 'primary') {
      if (frame.kind === 'request-all') this.#taking.close()
      this.#primary.receive(frame, this.#term, nowMs)
    } else if (this.#role === 'standby' && frame.term >= this.#term) {
      this.#term = frame.term
      this.#standby.receive(frame, judged === 'fresh', nowMs)
    } else this.#refuse(this.#role === 'standby' ? 'old-term' : 'role')
  }

  /** A question is answered again while it is the newest; an earlier one is a recording, or late, and
   * would undo what came after it. */
  #receiveRows({ kind, ref, body, bootId }: RowsFrame): void {
    if (kind === 'rows') {
      if (this.#rows.boot === bootId && ref < this.#rows.ref) {
        this.#refuse('replayed')
        return
      }
      this.#rows = { boot: bootId, ref }
    }
    this.#outputs.push({ kind, ref, body })
  }

  #encode(body: SyncBody, term: number): Uint8Array | null {
    const header = { bootId: this.#options.bootId, term, sequence: this.#sequence++ }
    const bytes = encodeSyncFrame({ ...header, ...body }, this.#options.key)
    return bytes === 'too-long' ? null : bytes
  }

  #refuseUnread(why: string, nowMs: number): void {
    if (why === 'version') this.#foreignAtMs = nowMs
    this.#refuse(why)
  }

  /** A newer peer hears which of its frames do nothing here; now and then, as it may send many. */
  #answerUnknown(code: number, nowMs: number): void {
    this.#refuse('unknown-kind')
    const answeredMs = this.#answeredUnknown.get(code)
    if (answeredMs !== undefined && nowMs - answeredMs < unknownAnswerMs) return
    this.#answeredUnknown.set(code, nowMs)
    sendBody(this.#port, { kind: 'not-known', code }, 'preferred')
  }

  #refuse(why: string): void {
    this.#refused[why] = (this.#refused[why] ?? 0) + 1
  }

  #take(): ReplicatorOutput[] {
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }
}
