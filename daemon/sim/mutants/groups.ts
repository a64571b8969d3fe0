//! All mutants, by the room they are of.
import { decisionMutants } from './decision-mutants.ts'
import type { MutantGroup } from './mutant.ts'
import { orderMutants } from './order-mutants.ts'
import { replicationMutants } from './replication-mutants.ts'

export const groups: readonly MutantGroup[] = [
  {
    name: 'decision',
    tests: [
      'daemon/test/pair/parts.test.ts',
      'daemon/test/pair/decision-table.test.ts',
      'daemon/test/pair/transcripts.test.ts',
      'daemon/test/pair/rehearsal.test.ts',
      'daemon/test/pair/rules.test.ts',
      'daemon/test/pair/meeting.test.ts',
      'daemon/test/pair/late-offer.test.ts',
      'daemon/test/sim/explore-shallow.test.ts',
      'daemon/test/pair/random-story.test.ts',
    ],
    mutants: [...decisionMutants, ...orderMutants],
  },
  {
    name: 'replication',
    tests: [
      'daemon/test/replication/flags.test.ts',
      'daemon/test/replication/acks.test.ts',
      'daemon/test/replication/peer-channel.test.ts',
      'daemon/test/replication/heard-sip.test.ts',
      'daemon/test/replication/waiting.test.ts',
      'daemon/test/replication/distrust.test.ts',
      'daemon/test/replication/eight-tables.test.ts',
      'daemon/test/replication/replicator.test.ts',
      'daemon/test/replication/busy-standby.test.ts',
      'daemon/test/forge/forge.test.ts',
      'daemon/test/replication/failing-effects.test.ts',
      'daemon/test/replication/verify.test.ts',
      'daemon/test/replication/journal.test.ts',
      'daemon/test/replication/versions.test.ts',
      'daemon/test/replication/gift.test.ts',
    ],
    mutants: replicationMutants,
  },
]
