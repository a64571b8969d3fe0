//! Calls to and from another system (中继路由, S1.125): a Kamailio with a telephone of its own.
import { join } from 'node:path'
import test from 'ava'
import { verbs } from '../../daemon/src/control/api.ts'
import { figuresOfAll } from '../../scripts/capture/rtp-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'
import { BaresipPhone } from '../../scripts/phones/baresip.ts'
import { Kamailio } from '../../scripts/phones/kamailio.ts'
import { until } from '../../scripts/waiting.ts'
import { calleeHz, heard, putDown } from './call.ts'

const members = ['p1', 'p2', 'p3', 'p4']
let lab: Lab
let other: Kamailio
let ours: BaresipPhone
/** Behind the Kamailio, and at the end of the second trunk. */
let theirs: BaresipPhone
let spare: BaresipPhone

/** A telephone that does not register with us. */
function outside(member: string, server?: string): Promise<BaresipPhone> {
  return BaresipPhone.start({
    programs: lab.programs,
    namespace: lab.network.namespace(member),
    directory: join(lab.directory, `${member}-5001`),
    address: lab.network.address(member),
    user: '5001',
    toneHz: calleeHz,
    answer: 'auto',
    ...(server === undefined ? {} : { server }),
  })
}

/** The addresses are known when the network is there. */
function site(addressOf: (member: string) => string) {
  const centre = {
    address: addressOf('p2'),
    optionsSeconds: 2,
    responseSeconds: 2,
    outgoing: { called: { '7': '' }, caller: { '': '3' } },
    incoming: { called: { '3': '' }, caller: { '': '7' } },
  }
  const second = { address: addressOf('p4'), optionsSeconds: 0, outgoing: { called: { '7': '' } } }
  return {
    trunks: { centre, second },
    routes: { centre: { pattern: '7XXXX', trunks: ['centre', 'second'] } },
  }
}

test.before(async () => {
  const parts: Record<string, unknown> = {}
  lab = Lab.create({ members, users: labUsers(1001, 1), site: parts })
  Object.assign(
    parts,
    site((member) => lab.network.address(member)),
  )
  other = await Kamailio.start({
    programs: lab.programs,
    namespace: lab.network.namespace('p2'),
    directory: join(lab.directory, 'kamailio'),
    address: lab.network.address('p2'),
    server: serviceAddress,
  })
  await Promise.all([lab.a.start(), lab.b.start()])
  await lab.loadSite()
  await lab.inStep()
  ours = await lab.phone('p1', { user: '1001', toneHz: 437.5, answer: 'auto' })
  theirs = await outside('p3', lab.network.address('p2'))
  spare = await outside('p4')
})

test.after.always(() => lab?.close())

async function call(caller: BaresipPhone, target: string, callee: BaresipPhone): Promise<void> {
  const established = [caller, callee].map((phone) => phone.next('CALL_ESTABLISHED'))
  await caller.dial(target)
  await Promise.all(established)
}

test.serial(
  'a call reaches the telephone of the other system and outlives our primary',
  async (t) => {
    const capture = await lab.capture('p3', 'udp')
    await call(ours, `sip:75001@${serviceAddress}`, theirs)
    const primary = await lab.primary()
    const spoken = async () => (await primary.opinion()).media?.packetsSent ?? 0
    await until(async () => (await spoken()) > 50, { what: 'voice' })
    primary.killAll()
    await until(async () => (await lab.primary()) !== primary, { what: 'new primary' })
    await putDown(theirs, { caller: ours, callee: theirs })
    const [stream] = heard(await capture.stop(), lab.network.address('p3'))
    if (stream === undefined) throw new Error('the other telephone heard nothing')
    const { packetsExpected, packetsLost } = figuresOfAll(stream)
    t.true(packetsExpected > 25, `${packetsExpected} packets`)
    t.is(packetsLost, 0)
    await lab.bothRun()
  },
)

test.serial('a telephone of the other system reaches ours by its number', async (t) => {
  const established = ours.next('CALL_ESTABLISHED')
  await call(theirs, `sip:31001@${lab.network.address('p2')}`, ours)
  t.regex((await established).param, /75001/)
  await putDown(ours, { caller: theirs, callee: ours })
})

test.serial(
  'when the other system dies calls go the second way, and an alarm stands',
  async (t) => {
    await other.stop()
    await call(ours, `sip:75001@${serviceAddress}`, spare)
    await putDown(ours, { caller: ours, callee: spare })
    const primary = await lab.primary()
    await until(
      async () => {
        const { output } = await primary.cli('alarms', '--json')
        const told = verbs.alarms.result.parse(JSON.parse(output))
        return told.active.some(
          ({ code, subject }) => code === 'trunk-down' && subject === 'centre',
        )
      },
      { what: 'alarm of the trunk' },
    )
    t.pass()
  },
)
