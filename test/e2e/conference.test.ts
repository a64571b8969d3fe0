//! Conferences with real telephones: ten members in one bridge while the primary dies, a preset one whose
//! member rings then, and a call of two that becomes a conference.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { figuresOfAll } from '../../scripts/capture/rtp-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import type { Sipp } from '../../scripts/phones/sipp.ts'
import { until } from '../../scripts/waiting.ts'
import { burstsIn, calleeHz, callerHz, heard, type PhonePair, registerPhones } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { allWell, authentication, phonePort, register, server } from './sipp-phones.ts'
import { twinsEqual } from './twins.ts'

const count = 10
const crowd = labUsers(2000, count)
const phones = labUsers(1001, 2)
/** The second node joins a leg that begins on a busy machine a moment later than the first. */
const settleMs = 1_500
const site = {
  conferences: {
    room: { name: 'Room', number: '700' },
    crew: { name: 'Crew', number: '710', kind: 'preset', members: ['1001', '1002'] },
  },
}
let lab: Lab
let watch: SilentStandbyWatch
let pair: PhonePair
let calling: Sipp | undefined

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'p3'], users: [...crowd, ...phones], site })
  watch = await SilentStandbyWatch.start(lab)
  await register(lab, 'p3', crowd)
  pair = await registerPhones(lab, 'manual')
})

/** Ends what a failed test left behind. */
test.afterEach.always(async () => {
  calling?.stop()
  await Promise.allSettled([pair?.caller, pair?.callee].map((phone) => phone?.hangUp()))
  await lab?.bothRun()
})

test.after.always(async () => {
  await lab?.close()
})

/** Members that are in, by the word of the node. */
async function membersOf(node: LabNode): Promise<number> {
  const { calls } = await node.ask('calls', {})
  return calls.reduce((sum, { members }) => sum + members, 0)
}

function reaches(members: number): Promise<boolean> {
  return until(async () => (await membersOf(await lab.primary())) === members, {
    what: `${members} members`,
    msMax: 30_000,
  })
}

async function kill(): Promise<number> {
  const victim = await lab.inStep()
  const { atMs } = victim.killAll()
  watch.primaryIs(lab.other(victim), atMs)
  return atMs
}

test.serial(
  'ten members dial in, and the primary dies while they do: 0 packets lost',
  async (t) => {
    const to = lab.network.address('p3')
    const capture = await lab.capture('p3', `udp and src host ${serviceAddress} and dst ${to}`)
    const users = crowd.map((user) => [user.user, authentication(user), '700'].join(';'))
    const call = { scenario: 'uac-call', port: phonePort, server, calls: count, users }
    calling = lab.sipp('p3', { ...call, pauseMs: 14_000, callsPerSecond: 1 })
    await reaches(4)
    const atMs = await kill()
    await reaches(count)
    t.like(await calling.done(), allWell(count), calling.report())
    const streams = heard(await capture.stop(), to)
    t.is(streams.length, count)
    t.deepEqual(
      streams.map((stream) => figuresOfAll(stream).packetsLost),
      streams.map(() => 0),
    )
    const before = streams.filter((stream) => (stream.packets[0]?.timeMs ?? atMs) < atMs)
    t.true(before.length >= 2 && before.length < count, `${before.length} were in when it died`)
    t.true(streams.every((stream) => stream.ssrcs.length === 1 && stream.timestampBreaks === 0))
    await lab.bothRun()
    await reaches(0)
  },
)

test.serial(
  'preset: a member that rings when the primary dies is in when it answers',
  async (t) => {
    const { caller, callee } = pair
    const captures = await Promise.all([lab.capture('p1'), lab.capture('p2')])
    const incoming = callee.next('CALL_INCOMING')
    const established = [caller, callee].map((phone) => phone.next('CALL_ESTABLISHED'))
    await caller.dial(`sip:710@${serviceAddress}`)
    await incoming
    await delay(settleMs)
    await kill()
    await lab.primary()
    await callee.accept()
    await Promise.all(established)
    await lab.bothRun()
    const fromMs = Date.now()
    await delay(2_000)
    const toMs = Date.now()
    const closed = [caller, callee].map((phone) => phone.next('CALL_CLOSED'))
    await callee.hangUp()
    await reaches(1)
    await caller.hangUp()
    await Promise.all(closed)
    const [p1 = [], p2 = []] = await Promise.all(captures.map((capture) => capture.stop()))
    const told = [
      { member: 'p1', hz: calleeHz, packets: p1 },
      { member: 'p2', hz: callerHz, packets: p2 },
    ]
    for (const { member, hz, packets } of told) {
      const address = lab.network.address(member)
      for (const stream of heard(packets, address)) t.is(figuresOfAll(stream).packetsLost, 0)
      const bursts = burstsIn(packets, address, { fromMs, toMs })
      t.is(bursts.length, 1, 'the tone of the other one without a break')
      t.true((bursts[0]?.share(hz) ?? 0) > 0.9)
    }
    await reaches(0)
  },
)

test.serial('the twins of all members were equal, and the standby sent no SIP', async (t) => {
  const { violations, sentByA, sentByB } = await watch.finish()
  t.deepEqual(violations, [])
  twinsEqual(t, { sentByA, sentByB }, 200)
})
