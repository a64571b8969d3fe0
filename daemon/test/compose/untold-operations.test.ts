//! Operations that the peer could not be told of.
import test from 'ava'
import { UntoldOperations } from '../../src/compose/untold-operations.ts'
import { limits } from '../../src/limits.ts'
import { Operations } from '../../src/oam/operations.ts'

const order = { kind: 'pause', operator: 'anna', via: 'local', reason: '' } as const
const done = { state: 'done', detail: '', tookMs: 1 } as const
const idOf = (n: number) => n.toString(16).padStart(6, '0')

/** A node whose peer hears what it is told while `net` is up. */
function stage(own = new Operations('vccs-a', [], 0)) {
  const peer = new Operations('vccs-b', [], 0)
  const net = { isUp: false, meanwhile: () => {} }
  const asked: string[] = []
  const untold = new UntoldOperations(own, 'vccs-a', async (operation) => {
    asked.push(`${operation.id} ${operation.state}`)
    if (net.isUp) peer.copy(operation)
    net.meanwhile()
    return net.isUp
  })
  const begin = (n: number) => untold.tell(own.begin(order, n, () => idOf(n)))
  let nowMs = 0
  /** What is told when the time for it has come. */
  const pass = async (isPeerHeard = true) => {
    asked.length = 0
    nowMs += limits.peerAnswerMsMax
    await untold.advance(nowMs, isPeerHeard)
    return [...asked]
  }
  return { own, peer, net, begin, pass }
}

test('what the peer was not told is told when it hears again, once, as it is then', async (t) => {
  const { own, peer, net, begin, pass } = stage()
  await begin(1)
  await begin(2)
  own.end(idOf(1), done, 5)
  t.deepEqual(await pass(false), [], 'a peer that is not heard is not asked')
  t.deepEqual(await pass(), ['000001 done'], 'and no more of one that does not answer')
  net.isUp = true
  t.deepEqual(await pass(), ['000002 running', '000001 done'])
  t.deepEqual(peer.list(), own.list())
  t.deepEqual(await pass(), [])
})

test('what ends while it is being told is told once more', async (t) => {
  const { own, net, begin, pass } = stage()
  await begin(1)
  net.isUp = true
  net.meanwhile = () => own.end(idOf(1), done, 5)
  t.deepEqual(await pass(), ['000001 running'])
  t.deepEqual(await pass(), ['000001 done'])
  t.deepEqual(await pass(), [])
})

test('after a restart the newest are told, and never more wait than are kept', async (t) => {
  const own = new Operations('vccs-a', [], 0)
  for (let n = 1; n <= limits.operationsShown + 3; n += 1) own.begin(order, n, () => idOf(n))
  const { net, begin, pass } = stage(own)
  net.isUp = true
  const told = await pass()
  t.deepEqual([told.length, told[0]], [limits.operationsShown, '000004 running'])
  net.isUp = false
  for (let n = 100; n < 100 + 2 * limits.operationsKept; n += 1) await begin(n)
  net.isUp = true
  t.is((await pass()).length, limits.operationsKept)
})
