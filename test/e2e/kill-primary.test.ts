//! Calls live through `kill -9` of the whole primary: while talking, ringing, on hold and in set-up.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import type { UserItem } from '../../daemon/src/control/api.ts'
import { between, ofTerminal, sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { compareTwins } from '../../scripts/capture/twin.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { type LabUser, labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import type { BaresipPhone } from '../../scripts/phones/baresip.ts'
import type { Sipp } from '../../scripts/phones/sipp.ts'
import { until } from '../../scripts/waiting.ts'
import {
  burstsIn,
  calleeHz,
  heard,
  lostIn,
  type PhonePair,
  putDown,
  registerPhones,
  talk,
  wholeTones,
} from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { allWell, phonePort, register, server } from './sipp-phones.ts'

const traits: Readonly<Record<string, Omit<LabUser, 'user' | 'password'>>> = {
  '1001': { line: { failureTones: true } },
  '1003': { twin: false },
}
const users = labUsers(1001, 6).map((one) => ({ ...one, ...traits[one.user] }))
/** Nobody stands behind this number: its registration only has to end in time. */
const brief = users.filter(({ user }) => user === '1004')
/** The shortest that the registrar takes. */
const briefSeconds = 30
/** A call between them lasts through all of this, and needs a refresh meanwhile. */
const lasting = users.filter(({ user }) => user > '1004')
let patient: Sipp
let lab: Lab
let watch: SilentStandbyWatch
/** The callee answers by itself in `auto`, and waits for a hand in `manual`. */
let pair: PhonePair
let single: BaresipPhone
let registered: readonly UserItem[]
/** While who hears the hold tone of both nodes. */
let held = { address: '', fromMs: 0, toMs: 0 }

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'p3', 'p4'], users })
  watch = await SilentStandbyWatch.start(lab)
  pair = await registerPhones(lab, 'manual')
  single = await lab.phone('p3', { user: '1003', toneHz: calleeHz, answer: 'auto' })
  await register(lab, 'p3', brief, { expirySeconds: briefSeconds })
  await register(lab, 'p4', lasting, { contactPort: (user) => phonePort + Number(user) - 1_005 })
  registered = await registrations()
  patient = lastingCall()
})

function lastingCall(): Sipp {
  const [caller, callee] = lasting.map(({ user }) => user)
  lab.sipp('p4', { scenario: 'uas-answer', port: phonePort + 1, calls: 1, voiceSeconds: 1 })
  const users = [`${caller};-;${callee}`]
  const call = { port: phonePort, server, calls: 1, voiceSeconds: 1, mediaPort: 7_000 }
  return lab.sipp('p4', { ...call, scenario: 'uac-is-refreshed', users })
}

/** Ends what a failed test left behind, so that the next one finds free telephones. */
test.afterEach.always(async () => {
  const phones = [pair?.caller, pair?.callee, single]
  await Promise.allSettled(phones.map((phone) => phone?.hangUp()))
  await lab?.bothRun()
})

test.after.always(async () => {
  await lab?.close()
})

async function registrations(): Promise<readonly UserItem[]> {
  return (await (await lab.primary()).ask('users', {})).users
}

async function killPrimary(): Promise<{ victim: LabNode; atMs: number }> {
  const victim = await lab.inStep()
  const { atMs } = victim.killAll()
  watch.primaryIs(lab.other(victim), atMs)
  return { victim, atMs }
}

async function bringBack(victim: LabNode): Promise<void> {
  await victim.start()
  await lab.inStep()
}

test.serial('a talking call loses no packet, sends no SIP and can be put down', async (t) => {
  const captures = await Promise.all([lab.capture('p1'), lab.capture('p2')])
  await talk(pair)
  await delay(2_000)
  const { victim, atMs } = await killPrimary()
  await delay(3_000)
  await bringBack(victim)
  await delay(1_000)
  await putDown(pair.callee, pair)
  const [p1 = [], p2 = []] = await Promise.all(captures.map((capture) => capture.stop()))
  for (const [member, packets] of Object.entries({ p1, p2 })) {
    const address = lab.network.address(member)
    t.is(lostIn(packets, address, { fromMs: atMs - 1_000, toMs: atMs + 3_000 }), 0)
    const messages = ofTerminal(sipMessages(packets), address)
    t.deepEqual(between(messages, atMs, atMs + 3_000), [])
  }
  wholeTones(t, { lab, pair }, { p1, p2 })
})

test.serial('a ringing call is answered at the new primary', async (t) => {
  const incoming = pair.callee.next('CALL_INCOMING')
  await pair.caller.dial(pair.callee.uri)
  await incoming
  const { victim } = await killPrimary()
  await lab.primary()
  const established = [pair.caller, pair.callee].map((phone) => phone.next('CALL_ESTABLISHED'))
  await pair.callee.accept()
  await Promise.all(established)
  await bringBack(victim)
  await putDown(pair.caller, pair)
  t.pass()
})

test.serial('a ringing call can be given up at the new primary', async (t) => {
  const incoming = pair.callee.next('CALL_INCOMING')
  await pair.caller.dial(pair.callee.uri)
  await incoming
  const { victim } = await killPrimary()
  await lab.primary()
  await putDown(pair.caller, pair)
  await bringBack(victim)
  t.pass()
})

test.serial(
  'a held call has the hold tone of both nodes, and is resumed at the new primary',
  async (t) => {
    await talk(pair)
    const captures = await lab.capture('p2')
    await delay(500)
    await pair.caller.hold()
    await delay(4_000)
    const { victim, atMs } = await killPrimary()
    await lab.primary()
    await delay(3_500)
    const resumedMs = Date.now()
    const address = lab.network.address('p2')
    held = { address, fromMs: atMs - 3_500, toMs: atMs - 100 }
    await pair.caller.resume()
    await delay(2_000)
    await bringBack(victim)
    await putDown(pair.caller, pair)
    const packets = await captures.stop()
    const invites = sipMessages(packets).filter((message) => message.method === 'INVITE')
    t.true(invites.some((message) => message.timeMs > resumedMs && message.status === 200))
    const window = { fromMs: resumedMs + 500, toMs: resumedMs + 1_500 }
    t.is(lostIn(packets, address, window), 0)
    const whole = { fromMs: held.fromMs, toMs: resumedMs }
    t.is(lostIn(packets, address, whole), 0)
    const bursts = burstsIn(packets, address, whole)
    t.true(bursts.length >= 4, JSON.stringify(bursts))
    // The first and the last one may be cut.
    for (const burst of bursts.slice(1, -1)) {
      t.is(burst.packets, 10, '200 ms')
      t.true(burst.share(425) > 0.9, 'nothing but the tone')
    }
  },
)

test.serial(
  'a call dialled into the silence after the kill is set up by the new primary',
  async (t) => {
    const { victim } = await killPrimary()
    // The primary is dead and not yet missed: the telephone repeats its INVITE until it is heard.
    await talk(pair)
    await bringBack(victim)
    await putDown(pair.callee, pair)
    t.pass()
  },
)

test.serial('with twin off a terminal misses the time of the take-over, and no more', async (t) => {
  const call = { caller: pair.caller, callee: single }
  const captures = await Promise.all([lab.capture('p1'), lab.capture('p3')])
  await talk(call)
  await delay(1_500)
  const { atMs } = await killPrimary()
  await lab.primary()
  const servedMs = Date.now()
  await delay(1_500)
  const toMs = Date.now()
  await lab.bothRun()
  await putDown(single, call)
  const [p1 = [], p3 = []] = await Promise.all(captures.map((capture) => capture.stop()))
  const window = { fromMs: atMs - 1_000, toMs }
  t.is(lostIn(p1, lab.network.address('p1'), window), 0)
  const lost = lostIn(p3, lab.network.address('p3'), window)
  t.true(lost > 0, 'it hears the primary only')
  const after = { fromMs: servedMs + 200, toMs: toMs - 200 }
  t.is(lostIn(p3, lab.network.address('p3'), after), 0, `${lost} packets lost`)
  const streams = heard(p3, lab.network.address('p3'))
  t.is(streams.length, 1)
  t.like(streams[0], { duplicates: 0, timestampBreaks: 0 })
  t.is(streams[0]?.ssrcs.length, 1)
})

test.serial('registrations outlive all this, and end when they were to end', async (t) => {
  // A call to the new primary needs them; here they are compared to the last field.
  const stays = ({ user }: UserItem) => user !== '1004'
  t.deepEqual((await registrations()).filter(stays), registered.filter(stays))
  const before = registered.find(({ user }) => user === '1004')
  t.is(before?.status, 'online')
  const gone = await until(
    async () =>
      (await registrations()).find((one) => one.user === '1004' && one.status !== 'online'),
    { what: 'end of a registration', msMax: 2_000 * briefSeconds },
  )
  t.true(Date.now() >= Date.parse(before?.expiresAt ?? ''), gone.status)
  const closed = single.next('CALL_CLOSED')
  await single.dial(`sip:1004@${serviceAddress}`)
  t.regex((await closed).param, /480/)
})

test.serial(
  'why a call fails is heard over the death of the primary, and told by the new one',
  async (t) => {
    const capture = await lab.capture('p1')
    const progress = pair.caller.next('CALL_PROGRESS')
    const closed = pair.caller.next('CALL_CLOSED')
    await pair.caller.dial(`sip:1004@${serviceAddress}`)
    await progress
    const fromMs = Date.now()
    await delay(2_000)
    const { victim } = await killPrimary()
    t.regex((await closed).param, /480/)
    await bringBack(victim)
    const packets = await capture.stop()
    const window = { fromMs, toMs: fromMs + 7_000 }
    const address = lab.network.address('p1')
    t.is(lostIn(packets, address, window), 0)
    const bursts = burstsIn(packets, address, window)
    t.true(bursts.length >= 6, JSON.stringify(bursts))
    // The first and the last one may be cut.
    for (const burst of bursts.slice(1, -1)) {
      t.is(burst.packets, 25, '500 ms')
      t.true(burst.share(1_000) > 0.9, 'out of service')
    }
  },
)

test.serial('a session timer is kept by whoever is primary when it is due', async (t) => {
  t.like(await patient.done(), allWell(1), patient.report())
})

test.serial(
  'the standby has sent no SIP in all of this, and the same tone as the primary',
  async (t) => {
    const { violations, sentByA, sentByB } = await watch.finish()
    t.deepEqual(violations, [])
    const { address, fromMs, toMs } = held
    const [byA, byB] = [sentByA, sentByB].map((packets) =>
      packets.filter(
        (one) => one.destination === address && one.timeMs >= fromMs && one.timeMs <= toMs,
      ),
    )
    const twin = compareTwins(byA ?? [], byB ?? [])
    t.true(twin.packets > 150, JSON.stringify(twin))
    // Nothing of a tone depends on when a packet came: every byte is equal.
    const { packets } = twin
    t.like(twin, { headerEqual: packets, payloadEqual: packets, single: 0 })
  },
)
