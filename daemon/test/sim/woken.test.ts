//! A primary alone stands still with a call, and its peer, which knows nothing of it, starts and serves: when
//! it wakes, the call goes on at the peer.
import test from 'ava'
import { callIsGiven } from './lonely-call.ts'

test('a call of a primary that stood still goes on at the peer that took over without it', (t) => {
  const units = ['pair', 'switch', 'media'] as const
  callIsGiven(t, { units, ms: 6_000, bootMs: 5_000, givenMs: 5_000 })
})
