import test from 'ava'
import { UnknownDialogs } from '../../src/switching/unknown-dialogs.ts'
import type { SipRequest, SipResponse } from '../../src/wire/sip/message.ts'

function bye(callId: string, number = 2): SipRequest {
  return { method: 'BYE', callId, cseq: { number, method: 'BYE' } } as SipRequest
}

/** No peer is heard, and no dialog is here but the one that is called `here`. */
function alone(): UnknownDialogs {
  const unknown = new UnknownDialogs(({ callId }) => callId !== 'here')
  unknown.isAlone = true
  return unknown
}

test("a request is nobody's when it has been repeated for a second, and another one of its call begins anew", (t) => {
  const unknown = alone()
  t.true(unknown.mayBeOfPeer(bye('one'), 0))
  t.true(unknown.mayBeOfPeer(bye('one'), 500))
  t.false(unknown.mayBeOfPeer(bye('one'), 1_500))
  t.true(unknown.mayBeOfPeer(bye('one', 3), 1_500))
  t.true(unknown.mayBeOfPeer(bye('one'), 32_000), 'its transaction is over (timer F)')
})

test('who says ever new requests makes it forget the oldest, and nothing grows', (t) => {
  const unknown = alone()
  for (let n = 0; n < 1_024; n += 1) unknown.mayBeOfPeer(bye(`call ${n}`), n / 1_024)
  t.false(unknown.mayBeOfPeer(bye('call 0'), 1_500))
  unknown.mayBeOfPeer(bye('one more'), 1_500)
  t.true(unknown.mayBeOfPeer(bye('call 0'), 1_500), 'forgotten')
  t.false(unknown.mayBeOfPeer(bye('call 1023'), 2_500), 'kept')
})

test('what is known here, a response, and all that a node with a peer hears are not left to the peer', (t) => {
  const unknown = alone()
  t.false(unknown.mayBeOfPeer(bye('here'), 0))
  t.false(unknown.mayBeOfPeer({ kind: 'response' } as SipResponse, 0))
  unknown.isAlone = false
  t.false(unknown.mayBeOfPeer(bye('one'), 0))
})

test('while sessions of the peer are on their way here, a request is left to it however often it comes', (t) => {
  const unknown = alone()
  unknown.isAlone = false
  unknown.awaitsUntilMs = 4_000
  for (const nowMs of [0, 500, 1_500, 3_500]) t.true(unknown.mayBeOfPeer(bye('one'), nowMs))
  t.false(unknown.mayBeOfPeer(bye('one'), 4_000))
})
