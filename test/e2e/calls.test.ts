//! What a telephone gets from the switch in each case that is not the plain call.
import test from 'ava'
import { ofTerminal, sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import { type LabUser, labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import type { Sipp } from '../../scripts/phones/sipp.ts'
import { heard } from './call.ts'
import { Claims, claimsMember, usersOf } from './claims/claim.ts'
import { claims } from './claims/claims.ts'
import { SilentStandbyWatch } from './silent-standby.ts'
import { allWell, authentication, phonePort, register, server } from './sipp-phones.ts'

const users = labUsers(1001, 3)
const [caller, callee, absent] = users as [LabUser, LabUser, LabUser]
let played: Claims
let lab: Lab
let watch: SilentStandbyWatch
const running: Sipp[] = []

test.before(async () => {
  const site = [caller, { ...callee, twin: false }, absent, ...usersOf(claims)]
  lab = await Lab.start({
    members: ['p1', 'p2', claimsMember],
    users: site,
    // Nobody gets as far as this system: the class is given to no account.
    site: {
      trunks: { far: { address: '192.0.2.1', optionsSeconds: 0 } },
      routes: { far: { pattern: '75XXX', class: 'world', trunks: ['far'] } },
    },
  })
  watch = await SilentStandbyWatch.start(lab)
  // They are played while the other tests run.
  played = new Claims(lab, claims)
  await register(lab, 'p1', [caller])
  await register(lab, 'p2', [callee])
})

/** Ends what a failed test left behind, so that the next one finds free telephones. */
test.afterEach.always(() => {
  for (const sipp of running.splice(0)) sipp.stop()
})

test.after.always(async () => {
  await lab?.close()
})

interface CallerOptions {
  readonly port?: number
  readonly target?: string
  readonly status?: string
  readonly pauseMs?: number
}

function call(scenario: string, { target, status, pauseMs, port }: CallerOptions = {}): Sipp {
  const sipp = lab.sipp('p1', {
    scenario,
    port: port ?? phonePort,
    server,
    calls: 1,
    authUri: `${callee.user}@${serviceAddress}`,
    pauseMs: pauseMs ?? 1_000,
    users: [`${caller.user};${authentication(caller)};${target ?? callee.user}`],
    values: { status: status ?? '' },
  })
  running.push(sipp)
  return sipp
}

/** A telephone that is called before it listens is asked again, as over any network. */
function answering(scenario: string): Sipp {
  const sipp = lab.sipp('p2', { scenario, port: phonePort, calls: 1, pauseMs: 100 })
  running.push(sipp)
  return sipp
}

const succeeded = allWell(1)

test.serial('a busy telephone is 486 for the caller', async (t) => {
  const busy = answering('uas-busy')
  const refused = call('uac-refused', { status: '486' })
  t.like(await refused.done(), succeeded, refused.report())
  t.like(await busy.done(), succeeded, busy.report())
})

test.serial('a telephone that is not registered is 480', async (t) => {
  const refused = call('uac-refused', { status: '480', target: absent.user })
  t.like(await refused.done(), succeeded, refused.report())
})

test.serial('a number that nobody has is 404', async (t) => {
  const refused = call('uac-refused', { status: '404', target: '9999' })
  t.like(await refused.done(), succeeded, refused.report())
})

test.serial('who calls from where he is not registered must show his password', async (t) => {
  const answers = answering('uas-answer')
  const stranger = call('uac-call-with-digest', { port: 5080 })
  t.like(await stranger.done(), succeeded, stranger.report())
  t.like(await answers.done(), succeeded, answers.report())
})

test.serial('a caller who gives up stops the ringing', async (t) => {
  const ringing = answering('uas-rings-until-cancel')
  const givesUp = call('uac-cancel')
  t.like(await givesUp.done(), succeeded, givesUp.report())
  t.like(await ringing.done(), succeeded, ringing.report())
})

test.serial('an answer without ACK is repeated until it comes', async (t) => {
  const capture = await lab.capture('p1')
  const answers = answering('uas-answer')
  const slow = call('uac-slow-ack')
  t.like(await slow.done(), succeeded, slow.report())
  t.like(await answers.done(), succeeded, answers.report())
  const heardByCaller = ofTerminal(sipMessages(await capture.stop()), lab.network.address('p1'))
  const acknowledgedMs = heardByCaller.find((message) => message.text.startsWith('ACK '))?.timeMs
  const accepted = heardByCaller.filter(
    ({ status, method }) => status === 200 && method === 'INVITE',
  )
  t.true(accepted.length >= 2)
  t.true(accepted.every(({ timeMs }) => timeMs < (acknowledgedMs ?? 0) + 400))
  // The caller put down, not the switch, which gives up when there is never an ACK.
  const byes = heardByCaller.filter((message) => message.text.startsWith('BYE '))
  t.deepEqual([...new Set(byes.map(({ source }) => source))], [lab.network.address('p1')])
})

test.serial('with twin off a terminal hears one node, the other terminal both', async (t) => {
  const captures = await Promise.all([lab.capture('p1'), lab.capture('p2')])
  const answers = answering('uas-answer')
  const talks = call('uac-call', { pauseMs: 3_000 })
  t.like(await talks.done(), succeeded, talks.report())
  t.like(await answers.done(), succeeded, answers.report())
  const [p1 = [], p2 = []] = await Promise.all(captures.map((capture) => capture.stop()))
  const [twin] = heard(p1, lab.network.address('p1'))
  const [single] = heard(p2, lab.network.address('p2'))
  t.true((twin?.duplicates ?? 0) > 100)
  t.is(single?.duplicates, 0)
  t.true((single?.packets.length ?? 0) > 100)
  const callIds = (packets: typeof p1, member: string) =>
    ofTerminal(sipMessages(packets), lab.network.address(member)).map((message) => message.callId)
  const calleeIds = callIds(p2, 'p2')
  t.false(callIds(p1, 'p1').some((callId) => calleeIds.includes(callId)))
})

for (const claim of claims) {
  test.serial(claim.title, async (t) => {
    t.deepEqual(await played.problemsOf(claim), [])
  })
}

test.serial('of the claims above few were wrong beside others, and right alone', async (t) => {
  const failures = await played.firstFailures()
  for (const [{ title }, problems] of failures) t.log(`at first: ${title}: ${problems.join('; ')}`)
  t.log(`${failures.size} of ${claims.length} failed at first`)
  t.true(failures.size <= claims.length / 10)
})

test.serial('the standby has sent no SIP in all of this', async (t) => {
  t.deepEqual((await watch.finish()).violations, [])
})
