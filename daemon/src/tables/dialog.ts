//! A dialog (RFC 3261 12) as a part of a session of table 3: with what is open in it, either node can go on
//! with it.
import { z } from 'zod'
import { limits } from '../limits.ts'
import { recordObject } from './record-object.ts'

export const endpointSchema = recordObject({ address: z.string().max(64), port: z.int() })

/** What both ends of a dialog agreed about its refreshes (RFC 4028). */
const timerSchema = recordObject({
  /** Seconds between the last refresh and the end of the session. */
  intervalS: z.number(),
  refresher: z.enum(['us', 'them']),
  /** Unix milliseconds of the last refresh. */
  atMs: z.number(),
})
export type SessionTimer = z.infer<typeof timerSchema>

/** A request that we received and have not answered finally: enough to answer it after a
 * take-over. Header values are wire text. */
const pendingServerSchema = recordObject({
  method: z.string().max(32),
  via: z.array(z.string().max(512)).max(70),
  from: z.string().max(1024),
  to: z.string().max(1024),
  callId: z.string().max(256),
  cseq: z.number(),
  recordRoute: z.array(z.string().max(512)).max(20),
  source: endpointSchema,
  /** Body of the request: the offer of an INVITE, or what an INFO carries. */
  body: z.string(),
  /** True when our 2xx carries the offer, so that the ACK has the answer (RFC 3264 4). */
  answerInAck: z.boolean(),
  /** Of an INVITE or UPDATE: what its 2xx says of session timers. */
  timer: recordObject({
    intervalS: z.number(),
    refresher: z.enum(['us', 'them']),
    /** False: the terminal knows nothing of them, and is told nothing. */
    said: z.boolean(),
  })
    .nullable()
    .default(null),
  /** Of an INVITE whose sender knows reliable provisional answers (RFC 3262); null: they are not reliable. */
  reliable: recordObject({
    /** RSeq of the last one; 0: there was none. */
    rseq: z.number(),
    /** The one that waits for its PRACK, as wire text. */
    open: z.string().nullable(),
    /** One of them had a description: our answer, or our offer. */
    described: z.boolean(),
    /** Those that come after it. */
    waiting: z.array(recordObject({ status: z.int(), body: z.string() })).max(4),
    /** The 2xx comes after it, too. */
    isHeld: z.boolean(),
  })
    .nullable()
    .default(null),
  /** Last provisional status sent; 0: none. */
  provisional: z.int(),
  /** The final answer as wire text, once decided; for a 2xx kept until its ACK. */
  final: z.string().nullable(),
})
export type PendingServer = z.infer<typeof pendingServerSchema>

/** A request that we sent and that is not answered finally, as wire text. */
export const pendingClientSchema = recordObject({
  method: z.string().max(32),
  cseq: z.number(),
  request: z.string(),
  destination: endpointSchema,
  /** True after a provisional response. */
  proceeding: z.boolean(),
  cancelled: z.boolean(),
  /** Header Reason of the CANCEL. */
  cancelReason: z.string().max(512).nullable().default(null),
})
export type PendingClient = z.infer<typeof pendingClientSchema>

/** One of the early dialogs of our INVITE: who forks it, gives us several (RFC 3261 12.1, 13.2.2.4). */
const earlySchema = recordObject({
  tag: z.string().max(128),
  /** RSeq of its last reliable answer; 0: there was none. */
  rseq: z.number(),
  /** What it has described itself as. */
  sdp: z.string(),
  /** The PRACK that is not answered yet. */
  prack: pendingClientSchema.nullable(),
  /** CSeq of its last request; null: it has asked nothing. */
  remoteSeq: z.number().nullable().default(null),
  /** Our answer to the offer of its last UPDATE; null: that of the INVITE holds. */
  localSdp: z.string().nullable().default(null),
  /** The way of our requests in it; null: it is not known. */
  remote: recordObject({
    target: z.string().max(512),
    routeSet: z.array(z.string().max(512)).max(20),
    destination: endpointSchema,
  })
    .nullable()
    .default(null),
})
export type Early = z.infer<typeof earlySchema>

export const dialogSchema = recordObject({
  callId: z.string().max(256),
  localTag: z.string().max(128),
  remoteTag: z.string().max(128).nullable(),
  /** From/To values without tag, wire text. */
  localUri: z.string().max(1024),
  remoteUri: z.string().max(1024),
  localSeq: z.number(),
  remoteSeq: z.number().nullable(),
  /** RFC 3261 12.1: Route values in sending order, and the remote target URI. */
  routeSet: z.array(z.string().max(512)).max(20),
  remoteTarget: z.string().max(512).nullable(),
  destination: endpointSchema,
  sdpSession: z.number(),
  sdpVersion: z.number(),
  /** Our last description sent to this side, and the side's last one, as text. */
  localSdp: z.string(),
  remoteSdp: z.string(),
  timer: timerSchema.nullable().default(null),
  /** Of an INVITE of ours that is not answered finally. */
  early: z.array(earlySchema).max(limits.earlyDialogsMax).nullable().default(null),
  /** INVITE or BYE. */
  pendingServer: pendingServerSchema.nullable(),
  pendingClient: pendingClientSchema.nullable(),
  /** A request that is passed through (INFO); it may cross an INVITE. */
  relayServer: pendingServerSchema.nullable().default(null),
  relayClient: pendingClientSchema.nullable().default(null),
})
export type Dialog = z.infer<typeof dialogSchema>
