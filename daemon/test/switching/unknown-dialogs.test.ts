import test from 'ava'
import { UnknownDialogs } from '../../src/switching/unknown-dialogs.ts'
import type { SipRequest } from '../../src/wire/sip/message.ts'

function bye(callId: string, number = 2): SipRequest {
  return { method: 'BYE', callId, cseq: { number, method: 'BYE' } } as SipRequest
}

test("a request is nobody's when it has been repeated for a second, and another one of its call begins anew", (t) => {
  const unknown = new UnknownDialogs()
  t.false(unknown.isNobodys(bye('one'), 0))
  t.false(unknown.isNobodys(bye('one'), 500))
  t.true(unknown.isNobodys(bye('one'), 1_500))
  t.false(unknown.isNobodys(bye('one', 3), 1_500))
  t.false(unknown.isNobodys(bye('one'), 32_000), 'its transaction is over (timer F)')
})

test('who says ever new requests makes it forget the oldest, and nothing grows', (t) => {
  const unknown = new UnknownDialogs()
  for (let n = 0; n < 1_024; n += 1) unknown.isNobodys(bye(`call ${n}`), n / 1_024)
  t.true(unknown.isNobodys(bye('call 0'), 1_500))
  unknown.isNobodys(bye('one more'), 1_500)
  t.false(unknown.isNobodys(bye('call 0'), 1_500), 'forgotten')
  t.true(unknown.isNobodys(bye('call 1023'), 2_500), 'kept')
})
