//! Table 9, subscription list (RFC 6665): who is told of what. Not of the source, whose eight tables have
//! no place for a dialog that belongs to no session (ADR 0027).
import { z } from 'zod'
import { recordObject } from './record-object.ts'

const subscriptionDialogSchema = recordObject({
  callId: z.string().max(256),
  localTag: z.string().max(128),
  remoteTag: z.string().max(128).nullable(),
  /** From/To values without tag, wire text. */
  localUri: z.string().max(1024),
  remoteUri: z.string().max(1024),
  /** CSeq of the last NOTIFY; the version of its document is one less. */
  localSeq: z.number(),
  /** CSeq of the last SUBSCRIBE that was taken. */
  remoteSeq: z.number().nullable(),
  /** RFC 3261 12.1: Route values in sending order, and the remote target URI. */
  routeSet: z.array(z.string().max(512)).max(20),
  remoteTarget: z.string().max(512).nullable(),
  destination: recordObject({ address: z.string().max(64), port: z.int() }),
})

export const subscriptionSchema = recordObject({
  /** Made from the SUBSCRIBE by both nodes; the key. */
  subscriptionId: z.string().max(64),
  /** Account that asked. */
  subscriber: z.string().max(64),
  /** Number of the account or conference that is watched. */
  watched: z.string().max(64),
  /** Event package, and the parameter `id` of its Event header. */
  event: z.string().max(32),
  eventId: z.string().max(64).nullable(),
  dialog: subscriptionDialogSchema,
  /** Unix milliseconds. */
  expiresAtMs: z.number(),
  /** Digest of what the last NOTIFY told, and the tick at which it left; empty and 0: none did. */
  told: z.string().max(64),
  toldTick: z.number(),
})
export type Subscription = z.infer<typeof subscriptionSchema>
