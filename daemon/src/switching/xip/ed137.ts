//! The session headers of ED-137 volume 2: Subject, Priority, WG67-Version and the Reason codes of
//! protocol `WG-67`. Facts: ED-137 sheet sections 2.3, 2.8 and 5.1.
import { limits } from '../../limits.ts'
import { header, headerValues, type SipHeader, type SipMessage } from '../../wire/sip/message.ts'
import { type CallType, type Priority, priorities } from './xip.ts'

/** What this switch speaks, best first. */
const ownVersions = ['phone.02', 'phone.01'] as const

/** Instantaneous access as the addendum of ED-137C has it (sheet 1.2). */
const accessVersion = 'phone.add03.02'

export const wg67Reasons = {
  /** Another call needs the line. */
  forcedRelease: 'WG-67;cause=1001;text="Forced Release"',
  /** A call of higher priority needs what this one holds. */
  preempted: 'WG-67;cause=2000;text="session pre-emption"',
  versionNotImplemented: 'WG-67;cause=1005;text="WG67-Version Not Implemented"',
  accessModeMismatch: 'WG-67;cause=2006;text="radio access mode does not match"',
} as const

const subjects: ReadonlyMap<string, CallType> = new Map([
  ['da/ida call', 'da-ida'],
  ['ia call', 'ia'],
  ['monitoring', 'monitoring'],
  ['g/g monitoring', 'gg-monitoring'],
  ['a/g monitoring', 'ag-monitoring'],
])

const subjectTexts: Record<CallType, string> = {
  'da-ida': 'DA/IDA call',
  ia: 'IA call',
  monitoring: 'monitoring',
  'gg-monitoring': 'G/G monitoring',
  'ag-monitoring': 'A/G monitoring',
}

/** Every token of every WG67-Version header in lower case; comma, semicolon and spaces separate. */
export function wg67Versions(message: SipMessage): string[] {
  const versions: string[] = []
  for (const value of headerValues(message, 'WG67-Version')) {
    for (const token of value.replaceAll(';', ',').replaceAll(' ', ',').split(',')) {
      const version = token.trim().toLowerCase()
      if (version !== '' && version.length <= 32 && !versions.includes(version)) {
        versions.push(version)
      }
      if (versions.length === limits.wg67VersionsMax) return versions
    }
  }
  return versions
}

/** What this switch speaks in a call of this type, best first. */
export function versionsFor(callType: CallType): readonly string[] {
  return callType === 'ia' ? [accessVersion, ...ownVersions] : ownVersions
}

/** Those that mean anything in a call: what is not spoken here is offered to nobody. */
export function spoken(offered: readonly string[]): string[] {
  return offered.filter((version) => versionsFor('ia').includes(version))
}

/** The version that an answer names: our best one that the other side has; null: none in common. */
export function commonVersion(
  offered: readonly string[],
  callType: CallType = 'da-ida',
): string | null {
  return versionsFor(callType).find((version) => offered.includes(version)) ?? null
}

/** Sheet 2.3: every final answer to a terminal that speaks ED-137 names a version. */
export function versionHeaders(request: SipMessage): SipHeader[] {
  const offered = wg67Versions(request)
  if (offered.length === 0) return []
  const named = callTypeOf(request)
  const version = commonVersion(offered, named === 'radio' ? 'da-ida' : (named ?? 'da-ida'))
  return [{ name: 'WG67-Version', value: version ?? ownVersions[0] }]
}

/** The type of a call as ED-137C names it beside the Subject: `phone.02;da/ida call`. `callType` null: unknown.
 * @returns null when the header is not there, as with ED-137B. */
export function wg67CallTypeOf(
  message: SipMessage,
): { readonly version: string; readonly callType: CallType | null } | null {
  const value = header(message, 'WG67-CallType')
  if (value === undefined) return null
  const [version = '', ...type] = value.toLowerCase().split(';')
  return { version: version.trim(), callType: subjects.get(type.join(';').trim()) ?? null }
}

/** `radio` belongs to the wireless branch (S1.24); null: unknown. Without a Subject it is what WG67-CallType
 * says, and DA/IDA without both. */
export function callTypeOf(message: SipMessage): CallType | 'radio' | null {
  const subject = header(message, 'Subject')?.trim().toLowerCase() ?? ''
  if (subject === '') {
    const named = wg67CallTypeOf(message)
    return named === null ? 'da-ida' : named.callType
  }
  return subject === 'radio' ? 'radio' : (subjects.get(subject) ?? null)
}

/** Null: unknown. Absent is normal. */
export function priorityOf(message: SipMessage): Priority | null {
  const priority = header(message, 'Priority')?.trim().toLowerCase() ?? ''
  if (priority === '') return 'normal'
  return priorities.find((known) => known === priority) ?? null
}

/** The headers as they go to the other side. `versions` empty: no WG67-Version. */
export function ed137Headers(session: {
  readonly versions: readonly string[]
  readonly subject: string
  readonly callType: CallType
  readonly priority: string
}): SipHeader[] {
  const headers: SipHeader[] = []
  if (session.versions.length > 0) {
    headers.push({ name: 'WG67-Version', value: session.versions.join(', ') })
  }
  headers.push({ name: 'Subject', value: session.subject || subjectTexts[session.callType] })
  headers.push({ name: 'Priority', value: session.priority })
  const edition = session.callType === 'ia' ? accessVersion : ownVersions[0]
  if (session.versions.includes(edition)) {
    const type = subjectTexts[session.callType].toLowerCase()
    headers.push({ name: 'WG67-CallType', value: `${edition};${type}` })
  }
  return headers
}
