//! What the media units of both nodes did between two looks at them, for the report of a drill. Pure.
import type { DrillMove } from '../control/operation-schema.ts'
import type { NodeStatus, StatusResult } from '../control/status-schema.ts'

type Voice = DrillMove['voice'][number]

/** A node whose media unit did not tell both times, or was started anew between, is left out. */
export function voiceBetween(before: StatusResult, after: StatusResult): Voice[] {
  return before.nodes.flatMap((node) => {
    const then = node.media
    const now = after.nodes.find(({ name }) => name === node.name)?.media ?? null
    const grown = then === null || now === null ? null : growth(then, now)
    return grown === null ? [] : [{ node: node.name, ...grown }]
  })
}

function growth(
  then: NonNullable<NodeStatus['media']>,
  now: NonNullable<NodeStatus['media']>,
): Omit<Voice, 'node'> | null {
  const grown = {
    ticks: now.tick - then.tick,
    packetsSent: now.packetsSent - then.packetsSent,
    packetsLost: now.packetsLost - then.packetsLost,
    ticksLate: now.ticksLate - then.ticksLate,
  }
  return Object.values(grown).every((value) => value >= 0) ? grown : null
}
