//! The four flags of a record (S1.93-S1.102). How they follow each other: `replication/flags.ts`.

/** NONE: the peer has it. DIRTY: changed. HASHED: serialised into its buffer. SYNCED: sent, its ACK
 * has not come. */
export const flags = ['NONE', 'DIRTY', 'HASHED', 'SYNCED'] as const
export type Flag = (typeof flags)[number]
