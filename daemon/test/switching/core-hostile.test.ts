//! What a terminal writes must not end a node: not at once, and not when the peer reads it from the
//! tables.
import test from 'ava'
import { Stage, sdp } from './core-stage.ts'

test('a registered Contact with headers is called, and its call can be taken over', (t) => {
  const stage = new Stage()
  const user = stage.tables.user.get('102')
  if (user === undefined) return t.fail()
  stage.tables.user.put({ ...user, contact: `${user.contact}?Subject=x` })
  stage.a.call('102')
  stage.takeOver()
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  stage.a.ack(stage.a.told(200))
  stage.a.request('BYE')
  stage.takeOver()
  stage.b.respond(stage.b.asked('BYE'), 200)
  t.is(stage.core.liveSessions, 0)
})
