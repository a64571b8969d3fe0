//! A node that starts and hears nobody serves, but a peer whose pair unit hangs may serve as well: what
//! is said in dialogs that only the peer knows is not refused until its supervisor has ended that unit.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { TwoEngines } from './two-engines.ts'

/** Node a starts with nothing and hears nobody. */
function startAlone(): TwoEngines {
  const pair = new TwoEngines()
  const word = { alone: true, term: 1, because: 'test', peerServedAtMs: null }
  pair.a.engine.pair.take({ kind: 'role', role: 'primary', ...word })
  return pair
}

/** What a terminal hears to the end of a call that node a does not know.
 * @param afterMs when it says it, and says it again */
function answersToBye(pair: TwoEngines, afterMs: readonly number[] = [0]): boolean {
  const phone = pair.phone('103')
  phone.inbox.length = 0
  phone.callId = `nobody-knows-${pair.nowMs}`
  phone.remoteTag = 'nor-this'
  phone.request('BYE')
  let passedMs = 0
  for (const ms of afterMs.slice(1)) {
    pair.pass(ms - passedMs)
    passedMs = ms
    if (phone.heard(481)) return false
    phone.repeat()
  }
  pair.pass(50)
  return phone.heard(481)
}

/** RFC 3261 17.1.2.1. */
const untilSecondRepetition = [0, 500, 1_500]

test('a call that a node alone does not know is not ended by it at once', (t) => {
  const pair = startAlone()
  t.false(answersToBye(pair))
  pair.pass(limits.unitHangMsMax)
  t.false(answersToBye(pair))
  pair.pass(2_000)
  t.false(answersToBye(pair), 'the peer may be on the other side of a cut, and answer this copy')
  t.true(answersToBye(pair, untilSecondRepetition), 'nobody has answered for a second')
})

test('a primary that hears its peer no more leaves a call that it does not know to it', (t) => {
  const pair = new TwoEngines()
  pair.setRole('a', 'primary', 1)
  pair.setRole('b', 'standby', 1)
  pair.setPeers(true)
  pair.pass(1_000)
  t.true(answersToBye(pair))
  const word = { term: 1, because: 'test', peerServedAtMs: null }
  pair.a.engine.pair.take({ kind: 'role', role: 'primary', alone: true, ...word })
  t.false(answersToBye(pair))
  t.true(answersToBye(pair, untilSecondRepetition))
  pair.a.engine.pair.take({ kind: 'role', role: 'primary', alone: false, ...word })
  t.true(answersToBye(pair))
})

test('as soon as a standby follows there is nobody else, and what is unknown is refused', (t) => {
  const pair = startAlone()
  t.false(answersToBye(pair))
  pair.setRole('b', 'standby', 1)
  pair.setPeers(true)
  const word = { term: 1, because: 'test', peerServedAtMs: null }
  pair.a.engine.pair.take({ kind: 'role', role: 'primary', alone: false, ...word })
  pair.pass(1_000)
  t.true(answersToBye(pair))
})

test('new calls are served meanwhile', (t) => {
  const pair = startAlone()
  pair.talk('101', '102')
  t.is(pair.a.engine.core.liveSessions, 1)
  pair.hangUp('101', '102')
  t.is(pair.a.engine.core.liveSessions, 0)
})
