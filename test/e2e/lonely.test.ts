//! A node alone, and deaths for which no announcement helps: whatever dies comes back by itself, and the
//! calls go on.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { type SipSighting, sipMessages } from '../../scripts/capture/sip-analysis.ts'
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

/** A killed switch is back within this, or within the time that this machine needs now to start a node:
 * one of three units cannot need more, however busy it is. */
const backMsMax = 2_000
const killsMax = 3

/** One node is dead from here on. */
async function aloneNode(): Promise<LabNode> {
  const running = [lab.a, lab.b].filter((node) => node.isRunning)
  const [only] = running
  if (running.length === 1 && only !== undefined) return only
  const alone = await lab.inStep()
  lab.other(alone).killAll()
  await until(async () => (await alone.opinion()).alone, { what: 'a node alone' })
  return alone
}

interface Death {
  readonly alone: LabNode
  readonly atMs: number
  /** Longest time without an answer to a question that was asked every 10 ms. */
  readonly silentMs: number
  readonly address: string
  readonly atPhone: Awaited<ReturnType<Awaited<ReturnType<Lab['capture']>>['stop']>>
  readonly endMs: number
}

/** A call stands; one unit of the node that is alone dies and comes back. */
async function deathDuringCall(unit: UnitName): Promise<Death> {
  const alone = await aloneNode()
  await talk(pair)
  await delay(1_000)
  const captures = await Promise.all([lab.capture('probe'), lab.capture('p1')])
  const probe = await lab.probe('probe')
  await delay(300)
  const atMs = await killAndReturn(alone, unit)
  await delay(1_000)
  const endMs = Date.now()
  await probe.stop()
  const [answers = [], atPhone = []] = await Promise.all(captures.map((one) => one.stop()))
  const address = lab.network.address('p1')
  const silentMs = longestSilence(sipMessages(answers), atMs)
  return { alone, atMs, silentMs, address, atPhone, endMs }
}

/** @returns when it was killed. */
async function killAndReturn(alone: LabNode, unit: UnitName): Promise<number> {
  const { atMs, pid } = await alone.killUnit(unit)
  await until(
    async () => {
      const { role, media, units } = await alone.opinion()
      const again = units.find((one) => one.unit === unit)
      const isBack = again?.state === 'up' && again.pid !== pid
      return role === 'primary' && media?.legs === 2 && isBack
    },
    { what: `${unit} with its call again`, msMax: 15_000 },
  )
  return atMs
}

function longestSilence(messages: readonly SipSighting[], fromMs: number): number {
  let last = fromMs
  let longest = 0
  for (const { status, timeMs } of messages) {
    if (status === undefined || timeMs < fromMs) continue
    longest = Math.max(longest, timeMs - last)
    last = timeMs
  }
  return longest
}

test.serial('alone, a switch that is killed is back within 2 s with its call', async (t) => {
  let isQuick = false
  for (let kill = 0; kill < killsMax && !isQuick; kill += 1) {
    const { alone, atMs, silentMs, address, atPhone, endMs } = await deathDuringCall('switch')
    t.log(`no SIP for ${silentMs.toFixed(0)} ms`)
    isQuick = silentMs <= backMsMax || silentMs <= (await startMs(lab.other(alone)))
    const { alone: isAlone, service } = await alone.opinion()
    t.true(isAlone)
    t.is(service?.calls, 1)
    const window = { fromMs: atMs - 200, toMs: endMs - 200 }
    t.is(lostIn(atPhone, address, window), 0, holesIn(atPhone, address, atMs))
    const capture = await lab.capture('p2')
    await pair.caller.hold()
    await delay(500)
    await pair.caller.resume()
    await delay(500)
    const invites = sipMessages(await capture.stop()).filter(({ method }) => method === 'INVITE')
    t.is(
      invites.filter(({ status }) => status === 200).length,
      2,
      'hold and resume reach the other',
    )
    await putDown(pair.callee, pair)
  }
  t.true(isQuick)
})

/** What a start of this node takes now; it is dead before and after. */
async function startMs(node: LabNode): Promise<number> {
  const fromMs = performance.now()
  await node.start()
  const tookMs = performance.now() - fromMs
  node.killAll()
  await until(async () => (await lab.other(node).opinion()).alone, { what: 'a node alone' })
  return tookMs
}

test.serial(
  'alone, a media unit that is killed is back with its legs, and SIP is served',
  async (t) => {
    const { atMs, silentMs, address, atPhone, endMs } = await deathDuringCall('media')
    const lost = lostIn(atPhone, address, { fromMs: atMs - 200, toMs: endMs - 200 })
    t.log(`${lost} packets lost, no SIP for ${silentMs.toFixed(0)} ms`)
    // Nobody else has the legs: what is missing is the time of the start, and SIP is served meanwhile.
    t.true(lost > 0, holesIn(atPhone, address, atMs))
    t.is(lostIn(atPhone, address, { fromMs: endMs - 700, toMs: endMs - 200 }), 0)
    t.true(silentMs < lost * 20, `${silentMs} ms`)
    await putDown(pair.callee, pair)
  },
)

test.serial(
  'alone, a pair unit that is killed costs no voice, and SIP is served again',
  async (t) => {
    const { alone, atMs, silentMs, address, atPhone, endMs } = await deathDuringCall('pair')
    t.log(`no SIP for ${silentMs.toFixed(0)} ms`)
    const window = { fromMs: atMs - 200, toMs: endMs - 200 }
    t.is(lostIn(atPhone, address, window), 0, holesIn(atPhone, address, atMs))
    t.is((await alone.opinion()).service?.calls, 1)
    await putDown(pair.caller, pair)
  },
)

/** Processes of the three units. */
async function unitPids(node: LabNode): Promise<(number | null)[]> {
  const { units } = await node.opinion()
  return units.filter(({ unit }) => unit !== 'supervisor').map(({ pid }) => pid)
}

async function isUnsupervised(node: LabNode): Promise<boolean> {
  const { active } = await node.ask('alarms', {})
  return active.some(({ code }) => code === 'supervisor-lost')
}

test.serial(
  'alone, the death of the supervisor costs nothing, and the next one goes on with the units',
  async (t) => {
    const alone = await aloneNode()
    await talk(pair)
    await delay(1_000)
    const pids = await unitPids(alone)
    const captures = await Promise.all([lab.capture('probe'), lab.capture('p1')])
    const probe = await lab.probe('probe')
    await delay(300)
    const killedMs = Date.now()
    alone.killSupervisor()
    await until(() => isUnsupervised(alone), { what: 'alarm supervisor-lost' })
    await alone.start()
    await until(async () => !(await isUnsupervised(alone)), { what: 'end of the alarm' })
    t.deepEqual(await unitPids(alone), pids)
    t.like(await alone.opinion(), { role: 'primary', alone: true })
    // What dies now is started again by the new one: a call outlives it as before.
    const diedMs = await killAndReturn(alone, 'switch')
    await delay(700)
    const endMs = Date.now()
    await probe.stop()
    const [atProbe = [], atPhone = []] = await Promise.all(captures.map((one) => one.stop()))
    const before = sipMessages(atProbe).filter(({ timeMs }) => timeMs < diedMs)
    t.log(`no SIP for ${longestSilence(before, killedMs).toFixed(0)} ms`)
    const answers = before.filter(({ status, timeMs }) => status !== undefined && timeMs > killedMs)
    t.true(answers.length > 0)
    const window = { fromMs: killedMs - 200, toMs: endMs - 200 }
    const address = lab.network.address('p1')
    t.is(lostIn(atPhone, address, window), 0, holesIn(atPhone, address, killedMs))
    t.is((await alone.opinion()).service?.calls, 1)
    await putDown(pair.caller, pair)
  },
)
