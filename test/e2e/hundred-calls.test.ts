//! A hundred calls at once live through the death of the primary, in talk and in set-up.
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { figuresOfAll } from '../../scripts/capture/rtp-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import type { Sipp } from '../../scripts/phones/sipp.ts'
import { until } from '../../scripts/waiting.ts'
import { heard } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { allWell, authentication, phonePort, register, server } from './sipp-phones.ts'
import { twinsEqual } from './twins.ts'

const calls = 100
const callers = labUsers(2000, calls)
const callees = labUsers(4000, calls)
/** A machine that is busy with other work needs this long to set up all of them. */
const setUpMsMax = 60_000
/** The second node joins a call that begins on a busy machine a moment later than the first. */
const settleMs = 1_500
/** The last call ends this long after the kill, at least. */
const talkAfterMs = 3_000
let lab: Lab
let watch: SilentStandbyWatch
const running: Sipp[] = []

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: [...callers, ...callees] })
  await Promise.all([register(lab, 'p1', callers), register(lab, 'p2', callees)])
  watch = await SilentStandbyWatch.start(lab)
})

/** Ends what a failed test left behind. */
test.afterEach.always(async () => {
  for (const sipp of running.splice(0)) sipp.stop()
  await lab?.bothRun()
})

test.after.always(async () => {
  await lab?.close()
})

interface Crowd {
  readonly calling: Sipp
  readonly answering: Sipp
}

function dialAll(count: number, talk: { pauseMs: number; callsPerSecond: number }): Crowd {
  const waiting = { scenario: 'uas-answer', port: phonePort, calls: count, pauseMs: 100 }
  const answering = lab.sipp('p2', waiting)
  const users = callers
    .slice(0, count)
    .map((user, index) => [user.user, authentication(user), callees[index]?.user].join(';'))
  const from = { scenario: 'uac-call', port: phonePort, server, calls: count, users }
  const calling = lab.sipp('p1', { ...from, ...talk })
  running.push(answering, calling)
  return { answering, calling }
}

/** Answered calls, by the word of the node. */
function talking(node: LabNode, count: number): Promise<boolean> {
  return until(
    async () => {
      const { service } = await node.opinion()
      return service !== null && service.calls - service.ringing >= count
    },
    { what: `${count} answered calls`, msMax: setUpMsMax },
  )
}

async function allEndWell(t: ExecutionContext, { calling, answering }: Crowd, count: number) {
  t.like(await calling.done(), allWell(count), calling.report())
  t.like(await answering.done(), allWell(count), answering.report())
}

test.serial('100 calls are held through kill -9 of the primary: 200 streams, 0 lost', async (t) => {
  const heardBy = (member: string) =>
    lab.capture(member, `udp and src host ${serviceAddress} and dst ${lab.network.address(member)}`)
  const captures = await Promise.all([heardBy('p1'), heardBy('p2')])
  const crowd = dialAll(calls, { pauseMs: 20_000, callsPerSecond: 20 })
  await talking(await lab.primary(), calls)
  const victim = await lab.inStep()
  await delay(settleMs)
  const { atMs } = victim.killAll()
  watch.primaryIs(lab.other(victim), atMs)
  await allEndWell(t, crowd, calls)

  const streams = await Promise.all(
    (['p1', 'p2'] as const).map(async (member, index) =>
      heard((await captures[index]?.stop()) ?? [], lab.network.address(member)),
    ),
  )
  const all = streams.flat()
  t.is(all.length, 2 * calls)
  const worst = all.map(figuresOfAll).sort((one, other) => other.packetsLost - one.packetsLost)
  t.is(worst[0]?.packetsLost, 0)
  t.true(all.every((stream) => (stream.packets[0]?.timeMs ?? atMs) < atMs))
  t.true(all.every((stream) => (stream.packets.at(-1)?.timeMs ?? 0) > atMs + talkAfterMs))
  t.true(all.every((stream) => stream.ssrcs.length === 1 && stream.timestampBreaks === 0))
  t.log(`largest gap ${Math.max(...worst.map((figures) => figures.maxGapMs)).toFixed(1)} ms`)
})

test.serial('calls that are just being set up go through', async (t) => {
  const count = 40
  // Slow enough that calls are still to come when a busy machine sees the first ones answered.
  const crowd = dialAll(count, { pauseMs: 6_000, callsPerSecond: 8 })
  const victim = await lab.primary()
  await talking(victim, count / 8)
  const { atMs } = victim.killAll()
  watch.primaryIs(lab.other(victim), atMs)
  const { retransmissions } = await crowd.calling.done()
  // What came in the silence is answered without them (`heard-before`); lost answers need them.
  t.log(`${retransmissions} retransmissions of the telephones`)
  await allEndWell(t, crowd, count)
})

test.serial('200 twin streams were equal, and the standby sent no SIP', async (t) => {
  const { violations, sentByA, sentByB } = await watch.finish()
  t.deepEqual(violations, [])
  twinsEqual(t, { sentByA, sentByB }, 10_000)
})
