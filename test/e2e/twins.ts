//! What a test asks of the streams that both nodes sent: the same packets twice.
import type { ExecutionContext } from 'ava'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'
import { compareTwins } from '../../scripts/capture/twin.ts'

/** A packet of a telephone that comes too late for one node, and in time for the other, is heard in the
 * payload of one of them. */
const equalShareMin = 0.999

/** Every header is equal, and the voice once the second node is in.
 * @param packetsMin as many were sent by both, at least */
export function twinsEqual(
  t: ExecutionContext,
  { sentByA, sentByB }: Record<'sentByA' | 'sentByB', readonly UdpPacket[]>,
  packetsMin: number,
): void {
  const twin = compareTwins(sentByA, sentByB)
  const text = JSON.stringify(twin)
  t.log(`twins ${text}`)
  t.true(twin.packets > packetsMin, text)
  t.is(twin.headerEqual, twin.packets)
  t.true(twin.settled > 0 && twin.settledEqual >= twin.settled * equalShareMin, text)
}
