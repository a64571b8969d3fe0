//! How long a server keeps a call waiting: from the caller's INVITE at its interface to the INVITE that leaves for
//! the called telephone, and from the 180 that comes back to the 180 that leaves for the caller. From a capture
//! at that interface, with the time stamps of the kernel: microseconds, and nothing of the telephones is in it.
import type { UdpPacket } from '../capture/pcap.ts'

interface Dialling {
  readonly callId: string
  readonly invitedMs: number
  calledMs?: number
  ringingMs?: number
}

interface DialDelay {
  /** When the INVITE came. */
  readonly atMs: number
  readonly ms: number
}

const headTextMax = 1_200

/** Of each call whose four messages were seen. One telephone makes one call after another.
 * @param server its address */
export function dialDelays(packets: readonly UdpPacket[], server: string): DialDelay[] {
  const open = new Map<string, Dialling>()
  const delays: DialDelay[] = []
  for (const { timeMs, source, payload } of packets) {
    const text = payload.toString('latin1', 0, headTextMax)
    const isInvite = text.startsWith('INVITE ')
    if (!isInvite && !text.startsWith('SIP/2.0 180')) continue
    const caller = /^From:.*<sip:([^@>]+)/m.exec(text)?.[1] ?? ''
    const callId = /^Call-ID: *(\S+)/m.exec(text)?.[1] ?? ''
    const isLeaving = source === server
    const dialling = open.get(caller)
    if (isInvite && !isLeaving) {
      // A repetition is the same call, and waits since its first INVITE.
      if (dialling?.callId !== callId) open.set(caller, { callId, invitedMs: timeMs })
    } else if (dialling === undefined) continue
    else if (isInvite) dialling.calledMs ??= timeMs
    else if (!isLeaving) dialling.ringingMs ??= timeMs
    else if (dialling.callId === callId) {
      const { invitedMs, calledMs, ringingMs } = dialling
      open.delete(caller)
      if (calledMs === undefined || ringingMs === undefined) continue
      delays.push({ atMs: invitedMs, ms: calledMs - invitedMs + (timeMs - ringingMs) })
    }
  }
  return delays
}
