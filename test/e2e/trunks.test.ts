//! Calls to and from another system (中继路由, S1.125): a Kamailio with a telephone of its own.
import { join } from 'node:path'
import test from 'ava'
import { verbs } from '../../daemon/src/control/api.ts'
import type { UdpPacket } from '../../scripts/capture/pcap.ts'
import { figuresOfAll } from '../../scripts/capture/rtp-analysis.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
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

/** Of one account of the other system; answered here. */
let twins: BaresipPhone[]

interface Outside {
  readonly server?: string
  readonly user?: string
  readonly place?: number
}

/** A telephone that does not register with us. */
function outside(member: string, { server, user = '5001', place = 0 }: Outside = {}) {
  return BaresipPhone.start({
    programs: lab.programs,
    namespace: lab.network.namespace(member),
    directory: join(lab.directory, `${member}-${user}-${place}`),
    address: lab.network.address(member),
    user,
    place,
    toneHz: calleeHz,
    answer: user === '5001' ? 'auto' : 'manual',
    ...(server === undefined ? {} : { server }),
  })
}

/** The addresses are known when the network is there. */
function site(addressOf: (member: string) => string) {
  const centre = {
    address: addressOf('p2'),
    optionsSeconds: 1,
    responseSeconds: 2,
    outgoing: { called: { '7': '' }, caller: { '': '3' } },
    incoming: { called: { '3': '' }, caller: { '': '7' } },
  }
  // What the first one does not serve (79..) has another number there.
  const outgoing = { called: { '7': '', '79': '5' } }
  const second = { address: addressOf('p4'), optionsSeconds: 0, outgoing }
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
  const server = lab.network.address('p2')
  ;[theirs, spare, ...twins] = await Promise.all([
    outside('p3', { server }),
    outside('p4'),
    outside('p3', { server, user: '5002', place: 1 }),
    outside('p3', { server, user: '5002', place: 2 }),
  ])
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

test.serial('who rings here sees that the other system has forwarded the call', async (t) => {
  const address = lab.network.address('p2')
  const capture = await lab.capture('p1')
  await call(theirs, `sip:58001@${address}`, ours)
  await putDown(ours, { caller: theirs, callee: ours })
  const invite = sipMessages(await capture.stop()).find(({ method, destination }) => {
    return method === 'INVITE' && destination === lab.network.address('p1')
  })
  const lines = invite?.text.split('\r\n').filter((one) => /^(Diversion|History-Info)/.test(one))
  t.deepEqual(lines, [
    `Diversion: <sip:58001@${address}>;reason=unconditional;counter=1`,
    `History-Info: <sip:58001@${address}?Reason=SIP%3Bcause%3D302>;index=1`,
    `History-Info: <sip:1001@${serviceAddress}>;index=1.1`,
  ])
})

test.serial(
  'instantaneous access by dialling reaches the other system with its headers',
  async (t) => {
    const capture = await lab.capture('p2')
    await call(ours, `sip:*3475001@${serviceAddress}`, theirs)
    await putDown(ours, { caller: ours, callee: theirs })
    const invite = sipMessages(await capture.stop()).find(({ method, source, status }) => {
      return method === 'INVITE' && source === serviceAddress && status === undefined
    })
    for (const line of ['Subject: IA call', 'Priority: urgent', 'Answer-Mode: Auto']) {
      t.true(invite?.text.includes(`\r\n${line}\r\n`), line)
    }
    t.regex(invite?.text ?? '', /^WG67-Version: .*phone\.add03\.02/m)
    t.regex(invite?.text ?? '', /^WG67-CallType: phone\.add03\.02;ia call\r$/m)
  },
)

/** Requests that the other system got from us, and its answers: `INVITE`, `503 INVITE`. */
function atOther(packets: readonly UdpPacket[]): string[] {
  const address = lab.network.address('p2')
  return sipMessages(packets).flatMap(({ source, destination, method, status }) => {
    if (source === serviceAddress && destination === address && status === undefined)
      return [method]
    const isAnswer = source === address && destination === serviceAddress && status !== undefined
    return isAnswer && status > 100 ? [`${status} ${method}`] : []
  })
}

async function trunkStands(state: string): Promise<void> {
  const primary = await lab.primary()
  await until(
    async () => {
      const { output } = await primary.cli('trunks', 'show', 'centre', '--json')
      return verbs.trunks.result.parse(JSON.parse(output)).trunks[0]?.state === state
    },
    { what: `trunk ${state}`, everyMs: 200 },
  )
}

test.serial(
  'the other system rings two telephones for one call, both answer, one has it',
  async (t) => {
    const capture = await lab.capture('p2')
    const rings = twins.map((phone) => phone.next('CALL_INCOMING'))
    await ours.dial(`sip:75002@${serviceAddress}`)
    await Promise.all(rings)
    const established = ours.next('CALL_ESTABLISHED')
    await Promise.all(twins.map((phone) => phone.accept()))
    await established
    const talks = () => twins.filter((phone) => phone.lastCallEvent === 'CALL_ESTABLISHED')
    await until(
      () => talks().length === 1 && twins.some((phone) => phone.lastCallEvent === 'CALL_CLOSED'),
      {
        what: 'one telephone that talks',
      },
    )
    const [taker] = talks()
    if (taker !== undefined) await putDown(ours, { caller: ours, callee: taker })
    const told = sipMessages(await capture.stop()).filter(
      ({ source, destination, method, status }) => {
        const isOurs = source === lab.network.address('p2') && destination === serviceAddress
        return isOurs && method === 'INVITE' && (status ?? 0) > 100
      },
    )
    const tags = told.flatMap(({ text }) => /^To:.*;tag=([^;\s]+)/im.exec(text)?.[1] ?? [])
    t.is(new Set(tags).size, 2, 'answers of both came to us')
  },
)

test.serial(
  'what the other system answers with 503 goes the second way, and its trunk stays up',
  async (t) => {
    await trunkStands('up')
    const capture = await lab.capture('p2')
    await call(ours, `sip:79001@${serviceAddress}`, spare)
    await putDown(ours, { caller: ours, callee: spare })
    await trunkStands('up')
    const invites = atOther(await capture.stop()).filter((line) => /INVITE$/.test(line))
    t.deepEqual([...new Set(invites)], ['INVITE', '503 INVITE'])
    const primary = await lab.primary()
    const trunksOf = async () => {
      const { output } = await primary.cli('cdr', '--kind', 'second', '--json')
      const { records } = verbs.cdr.result.parse(JSON.parse(output))
      return records.map(({ parties }) => parties.map(({ trunk }) => trunk ?? '-').join(' '))
    }
    await until(async () => (await trunksOf()).length > 0, { what: 'the record of the call' })
    t.deepEqual(await trunksOf(), ['- centre second'])
  },
)

test.serial(
  'when the other system falls silent a call finds out, the next one knows it, and an alarm stands',
  async (t) => {
    const capture = await lab.capture('p2')
    for (const pid of other.pids()) process.kill(pid, 'SIGSTOP')
    await call(ours, `sip:75001@${serviceAddress}`, spare)
    await putDown(ours, { caller: ours, callee: spare })
    await trunkStands('down')
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
    const invitations = sipMessages(await capture.stop()).filter(({ method, destination }) => {
      return method === 'INVITE' && destination === lab.network.address('p2')
    })
    const calls = new Set(invitations.map(({ callId }) => callId))
    t.is(calls.size, 1, 'the first call asked in vain, the second one did not ask')
  },
)
