//! Roles that move by order, and nodes that go and come back, under a call that does not notice.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { between, ofTerminal, sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { heard, lostIn, type PhonePair, putDown, registerPhones, talk, wholeTones } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { twinsEqual } from './twins.ts'

let lab: Lab
let watch: SilentStandbyWatch
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(1001, 2) })
  watch = await SilentStandbyWatch.start(lab)
  pair = await registerPhones(lab)
})

test.after.always(async () => {
  await lab?.close()
})

test.serial('a call goes on through a switchover, a dead standby and its return', async (t) => {
  const captures = await Promise.all([lab.capture('p1'), lab.capture('p2')])
  await talk(pair)
  await delay(1_500)

  const first = await lab.inStep()
  const second = lab.other(first)
  const switchMs = Date.now()
  const switched = await first.cli('switchover', '--yes', '--reason', 'test')
  t.is(switched.exitCode, 0, switched.output)
  // What the command shows last is the pair as it stays, not the moment of the change.
  t.notRegex(switched.output, /NODES DISAGREE|NOT REDUNDANT/)
  watch.primaryIs(second, switchMs)
  t.is(await lab.primary(), second)
  await lab.inStep()
  await delay(1_500)

  const { atMs: killMs } = first.killAll()
  await until(async () => (await second.opinion()).alone, { what: 'alarm of the lost standby' })
  t.true((await second.status()).alarms.some((alarm) => alarm.code === 'peer-lost'))
  const refused = await second.cli('switchover', '--yes')
  t.not(refused.exitCode, 0)
  await first.start()
  t.is(await lab.inStep(), second)
  await delay(1_500)
  const endMs = Date.now()
  await putDown(pair.caller, pair)

  const [p1 = [], p2 = []] = await Promise.all(captures.map((capture) => capture.stop()))
  for (const [member, packets] of Object.entries({ p1, p2 })) {
    const address = lab.network.address(member)
    t.is(lostIn(packets, address, { fromMs: switchMs - 1_000, toMs: endMs - 200 }), 0)
    t.deepEqual(between(ofTerminal(sipMessages(packets), address), switchMs, endMs), [])
    const [stream] = heard(packets, address)
    t.is(stream?.ssrcs.length, 1)
    t.is(stream?.timestampBreaks, 0)
    t.true(killMs < endMs)
  }
  wholeTones(t, { lab, pair }, { p1, p2 })
})

test.serial('both nodes sent the same packets, and the standby no SIP', async (t) => {
  const { violations, sentByA, sentByB } = await watch.finish()
  t.deepEqual(violations, [])
  twinsEqual(t, { sentByA, sentByB }, 300)
})
