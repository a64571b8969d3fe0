//! `vccs why --if`: reads the question and asks the decision itself.
import type { BusMessageOf } from '../bus/messages.ts'
import type { BodyOf } from '../control/api.ts'
import { consequence, parseQuestion, type Situation, suppose } from '../oam/explain.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { rehearse, type Scene } from '../pair/rehearsal.ts'
import { type Result, success } from '../result.ts'

type Hypothesis = NonNullable<BodyOf<'why'>['hypothesis']>

/** Errors: `question-unknown`. */
export function hypothesis(
  question: string,
  message: BusMessageOf<'pair-status'>,
  config: NodeConfig,
): Result<Hypothesis> {
  const before = situationOf(message, config.node)
  const read = parseQuestion(question, before, message.peer?.node ?? null)
  if (!read.ok) return read
  const after = suppose(before, read.value)
  const { links, node } = config
  const { heartbeatMs, missesMax, tieBreak } = config.pair
  const verdict = rehearse({
    options: { node, links, heartbeatMs, missesMax, tieBreak },
    role: message.role,
    term: message.term,
    peerNode: message.peer?.node ?? 'peer',
    peerRole: message.peer?.role ?? 'standby',
    paused: after.paused,
    before: sceneOf(before),
    after: sceneOf(after),
  })
  return success({
    question,
    from: message.role,
    to: verdict.role,
    rule: verdict.decision?.rule ?? 'no-change',
    because: verdict.decision?.because ?? consequence(before, after),
    alarms: verdict.alarms.map(({ code, subject }) => ({ code, subject })),
  })
}

function situationOf(
  { role, alone, paused, links, peer }: BusMessageOf<'pair-status'>,
  node: string,
): Situation {
  return {
    node,
    role,
    alone,
    paused,
    links: links.map(({ name, state }) => ({ name, up: state === 'up' })),
    own: { switchAlive: true, mediaAlive: true },
    peer: peer === null ? null : { ...peer, alive: true },
  }
}

function sceneOf({ links, own, peer }: Situation): Scene {
  const alive = peer?.alive === true
  return {
    linksUp: links.map(({ up }) => up),
    own: { switch: own.switchAlive, media: own.mediaAlive },
    peer: alive ? { switch: peer.switchAlive, media: peer.mediaAlive } : null,
  }
}
