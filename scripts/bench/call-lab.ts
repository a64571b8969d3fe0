//! Labs for sipp loads: callers in `p1`, callees in `p2`, all registered, and the load between them.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab, sipPort } from '../lab.ts'
import { type LabUser, labUsers } from '../lab-site.ts'
import { serviceAddress } from '../net/netns.ts'
import { Kamailio } from '../phones/kamailio.ts'
import { type LoadResult, SippLoad, sippPort } from './sipp-load.ts'

const usersOfASide = 300
const callers = labUsers(2000, usersOfASide)
const callees = labUsers(4000, usersOfASide)
/** Accounts of a lab for loads. */
export const callLabUsers = 2 * usersOfASide
const pairsOfUsers = callers.map(({ user }, index) => `${user};${callees[index]?.user}`)
const registrationsPerSecond = 100
const registrationMsMax = 30_000
let loads = 0

interface Load {
  readonly callsPerSecond: number
  readonly calls: number
  /** How long each call is held. */
  readonly holdMs?: number
  /** `direct`: sipp to sipp, without a switch between them; `proxy`: by the Kamailio of the lab. */
  readonly by?: By
}

type By = 'switch' | 'direct' | 'proxy'

export interface LoadFigures extends LoadResult {
  readonly perSecond: number
  readonly count: number
  /** Without the time it takes sipp to end. */
  readonly wallMs: number
  /** Datagrams that the kernel dropped, as the receive buffer of a telephone or of a server was full. What sipp
   * repeats without such a drop waited in a server for longer than T1. */
  readonly dropped: number
  /** What sipp said of the first failure; empty when there was none. */
  readonly firstError: string
}

/** @param nodes `one`: vccs-a alone; `pair`: both, in step. All users are registered. */
export async function callLab(nodes: 'one' | 'pair'): Promise<Lab> {
  const options = { members: ['p1', 'p2'], users: [...callers, ...callees] }
  const lab = nodes === 'pair' ? await Lab.start(options) : Lab.create(options)
  try {
    if (nodes === 'one') {
      await lab.a.start()
      await lab.loadSite()
    }
    await register(lab, 'p1', { users: callers })
    await register(lab, 'p2', { users: callees })
  } catch (error) {
    await lab.close()
    throw error
  }
  return lab
}

/** A lab whose users are registered with a Kamailio, and no node runs. */
export async function proxyLab(command: readonly string[]): Promise<{ lab: Lab; proxy: Kamailio }> {
  const lab = Lab.create({ members: ['p1', 'p2', proxyMember], users: [...callers, ...callees] })
  try {
    const proxy = await Kamailio.start({
      programs: lab.programs,
      namespace: lab.network.namespace(proxyMember),
      directory: join(lab.directory, proxyMember),
      address: lab.network.address(proxyMember),
      memoryMiB: 512,
      passwords: 'secret-',
      // It has one core, and sipp gives up a call whose 180 comes after its 200.
      workers: 1,
      ...{ server: null, before: command },
    })
    await register(lab, 'p1', { users: callers, by: 'proxy' })
    await register(lab, 'p2', { users: callees, by: 'proxy' })
    return { lab, proxy }
  } catch (error) {
    await lab.close()
    throw error
  }
}

const proxyMember = 'proxy'

function serverOf(lab: Lab, by: By): string {
  if (by === 'switch') return `${serviceAddress}:${sipPort}`
  return `${lab.network.address(by === 'direct' ? 'p2' : proxyMember)}:${sippPort}`
}

/** Whose interface hears all that the server says: its member, and its address. */
export async function serverPlace(lab: Lab, by: 'switch' | 'proxy') {
  if (by === 'proxy') return { member: proxyMember, address: lab.network.address(proxyMember) }
  return { member: (await lab.primary()).node, address: serviceAddress }
}

interface Registering {
  readonly users: readonly LabUser[]
  readonly by?: By
}

async function register(lab: Lab, member: string, { users, by }: Registering): Promise<void> {
  const sipp = lab.sipp(member, {
    scenario: 'uac-register',
    port: 5070,
    server: serverOf(lab, by ?? 'switch'),
    calls: users.length,
    callsPerSecond: registrationsPerSecond,
    users: credentials(users),
    values: { contact_port: String(sippPort) },
  })
  const late = delay(registrationMsMax, null, { ref: false })
  const result = await Promise.race([sipp.done(), late])
  if (result?.exitCode !== 0) throw new Error(`registration: ${sipp.report()}`)
}

function credentials(users: readonly LabUser[]): string[] {
  return users.map(
    ({ user, password }) => `${user};[authentication username=${user} password=${password}]`,
  )
}

/** Where a side of a load runs. */
function side(lab: Lab, member: 'p1' | 'p2') {
  return {
    programs: lab.programs,
    namespace: lab.network.namespace(member),
    directory: join(lab.directory, `load-${loads}-${member}`),
    address: lab.network.address(member),
  }
}

/** By the kernel, for want of room in a receive buffer, in all namespaces of the lab. */
function droppedSoFar(lab: Lab): number {
  return lab.network.members.reduce((sum, member) => {
    const text = lab.network.exec(member, ['cat', '/proc/net/snmp'])
    const [names, values] = text.split('\n').filter((line) => line.startsWith('Udp: '))
    const column = (names ?? '').split(' ').indexOf('RcvbufErrors')
    return sum + Number((values ?? '').split(' ')[column])
  }, 0)
}

/** One load to its end; a failure of either side is one of the call. */
export async function runLoad(lab: Lab, load: Load): Promise<LoadFigures> {
  const { calls, callsPerSecond, holdMs = 0, by = 'switch' } = load
  loads += 1
  const droppedBefore = droppedSoFar(lab)
  const answering = new SippLoad({ ...side(lab, 'p2'), scenario: 'set-up-uas' })
  await answering.ready()
  const startMs = performance.now()
  const calling = new SippLoad({
    ...{ ...side(lab, 'p1'), scenario: 'set-up-uac', server: serverOf(lab, by) },
    ...{ calls, callsPerSecond, pauseMs: holdMs, users: pairsOfUsers },
  })
  const called = await calling.done()
  const wallMs = performance.now() - startMs
  const answered = await answering.stop()
  return {
    ...{ perSecond: callsPerSecond, count: calls, wallMs },
    successful: called.successful,
    failed: called.failed,
    retransmissions: called.retransmissions + answered.retransmissions,
    responseMs: called.responseMs,
    byeMs: called.byeMs,
    dropped: droppedSoFar(lab) - droppedBefore,
    firstError: called.failed === 0 ? '' : calling.firstError() || answering.firstError(),
  }
}

/** Telephones that are registered register again, with a digest each time: four messages. */
export async function runRegistrations(
  lab: Lab,
  load: { readonly perSecond: number; readonly count: number; readonly by?: By },
): Promise<LoadFigures> {
  const { perSecond, count, by = 'switch' } = load
  loads += 1
  const droppedBefore = droppedSoFar(lab)
  const startMs = performance.now()
  const sipp = new SippLoad({
    ...{ ...side(lab, 'p1'), scenario: 'register-uac', server: serverOf(lab, by) },
    ...{ calls: count, callsPerSecond: perSecond, users: credentials(callers) },
  })
  const result = await sipp.done()
  const wallMs = performance.now() - startMs
  const dropped = droppedSoFar(lab) - droppedBefore
  return { perSecond, count, wallMs, ...result, dropped, firstError: sipp.firstError() }
}
