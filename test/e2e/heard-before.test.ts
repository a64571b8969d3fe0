//! SIP that falls into the silence between the death of the primary and the take-over is answered by the
//! standby, which has heard it: the telephones here say everything once and never again.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ofTerminal, type SipSighting, sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import type { Sipp } from '../../scripts/phones/sipp.ts'
import { until } from '../../scripts/waiting.ts'
import { allWell, authentication, phonePort, register, server } from './sipp-phones.ts'

const [caller, callee] = labUsers(2001, 2)
/** Five heartbeats from the last one heard: none but the dead primary serves before. */
const silentMsMin = 400
/** On a busy machine what is said may come late and find the new primary: no proof of anything. */
const attemptsMax = 4
const talkMs = 1_500
let lab: Lab

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users: labUsers(2001, 2) })
  for (const [member, user] of [
    ['p1', caller],
    ['p2', callee],
  ] as const) {
    if (user !== undefined) await register(lab, member, [user])
  }
})

test.afterEach.always(async () => {
  await lab?.bothRun()
})

test.after.always(async () => {
  await lab?.close()
})

interface Phones {
  readonly calling: Sipp
  readonly answering: Sipp
}

/** Starting sipp takes as long as the silence: it runs already when the primary dies, and calls a little later.
 * @param mark file that says that it runs */
const callsSoon = (mark: string) =>
  `<nop><action><exec command="touch ${mark}"/></action></nop>
  <pause milliseconds="250"/>`

/** One call, nothing of which is ever repeated.
 * @param before steps of the caller */
function callOnce(before = ''): Phones {
  const once = { port: phonePort, calls: 1, repeats: false }
  const answering = lab.sipp('p2', { ...once, scenario: 'uas-answer' })
  const user =
    caller === undefined ? '' : `${caller.user};${authentication(caller)};${callee?.user}`
  const calling = lab.sipp('p1', {
    ...once,
    scenario: 'uac-call',
    server,
    users: [user],
    pauseMs: talkMs,
    values: { before },
  })
  return { calling, answering }
}

const asked = (messages: readonly SipSighting[], method: string) =>
  messages.filter((message) => message.method === method && message.status === undefined)

async function silentlyAsked(t: ExecutionContext, method: 'INVITE' | 'BYE'): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const capture = await lab.capture('p1')
    const victim = await lab.inStep()
    const { phones, atMs } = await killBefore(method, () => victim.killAll().atMs)
    const { exitCode } = await phones.calling.done()
    const messages = ofTerminal(sipMessages(await capture.stop()), lab.network.address('p1'))
    await phones.answering.done()
    await lab.bothRun()
    const requests = asked(messages, method)
    const askedMs = requests[0]?.timeMs ?? 0
    if (askedMs < atMs || askedMs > atMs + silentMsMin) continue
    t.is(requests.length, 1)
    t.is(exitCode, 0, phones.calling.report())
    t.like(await phones.answering.done(), allWell(1))
    const answer = messages.find(
      ({ status, method: of, timeMs }) => status === 200 && of === method && timeMs > askedMs,
    )
    t.log(`${method} ${Math.round(askedMs - atMs)} ms after the kill`)
    t.log(`answered ${Math.round((answer?.timeMs ?? Number.NaN) - askedMs)} ms later`)
    return
  }
  t.fail(`no ${method} fell into the silence in ${attemptsMax} attempts`)
}

async function killBefore(
  method: 'INVITE' | 'BYE',
  kill: () => number,
): Promise<{ phones: Phones; atMs: number }> {
  if (method === 'INVITE') {
    const mark = `runs-${performance.now()}`
    const phones = callOnce(callsSoon(mark))
    const runs = () => existsSync(join(phones.calling.directory, mark))
    await until(runs, { what: 'sipp that runs', everyMs: 10 })
    return { phones, atMs: kill() }
  }
  const phones = callOnce()
  const primary = await lab.primary()
  await until(
    async () => {
      const { service } = await primary.opinion()
      return service !== null && service.calls - service.ringing === 1
    },
    { what: 'answered call', everyMs: 10 },
  )
  await new Promise((resolve) => setTimeout(resolve, talkMs - 250))
  return { phones, atMs: kill() }
}

test.serial('an INVITE after the kill and before the take-over is answered, asked once', (t) =>
  silentlyAsked(t, 'INVITE'),
)

test.serial('a BYE after the kill and before the take-over is answered, said once', (t) =>
  silentlyAsked(t, 'BYE'),
)
