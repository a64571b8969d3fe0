//! Mutants of what operators order: switchover, pause; and of damping.
import type { Mutant } from './mutant.ts'

const of = (file: string, name: string, find: string, replace: string): Mutant => ({
  name,
  file: `daemon/src/pair/${file}.ts`,
  find,
  replace,
})

const operations: readonly Mutant[] = [
  of(
    'switchover',
    'a planned switchover does not look whether it is safe',
    'const obstacles = order.force ? failoverObstacles(view) : reasons',
    'const obstacles = failoverObstacles(view)',
  ),
  of(
    'switchover',
    'a switchover that could not flush goes on',
    'if (event.ok || operation.force) handOver(turn, operation)',
    'if (operation.startedAt > 0) handOver(turn, operation)',
  ),
  of(
    'switchover',
    'a flush that does not end holds the work for ever',
    'else if (turn.now >= operation.deadlineAt) expire(turn, operation)',
    '',
  ),
  of(
    'switchover',
    'an offer is not said again',
    "if (isOffering(turn)) turn.effects.push({ kind: 'send', heartbeat: 'handover' })",
    '',
  ),
  of(
    'switchover',
    'the primary steps back when it offers, not when its offer is taken',
    "  turn.effects.push({ kind: 'send', heartbeat: 'handover' })\n}",
    "  turn.effects.push({ kind: 'send', heartbeat: 'handover' })\n  handedOver(turn)\n}",
  ),
  of(
    'switchover',
    'a standby asks so long that its primary may end after it has given up',
    'turn.now - operation.startedAt <= limits.takeMsMax',
    'turn.now >= operation.startedAt',
  ),
  of(
    'switchover',
    'an offer is said again for so long that it is taken after it was undone',
    'return now - offeredAt <= limits.offerMsMax',
    'return now >= offeredAt',
  ),
  of(
    'standby',
    'an offer is taken however old it may be',
    'return ageMsMax > limits.offerAgeMsMax || now - ageMsMax <= state.refusedAt',
    'return now - ageMsMax <= state.refusedAt',
  ),
  of(
    'standby',
    'an offer is taken that was made before this node refused one',
    'return ageMsMax > limits.offerAgeMsMax || now - ageMsMax <= state.refusedAt',
    'return ageMsMax > limits.offerAgeMsMax',
  ),
  of(
    'standby',
    'an offer of unknown age is not asked for again',
    "if (mayBeUndone(turn, ageMsMax)) sendExtra(turn, 'heartbeat', limits.offerAskMs)",
    'if (mayBeUndone(turn, ageMsMax)) return',
  ),
  of(
    'primary',
    'what a standby said before it took the offer ends the offer',
    'const isOver = offer !== null && turn.now - ageMsMax >= offer.endsAt',
    'const isOver = turn.state.operation === null',
  ),
  of(
    'switchover',
    'an operation that the peer refused goes on',
    '  fail(turn, `${peer?.node ??',
    '  if (peer === null) fail(turn, `${peer?.node ??',
  ),
  of(
    'safety',
    'a switchover may go to a node that lacks records',
    '!(view.inStep && view.peer.inStep)',
    '!view.inStep',
  ),
  of(
    'safety',
    'a switchover over no link is safe',
    'if (bad.length === view.links.length)',
    'if (bad.length > view.links.length)',
  ),
]

const pauses: readonly Mutant[] = [
  of(
    'standby',
    'a paused standby takes over',
    "if (isPaused(state) && !(isHeard && peer.role === 'standby')) return\n",
    '',
  ),
  of(
    'primary',
    'a paused primary gives its role away',
    'state.stopped || isPaused(state) ||',
    'state.stopped ||',
  ),
  of(
    'starting',
    'a paused node serves that never had the role',
    '(isPaused(state) && !state.served)',
    'state.stopped',
  ),
  of(
    'starting',
    'a paused node that had the role does not serve again',
    '(isPaused(state) && !state.served)',
    'isPaused(state)',
  ),
  of('pause', 'a pause is not kept', "  turn.effects.push({ kind: 'persist' })\n", ''),
  of(
    'pause-count',
    'an older order undoes a newer one',
    '< (pauseCountMax + 1) / 2',
    '<= pauseCountMax',
  ),
  of(
    'pause-count',
    'a node without a disk ends a pause',
    'if (count === 0 || count === than)',
    'if (count === than)',
  ),
  of(
    'damping',
    'a role is held by the first change',
    '.length >= limits.roleChangesMax',
    '.length >= 1',
  ),
  of('damping', 'a hold never ends', 'now - at < limits.roleChangesMs', 'now >= at'),
  of(
    'damping',
    'the peer does not know of a hold',
    'peer === null || !peer.held',
    'peer === null || peer.held',
  ),
  of(
    'damping',
    'the alarm of a hold ends when the peer is lost',
    '!peerLost || (last',
    '!peerLost && (last',
  ),
]

export const orderMutants: readonly Mutant[] = [...operations, ...pauses]
