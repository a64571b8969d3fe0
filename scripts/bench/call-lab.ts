//! A lab for sipp loads: callers in `p1`, callees in `p2`, all registered, and the load between them.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab, sipPort } from '../lab.ts'
import { type LabUser, labUsers } from '../lab-site.ts'
import { serviceAddress } from '../net/netns.ts'
import { type LoadResult, SippLoad, sippPort } from './sipp-load.ts'

const usersOfASide = 300
const callers = labUsers(2000, usersOfASide)
const callees = labUsers(4000, usersOfASide)
const pairsOfUsers = callers.map(({ user }, index) => `${user};${callees[index]?.user}`)
const server = `${serviceAddress}:${sipPort}`
const registrationsPerSecond = 100
const registrationMsMax = 30_000
let loads = 0

interface Load {
  readonly callsPerSecond: number
  readonly calls: number
  /** How long each call is held. */
  readonly holdMs?: number
  /** `direct`: sipp to sipp, without a switch between them. */
  readonly by?: 'switch' | 'direct'
}

export interface LoadFigures extends LoadResult {
  readonly callsPerSecond: number
  readonly calls: number
  /** Without the time it takes sipp to end. */
  readonly wallMs: number
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
    await register(lab, 'p1', callers)
    await register(lab, 'p2', callees)
  } catch (error) {
    await lab.close()
    throw error
  }
  return lab
}

async function register(lab: Lab, member: string, users: readonly LabUser[]): Promise<void> {
  const sipp = lab.sipp(member, {
    scenario: 'uac-register',
    port: 5070,
    server,
    calls: users.length,
    callsPerSecond: registrationsPerSecond,
    users: users.map(
      ({ user, password }) => `${user};[authentication username=${user} password=${password}]`,
    ),
    values: { contact_port: String(sippPort) },
  })
  const late = delay(registrationMsMax, null, { ref: false })
  const result = await Promise.race([sipp.done(), late])
  if (result?.exitCode !== 0) throw new Error(`registration: ${sipp.report()}`)
}

/** One load to its end; a failure of either side is one of the call. */
export async function runLoad(lab: Lab, load: Load): Promise<LoadFigures> {
  const { calls, callsPerSecond, holdMs = 0 } = load
  loads += 1
  const side = (member: 'p1' | 'p2', scenario: 'set-up-uac' | 'set-up-uas') => ({
    programs: lab.programs,
    namespace: lab.network.namespace(member),
    directory: join(lab.directory, `load-${loads}-${member}`),
    address: lab.network.address(member),
    scenario,
  })
  const answering = new SippLoad(side('p2', 'set-up-uas'))
  await answering.ready()
  const startMs = performance.now()
  const calling = new SippLoad({
    ...side('p1', 'set-up-uac'),
    server: load.by === 'direct' ? `${lab.network.address('p2')}:${sippPort}` : server,
    ...{ calls, callsPerSecond, pauseMs: holdMs, users: pairsOfUsers },
  })
  const called = await calling.done()
  const wallMs = performance.now() - startMs
  const answered = await answering.stop()
  return {
    ...{ callsPerSecond, calls, wallMs },
    successful: called.successful,
    failed: called.failed,
    retransmissions: called.retransmissions + answered.retransmissions,
    firstError: called.failed === 0 ? '' : calling.firstError() || answering.firstError(),
  }
}
