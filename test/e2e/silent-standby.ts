//! Watches what both nodes put on the terminal LAN during a whole test file: the standby sends no SIP.
import type { Capture } from '../../scripts/capture/capture.ts'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'
import { type SipSighting, sipMessages } from '../../scripts/capture/sip-analysis.ts'
import type { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import type { NodeName } from '../../scripts/net/netns.ts'

interface Reign {
  readonly node: LabNode
  readonly fromMs: number
}

/** A switchover is ordered and done within this; both nodes may speak in between. */
const handOverMs = 1_000

export class SilentStandbyWatch {
  readonly #captures: { readonly node: LabNode; readonly capture: Capture }[]
  readonly #reigns: Reign[]

  private constructor(lab: Lab, first: LabNode, captures: readonly [Capture, Capture]) {
    this.#reigns = [{ node: first, fromMs: 0 }]
    this.#captures = [
      { node: lab.a, capture: captures[0] },
      { node: lab.b, capture: captures[1] },
    ]
  }

  /** @param only a filter, when a test looks at nothing else */
  static async start(lab: Lab, only = 'udp'): Promise<SilentStandbyWatch> {
    const sentBy = (node: NodeName) =>
      lab.capture(node, `${only} and ether src ${lab.network.mac(node)}`)
    const captures = await Promise.all([sentBy('a'), sentBy('b')])
    return new SilentStandbyWatch(lab, await lab.primary(), [captures[0], captures[1]])
  }

  /** From now on (the kill, the order to switch over) this node is allowed to speak. */
  primaryIs(node: LabNode, fromMs: number): void {
    this.#reigns.push({ node, fromMs })
  }

  /** Ends the captures. */
  async finish(): Promise<{
    violations: SipSighting[]
    sentByA: UdpPacket[]
    sentByB: UdpPacket[]
  }> {
    const sent = await Promise.all(
      this.#captures.map(async ({ node, capture }) => {
        return { node, packets: await capture.stop() }
      }),
    )
    const violations = sent.flatMap(({ node, packets }) =>
      sipMessages(packets).filter((message) => !this.#maySpeak(node, message.timeMs)),
    )
    const [sentByA = [], sentByB = []] = sent.map(({ packets }) => packets)
    return { violations, sentByA, sentByB }
  }

  #maySpeak(node: LabNode, timeMs: number): boolean {
    const index = this.#reigns.findLastIndex((reign) => reign.fromMs <= timeMs)
    const current = this.#reigns[index]
    const before = this.#reigns[index - 1]
    if (current?.node === node) return true
    return before?.node === node && timeMs - (current?.fromMs ?? 0) < handOverMs
  }
}
