//! One unit of the primary stands still: the node steps down by itself, the peer serves, the supervisor
//! ends the hung unit and starts it anew; one that wakes up before is silent.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { limits } from '../../daemon/src/limits.ts'
import { isRtp, streamName } from '../../scripts/capture/rtp-analysis.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode, UnitName } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { holesIn, lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'

let lab: Lab
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'probe'], users: labUsers(1001, 2) })
  pair = await registerPhones(lab)
})

test.afterEach.always(async () => {
  await Promise.allSettled([pair?.caller.hangUp(), pair?.callee.hangUp()])
})

test.after.always(async () => {
  await lab?.close()
})

/** What the peer needs at most to serve: a unit that stands still is found by its own pair unit, one
 * period and one look later; a pair unit that stands still is missed like a dead node. */
const lostMs = limits.heartbeatMs * limits.heartbeatMissesMax
const boundMs: Readonly<Record<'switch' | 'media' | 'pair', number>> = {
  switch: limits.proofMsMin + 2 * limits.heartbeatMs,
  media: limits.proofMsMin + 2 * limits.heartbeatMs,
  pair: lostMs + limits.heartbeatMs,
}
const units = ['switch', 'media', 'pair'] as const
/** On a busy machine one hang may be seen late; the best of some shows what the daemons need. */
const hangsMax = 3

/** When the node that did not serve first answered SIP after `fromMs`, in milliseconds from there. */
async function measured(
  survivor: LabNode,
  hang: () => Promise<number>,
): Promise<{ tookMs: number; atMs: number }> {
  const capture = await lab.capture('probe')
  const probe = await lab.probe('probe')
  const atMs = await hang()
  await until(async () => (await survivor.opinion()).role === 'primary', { what: 'take-over' })
  await delay(200)
  await probe.stop()
  const mac = lab.network.mac(survivor.node)
  const answer = sipMessages(await capture.stop()).find(
    (m) => m.status !== undefined && m.ethernetSource === mac && m.timeMs > atMs,
  )
  return { tookMs: (answer?.timeMs ?? Number.POSITIVE_INFINITY) - atMs, atMs }
}

async function unitState(node: LabNode, unit: UnitName) {
  return (await node.opinion()).units.find((one) => one.unit === unit)
}

async function restartAlarm(node: LabNode, unit: UnitName) {
  const { active } = await node.ask('alarms', {})
  return active.find(({ code, subject }) => code === 'unit-restarted' && subject === unit)
}

for (const unit of units) {
  test.serial(
    `a ${unit} that hangs costs the role and no voice, and is started anew`,
    async (t) => {
      let bestMs = Number.POSITIVE_INFINITY
      for (let hang = 0; hang < hangsMax && bestMs > boundMs[unit]; hang += 1) {
        const victim = await lab.inStep()
        const survivor = lab.other(victim)
        await talk(pair)
        await delay(1_000)
        const phone = await lab.capture('p1')
        await delay(300)
        let hungPid = 0
        const { tookMs, atMs } = await measured(survivor, async () => {
          const stopped = await victim.stopUnit(unit)
          hungPid = stopped.pid
          return stopped.atMs
        })
        t.log(`first SIP answer ${tookMs.toFixed(0)} ms after ${unit} stood still`)
        bestMs = Math.min(bestMs, tookMs)
        const again = await until(
          async () => {
            const state = await unitState(victim, unit)
            return state?.state === 'up' && state.pid !== hungPid ? state : undefined
          },
          { what: `return of ${unit}` },
        )
        t.true(again.restarts > 0)
        await until(async () => (await victim.opinion()).role === 'standby', { what: 'a standby' })
        const alarm = await until(() => restartAlarm(victim, unit), { what: 'alarm' })
        t.regex(alarm.detail, /stood still/)
        t.regex(victim.wholeLog(), new RegExp(`"of":"${unit}".*"text":"unit hangs and is ended"`))
        const window = { fromMs: atMs - 200, toMs: Date.now() - 200 }
        const packets = await phone.stop()
        const address = lab.network.address('p1')
        t.is(lostIn(packets, address, window), 0, holesIn(packets, address, atMs))
        await putDown(pair.callee, pair)
      }
      t.true(bestMs <= boundMs[unit], `${bestMs} ms, bound ${boundMs[unit]} ms`)
    },
  )
}

for (const unit of units) {
  test.serial(`a ${unit} that wakes up after 3 s finds its node silent`, async (t) => {
    const victim = await lab.inStep()
    const survivor = lab.other(victim)
    await talk(pair)
    await delay(1_000)
    const own = `udp and ether src ${lab.network.mac(victim.node)}`
    const sent = await lab.capture(victim.node, own)
    const phone = await lab.capture('p1')
    await delay(300)
    const probe = await lab.probe('probe')
    const { atMs, wake, pid } = await victim.stopUnit(unit)
    await delay(3_000)
    t.is((await survivor.opinion()).role, 'primary')
    const wokenMs = wake()
    await until(async () => (await victim.opinion()).role === 'standby', { what: 'a standby' })
    await lab.inStep()
    await probe.stop()
    const endMs = Date.now()
    const packets = await sent.stop()
    t.is((await unitState(victim, unit))?.pid, pid, 'it was not ended')
    t.deepEqual(
      sipMessages(packets).filter(({ timeMs }) => timeMs >= wokenMs),
      [],
    )
    // What it knows, it has read in its first turn; the ticks that it missed are not sent.
    const first = packets.filter(
      (packet) => isRtp(packet) && packet.timeMs >= wokenMs && packet.timeMs < wokenMs + 20,
    )
    for (const [leg, several] of Map.groupBy(first, streamName)) t.true(several.length <= 1, leg)
    const window = { fromMs: atMs - 200, toMs: endMs - 200 }
    const atPhone = await phone.stop()
    const address = lab.network.address('p1')
    t.is(lostIn(atPhone, address, window), 0, holesIn(atPhone, address, atMs))
    await putDown(pair.callee, pair)
  })
}
