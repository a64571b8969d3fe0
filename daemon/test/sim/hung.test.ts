//! A primary alone has a call when its pair unit hangs, and its peer, which knows nothing of it, starts and
//! serves: the pair unit that follows has the call handed over.
import test from 'ava'
import { callIsGiven } from './lonely-call.ts'

test('a call of a primary whose pair unit hung goes on at the peer that began to serve', (t) => {
  callIsGiven(t, { units: ['pair'], ms: 60_000, bootMs: 4_000, givenMs: 6_000 })
})
