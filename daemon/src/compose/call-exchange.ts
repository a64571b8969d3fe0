//! Both nodes have every call record (ADR 0026): the primary compares spans of time with its peer, and for
//! those that differ each gives the other what counts. Needed after a node was away, after two primaries,
//! and when a disk had failed; else both write the same from table 3 by themselves. Records cross as XML
//! documents (S2.45): who gets one parses it by its grammar and stores it.
import { z } from 'zod'
import { limits } from '../limits.ts'
import { type CallRecord, callRecordSchema } from '../tables/call-record.ts'
import { readRecords, recordsDocument, recordText } from '../wire/record-xml.ts'

interface Span {
  readonly fromMs: number
  readonly untilMs: number
}

/** What is known of the records of one node. */
export interface RecordSource {
  removedUntilMs(): Promise<number>
  spans(
    range: Span & { stepMs: number; endedMs: number },
  ): Promise<readonly { fromMs: number; count: number; sum: number }[]>
  hashes(
    range: Span & { after: string; limit: number },
  ): Promise<readonly (readonly [id: string, hash: number])[]>
  get(sessionIds: readonly string[]): Promise<readonly CallRecord[]>
  adopt(records: readonly CallRecord[]): Promise<number>
}

const dayMs = 86_400_000
/** A span that differs is divided into these. */
const stepsMs: readonly number[] = [dayMs, 3_600_000, 60_000]
/** What ended later than this may be on its way to one of the disks. */
const settledMs = 10_000
const spansMax = 1_000
const hashesPerAnswer = 1_000
/** Records in one question, and their text. */
const recordsMax = 100
const recordsTextMax = 40_000
const documentBounds = { bytesMax: limits.peerAnswerBytesMax, elementsMax: 10_000 }

const timeSchema = z.int().min(0)
const spanShape = { fromMs: timeSchema, untilMs: timeSchema }
const idsSchema = z.array(z.string().max(64)).max(recordsMax)

const questionSchema = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('removed') }),
  z.object({
    ask: z.literal('spans'),
    ...spanShape,
    stepMs: z.int().min(60_000),
    endedMs: timeSchema,
  }),
  z.object({
    ask: z.literal('hashes'),
    ...spanShape,
    after: z.string().max(64),
    limit: z.int().min(1).max(hashesPerAnswer),
  }),
  z.object({ ask: z.literal('get'), ids: idsSchema }),
  z.object({ ask: z.literal('adopt'), records: z.array(callRecordSchema).max(recordsMax) }),
  z.object({ ask: z.literal('get-document'), ids: idsSchema }),
  z.object({ ask: z.literal('adopt-document'), document: z.string() }),
])
type Question = z.infer<typeof questionSchema>

const spansSchema = z.array(z.object({ fromMs: timeSchema, count: timeSchema, sum: z.number() }))
const hashesSchema = z.array(z.tuple([z.string().max(64), z.number()]))

/** The other end. @returns null when the question is not understood. */
export async function answerExchange(store: RecordSource, question: unknown): Promise<unknown> {
  const parsed = questionSchema.safeParse(question)
  if (!parsed.success) return null
  const { data } = parsed
  switch (data.ask) {
    case 'removed':
      return store.removedUntilMs()
    case 'spans':
      return (await store.spans(data)).slice(0, spansMax)
    case 'hashes':
      return store.hashes(data)
    case 'get':
      return inOneAnswer(await store.get(data.ids))
    case 'adopt':
      return store.adopt(data.records)
    case 'get-document':
      return recordsDocument(inOneAnswer(await store.get(data.ids)))
    case 'adopt-document': {
      const records = readRecords(data.document, documentBounds)
      return typeof records === 'string' ? null : store.adopt(records)
    }
  }
}

/** As many as fit, at least one: the rest is asked for again. */
function inOneAnswer(records: readonly CallRecord[]): CallRecord[] {
  let length = 0
  return records.filter((record, index) => {
    length += Buffer.byteLength(JSON.stringify(recordText(record)))
    return index === 0 || length <= recordsTextMax
  })
}

/** Asks the peer; null: it does not answer, or does not understand. */
type AskPeer = (question: object) => Promise<unknown>

/** The records of the peer, as far as it answers. Throws `PeerSilent`. */
export function peerRecords(ask: AskPeer): RecordSource {
  const put = async <T>(question: Question, schema: z.ZodType<T>): Promise<T> => {
    const answer = schema.safeParse(await ask(question))
    if (!answer.success) throw new PeerSilent('the peer does not answer')
    return answer.data
  }
  return {
    removedUntilMs: () => put({ ask: 'removed' }, z.number()),
    spans: (range) => put({ ask: 'spans', ...range }, spansSchema),
    hashes: (range) => put({ ask: 'hashes', ...range }, hashesSchema),
    get: async (ids) => {
      const document = await ask({ ask: 'get-document', ids: [...ids] } satisfies Question)
      // A version before documents does not understand, and is asked in its own way.
      if (document === null) return put({ ask: 'get', ids: [...ids] }, z.array(callRecordSchema))
      const records = typeof document === 'string' ? readRecords(document, documentBounds) : ''
      if (typeof records === 'string') throw new PeerSilent(`not a document of records: ${records}`)
      return records
    },
    adopt: async (records) => {
      const document = recordsDocument(records)
      const question: Question = { ask: 'adopt-document', document }
      const adopted = z.number().safeParse(await ask(question))
      if (adopted.success) return adopted.data
      return put({ ask: 'adopt', records: [...records] }, z.number())
    },
  }
}

class PeerSilent extends Error {}

interface Exchanged {
  /** Records that were changed or added here, and at the peer. */
  readonly here: number
  readonly there: number
}

/** Makes both equal, but for what ended just now and what was removed for want of room.
 * @returns null when the peer did not answer to the end; what was done stays done. */
export async function exchange(
  own: RecordSource,
  peer: RecordSource,
  wallMs: number,
): Promise<Exchanged | null> {
  const done = { here: 0, there: 0 }
  try {
    const removedMs = Math.max(await own.removedUntilMs(), await peer.removedUntilMs())
    const endedMs = Math.max(0, Math.floor(wallMs) - settledMs)
    // From the next whole minute on: of the one before, a part may be gone.
    const step = stepsMs.at(-1) ?? dayMs
    const fromMs = removedMs === 0 ? 0 : Math.ceil((removedMs + 1) / step) * step
    const untilMs = Math.floor(wallMs) + dayMs
    await divide({ own, peer, endedMs, done }, { fromMs, untilMs }, 0)
    return done
  } catch (error) {
    if (error instanceof PeerSilent) return null
    throw error
  }
}

interface Work {
  readonly own: RecordSource
  readonly peer: RecordSource
  readonly endedMs: number
  readonly done: { here: number; there: number }
}

async function divide(work: Work, span: Span, level: number): Promise<void> {
  const stepMs = stepsMs[level]
  if (stepMs === undefined) return settle(work, span)
  const range = { ...span, stepMs, endedMs: work.endedMs }
  const [mine, theirs] = [await work.own.spans(range), await work.peer.spans(range)]
  const figures = (spans: typeof mine) =>
    new Map(spans.map(({ fromMs, count, sum }) => [fromMs, `${count} ${sum}`]))
  const [here, there] = [figures(mine), figures(theirs)]
  const begins = new Set([...here.keys(), ...there.keys()])
  for (const fromMs of [...begins].sort((a, b) => a - b)) {
    if (here.get(fromMs) === there.get(fromMs)) continue
    const part = { fromMs: Math.max(fromMs, span.fromMs), untilMs: fromMs + stepMs }
    await divide(work, part, level + 1)
  }
}

/** A minute in which something differs. */
async function settle({ own, peer, done }: Work, span: Span): Promise<void> {
  const [here, there] = [await allHashes(own, span), await allHashes(peer, span)]
  const wanted = [...there.keys()].filter((id) => here.get(id) !== there.get(id))
  const offered = [...here.keys()].filter((id) => here.get(id) !== there.get(id))
  done.here += await carry(peer, own, wanted)
  // What was better there is the same now, and changes nothing.
  done.there += await carry(own, peer, offered)
}

async function allHashes(source: RecordSource, span: Span): Promise<Map<string, number>> {
  const all = new Map<string, number>()
  for (let after = ''; all.size < limits.callRecordsKept; ) {
    const some = await source.hashes({ ...span, after, limit: hashesPerAnswer })
    for (const [id, hash] of some) all.set(id, hash)
    const last = some.at(-1)?.[0]
    if (last === undefined || last <= after || some.length < hashesPerAnswer) break
    after = last
  }
  return all
}

async function carry(
  from: RecordSource,
  to: RecordSource,
  sessionIds: readonly string[],
): Promise<number> {
  let changed = 0
  for (let rest = [...sessionIds]; rest.length > 0; ) {
    const ids = rest.slice(0, recordsMax)
    const records = inOneAnswer(await from.get(ids))
    if (records.length > 0) changed += await to.adopt(records)
    const given = new Set(records.map(({ sessionId }) => sessionId))
    // When none is given, these have just been removed.
    const left = given.size === 0 ? [] : ids.filter((id) => !given.has(id))
    rest = [...left, ...rest.slice(ids.length)]
  }
  return changed
}
