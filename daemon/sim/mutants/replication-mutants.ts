//! Mutants of the replication: each is a fault that a person could make in `daemon/src/replication/`.
import type { Mutant } from './mutant.ts'

const of = (file: string, name: string, find: string, replace: string): Mutant => ({
  name,
  file: `daemon/src/replication/${file}.ts`,
  find,
  replace,
})

const sending: readonly Mutant[] = [
  of(
    'flags',
    'a change of a record under way is taken for confirmed',
    "  SYNCED: {\n    change: 'DIRTY',",
    "  SYNCED: {\n    change: 'SYNCED',",
  ),
  of('flags', 'a wrong ACK confirms a record', "'ack-wrong': 'SYNCED'", "'ack-wrong': 'NONE'"),
  of(
    'flags',
    'the ACK of an older version confirms the newer one',
    "    'ack-right': 'DIRTY',",
    "    'ack-right': 'NONE',",
  ),
  of(
    'flags',
    'a lost standby counts as one that has the record',
    "    timeout: 'HASHED',\n    'peer-lost': 'DIRTY',\n    'request-all': 'DIRTY',\n    release: 'NONE',\n  },\n}",
    "    timeout: 'HASHED',\n    'peer-lost': 'NONE',\n    'request-all': 'DIRTY',\n    release: 'NONE',\n  },\n}",
  ),
  of(
    'sender',
    'the version of an ACK is not looked at',
    'return a.version === b.version && a.length',
    'return a.length',
  ),
  of(
    'sender',
    'the hash of an ACK is not looked at',
    'a.length === b.length && a.hash === b.hash',
    'a.length === b.length',
  ),
  of(
    'sender',
    'what is not confirmed is not sent again',
    "        this.#give(flight, 'all', datagrams)",
    '        void datagrams',
  ),
  of(
    'sender',
    'repetitions come at the same pace for ever',
    'flight.waitMs = Math.min(flight.waitMs * 2, limits.resendMsMax)',
    'flight.waitMs = Math.min(flight.waitMs, limits.resendMsMax)',
  ),
  of(
    'sender',
    'the repair walk does not queue what it finds',
    '      this.#bulk.set(id, view.address)\n      repaired++',
    '      repaired++',
  ),
  of(
    'sender',
    'a catch-up is sent without a window',
    'return this.#bulkFrames < limits.syncWindowFrames && this.#bulkBytes < limits.syncWindowBytes',
    'return true',
  ),
  of(
    'primary',
    'who waits for the standby is not released when it is lost',
    "    for (const token of this.#waiting.giveUp()) this.#port.output({ kind: 'replicated', token })",
    '    this.#waiting.giveUp()',
  ),
  of(
    'waiting',
    'who waits for the next version is forgotten',
    'there.filter((entry) => entry.version > version)',
    'there.filter((entry) => entry.version > version + 1)',
  ),
  of(
    'waiting',
    'an answer leaves with the ACK of an older version',
    'if (wanted > version ||',
    'if (wanted > version + 1 ||',
  ),
  of(
    'primary',
    'frames of an older term are believed by the primary',
    'if (frame.term !== term) {',
    'if (frame.term > term) {',
  ),
  of(
    'primary',
    'an older asking displaces the present one',
    'if (frame.ref < this.#newestRef) {',
    'if (frame.ref < 0) {',
  ),
]

const receiving: readonly Mutant[] = [
  of(
    'receiver',
    'the ACK is given before the record is rebuilt',
    '    job.waiting = changes.length\n    if (changes.length === 0) {',
    '    job.waiting = changes.length\n    if (changes.length >= 0) {',
  ),
  of(
    'receiver',
    'a rebuild that failed is confirmed',
    "      job.state = 'failed'\n      this.counters.failed++",
    '      this.counters.failed++',
  ),
  of(
    'receiver',
    'an older version replaces a newer one',
    'if (job === undefined || isNewer(term, frame.version, job)) {',
    'if (job === undefined || job.mark.version !== frame.version) {',
  ),
  of(
    'receiver',
    'a rebuild without an answer is never ordered again',
    'const overdue = nowMs - job.startedMs > limits.rebuildMsMax',
    'const overdue = false',
  ),
  of(
    'receiver',
    'what the primary has no longer stays on the standby',
    'seen === this.#asking) continue\n        for',
    'seen !== -1) continue\n        for',
  ),
  of(
    'receiver',
    'an emptied standby takes recorded frames for news',
    'if ((frame.sequence ?? 0) <= this.#floor) {',
    'if ((frame.sequence ?? 0) < 0) {',
  ),
  of(
    'receiver',
    'a record under the key of another is taken',
    'return record !== null && table.keyOf(record) === frame.key ? record : undefined',
    'return record ?? undefined',
  ),
  of(
    'standby',
    'an asking ends although records are missing',
    'if (this.#receiver.seenCount(asked.scope) < count) {',
    'if (count < 0) {',
  ),
  of(
    'standby',
    'a recorded invitation makes a standby ask',
    '        if (frame.ref === 0 && !fresh) return\n',
    '        void fresh\n',
  ),
  of(
    'standby',
    'a new boot of the primary is followed with the old versions',
    '    this.#newest = -1\n    this.#receiver.reset()',
    '    this.#newest = -1',
  ),
  of(
    'boot-gate',
    'a boot that ended is believed at once',
    'nowMs - known.retiredMs < returnMs',
    'nowMs < known.retiredMs',
  ),
  of(
    'replicator',
    'an earlier change of rows is done again',
    'if (this.#rows.boot === bootId && ref < this.#rows.ref) {',
    'if (this.#rows.boot === bootId && ref < 0) {',
  ),
  of(
    'replicator',
    'a standby obeys frames of an older term',
    "this.#role === 'standby' && frame.term >= this.#term",
    "this.#role === 'standby' && frame.term >= 0",
  ),
]

const keeping: readonly Mutant[] = [
  of(
    'verify',
    'a difference is not looked for while a record is under way',
    '    if (table.pending > openSlotsMax) continue',
    '    if (table.pending > 0) continue',
  ),
  of(
    'verify',
    'a digest that a newer record has overtaken is compared',
    'if (theirs === undefined || isOvertaken(name)) return false',
    'if (theirs === undefined) return false',
  ),
  of(
    'verify',
    'records under way are not left out of the digest',
    'tables.any(name).hashWithout(open[name] ?? []) !== theirs',
    'tables.any(name).hashWithout([]) !== theirs',
  ),
  of(
    'scrub',
    'the walk over the memory never comes to the later tables',
    'this.#at = { table: (table + 1) % tableNames.length, slot: 0 }',
    'this.#at = { table, slot: 0 }',
  ),
  of(
    'standby',
    'a damaged record is counted and not fetched anew',
    "      this.#repair(table, 'damaged', nowMs)",
    '      void table',
  ),
  of(
    'journal',
    'half a journal takes the place of a whole one',
    '    if (!this.#file.appendNext(bytes)) this.#fail()',
    '    this.#file.appendNext(bytes)',
  ),
  of(
    'journal',
    'the journal goes on behind what could not be written',
    '    if (!this.#failing && !this.#file.append(bytes)) this.#fail()',
    '    this.#file.append(bytes)',
  ),
  of(
    'journal',
    'a change during the rewriting is in the old file only',
    '    if (this.#writing !== null) this.#appendNext(bytes)\n',
    '',
  ),
  of(
    'journal',
    'a difference is written to a file that does not have what it is one from',
    'const isKnown = this.#writing?.pace !== urgent',
    'const isKnown = true',
  ),
  of(
    'journal-turn',
    'a damaged turn is read',
    'return sumOf(json, key) === viewOf(body).getUint32(4) ? json : null',
    'return json',
  ),
  of(
    'peer-channel',
    'a question meant for an earlier boot is done',
    'if (body.slice(0, 16) !== this.#ownBoot) {',
    "if (body.slice(0, 16) === '') {",
  ),
  of(
    'peer-channel',
    'a repeated question is done again',
    "    if (typeof given === 'string') return { reply: { kind: 'response', ref, body: given } }\n",
    '',
  ),
]

export const replicationMutants: readonly Mutant[] = [...sending, ...receiving, ...keeping]
