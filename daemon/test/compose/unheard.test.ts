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

/** What a terminal hears to the end of a call that node a does not know. */
function answersToBye(pair: TwoEngines): boolean {
  const phone = pair.phone('103')
  phone.inbox.length = 0
  phone.callId = `nobody-knows-${pair.nowMs}`
  phone.remoteTag = 'nor-this'
  phone.request('BYE')
  pair.pass(50)
  return phone.heard(481)
}

test('a call that a node alone does not know is not ended by it at once', (t) => {
  const pair = startAlone()
  t.false(answersToBye(pair))
  pair.pass(limits.unitHangMsMax)
  t.false(answersToBye(pair))
  pair.pass(2_000)
  t.true(answersToBye(pair))
})

test('as soon as a standby follows there is nobody else, and what is unknown is refused', (t) => {
  const pair = startAlone()
  t.false(answersToBye(pair))
  pair.setRole('b', 'standby', 1)
  pair.setPeers(true)
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
