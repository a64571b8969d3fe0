//! The core switching unit (S1.16, S1.17): SIP in, effects out. Deterministic: no socket and no clock;
//! all state that must outlive this node is in the tables, so that the peer's core can go on with it.
import { assert } from '../assert.ts'
import { limits } from '../limits.ts'
import { failure, type Result, success } from '../result.ts'
import type { RtpFigures } from '../tables/call-record.ts'
import type { InputMap } from '../tables/wired-media.ts'
import type { Endpoint, SipRequest, SipResponse } from '../wire/sip/message.ts'
import { parseSip } from '../wire/sip/parse.ts'
import { withReason } from './call-record.ts'
import { type ConferenceOrder, carryOutOrder } from './conference/order.ts'
import { CoreCounts } from './core-counts.ts'
import type { CoreCounters, CoreOptions } from './core-types.ts'
import { type Dialled, HeardDigits } from './dialled.ts'
import type { CoreEffect, Now } from './effects.ts'
import { HeardMessages, isUnanswered, wantsAnswer } from './heard.ts'
import type { Plan } from './plan.ts'
import { DigestServer } from './registrar/digest.ts'
import { refusalOfMalformed } from './registrar/gate.ts'
import { seatAll, withPositions } from './registrar/positions.ts'
import { applyUserChanges, expired, type RegisterOutcome } from './registrar/registrar.ts'
import { Router } from './router.ts'
import { services } from './services/services.ts'
import { conferencePackage } from './subscription/conference-package.ts'
import { dialogPackage } from './subscription/dialog-package.ts'
import { focusViewOf } from './subscription/focus-view.ts'
import { presencePackage } from './subscription/presence-package.ts'
import { registrationPackage } from './subscription/registration-package.ts'
import { Subscriptions } from './subscription/subscriptions.ts'
import { watchedTables } from './subscription/watched-tables.ts'
import { TransactionLayer } from './transaction/layer.ts'
import type { LayerOutput } from './transaction/layer-types.ts'
import { statelessAnswer } from './transaction/stateless.ts'
import type { TrunkState } from './trunk/prober.ts'
import { UnknownDialogs } from './unknown-dialogs.ts'
import { Exchange } from './wired/exchange.ts'
import type { Gift } from './wired/merge-text.ts'
import { type Apart, giftOf, type MergeSteps, mergeSteps } from './wired/merging.ts'
import { restoreAll } from './wired/restore.ts'
import { noteRtp } from './wired/rtp-figures.ts'
import { isOver } from './wired/sessions.ts'
import { noteTakeOver, rememberTakeOver } from './wired/taken-over.ts'

const expiryCheckMs = 1_000

const eventPackages = [
  dialogPackage,
  presencePackage,
  conferencePackage(focusViewOf),
  registrationPackage,
]

export class Core {
  readonly #options: CoreOptions
  readonly #layer: TransactionLayer
  readonly #exchange: Exchange
  readonly #subscriptions: Subscriptions
  readonly #router: Router
  readonly #heard = new HeardMessages()
  readonly #dialled = new HeardDigits()
  #isPrimary = false
  #nextExpiryCheckMs = 0
  readonly #unknownDialogs: UnknownDialogs
  readonly #counts = new CoreCounts()

  constructor(options: CoreOptions) {
    const { address, peerAddress, sipPort, realm, secret, newToken } = options
    const touched = new Set<string>()
    const tables = withPositions(options.tables, () => this.#exchange.plan.positions)
    this.#options = { ...options, tables: watchedTables(tables, touched) }
    this.#layer = new TransactionLayer({
      sentBy: { address, port: sipPort },
      peerSentBy: peerAddress === undefined ? null : { address: peerAddress, port: sipPort },
      newBranch: newToken,
    })
    const accounts = () => options.tables.phoneBook.values()
    const digest = new DigestServer({ realm, secret, accounts })
    this.#exchange = new Exchange(this.#options, { layer: this.#layer, digest, services })
    this.#subscriptions = new Subscriptions(this.#exchange, eventPackages, touched)
    this.#router = new Router(this.#exchange, this.#subscriptions, touched)
    this.#unknownDialogs = new UnknownDialogs((request) => this.#router.isOfUnknownDialog(request))
  }

  get plan(): Plan {
    return this.#exchange.plan
  }

  /** No peer is heard: it is dead, or on the other side of a cut and serves as well. */
  setAlone(isAlone: boolean): void {
    this.#unknownDialogs.isAlone = isAlone
  }

  /** The site has changed, or was read for the first time. */
  setPlan(plan: Plan): void {
    this.#exchange.plan = plan
    if (!this.#isPrimary) return
    seatAll(this.#options.tables, plan.positions)
    this.#exchange.trunkProber.changed()
  }

  get isPrimary(): boolean {
    return this.#isPrimary
  }

  /** One datagram. A standby counts it, remembers it for a while, and stays silent (S1.116, S1.117). */
  receive(bytes: Uint8Array, source: Endpoint, now: Now): CoreEffect[] {
    this.#counts.received += 1
    if (!this.#isPrimary) {
      this.#heard.keep(bytes, source, now.monotonicMs)
      return []
    }
    const message = parseSip(bytes)
    if (message.kind !== 'malformed') {
      this.#heard.meet(message)
      if (this.#unknownDialogs.mayBeOfPeer(message, now.monotonicMs)) {
        return this.#router.drop('merging')
      }
      return this.#take(message, source, now)
    }
    this.#counts.malformed += 1
    if (message.reply === null) {
      this.#router.drop('malformed')
      return []
    }
    const { status, extras } = refusalOfMalformed(message.reply, message.status)
    const outgoing = statelessAnswer(message.reply, status, source, extras)
    return this.#counts.counted([{ kind: 'send', session: '', outgoing, afterReplication: false }])
  }

  /** Fires what is due. */
  advance(now: Now): CoreEffect[] {
    if (!this.#isPrimary) return []
    const effects = this.#run(null, this.#layer.advance(now.monotonicMs), { now, registered: null })
    effects.push(...this.#answerLate(now))
    for (const dialled of this.#dialled.take()) effects.push(...this.digit(dialled, now))
    for (const mediaId of this.#exchange.endingLegs.take(now.monotonicMs)) {
      this.#options.tables.wiredMedia.delete(mediaId)
    }
    effects.push(...rememberTakeOver(this.#exchange, now))
    const { timers } = this.#exchange
    for (let due = timers.take(now.monotonicMs); due !== null; due = timers.take(now.monotonicMs)) {
      effects.push(...this.#ended(this.#router.timer(due, now), now))
    }
    if (now.monotonicMs >= this.#nextExpiryCheckMs) {
      this.#nextExpiryCheckMs = now.monotonicMs + expiryCheckMs
      const users = this.#options.tables.user
      applyUserChanges(users, expired(users.values(), now.wallMs))
      this.#exchange.digest.forgetOld(now.wallMs)
    }
    effects.push(...this.#counts.counted(this.#exchange.trunkProber.advance(now)))
    effects.push(...this.#ended(this.#subscriptions.advance(now), now))
    return effects
  }

  /** Monotonic milliseconds of the next call of `advance`; null on a standby. */
  nextTimerMs(): number | null {
    if (!this.#isPrimary) return null
    const { timers, endingLegs, takenOver, trunkProber } = this.#exchange
    const times = [
      trunkProber.nextMs(),
      this.#layer.nextTimerMs(),
      timers.nextMs(),
      this.#heard.nextMs(),
      this.#subscriptions.nextMs(),
      endingLegs.nextMs(),
      this.#dialled.nextMs(),
      takenOver.nextMs(),
    ]
    return times.reduce<number>(
      (earliest, atMs) => (atMs === null ? earliest : Math.min(earliest, atMs)),
      this.#nextExpiryCheckMs,
    )
  }

  /** Take-over or start: goes on with every session of the tables. No SIP leaves because of it; what
   * the peer has not answered any more is taken up by `advance`.
   * @param servedAtMs last sign of life of the peer's switch; null: it gave none
   * @param term of this node, for the call records */
  becomePrimary(now: Now, servedAtMs: number | null = null, term = 0): CoreEffect[] {
    if (this.#isPrimary) return []
    this.#isPrimary = true
    this.#nextExpiryCheckMs = now.monotonicMs + expiryCheckMs
    restoreAll(this.#exchange, now)
    this.#exchange.digest.begin(this.#options.newToken())
    seatAll(this.#options.tables, this.#exchange.plan.positions)
    this.#subscriptions.restore(now)
    this.#exchange.trunkProber.changed()
    noteTakeOver(this.#exchange, term, now)
    this.#heard.begin(servedAtMs, now.monotonicMs)
    this.#dialled.begin(servedAtMs, now.monotonicMs, (id) => this.#router.lastDigit(id))
    const fields = { sessions: this.liveSessions, transactions: this.#layer.size }
    return [{ kind: 'log', level: 'info', text: 'the core serves', fields }]
  }

  /** The peer serves: the tables are its own now, and nothing that was open here is. */
  becomeStandby(): void {
    this.#isPrimary = false
    this.#layer.clear()
    this.#exchange.clear()
    this.#subscriptions.clear()
    this.#heard.clear()
    this.#dialled.clear()
  }

  /** The operator ends a call (`vccs call release`).
   * @param reason value of a Reason header, for the terminals and the call record; empty: none
   * @returns null when there is no such live session. */
  release(sessionId: string, now: Now, reason = ''): CoreEffect[] | null {
    const { sessions } = this.#exchange
    const session = sessions.get(sessionId)
    if (!this.#isPrimary || session === undefined || isOver(session)) return null
    if (reason !== '') sessions.save(withReason(session, reason))
    return this.#ended(this.#router.release(sessionId, now), now)
  }

  /** The last word of the media unit on legs that are gone, for the call records. */
  legsEnded(legs: readonly (RtpFigures & { readonly mediaId: string })[]): void {
    if (this.#isPrimary) noteRtp(this.#exchange.sessions, legs)
  }

  /** ADR 0001: two primaries met. Until then an in-dialog request that nobody here knows is dropped. */
  awaitSessions(untilMs: number): void {
    this.#unknownDialogs.awaitsUntilMs = untilMs
  }

  /** An operator's order for a conference, or for a call that becomes one.
   * @param name its number, or the ID of a session
   * @returns `wrong-role`, `not-found`, `operation-failed` */
  conference(name: string, order: ConferenceOrder, now: Now): Result<CoreEffect[]> {
    if (!this.#isPrimary) return failure('wrong-role', 'the primary has the conferences')
    const done = carryOutOrder(this.#exchange, { name, order }, now)
    return done.ok ? success(this.#ended(done.value, now)) : done
  }

  /** What this node has and its peer may not have. */
  gift(apart: Apart): Gift {
    return giftOf(this.#exchange, apart)
  }

  /** How this primary adopts what its peer gives. */
  adopt(gift: Gift, apart: Apart): MergeSteps {
    const { steps, ...merge } = mergeSteps(this.#exchange, gift, apart)
    return { ...merge, steps: steps.map((step) => (now) => this.#ended(step(now), now)) }
  }

  /** The peer has every record: no merge will ask who was told of the ends before. */
  forgetUntold(): void {
    this.#exchange.forgetUntold()
  }

  /** The primary's media has mapped an input stream to ticks; both nodes must use that mapping. */
  inputMapped(mediaId: string, map: InputMap): void {
    const { wiredMedia } = this.#options.tables
    const leg = wiredMedia.get(mediaId)
    if (!this.#isPrimary || leg === undefined) return
    wiredMedia.put({ ...leg, inputMaps: [...leg.inputMaps.slice(-1), map] })
  }

  /** A terminal has dialled, as this node's media unit heard it; that of the peer heard it, too. */
  digit(dialled: Dialled, now: Now): CoreEffect[] {
    if (this.#isPrimary) return this.#ended(this.#router.digit(dialled, now), now)
    this.#dialled.keep(dialled, now.monotonicMs)
    return []
  }

  /** S1.55: the media unit has ended a bridge. It follows the tables, so a live session that loses its
   * bridge is a fault. */
  conferenceEnded(conferenceId: number): CoreEffect[] {
    const { wiredMedia } = this.#options.tables
    // Looking through all legs is left for the case that a session still has the bridge.
    if (!this.#exchange.resources.isTaken(conferenceId)) return []
    if (![...wiredMedia.values()].some((leg) => leg.conferenceId === conferenceId)) return []
    const fields = { conferenceId }
    return [{ kind: 'log', level: 'warn', text: 'a bridge with members ended', fields }]
  }

  /** Sessions that are not over, of the tables; right on a standby, too. A call back that waits has nobody
   * in it: it must not outweigh a call when two primaries meet. */
  get liveSessions(): number {
    let count = 0
    for (const session of this.#options.tables.wiredConference.values()) {
      if (!isOver(session) && session.callBack?.phase !== 'waiting') count += 1
    }
    return count
  }

  /** Where other systems are that need not register. */
  trunkPeers(): Endpoint[] {
    return this.#exchange.plan.trunks.flatMap(({ peer }) => (peer === null ? [] : [peer]))
  }

  /** How the other systems are (中继路由), as this node sees them. */
  trunkStates(nowWallMs: number): TrunkState[] {
    return this.#exchange.trunkProber.states(nowWallMs)
  }

  counters(): CoreCounters {
    return {
      ...this.#counts.figures(),
      dropped: { ...this.#router.dropped },
      callsStarted: this.#exchange.started,
      callsAnswered: this.#exchange.answered,
      transactions: this.#layer.size,
      requestsRefused: this.#layer.counters.requestsRefused,
      requestsUnsent: this.#layer.counters.requestsUnsent,
    }
  }

  /** What this core holds in memory beside the tables, by name: nothing of it may stay behind a call. */
  held(): Readonly<Record<string, number>> {
    const sleeping = this.#layer.nextTimerMs() === null
    return {
      ...this.#exchange.held(),
      ...this.#subscriptions.held(),
      transactions: this.#layer.size,
      'transaction timers': sleeping ? 0 : 1,
      heard: this.#heard.size,
      dialled: this.#dialled.size,
    }
  }

  #take(message: SipRequest | SipResponse, source: Endpoint, now: Now): CoreEffect[] {
    const judged = message.kind === 'request' ? this.#router.atTheDoor(message, source, now) : null
    if (judged?.kind === 'refused') {
      const { outgoing } = judged
      return this.#counts.counted([
        { kind: 'send', session: '', outgoing, afterReplication: false },
      ])
    }
    const output = this.#layer.receive(message, source, now.monotonicMs)
    return this.#run(message.callId, output, { now, registered: judged?.registered ?? null })
  }

  #answerLate(now: Now): CoreEffect[] {
    return this.#heard.take(now.monotonicMs).flatMap((late): CoreEffect[] => {
      const { message } = late
      const isNews = message.kind === 'request' && this.#subscriptions.isNews(message)
      if (!isNews && !isUnanswered(this.#exchange, late)) return []
      if (wantsAnswer(this.#exchange, late)) this.#counts.late += 1
      return this.#take(message, late.source, now)
    })
  }

  /** What the layer says by itself (100, 200 to a CANCEL, ACK of a refusal) ends the repetitions of the
   * other side, so it waits for what the message has changed: else the message would be lost with us. */
  #run(
    callId: string | null,
    output: LayerOutput,
    { now, registered }: { now: Now; registered: RegisterOutcome | null },
  ): CoreEffect[] {
    const sessionOf = () => this.#exchange.sessions.ofCallId(callId ?? '')
    const before = sessionOf()
    const effects = output.events.flatMap((event) =>
      this.#router.transaction(event, now, registered),
    )
    const session = before ?? sessionOf()
    const sends = output.send.map((outgoing): CoreEffect => {
      const afterReplication = session !== undefined
      return { kind: 'send', session: session ?? '', outgoing, afterReplication }
    })
    return this.#ended([...sends, ...effects], now)
  }

  /** After the commit of what was at hand: what follows from it in other sessions, and who is told. */
  #ended(effects: CoreEffect[], now: Now): CoreEffect[] {
    const following = this.#router.followUp(now)
    return this.#counts.counted([...effects, ...following, ...this.#subscriptions.flush(now)])
  }
}

assert(limits.releasedLingerMax < limits.sessionsMax, 'ended sessions leave room for live ones')
