//! Calls of real telephones that others come into: transfer (呼叫转接, S1.27) through the death of the primary,
//! pick-up (代答), intrusion (强插), forced release (强拆), calls that wait for a busy line, and two telephones of
//! one account.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { readCapture, type UdpPacket } from '../../scripts/capture/pcap.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import { type LabUser, labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import type { BaresipPhone } from '../../scripts/phones/baresip.ts'
import type { Sipp } from '../../scripts/phones/sipp.ts'
import { until } from '../../scripts/waiting.ts'
import { lostIn, type PhonePair, putDown, registerPhones, shareIn, talk, thirdHz } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { allWell, phonePort, register, server } from './sipp-phones.ts'
import { callsAre, talking } from './talkers.ts'

const accounts = labUsers(1001, 3).map((user) => ({
  ...user,
  line: { pickupGroup: 'tower', waiting: 5 },
  rights: { intrude: true, forceRelease: true, priorityMax: 'emergency' },
}))
/** They wait for a busy line. */
const callers = labUsers(1011, 4)
/** Finds the queue full. */
const [late] = labUsers(1015, 1) as [LabUser]
const shared = labUsers(1020, 1).map((user) => ({ ...user, line: { contacts: 2 } }))
const users = [...accounts, ...callers, late, ...shared]
/** Of the warning of an intrusion, beside what is said (ED-137 volume 2 sheet 5.6). */
const warningHz = 425
/** Of what is heard while it sounds: it is beneath two voices. */
const warningShareMin = 0.03
let lab: Lab
let watch: SilentStandbyWatch
let pair: PhonePair
let third: BaresipPhone
const running: Sipp[] = []

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'p3', 'p4', 'p5'], users })
  watch = await SilentStandbyWatch.start(lab)
  pair = await registerPhones(lab, 'manual')
  third = await lab.phone('p3', { user: '1003', toneHz: thirdHz, answer: 'manual' })
  await Promise.all([register(lab, 'p4', callers), register(lab, 'p5', [late])])
})

test.afterEach.always(async () => {
  for (const sipp of running.splice(0)) sipp.stop()
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

/** Where the switch has sent an INVITE in the only call that there is. */
async function invited(): Promise<string[]> {
  const primary = await lab.primary()
  const [call] = (await primary.ask('calls', {})).calls
  const { messages } = await primary.ask('call.trace', { sessionId: call?.sessionId ?? '' })
  const asked = messages.filter(
    ({ direction, summary }) => direction === 'out' && summary.startsWith('INVITE'),
  )
  return [...new Set(asked.map(({ address }) => address))].sort()
}

/** What the switch said to a telephone by INFO. */
function informed(packets: readonly UdpPacket[]): string[] {
  const infos = sipMessages(packets).filter(
    ({ method, status }) => method === 'INFO' && status === undefined,
  )
  // One that was repeated is the same.
  const texts = [...new Set(infos.map(({ text }) => text))]
  return texts.map((text) => text.slice(text.indexOf('\r\n\r\n') + 4))
}

/** Loudest part, as long as a pulse of the tone, of a frequency. */
function loudest(
  packets: readonly UdpPacket[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): number {
  const address = lab.network.address('p1')
  const starts = Array.from({ length: Math.floor((toMs - fromMs) / 40) }, (_, n) => fromMs + n * 40)
  const shares = starts.map((start) => {
    return shareIn(packets, address, { fromMs: start, toMs: start + 239, hz: warningHz })
  })
  return Math.max(...shares)
}

test.serial(
  'intrusion by an emergency call: it is told each step, who is inside hears a warning and is told by INFO',
  async (t) => {
    await talk(pair)
    const told = `udp and src host ${serviceAddress}`
    const captures = await Promise.all(['p1', 'p3'].map((member) => lab.capture(member, told)))
    const victim = () => readCapture(captures[0]?.file ?? '')
    const inside = third.next('CALL_ESTABLISHED')
    await third.dial(`sip:*391002@${serviceAddress}`)
    await inside
    const enteredMs = Date.now()
    await talking(t, lab, '1001', '1002', '1003')
    const warning = () => loudest(victim(), { fromMs: enteredMs - 300, toMs: Date.now() })
    await until(() => warning() > warningShareMin, { what: 'the warning', everyMs: 200 })
    await third.hangUp()
    await until(() => informed(victim()).length === 2, { what: 'the end of the intrusion' })
    await talking(t, lab, '1001', '1002')
    await putDown(pair.callee, pair)
    const [p1 = [], p3 = []] = await Promise.all(captures.map((capture) => capture.stop()))
    t.deepEqual(informed(p1), ['Intrusion in progress', 'Intrusion completed'])
    const answers = sipMessages(p3).filter(
      ({ method, status }) => method === 'INVITE' && status !== undefined && status > 100,
    )
    const lines = answers.map(({ text }) => text.slice('SIP/2.0 '.length, text.indexOf('\r')))
    t.deepEqual([...new Set(lines)], ['182 Queued', '183 Intrusion in progress', '200 OK'])
    const beganMs = answers.find(({ status }) => status === 183)?.timeMs ?? 0
    const before = loudest(p1, { fromMs: beganMs - 2_000, toMs: beganMs - 300 })
    t.true(before < warningShareMin / 10, `nothing of it before: ${before}`)
  },
)

test.serial(
  'an emergency call to a telephone that holds its call rings there, and is answered',
  async (t) => {
    await talk(pair)
    await pair.callee.hold()
    const rings = pair.callee.next('CALL_INCOMING')
    await third.dial(`sip:*391002@${serviceAddress}`)
    t.regex((await rings).param, /sip:1003@/)
    const established = [pair.callee, third].map((phone) => phone.next('CALL_ESTABLISHED'))
    await pair.callee.accept()
    await Promise.all(established)
    await callsAre(lab, 2)
    await putDown(third, { caller: third, callee: pair.callee })
    await putDown(pair.caller, pair)
  },
)

test.serial(
  'a forced release that is given up: both are told that it goes on, and hear its tone no more',
  async (t) => {
    await talk(pair)
    const capture = await lab.capture('p1', `udp and src host ${serviceAddress}`)
    const heard = () => readCapture(capture.file)
    await third.dial(`sip:*381002@${serviceAddress}`)
    await until(() => informed(heard()).length === 1, { what: 'the warning' })
    await third.hangUp()
    await until(() => informed(heard()).length === 2, { what: 'the end of the warning' })
    const fromMs = Date.now() + 300
    await delay(3_000)
    await talking(t, lab, '1001', '1002')
    await putDown(pair.callee, pair)
    const packets = await capture.stop()
    t.deepEqual(informed(packets), ['Interruption is impending', 'Interruption Terminated'])
    const toMs = fromMs + 2_500
    t.true(loudest(packets, { fromMs, toMs }) < warningShareMin / 10)
  },
)

test.serial(
  'queue: five wait, the most urgent rings first, then the oldest, and a sixth is refused',
  async (t) => {
    const { callee } = pair
    await talk(pair)
    const order = callers.map(({ user }) => user)
    const waiting = lab.sipp('p4', {
      ...{ scenario: 'uac-until-bye', port: phonePort, server, calls: order.length },
      users: order.map((user) => `${user};-;1002`),
    })
    running.push(waiting)
    await callsAre(lab, 1 + order.length)
    const { calls } = await (await lab.primary()).ask('calls', {})
    const since = new Map(calls.map(({ caller, startedAt }) => [caller, startedAt]))
    await third.dial(`sip:*361002@${serviceAddress}`)
    await callsAre(lab, 2 + order.length)
    const sixth = lab.sipp('p5', {
      ...{ scenario: 'uac-refused', port: phonePort, server, calls: 1 },
      users: [`${late.user};-;1002`],
      values: { status: '486' },
    })
    running.push(sixth)
    t.like(await sixth.done(), allWell(1), sixth.report())
    const rung: string[] = []
    let rings = callee.next('CALL_INCOMING')
    await putDown(pair.caller, pair)
    for (const number of ['1003', ...order]) {
      rung.push(/sip:(\d+)@/.exec((await rings).param)?.[1] ?? '')
      if (number !== order.at(-1)) rings = callee.next('CALL_INCOMING')
      const established = callee.next('CALL_ESTABLISHED')
      await callee.accept()
      await established
      const closed = callee.next('CALL_CLOSED')
      await callee.hangUp()
      await closed
    }
    t.deepEqual([rung[0], ...rung.slice(1).toSorted()], ['1003', ...order])
    // A busy switch may have read two of them in one millisecond.
    const times = rung.slice(1).map((number) => since.get(number))
    t.deepEqual(times, times.toSorted())
    t.like(await waiting.done(), allWell(order.length), waiting.report())
  },
)

test.serial(
  'two telephones of one account ring together, either has the call, and who signs out is left alone',
  async (t) => {
    const { caller } = pair
    const own = { user: '1020', toneHz: thirdHz, answer: 'manual' } as const
    const twins = await Promise.all([
      lab.phone('p2', { ...own, place: 1 }),
      lab.phone('p3', { ...own, place: 1 }),
    ])
    const [one, two] = twins
    const call = async (rung: readonly BaresipPhone[], taker: BaresipPhone) => {
      const rings = rung.map((phone) => phone.next('CALL_INCOMING'))
      await caller.dial(taker.uri)
      await Promise.all(rings)
      const silent = rung
        .filter((phone) => phone !== taker)
        .map((phone) => phone.next('CALL_CLOSED'))
      const established = [caller, taker].map((phone) => phone.next('CALL_ESTABLISHED'))
      await taker.accept()
      await Promise.all([...silent, ...established])
      await talking(t, lab, '1001', '1020')
      const asked = await invited()
      await putDown(taker, { caller, callee: taker })
      return asked
    }
    const places = ['p2', 'p3'].map((member) => `${lab.network.address(member)}:5062`)
    t.deepEqual(await call(twins, one), places)
    t.deepEqual(await call(twins, two), places)
    await one.stop()
    t.deepEqual(await call([two], two), places.slice(1))
    await two.stop()
  },
)

test.serial('the standby has sent no SIP in all of this', async (t) => {
  t.deepEqual((await watch.finish()).violations, [])
})
