//! The verbs of the call records: lists in pages, one record, and what the peer asks.
import type { BodyOf, CheckedParamsOf } from '../control/api.ts'
import type { RecordItem } from '../control/call-schema.ts'
import { type Caller, type ControlHandlers, operatorName } from '../control/session.ts'
import { failure, type Result, success } from '../result.ts'
import type { CallRecord } from '../tables/call-record.ts'
import { readRecords } from '../wire/record-xml.ts'
import type { CallRecords } from './call-records.ts'
import type { LogHub } from './log-hub.ts'

/** Of what an operator may send at once. */
const documentBounds = { bytesMax: 8_000_000, elementsMax: 100_000 }
/** Text of the records in one answer, so that it crosses to the peer, too. */
const answerTextMax = 50_000

type CallHandlers = Pick<ControlHandlers, 'cdr' | 'cdr.show' | 'cdr.import' | 'cdr.compare'>

export function makeCallVerbs(calls: CallRecords, log: LogHub): CallHandlers {
  return {
    cdr: (params) => list(calls, params),
    'cdr.show': (params) => show(calls, params),
    'cdr.import': (params, { caller }) => importRecords({ calls, log }, params, caller),
    'cdr.compare': async ({ question }, { caller }) => {
      if (caller.via !== 'peer') return failure('control-verb', 'cdr.compare is for the peer only')
      const answer = await calls.answer(question)
      return answer.ok ? success({ answer: answer.value }) : answer
    },
  }
}

async function list(
  calls: CallRecords,
  params: CheckedParamsOf<'cdr'>,
): Promise<Result<BodyOf<'cdr'>>> {
  const { since, until, ...query } = params
  const found = await calls.find({
    ...query,
    sinceMs: since === undefined ? undefined : Date.parse(since),
    untilMs: until === undefined ? undefined : Date.parse(until),
  })
  if (!found.ok) return found
  let length = 0
  const records = found.value.map(itemOf).filter((item, index) => {
    length += Buffer.byteLength(JSON.stringify(item))
    return index === 0 || length <= answerTextMax
  })
  const last = found.value[records.length - 1]
  const isWhole = records.length === found.value.length && records.length < params.limit
  const next =
    isWhole || last === undefined ? null : { endedAtMs: last.endedAtMs, sessionId: last.sessionId }
  const { records: kept, waiting } = calls.state
  return success({ records, next, kept, waiting })
}

async function show(
  calls: CallRecords,
  { sessionId }: CheckedParamsOf<'cdr.show'>,
): Promise<Result<BodyOf<'cdr.show'>>> {
  const found = await calls.findById(sessionId)
  if (!found.ok) return found
  const exact = found.value.find((record) => record.sessionId === sessionId)
  const record = exact ?? found.value[0]
  if (record === undefined) return failure('not-found', `no call record ${sessionId}`)
  if (exact === undefined && found.value.length > 1) {
    const names = found.value.map((one) => one.sessionId).join(', ')
    return failure('ambiguous', `${sessionId} is the beginning of several: ${names}`)
  }
  return success({ record: itemOf(record) })
}

interface ImportParts {
  readonly calls: CallRecords
  readonly log: LogHub
}

/** What does not fit the grammar is refused whole, and both the log and the operator are told why. */
async function importRecords(
  { calls, log }: ImportParts,
  { document, dryRun, operator }: CheckedParamsOf<'cdr.import'>,
  caller: Caller,
): Promise<Result<BodyOf<'cdr.import'>>> {
  const by = operatorName(caller, operator)
  const records = readRecords(document, documentBounds)
  if (typeof records === 'string') {
    log.warn('a document of call records is refused', { by, fault: records })
    return failure('records-invalid', records)
  }
  const added = await calls.add(records, dryRun)
  if (!added.ok) return added
  if (!dryRun) log.info('call records imported', { by, added: added.value, of: records.length })
  return success({ dryRun, records: records.length, added: added.value })
}

function itemOf(record: CallRecord): RecordItem {
  const { startedAtMs, answeredAtMs, endedAtMs, parties, roles, ...rest } = record
  return {
    ...rest,
    startedAt: iso(startedAtMs),
    answeredAt: isoOrNull(answeredAtMs),
    endedAt: iso(endedAtMs),
    talkedMs: answeredAtMs === null ? 0 : Math.max(0, endedAtMs - answeredAtMs),
    parties: parties.map(itemOfParty),
    roles: roles.map(({ atMs, term }) => ({ at: iso(atMs), term })),
  }
}

function itemOfParty(party: CallRecord['parties'][number]): RecordItem['parties'][number] {
  const { leg, number, side, trunk, invitedAtMs, joinedAtMs, leftAtMs, rtp } = party
  const way = trunk === undefined ? {} : { trunk }
  const times = { joinedAt: isoOrNull(joinedAtMs), leftAt: isoOrNull(leftAtMs) }
  return { leg, number, side, ...way, invitedAt: iso(invitedAtMs), ...times, rtp }
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
