//! Mutants of the decision about roles: each is a fault that a person could make in `daemon/src/pair/`.
import type { Mutant } from './mutant.ts'

const of = (file: string, name: string, find: string, replace: string): Mutant => ({
  name,
  file: `daemon/src/pair/${file}.ts`,
  find,
  replace,
})

const roles: readonly Mutant[] = [
  of(
    'standby',
    'a standby takes over although it is not ready',
    'if (state.stopped || !isReady(state, now)) return\n  const isHeard',
    'if (state.stopped) return\n  const isHeard',
  ),
  of(
    'standby',
    'a standby does not take over from a silent peer',
    "    take(turn, 'peer-silent', 'the peer is not heard on any link')\n",
    '',
  ),
  of(
    'standby',
    'a standby takes over beside a living primary',
    'if (silentMs < peerStalledMs(state.options)) return',
    'if (silentMs < 0) return',
  ),
  of(
    'standby',
    'a dead unit of the primary is never noticed',
    'if (silentMs < peerStalledMs(state.options)) return',
    'return',
  ),
  of(
    'standby',
    'only a dead switch of the primary is noticed, no dead media unit',
    'Math.min(peer.switch.advancedAt, peer.media.advancedAt)',
    'peer.switch.advancedAt',
  ),
  of(
    'standby',
    'the loser of the rule takes over too',
    'if (verdict.own) take(turn, verdict.rule, verdict.because)',
    'take(turn, verdict.rule, verdict.because)',
  ),
  of(
    'standby',
    'a handover is taken by a node that is not ready',
    "if (isReady(turn.state, turn.now)) takeGranted(turn, 'handover')",
    "if (!turn.state.stopped) takeGranted(turn, 'handover')",
  ),
  of(
    'standby',
    'a goodbye is not heard',
    "if (free && isReady(turn.state, turn.now)) takeGranted(turn, 'goodbye')",
    'if (free && isReady(turn.state, turn.now)) watch(turn)',
  ),
  of(
    'starting',
    'a starting node obeys a primary of an older term',
    "if (peer?.role === 'primary' && peer.term >= term) {",
    "if (peer?.role === 'primary') {",
  ),
  of(
    'starting',
    'a starting node serves before it has listened',
    'if (!hasListened(state, now) || (isPaused(state) && !state.served)) return',
    'if (isPaused(state) && !state.served) return',
  ),
  of(
    'starting',
    'a starting node takes over from a ready standby',
    'if (now - state.listenedFrom < 2 * lostMs(state.options)) return',
    '',
  ),
  of(
    'starting',
    'of two starting nodes both serve',
    'if (verdict.own) serve(turn, verdict.rule, verdict.because)',
    'serve(turn, verdict.rule, verdict.because)',
  ),
  of(
    'starting',
    'a node that hears an older term waits for ever',
    'now - state.listenedFrom >= patienceMs',
    'now < patienceMs',
  ),
  of(
    'primary',
    'a primary that loses the rule stays primary',
    'if (!verdict.own) {',
    'if (verdict.own && state.stopped) {',
  ),
  of(
    'primary',
    'a primary that wins against another takes no newer term',
    'if (peer.term >= state.term) adoptTerm(turn, peer.term + 1)',
    '',
  ),
  of(
    'primary',
    'a primary does not step back from a peer that cannot hear it',
    'if (deaf !== null && now - deaf >= lostMs(state.options) && isPeerReady(state, now)) {',
    'if (deaf !== null && now < deaf && isPeerReady(state, now)) {',
  ),
  of(
    'primary',
    'a primary steps back at once from a peer that has not heard it yet',
    'now - deaf >= lostMs(state.options) && isPeerReady(state, now)',
    'isPeerReady(state, now)',
  ),
  of(
    'primary',
    'a heartbeat in flight undoes a handover',
    'if (state.grantedBy === peer.bootId && peer.term < state.term) return\n',
    '',
  ),
  of(
    'primary',
    'an offer that was taken is not noticed',
    'if (offer !== null && peer.term > offer.term) {',
    'if (offer !== null && peer.term < offer.term) {',
  ),
  of(
    'primary',
    'a primary with a dead unit keeps its role beside a ready peer',
    "  turn.effects.push(speaks ? { ...send, afterSwitch: true } : send)\n  become(turn, 'starting', {",
    "  if (state.role === 'primary') return\n  become(turn, 'starting', {",
  ),
  of(
    'primary',
    'a primary with a dead unit leaves although nobody else can serve',
    'if (state.stopped || isPaused(state) || !isPeerReady(state, now)) return',
    'if (state.stopped || isPaused(state)) return',
  ),
  of(
    'primary',
    'a primary with a dead unit gives its calls to a peer that has not got them',
    'if (state.peer?.inStep === false && now - unfitFrom < limits.coldPeerMsMax) return\n',
    '',
  ),
  of(
    'primary',
    'a primary waits for its dead unit for ever while the peer has not every record',
    'now - unfitFrom < limits.coldPeerMsMax',
    'now >= unfitFrom',
  ),
  of(
    'primary',
    'a primary that is of an older term does not take a newer one',
    'adoptTerm(turn, peer.term + 1)\n    turn.effects.push',
    'turn.effects.push',
  ),
]

const terms: readonly Mutant[] = [
  of('turn', 'a new primary has no new term', "(role === 'primary' ? 1 : 0)", '0'),
  of(
    'turn',
    'a new primary does not look at the term of the peer',
    'Math.max(state.term, state.peer?.term ?? 0) +',
    'state.term +',
  ),
  of('turn', 'an older term is adopted', 'if (term <= turn.state.term) return', ''),
  of(
    'turn',
    'a new term is not kept',
    "if (worthKeeping) turn.effects.push({ kind: 'persist' })",
    '',
  ),
  of(
    'turn',
    'the units are not told their role',
    "  turn.effects.push({ kind: 'role', role, term, ...word })",
    '',
  ),
  of(
    'turn',
    'a change of role is not told to the peer',
    "  turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })\n  if (worthKeeping)",
    '  if (worthKeeping)',
  ),
  of(
    'turn',
    'a node that stood still serves before it has listened',
    'if (state.woken && !hasListened(state, now)) return false\n',
    '',
  ),
  of(
    'turn',
    'a peer that says that it is not ready counts as ready',
    'if (peer === null || !peer.ready) return false',
    'if (peer === null) return false',
  ),
  of('rule', 'the rule prefers fewer sessions', 'own: sessions > 0', 'own: sessions < 0'),
  of(
    'rule',
    'the rule prefers the older term',
    'own: state.term > peer.term',
    'own: state.term < peer.term',
  ),
  of(
    'rule',
    'the rule ignores who can serve',
    'ownReady !== isPeerReady(state, now)',
    'state.stopped',
  ),
  of('tie-break', 'the smaller address wins', 'own: isLarger ===', 'own: isLarger !=='),
  of(
    'rule',
    'a held role goes to the one that stood in',
    "own: peer.stoodIn, rule: 'role-held'",
    "own: state.stoodIn, rule: 'role-held'",
  ),
  of('rule', 'a role is never held', 'both && isHeld(state, now)', 'both && state.stopped'),
  of(
    'address-order',
    'addresses are compared as numbers of digits',
    'if (difference !== 0) return difference',
    'if (difference !== 0 && own.length === peer.length) return difference',
  ),
]

const hearing: readonly Mutant[] = [
  of(
    'hear',
    'a replayed heartbeat is used',
    "if (judged.arrival === 'replayed' || value.link !== link) {",
    'if (value.link !== link) {',
  ),
  of(
    'hear',
    'a heartbeat that was overtaken is used',
    "  if (judged.arrival === 'overtaken') return\n",
    '',
  ),
  of('hear', 'a stopped node obeys', '  if (turn.state.stopped) return\n', ''),
  of(
    'hear',
    'a peer that comes back stays lost',
    'change(turn, { peer: newView(turn.state, event), peerLost: false })',
    'change(turn, { peer: newView(turn.state, event) })',
  ),
  of(
    'boots',
    'a boot that ended comes back',
    'if (!proved && boots.ended.includes(bootId))',
    "if (!proved && boots.current === '')",
  ),
  of(
    'boots',
    'an unknown boot ends one that is heard',
    "    if (!proved && isHeard) return { boots, arrival: 'doubtful' }\n",
    '',
  ),
  of(
    'boots',
    'a boot that was ended wrongly never comes back',
    'const proved = answers > boots.answered',
    'const proved = answers > boots.answered && !boots.ended.includes(bootId)',
  ),
  of(
    'boots',
    'a recording of an old boot counts by what it answers',
    'const answered = Math.max(boots.answered, answers)',
    'const answered = boots.answered',
  ),
  of('boots', 'a number counts twice', 'if (sequence <= (boots', 'if (sequence < (boots'),
  of(
    'decision',
    'a node that stood still goes on as if nothing had been',
    'if (event.now - state.sentAt > lostMs(state.options)) wakeUp(turn)',
    '',
  ),
  of(
    'decision',
    'a node that stood still remembers its peer',
    'companyFrom: now, peer: null, peerLost: false, own',
    'companyFrom: now, peerLost: false, own',
  ),
  of(
    'decision',
    'a peer is lost one period too early',
    'if (now - last < lostMs(state.options)) return',
    'if (now - last < lostMs(state.options) - state.options.heartbeatMs) return',
  ),
  of(
    'decision',
    'a dead unit proves its life until somebody looks',
    'change(turn, { own: { ...own, ...gone, [unit]: proof, died } })',
    'change(turn, { own: { ...own, ...gone, died } })',
  ),
  of(
    'decision',
    'a switch that is not ready counts as alive',
    'const counter = event.ready ? event.counter : 0',
    'const { counter } = event',
  ),
  of(
    'decision',
    'a node that stops says nothing',
    "  change(turn, { stopped: true })\n  turn.effects.push({ kind: 'send', heartbeat: 'goodbye' })\n",
    '  change(turn, { stopped: true })\n',
  ),
  of(
    'links',
    'a link is up for one period too long',
    'at.now - link.heardAt >= at.silentMsMax',
    'at.now - link.heardAt > at.silentMsMax + 99',
  ),
  of(
    'links',
    'only the first link is listened to',
    '(last === null || heardAt > last)',
    'last === null',
  ),
  of(
    'links',
    'what came late counts as lost for ever',
    'lost: link.lost - 1, missing, counts',
    'missing, counts',
  ),
  of(
    'starting',
    'a unit that follows one that hung obeys before its switch has spoken',
    'if (awaitsSwitch(turn)) return',
    '',
  ),
  of(
    'starting',
    'a switch that never speaks is waited for without end',
    " === 'unknown' && now - state.listenedFrom < limits.ownSwitchMsMax",
    " === 'unknown' && now >= state.listenedFrom",
  ),
  of(
    'turn',
    'a node gives what its peer has',
    'own.sessions > 0 && own.untold',
    'own.sessions > 0',
  ),
  of('hear', 'what a node that booted brings is not taken', '  takeLate(turn, before)\n', ''),
]

export const decisionMutants: readonly Mutant[] = [...roles, ...terms, ...hearing]
