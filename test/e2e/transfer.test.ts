//! Call transfer (呼叫转接, S1.27) and pick-up (代答) with real telephones, through the death of the primary.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import type { BaresipPhone } from '../../scripts/phones/baresip.ts'
import { calleeHz, lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'

const users = labUsers(1001, 3).map((user) => ({ ...user, line: { pickupGroup: 'tower' } }))
let lab: Lab
let watch: SilentStandbyWatch
let pair: PhonePair
let third: BaresipPhone

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'p3'], users })
  watch = await SilentStandbyWatch.start(lab)
  pair = await registerPhones(lab, 'manual')
  third = await lab.phone('p3', { user: '1003', toneHz: calleeHz, answer: 'manual' })
})

test.afterEach.always(async () => {
  const phones = [pair?.caller, pair?.callee, third]
  await Promise.allSettled(phones.map((phone) => phone?.hangUp()))
  await lab?.bothRun()
})

test.after.always(async () => {
  await lab?.close()
})

test.serial(
  'a transfer is completed by the new primary when the old one dies while it rings',
  async (t) => {
    const capture = await lab.capture('p1')
    await talk(pair)
    await delay(1_000)
    const incoming = third.next('CALL_INCOMING')
    await pair.callee.transfer(third.uri)
    await incoming
    const victim = await lab.inStep()
    const { atMs } = victim.killAll()
    watch.primaryIs(lab.other(victim), atMs)
    await lab.primary()
    const established = third.next('CALL_ESTABLISHED')
    const left = pair.callee.next('CALL_CLOSED', 'TRANSFER_FAILED')
    await third.accept()
    await established
    t.is((await left).type, 'CALL_CLOSED')
    await delay(2_000)
    await victim.start()
    await lab.inStep()
    await putDown(third, { caller: pair.caller, callee: third })
    const packets = await capture.stop()
    const address = lab.network.address('p1')
    t.is(lostIn(packets, address, { fromMs: atMs - 500, toMs: atMs + 2_000 }), 0)
  },
)

test.serial('a telephone of the group takes a call that rings at another one', async (t) => {
  const incoming = pair.callee.next('CALL_INCOMING')
  await pair.caller.dial(pair.callee.uri)
  await incoming
  const taken = [pair.caller, third].map((phone) => phone.next('CALL_ESTABLISHED'))
  const stopped = pair.callee.next('CALL_CLOSED')
  await third.dial(`sip:**1002@${serviceAddress}`)
  await Promise.all([...taken, stopped])
  await putDown(pair.caller, { caller: pair.caller, callee: third })
  t.pass()
})

test.serial('the standby has sent no SIP in all of this', async (t) => {
  t.deepEqual((await watch.finish()).violations, [])
})
