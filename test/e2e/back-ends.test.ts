//! The second back end of the media unit (`dgram`): one call through the death of its primary. All other
//! tests use the first one.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { Lab } from '../../scripts/lab.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { heard, lostIn, putDown, registerPhones, talk } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'

for (const mediaBackend of ['dgram', 'ffi'] as const) {
  test.serial(`a call over ${mediaBackend} lives through kill -9 of the primary`, async (t) => {
    const lab = await Lab.start({
      members: ['p1', 'p2'],
      users: labUsers(1001, 2),
      mediaBackend,
    })
    t.teardown(() => lab.close())
    const watch = await SilentStandbyWatch.start(lab)
    const pair = await registerPhones(lab)
    const captures = await Promise.all([lab.capture('p1'), lab.capture('p2')])
    await talk(pair)
    await delay(1_500)
    const victim = await lab.inStep()
    for (const node of [lab.a, lab.b]) {
      t.is((await node.opinion()).media?.backend, mediaBackend)
      const { active } = await node.ask('alarms', {})
      const isFallback = active.some((alarm) => alarm.code === 'media-fallback')
      t.is(isFallback, mediaBackend === 'dgram')
    }
    const { atMs } = victim.killAll()
    watch.primaryIs(lab.other(victim), atMs)
    await lab.primary()
    await delay(1_500)
    const toMs = Date.now()
    await putDown(pair.callee, pair)
    for (const [index, member] of ['p1', 'p2'].entries()) {
      const packets = (await captures[index]?.stop()) ?? []
      const address = lab.network.address(member)
      t.is(lostIn(packets, address, { fromMs: atMs - 1_000, toMs: toMs - 200 }), 0)
      const [stream] = heard(packets, address)
      t.is(stream?.ssrcs.length, 1)
      t.is(stream?.timestampBreaks, 0)
    }
    t.deepEqual((await watch.finish()).violations, [])
  })
}
