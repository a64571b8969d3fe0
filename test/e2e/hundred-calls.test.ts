//! A hundred calls at once live through the death of the primary: no packet of 200 streams is lost.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { figuresOfAll } from '../../scripts/capture/rtp-analysis.ts'
import { compareTwins } from '../../scripts/capture/twin.ts'
import { Lab, sipPort } from '../../scripts/lab.ts'
import { type LabUser, labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import { until } from '../../scripts/waiting.ts'
import { heard } from './call.ts'
import { SilentStandbyWatch } from './silent-standby.ts'

const calls = 100
const callsPerSecond = 25
const callers = labUsers(2000, calls)
const callees = labUsers(4000, calls)
const server = `${serviceAddress}:${sipPort}`
let lab: Lab
let watch: SilentStandbyWatch

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: [...callers, ...callees] })
  watch = await SilentStandbyWatch.start(lab)
  await register('p1', callers)
  await register('p2', callees)
})

test.after.always(async () => {
  await lab?.close()
})

const authentication = ({ user, password }: LabUser) =>
  `[authentication username=${user} password=${password}]`

async function register(member: string, users: readonly LabUser[]): Promise<void> {
  const sipp = lab.sipp(member, {
    scenario: 'uac-register',
    port: 5070,
    server,
    calls: users.length,
    callsPerSecond: 50,
    users: users.map((user) => `${user.user};${authentication(user)}`),
    values: { contact_port: '5060' },
  })
  const result = await sipp.done()
  if (result.exitCode !== 0) throw new Error(`registration: ${sipp.report()}`)
}

test.serial('100 calls are held through kill -9 of the primary', async (t) => {
  const captures = await Promise.all([lab.capture('p1'), lab.capture('p2')])
  const answering = lab.sipp('p2', { scenario: 'uas-answer', port: 5060, calls, pauseMs: 100 })
  await delay(500)
  const calling = lab.sipp('p1', {
    scenario: 'uac-call',
    port: 5060,
    server,
    calls,
    callsPerSecond,
    pauseMs: 20_000,
    users: callers.map((user, index) =>
      [user.user, authentication(user), callees[index]?.user].join(';'),
    ),
  })
  const primary = await lab.primary()
  await until(async () => (await primary.ask('calls', {})).calls.length >= calls, {
    what: `${calls} calls`,
    msMax: 15_000,
  })
  const victim = await lab.inStep()
  await delay(2_000)
  const { atMs } = victim.killAll()
  watch.primaryIs(lab.other(victim), atMs)
  const called = await calling.done()
  t.like(called, { exitCode: 0, successful: calls, failed: 0 }, calling.report())
  const answered = await answering.done()
  t.like(answered, { exitCode: 0, successful: calls, failed: 0 }, answering.report())

  const streams = await Promise.all(
    (['p1', 'p2'] as const).map(async (member, index) =>
      heard((await captures[index]?.stop()) ?? [], lab.network.address(member)),
    ),
  )
  const all = streams.flat()
  t.is(all.length, 2 * calls)
  const worst = all.map(figuresOfAll).sort((one, other) => other.packetsLost - one.packetsLost)
  t.is(worst[0]?.packetsLost, 0)
  t.true(all.every((stream) => (stream.packets.at(-1)?.timeMs ?? 0) > atMs + 3_000))
  t.true(all.every((stream) => stream.ssrcs.length === 1 && stream.timestampBreaks === 0))
  t.log(`largest gap ${Math.max(...worst.map((figures) => figures.maxGapMs)).toFixed(1)} ms`)
})

test.serial('200 twin streams were equal, and the standby sent no SIP', async (t) => {
  const { violations, sentByA, sentByB } = await watch.finish()
  t.deepEqual(violations, [])
  const twin = compareTwins(sentByA, sentByB)
  t.true(twin.packets > 10_000)
  t.is(twin.headerEqual, twin.packets)
  t.true(twin.payloadEqual >= twin.packets * 0.999, JSON.stringify(twin))
})
