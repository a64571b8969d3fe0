//! Call records as the daemon lists them, as elements of the XML document of `wire/record-xml.ts` (S2.40).
import type { RecordItem } from '../../daemon/src/control/call-schema.ts'
import type { CallRecord } from '../../daemon/src/tables/call-record.ts'
import { recordText } from '../../daemon/src/wire/record-xml.ts'

/** One line or more with their end. */
export function recordXml(item: RecordItem): string {
  return recordText(recordOf(item))
}

function recordOf({ talkedMs: _talkedMs, ...item }: RecordItem): CallRecord {
  const { startedAt, answeredAt, endedAt, parties, roles, ...rest } = item
  return {
    ...rest,
    startedAtMs: Date.parse(startedAt),
    answeredAtMs: msOrNull(answeredAt),
    endedAtMs: Date.parse(endedAt),
    parties: parties.map(({ invitedAt, joinedAt, leftAt, ...party }) => ({
      ...party,
      invitedAtMs: Date.parse(invitedAt),
      joinedAtMs: msOrNull(joinedAt),
      leftAtMs: msOrNull(leftAt),
    })),
    roles: roles.map(({ at, ...role }) => ({ ...role, atMs: Date.parse(at) })),
  }
}

function msOrNull(time: string | null): number | null {
  return time === null ? null : Date.parse(time)
}
