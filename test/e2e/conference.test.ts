//! Conferences with real telephones: ten members in one bridge while the primary dies, a preset one whose
//! member rings then, a call of two that becomes a conference, and what an operator orders.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { readCapture, type UdpPacket } from '../../scripts/capture/pcap.ts'
import { figuresOfAll } from '../../scripts/capture/rtp-analysis.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
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
  callerHz,
  heard,
  type PhonePair,
  registerPhones,
  shareIn,
  talk,
  thirdHz,
} from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { allWell, authentication, phonePort, register, server } from './sipp-phones.ts'
import { twinsEqual } from './twins.ts'

const count = 10
const crowd = labUsers(2000, count)
const phones = labUsers(1001, 3)
const [stranger] = crowd as [LabUser]
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
let third: BaresipPhone
let calling: Sipp | undefined

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2', 'p3'], users: [...crowd, ...phones], site })
  watch = await SilentStandbyWatch.start(lab)
  await register(lab, 'p3', crowd)
  const options = { user: '1003', toneHz: thirdHz, answer: 'auto', place: 1 } as const
  ;[pair, third] = await Promise.all([registerPhones(lab, 'manual'), lab.phone('p3', options)])
})

/** Ends what a failed test left behind. */
test.afterEach.always(async () => {
  calling?.stop()
  await Promise.allSettled([pair?.caller, pair?.callee, third].map((phone) => phone?.hangUp()))
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

/** As an operator does; either node may be asked. */
async function order(node: LabNode, ...args: readonly string[]): Promise<void> {
  const { exitCode, output } = await node.cli('conferences', ...args)
  if (exitCode !== 0) throw new Error(`conferences ${args.join(' ')}: ${output}`)
}

interface Part {
  readonly name: string
  readonly does: () => Promise<unknown>
  /** What the caller hears then: of the second telephone, and of the third. */
  readonly second: number
  readonly third: number
}

/** So long a part of what is heard is judged. */
const judgedMs = 400

/** Shares as wanted in the newest that a capture has. @returns when that was; undefined: not yet. */
function heardAs(packets: readonly UdpPacket[], { second, third: other }: Part) {
  const address = lab.network.address('p1')
  const toMs = packets.findLast(({ destination }) => destination === address)?.timeMs ?? 0
  const window = { fromMs: toMs - judgedMs, toMs }
  const isNear = (hz: number, wanted: number) =>
    Math.abs(shareIn(packets, address, { ...window, hz }) - wanted) < 0.1
  return isNear(calleeHz, second) && isNear(thirdHz, other) ? window : undefined
}

/** What each NOTIFY of a conference says: how many are in, and the voice of a member. */
function focusTold(messages: string, number: string): string[] {
  const bodies = messages.split('<conference-info').slice(1)
  const said = bodies.map((text) => {
    if (/^[^>]*state="deleted"/.test(text)) return 'deleted'
    const count = /<user-count>(\d+)</.exec(text)?.[1] ?? 'none'
    const user = text.split('<user ').find((one) => one.includes(`sip:${number}@`))
    const media = /<status>(sendrecv|sendonly|recvonly|inactive)</.exec(user ?? '')?.[1]
    return `${count} ${media ?? 'away'}`
  })
  return said.filter((one, index) => one !== said[index - 1])
}

test.serial(
  'a call of two becomes a conference by an order: isfocus, its package, and what is heard of each order',
  async (t) => {
    const { caller, callee } = pair
    const sent = `udp and src host ${serviceAddress}`
    const captures = await Promise.all([lab.capture('p1', sent), lab.capture('p3', sent)])
    await talk(pair)
    const primary = await lab.inStep()
    const standby = lab.other(primary)
    const [call] = (await primary.ask('calls', {})).calls
    const name = call?.sessionId ?? ''
    const established = third.next('CALL_ESTABLISHED')
    await order(standby, 'add', name, '1003', '--reason', 'supervisor')
    await established
    const shown = await standby.cli('conferences', 'show', name, '--json')
    const [conference] = JSON.parse(shown.output).conferences
    t.is(conference.kind, 'temporary')
    const watching = lab.sipp('p3', {
      ...{ scenario: 'uac-watch', port: phonePort, server, calls: 1, keepsMessages: true },
      users: [`${stranger.user};conference;${conference.number};application/conference-info+xml`],
    })
    calling = watching
    const left = third.next('CALL_CLOSED')
    const parts: readonly Part[] = [
      { name: 'all', does: async () => undefined, second: 0.5, third: 0.5 },
      { name: 'muted', does: () => order(primary, 'mute', name, '1003'), second: 1, third: 0 },
      {
        name: 'heard',
        does: () => order(standby, 'unmute', name, '1003'),
        second: 0.5,
        third: 0.5,
      },
      // The quieter one counts less, too: of 3 dB less a quarter of the energy is left.
      {
        name: '-3 dB',
        does: () => order(primary, 'weight', name, '1003', '-3'),
        second: 0.8,
        third: 0.2,
      },
      {
        name: 'dropped',
        does: () => order(primary, 'drop', name, '1003', '--yes'),
        second: 1,
        third: 0,
      },
    ]
    // Each is different from the one before, so that nothing old can be taken for it.
    const windows = new Map<string, { readonly fromMs: number; readonly toMs: number }>()
    for (const part of parts) {
      await part.does()
      const isHeard = () => heardAs(readCapture(captures[0].file), part)
      const window = await until(isHeard, { what: `voice: ${part.name}`, everyMs: 200 })
      windows.set(part.name, window)
    }
    await left
    const closed = caller.next('CALL_CLOSED')
    await callee.hangUp()
    await closed
    const [p1 = [], p3 = []] = await Promise.all(captures.map((capture) => capture.stop()))
    // Who is muted hears all the others.
    const muted = windows.get('muted') ?? { fromMs: 0, toMs: 0 }
    for (const hz of [callerHz, calleeHz]) {
      const share = shareIn(p3, lab.network.address('p3'), { ...muted, hz })
      t.true(Math.abs(share - 0.5) < 0.1, `${hz} Hz at who is muted: ${share}`)
    }
    const invitations = sipMessages(p1).filter(
      ({ method, status }) => method === 'INVITE' && status === undefined,
    )
    const focus = new RegExp(`^Contact: <sip:${conference.number}@[^>]*>;.*isfocus`, 'im')
    t.regex(invitations[0]?.text ?? '', focus)
    const told = () => focusTold(watching.messages(), '1003')
    await until(() => told().at(-1) === 'deleted', { what: 'the end of the conference' })
    t.deepEqual(told(), ['3 sendrecv', '3 recvonly', '3 sendrecv', '2 away', 'deleted'])
    await reaches(0)
  },
)

test.serial(
  'a locked conference lets nobody else in, until it is unlocked; an order ends it',
  async (t) => {
    const { caller, callee } = pair
    const inside = caller.next('CALL_ESTABLISHED')
    await caller.dial(`sip:700@${serviceAddress}`)
    await inside
    const primary = await lab.primary()
    await order(primary, 'lock', 'room')
    const refused = callee.next('CALL_CLOSED', 'CALL_ESTABLISHED')
    await callee.dial(`sip:700@${serviceAddress}`)
    t.regex((await refused).param, /603/)
    await order(primary, 'unlock', 'room')
    const second = callee.next('CALL_ESTABLISHED')
    await callee.dial(`sip:700@${serviceAddress}`)
    await second
    await reaches(2)
    const closed = [caller, callee].map((phone) => phone.next('CALL_CLOSED'))
    await order(primary, 'end', 'room', '--yes')
    await Promise.all(closed)
    await reaches(0)
  },
)

test.serial('the twins of all members were equal, and the standby sent no SIP', async (t) => {
  const { violations, sentByA, sentByB } = await watch.finish()
  t.deepEqual(violations, [])
  twinsEqual(t, { sentByA, sentByB }, 200)
})
