//! What all calls of this node share.
import { limits } from '../../limits.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import type { SipHeader } from '../../wire/sip/message.ts'
import { EndingLegs } from '../bridge/ending-legs.ts'
import { Resources } from '../bridge/resources.ts'
import type { CoreOptions } from '../core-types.ts'
import { emptyPlan, type Plan } from '../plan.ts'
import type { DigestServer } from '../registrar/digest.ts'
import { CallBackIndex } from '../services/call-back-index.ts'
import { Listeners } from '../services/listeners.ts'
import { QueueIndex } from '../services/queue-index.ts'
import type { FollowUp, Service } from '../services/service.ts'
import type { TransactionLayerApi } from '../transaction/layer-types.ts'
import { TrunkLoad } from '../trunk/load.ts'
import { TrunkProber } from '../trunk/prober.ts'
import { commonVersion, ed137Headers } from '../xip/ed137.ts'
import { callTypeOfRecord, offeredVersions, sessionHeaders } from '../xip/to-sip.ts'
import { Links } from './links.ts'
import { Sessions } from './sessions.ts'
import { CallTimers } from './timers.ts'
import { Unnoted } from './unnoted.ts'

export class Exchange {
  readonly options: CoreOptions
  readonly layer: TransactionLayerApi
  readonly digest: DigestServer
  readonly sessions: Sessions
  readonly resources: Resources
  /** Service addresses of the pair, the own one first. */
  readonly addresses: readonly string[]
  /** The same one of them on both nodes, where it only names the pair. */
  readonly commonAddress: string
  readonly links = new Links()
  readonly endingLegs = new EndingLegs()
  readonly timers = new CallTimers()
  /** Ended sessions in the order of their end; they stay for repeated messages. */
  readonly lingering = new Set<string>()
  /** Ended sessions of which a terminal did not answer the BYE: a partition may have been why. The gift of
   * a merge needs it when this node follows already, so it does not go with the role (`clear`). */
  readonly #untold = new Set<string>()
  /** Work on other sessions, to be done after the commit of the present one. */
  readonly followUps: FollowUp[] = []
  readonly services: readonly Service[]
  /** Calls that wait for a line. */
  readonly queue = new QueueIndex()
  readonly listeners = new Listeners()
  readonly callBacks = new CallBackIndex()
  readonly trunkLoad = new TrunkLoad()
  readonly trunkProber = new TrunkProber(this)
  /** What is configured beside the tables. */
  plan: Plan = emptyPlan
  readonly takenOver = new Unnoted()
  started = 0
  answered = 0

  constructor(
    options: CoreOptions,
    parts: {
      readonly layer: TransactionLayerApi
      readonly digest: DigestServer
      readonly services: readonly Service[]
    },
  ) {
    const { layer, digest, services } = parts
    this.options = options
    this.services = services
    const { address, peerAddress } = options
    this.addresses = peerAddress === undefined ? [address] : [address, peerAddress]
    this.commonAddress = this.addresses.toSorted()[0] ?? address
    this.layer = layer
    this.digest = digest
    this.sessions = new Sessions(options.tables.wiredConference)
    const { tables, rtpPorts, half } = options
    this.resources = new Resources(tables.conferenceResource, rtpPorts, half)
  }

  /** ED-137 headers of our answers to a caller that speaks it; ordinary telephones get none. */
  answerHeaders(session: Conference): SipHeader[] {
    const version = commonVersion(offeredVersions(session), callTypeOfRecord(session))
    if (version === null) return []
    return ed137Headers({ ...sessionHeaders(session), versions: [version] })
  }

  untold(sessionId: string): void {
    this.#untold.add(sessionId)
    const [oldest] = this.#untold
    if (this.#untold.size > limits.releasedLingerMax && oldest !== undefined) {
      this.#untold.delete(oldest)
    }
  }

  isTold(sessionId: string): boolean {
    return !this.#untold.has(sessionId)
  }

  forgetUntold(): void {
    this.#untold.clear()
  }

  held(): Record<string, number> {
    return {
      ...this.sessions.held(),
      links: this.links.size,
      'call timers': this.timers.size,
      'ending legs': this.endingLegs.size,
      lingering: this.lingering.size,
      'follow-ups': this.followUps.length,
      queued: this.queue.size,
      'calls on trunks': this.trunkLoad.size,
      'to be noted': this.takenOver.size,
      nonces: this.digest.nonces,
    }
  }

  /** Drops all that is not in the tables. */
  clear(): void {
    this.sessions.clear()
    this.links.clear()
    this.endingLegs.clear()
    this.timers.clear()
    this.lingering.clear()
    this.takenOver.clear()
    this.followUps.length = 0
    this.queue.clear()
    this.listeners.clear()
    this.callBacks.clear()
    this.trunkLoad.clear()
    this.trunkProber.clear()
    this.digest.clear()
  }
}
