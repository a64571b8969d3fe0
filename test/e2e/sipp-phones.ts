//! Telephones played by sipp: their registration, and what a call of them must come to.
import type { Lab } from '../../scripts/lab.ts'
import { sipPort } from '../../scripts/lab.ts'
import type { LabUser } from '../../scripts/lab-site.ts'
import { serviceAddress } from '../../scripts/net/netns.ts'

export const server = `${serviceAddress}:${sipPort}`
/** Where the scenarios that wait for calls listen. */
export const phonePort = 5060
const registrationPort = 5070

/** What `Sipp.done` gives when all calls went as the scenario says. */
export function allWell(calls: number): { exitCode: number; successful: number; failed: number } {
  return { exitCode: 0, successful: calls, failed: 0 }
}

/** What sipp needs to answer a digest challenge, as a field of its user file. */
export function authentication({ user, password }: LabUser): string {
  return `[authentication username=${user} password=${password}]`
}

interface Registration {
  readonly expirySeconds?: number
  /** Another than the last one of this member, when several register at once. */
  readonly fromPort?: number
  /** Where the calls of each of them go; default: all to `phonePort`. */
  readonly contactPort?: (user: string) => number
}

/** Registers accounts at the address of a member. */
export async function register(
  lab: Lab,
  member: string,
  users: readonly LabUser[],
  {
    expirySeconds = 3_600,
    fromPort = registrationPort,
    contactPort = () => phonePort,
  }: Registration = {},
): Promise<void> {
  if (users.length === 0) return
  const sipp = lab.sipp(member, {
    scenario: 'uac-register',
    port: fromPort,
    server,
    calls: users.length,
    callsPerSecond: 50,
    users: users.map((user) => `${user.user};${authentication(user)};${contactPort(user.user)}`),
    values: { contact_port: '[field2]', expires: String(expirySeconds) },
  })
  const { exitCode } = await sipp.done()
  if (exitCode !== 0) throw new Error(`registration: ${sipp.report()}`)
}
