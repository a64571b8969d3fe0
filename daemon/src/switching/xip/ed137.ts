//! The session headers of ED-137 volume 2: Subject, Priority, WG67-Version and the Reason codes of
//! protocol `WG-67`. Facts: ED-137 sheet sections 2.3, 2.8 and 5.1.
import { header, headerValues, type SipHeader, type SipMessage } from '../../wire/sip/message.ts'
import { type CallType, type Priority, priorities } from './xip.ts'

/** What this switch speaks, best first. */
export const ownVersions = ['phone.02', 'phone.01'] as const

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
      if (versions.length === 3) return versions
    }
  }
  return versions
}

/** The version that an answer names: our best one that the other side has; null: none in common. */
export function commonVersion(offered: readonly string[]): string | null {
  return ownVersions.find((version) => offered.includes(version)) ?? null
}

/** `radio` belongs to the wireless branch (S1.24); null: unknown. Absent is DA/IDA. */
export function callTypeOf(message: SipMessage): CallType | 'radio' | null {
  const subject = header(message, 'Subject')?.trim().toLowerCase() ?? ''
  if (subject === '') return 'da-ida'
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
  return headers
}
