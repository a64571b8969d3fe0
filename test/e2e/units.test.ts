//! One unit of the primary dies alone: the peer is told at once, and the node returns as standby. How many
//! milliseconds that takes is told by the soak; here the peer says itself what made it serve.
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

/** The word of a dead node is lost when the machine stands still until its silence is missed: another kill. */
const killsMax = 4

interface Kill {
  readonly survivor: LabNode
  readonly atMs: number
  /** Why it serves. */
  readonly rule: string | undefined
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
  const { decisions } = await survivor.ask('why', {})
  const taken = decisions.find((one) => one.to === 'primary' && one.term === now.term)
  return { survivor, atMs, rule: taken?.rule }
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
      const rules: (string | undefined)[] = []
      for (let kill = 0; kill < killsMax && !rules.includes('goodbye'); kill += 1) {
        const capture = await lab.capture('probe')
        const { survivor, atMs, rule } = await killOne(unit)
        rules.push(rule)
        const mac = lab.network.mac(survivor.node)
        const answer = sipMessages(await capture.stop()).find(
          (m) => m.status !== undefined && m.ethernetSource === mac && m.timeMs > atMs,
        )
        const takeoverMs = (answer?.timeMs ?? Number.POSITIVE_INFINITY) - atMs
        t.log(`${rule}: first SIP answer ${takeoverMs.toFixed(1)} ms after the death of ${unit}`)
      }
      await probe.stop()
      const toMs = Date.now()
      await putDown(pair.callee, pair)
      // `peer-silent` is the rule of one that has waited for the heartbeats.
      t.true(rules.includes('goodbye'), rules.join(', '))
      t.is(lostIn(await phone.stop(), address, { fromMs, toMs: toMs - 200 }), 0)
    },
  )
}

test.serial('the standby has sent no SIP in all of this', async (t) => {
  t.deepEqual((await watch.finish()).violations, [])
})
