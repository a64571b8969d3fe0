//! What operators see of the site and do with a call: positions, groups, conferences, trunks, one call, and the
//! beacon that the site hears.
import test from 'ava'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { Lab } from '../../scripts/lab.ts'
import { cliProgram, type LabNode } from '../../scripts/lab-node.ts'
import { type LabUser, labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { type PhonePair, registerPhones, talk } from './call.ts'
import { register } from './sipp-phones.ts'

const users = labUsers(1001, 4)
/** They come and go; played by sipp. */
const [passing, leaving] = users.slice(2) as [LabUser, LabUser]
const site = {
  positions: {
    'TWR-1': { name: 'Tower 1', account: '1001' },
    'TWR-3': { name: 'Tower 3', account: '1003' },
    'TWR-4': { name: 'Tower 4', account: '1004' },
  },
  groups: { crew: { number: '800', mode: 'all', members: ['1001', '1003'] } },
  conferences: { room: { name: 'Room', number: '700', pin: '4711' } },
  trunks: { far: { address: '198.51.100.7', optionsSeconds: 0, capacity: 3 } },
  routes: { far: { pattern: '7XXXX', trunks: ['far'], class: 'abroad' } },
}
/** The shortest that there is. */
const registrationSeconds = 30
let lab: Lab
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users, site, beacon: true })
  pair = await registerPhones(lab)
})

test.after.always(async () => {
  await lab?.close()
})

/** Who is logged in where, by the word of a node. */
async function seats(node: LabNode): Promise<Record<string, string>> {
  const { positions } = await node.ask('positions', {})
  const isIn = ({ connection }: (typeof positions)[number]) => connection === 'connected'
  return Object.fromEntries(positions.filter(isIn).map((one) => [one.position, one.loginName]))
}

/** Both nodes say so. */
async function seated(wanted: Readonly<Record<string, string>>, msMax = 20_000): Promise<void> {
  const text = JSON.stringify(wanted)
  const isSo = async () => {
    const both = await Promise.all([lab.a, lab.b].map(seats))
    return both.every((one) => JSON.stringify(one) === text)
  }
  await until(isSo, { what: `positions ${text}`, msMax })
}

test.serial('positions log in and out with their telephones, and both nodes show it', async (t) => {
  await register(lab, 'p1', [passing], { expirySeconds: registrationSeconds })
  await register(lab, 'p2', [leaving])
  await seated({ 'TWR-1': '1001', 'TWR-3': '1003', 'TWR-4': '1004' })
  await register(lab, 'p2', [leaving], { expirySeconds: 0 })
  await seated({ 'TWR-1': '1001', 'TWR-3': '1003' })
  const { exitCode, output } = await (await lab.standby()).cli('positions')
  t.is(exitCode, 0, output)
  t.regex(output, /TWR-3 +1003 +.*connected +1003 +\d+ s/)
  t.regex(output, /TWR-4 +1004 +.*disconnected/)
})

test.serial('groups, conferences and trunks are shown by either node', async (t) => {
  for (const node of [lab.a, lab.b]) {
    const [group, conference, trunk] = await Promise.all([
      node.cli('groups', 'show', '800'),
      node.cli('conferences', 'show', 'room'),
      node.cli('trunks', 'show', 'far'),
    ])
    t.regex(group.output, /mode +all join[\s\S]*1001 +.*online[\s\S]*1003 +.*online/)
    t.regex(conference.output, /kind +meet-me, open, asks for a PIN[\s\S]*session +idle/)
    t.regex(
      trunk.output,
      /peer +198\.51\.100\.7:5060[\s\S]*calls +0 of 3[\s\S]*far +7XXXX +50 +abroad/,
    )
  }
})

test.serial('a call is traced, and released by the standby with a reason', async (t) => {
  const capture = await lab.capture('p2', 'udp and port 5060')
  await talk(pair)
  const standby = await lab.standby()
  const { calls } = await standby.ask('calls', {})
  const id = calls[0]?.sessionId.slice(0, 8) ?? ''
  const ladder = await standby.cli('call', 'trace', id)
  t.is(ladder.exitCode, 0, ladder.output)
  t.regex(ladder.output, /a 1001 +b 1002[\s\S]*INVITE[\s\S]*INVITE[\s\S]*200[\s\S]*ACK/)
  const closed = [pair.caller, pair.callee].map((phone) => phone.next('CALL_CLOSED'))
  const released = await standby.cli('call', 'release', id, '--yes', '--reason', 'line is stuck')
  t.is(released.exitCode, 0, released.output)
  await Promise.all(closed)
  const byes = sipMessages(await capture.stop()).filter(
    ({ method, status }) => method === 'BYE' && status === undefined,
  )
  t.regex(byes[0]?.text ?? '', /^Reason: Q\.850;cause=31;text="line is stuck"/im)
  const after = await standby.cli('call', 'release', id, '--yes')
  t.not(after.exitCode, 0, 'it is no more')
})

test.serial(
  'who does not register again is logged out, by whichever node serves then',
  async (t) => {
    const ordered = await (await lab.inStep()).cli('switchover', '--yes')
    t.is(ordered.exitCode, 0, ordered.output)
    await seated({ 'TWR-1': '1001' }, 1_000 * (registrationSeconds + 5))
    const { users: known } = await (await lab.primary()).ask('users', {})
    t.is(known.find(({ user }) => user === passing.user)?.status, 'offline')
  },
)

/** `vccs beacon` on a machine of the terminal LAN, which has no daemon. */
function hear(member: string, ...more: readonly string[]): string {
  const { network, beaconKeyFile } = lab
  const where = ['--key', beaconKeyFile, '--address', network.address(member)]
  return network.exec(member, [cliProgram, 'beacon', ...where, '--once', ...more])
}

test.serial(
  'a terminal hears the beacon of the primary, and silence when there is none',
  async (t) => {
    const primary = await lab.inStep()
    const heard = JSON.parse(hear('p1', '--json'))
    t.is(heard.node, primary.name)
    t.is(heard.role, 'primary')
    t.is(heard.peer.role, 'standby')
    t.is(heard.links.length, 3)
    t.deepEqual(heard.extension[0].children, ['lab'])
    t.deepEqual(heard.counters, { shown: 1, forged: 0, malformed: 0, old: 0 })

    const standby = lab.other(primary)
    primary.killAll()
    await until(async () => (await standby.opinion()).alone, { what: 'the take-over' })
    const next = JSON.parse(hear('p2', '--json'))
    t.deepEqual([next.node, next.alone, next.peer], [standby.name, true, null])
    t.true(next.term > heard.term)
    const { entries } = await standby.ask('history', {})
    t.deepEqual([entries[0]?.to, entries[0]?.operation], ['primary', null])

    standby.killAll()
    const silent = t.throws(() => hear('p1', '--json'))
    t.truthy(silent)
  },
)
