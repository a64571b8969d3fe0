//! One unit of the primary dies alone: the peer is told at once, and the node returns as standby.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import type { UnitName } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'

let lab: Lab
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'probe'], users: labUsers(1001, 2) })
  pair = await registerPhones(lab)
})

test.after.always(async () => {
  await lab?.close()
})

/** S1.66 gives a dead node 500 ms; a dead unit is announced and takes far less. */
const announcedMsMax = 100

for (const unit of ['switch', 'media'] as const satisfies UnitName[]) {
  test.serial(
    `kill -9 of ${unit} alone moves the role in under 100 ms, without loss`,
    async (t) => {
      const captures = await Promise.all([lab.capture('p1'), lab.capture('probe')])
      await talk(pair)
      await delay(1_000)
      const victim = await lab.inStep()
      const survivor = lab.other(victim)
      const probe = await lab.probe('probe')
      await delay(500)
      const { atMs } = await victim.killUnit(unit)
      t.is(await lab.primary(), survivor)
      await lab.inStep()
      await probe.stop()
      t.is((await victim.opinion()).role, 'standby')
      t.true(((await victim.opinion()).units.find((u) => u.unit === unit)?.restarts ?? 0) > 0)
      const endMs = Date.now()
      await putDown(pair.callee, pair)
      const [p1 = [], asked = []] = await Promise.all(captures.map((capture) => capture.stop()))
      const address = lab.network.address('p1')
      t.is(lostIn(p1, address, { fromMs: atMs - 500, toMs: endMs - 200 }), 0)
      const survivorMac = lab.network.mac(survivor.node)
      const answer = sipMessages(asked).find(
        (message) =>
          message.status !== undefined &&
          message.ethernetSource === survivorMac &&
          message.timeMs > atMs,
      )
      const takeoverMs = (answer?.timeMs ?? Number.POSITIVE_INFINITY) - atMs
      t.log(`take-over after the death of ${unit}: ${takeoverMs.toFixed(1)} ms`)
      t.true(takeoverMs < announcedMsMax)
    },
  )
}
