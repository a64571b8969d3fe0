//! `vccs why --if`: reads the question and asks the decision itself.
import type { BusMessageOf } from '../bus/messages.ts'
import type { BodyOf } from '../control/api.ts'
import { consequence, parseQuestion, type Situation, suppose } from '../oam/explain.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { type Rehearsal, rehearse, type Scene } from '../pair/rehearsal.ts'
import { lostMs } from '../pair/turn.ts'
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
  const options = { node, links, heartbeatMs, missesMax, tieBreak }
  const verdict = rehearse({
    options,
    role: message.role,
    term: message.term,
    own: message.own ?? unknownOwn,
    peer: sayingOf(message.peer),
    before: sceneOf(before),
    after: sceneOf(after),
  })
  return success({
    question,
    from: message.role,
    to: verdict.role,
    rule: verdict.decision?.rule ?? 'no-change',
    because: verdict.decision?.because ?? consequence(before, after, lostMs(options)),
    alarms: verdict.alarms.map(({ code, subject }) => ({ code, subject })),
  })
}

/** A pair unit of an older program does not say it. */
const unknownOwn = {
  switchAlive: true,
  mediaAlive: true,
  sessions: 0,
  syncPending: 0,
  inStep: true,
  stoodIn: false,
  changesMsAgo: [],
}

/** A peer that is not heard says nothing in the rehearsal either. */
function sayingOf(peer: BusMessageOf<'pair-status'>['peer']): Rehearsal['peer'] {
  return {
    node: peer?.node ?? 'peer',
    role: peer?.role ?? 'standby',
    term: peer?.term ?? 0,
    sessions: peer?.sessions ?? 0,
    inStep: peer?.inStep ?? true,
    held: peer?.held ?? false,
    stoodIn: peer?.stoodIn ?? false,
  }
}

function situationOf(
  { role, alone, paused, links, peer, own = unknownOwn }: BusMessageOf<'pair-status'>,
  node: string,
): Situation {
  const { switchAlive, mediaAlive } = own
  return {
    node,
    role,
    alone,
    paused,
    links: links.map(({ name, state }) => ({ name, up: state === 'up' })),
    own: { switchAlive, mediaAlive },
    peer: peer === null ? null : { ...peer, alive: true },
  }
}

function sceneOf({ links, own, peer, paused }: Situation): Scene {
  return {
    linksUp: links.map(({ up }) => up),
    own: { switch: own.switchAlive, media: own.mediaAlive },
    peer: peer?.alive === true ? peerScene(peer) : null,
    paused,
  }
}

function peerScene({ switchAlive, mediaAlive, ready }: NonNullable<Situation['peer']>) {
  return { switch: switchAlive, media: mediaAlive, ready }
}
