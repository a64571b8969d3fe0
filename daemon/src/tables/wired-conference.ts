//! Table 3, wired conference list (有线会议列表, S1.80-S1.82): the sessions with their dialogs.
import { z } from 'zod'
import { limits } from '../limits.ts'
import { historySchema } from './call-record.ts'
import { dialogSchema, endpointSchema, pendingClientSchema } from './dialog.ts'
import { diversionSchema, receivedSchema } from './diversion.ts'
import { interruptionSchema, intrusionSchema, queuedSchema } from './queued.ts'
import { recordObject } from './record-object.ts'

/** `service`: between one terminal and the switch itself. */
const sessionTypes = ['ordinary', 'group', 'temporary', 'preset', 'service'] as const
const sessionStates = ['idle', 'ringing', 'communicating', 'hold', 'released'] as const

/** What a conference knows of one of its members. */
const seatSchema = recordObject({
  /** False: hears only. */
  mayTalk: z.boolean(),
  /** Silenced for now, by the operator or the owner, and by itself; null: not by itself. */
  muted: z.boolean(),
  selfMuted: z.boolean().nullable().default(null),
  /** Weight in the mix. */
  gainDb: z.int().min(-30).max(12),
  /** ED-137 versions that the terminal named. */
  wg67Version: z.string().max(128),
  /** Unix milliseconds: since when it is called, asked for the PIN, or in. */
  sinceMs: z.number(),
  /** While the PIN is asked for: the number of a bridge of its own. */
  room: z.int().nullable(),
  /** Digits of the PIN, or of a code, up to now; and PINs that were wrong. */
  digits: z.string().max(32),
  failures: z.int(),
})
export type Seat = z.infer<typeof seatSchema>

/** What makes a session a conference: the switch is its focus (RFC 4579). */
const focusSchema = recordObject({
  /** The number by which it is reached, and what it is called. */
  number: z.string().max(64),
  displayName: z.string().max(128),
  /** Who opened it. */
  owner: z.string().max(64),
  /** Lets only those in whom it calls or who are named in its plan. */
  locked: z.boolean(),
  membersMax: z.int(),
  /** It ends when fewer are left. */
  membersMin: z.int(),
  /** Hex of SHA-256 of `name:PIN`. */
  pinHash: z.string().max(64).nullable(),
  /** Name in the plan; before the PIN in the hash. */
  name: z.string().max(64),
  /** Who was called and did not come, or has left; each once, the newest last. */
  away: z
    .array(recordObject({ user: z.string().max(64), status: z.int(), atMs: z.number() }))
    .max(128),
})
export type Focus = z.infer<typeof focusSchema>

/** One way out: a trunk of a route. */
const waySchema = recordObject({ route: z.string().max(32), trunk: z.string().max(32) })
export type Way = z.infer<typeof waySchema>

const trunkSchema = recordObject({
  name: z.string().max(32),
  /** Of a call that goes out; '' for one that comes in. */
  route: z.string().max(32),
  /** The ways that are left when this one leads nowhere. */
  ways: z.array(waySchema).max(limits.waysMax),
  /** Max-Forwards of the INVITE. */
  hops: z.int().min(0).max(255),
  /** Header with which the other system was shown the password. */
  credentials: recordObject({ name: z.string().max(32), value: z.string().max(1_024) })
    .nullable()
    .default(null),
})

/** Another contact of the account that is called, or a telephone that has answered as well. */
const forkSchema = recordObject({
  state: z.enum(['waiting', 'open', 'done']),
  /** Contacts of one turn ring together. */
  turn: z.int(),
  target: z.string().max(512),
  routeSet: z.array(z.string().max(512)).max(20),
  destination: endpointSchema,
  /** Of a dialog that is ended at once. */
  tag: z.string().max(128).nullable(),
  /** The INVITE, or the BYE of that dialog. */
  pending: pendingClientSchema.nullable(),
})
export type Fork = z.infer<typeof forkSchema>

const memberSchema = recordObject({
  user: z.string().max(64),
  /** Who sent the INVITE of its dialog: `caller` is the terminal, `callee` the switch. */
  side: z.enum(['caller', 'callee']),
  /** Names the leg in its session, and is never used again in it; null: see `legOf`. */
  leg: z.string().max(8).nullable().default(null),
  state: z.enum(['calling', 'ringing', 'talking', 'hold', 'releasing', 'released']),
  mediaId: z.string().max(64),
  /** RTP port on the service address, from the resource list. */
  localPort: z.int().min(1).max(65_535),
  /** The last press of a key that a service took; null: none. */
  lastDigit: z.string().max(32).nullable().default(null),
  /** The trunk that the leg goes over (中继路由); null: it is a terminal of this site. */
  trunk: trunkSchema.nullable().default(null),
  dialog: dialogSchema,
  /** Branches of its INVITE beside the one of the dialog (RFC 3261 16.6); null: none. */
  forks: z.array(forkSchema).max(limits.forksMax).nullable().default(null),
  /** The best of the refusals of branches, with its response as wire text; null: none was refused. */
  refusal: recordObject({ status: z.int(), response: z.string().nullable() })
    .nullable()
    .default(null),
  /** Null: this session is no conference. */
  seat: seatSchema.nullable().default(null),
  /** Session that it came from. */
  movedFrom: z.string().max(64).nullable().default(null),
  /** A re-INVITE of ours met one of the terminal's, so many times in a row, and is sent again at that time
   * (Unix milliseconds); null: none did. */
  glare: recordObject({ tries: z.int(), atMs: z.number() }).nullable().default(null),
  /** It is to be told a direction once its open INVITE is settled; null: no. */
  isToAlign: z.boolean().nullable().default(null),
})
export type Member = z.infer<typeof memberSchema>

/** The name of a leg: `a`, `b`, `c` ... in the order in which they came into their session. */
export type Leg = string

/** A member of an older version has no name: it is one of two. */
export function legOf({ leg, side }: Member): Leg {
  return leg ?? (side === 'caller' ? 'a' : 'b')
}

/** A transfer under way (呼叫转接). */
const transferSchema = recordObject({
  /** Leg that has sent the REFER; it may have left. */
  by: z.string().max(8),
  /** Its account, which rings again when nobody comes and it has left; null: it has none, or does so now. */
  returnsTo: z.string().max(64).nullable().default(null),
  /** Leg that comes in its place; null: there is none (any more). */
  target: z.string().max(8).nullable(),
  /** Legs that ring beside the target: of a group the first answer counts. */
  also: z.array(z.string().max(8)).max(limits.conferenceMembersMax).nullable().default(null),
  /** Into a conference: whoever of them answers comes in, not only the first; null: no. */
  joins: z.boolean().nullable().default(null),
  /** CSeq of the REFER. */
  referSeq: z.number(),
  /** How far the target is: 100 .. 699, and what the last NOTIFY has told of it; 0: nothing. From 300 on
   * with a target: that one is who has sent the REFER, and rings again. */
  status: z.int(),
  told: z.int(),
  /** Nothing is to be told (RFC 4488). */
  isSilent: z.boolean(),
  /** Unix milliseconds. */
  startedAtMs: z.number(),
})

/** The switch answers by itself: it is the other end of the call. */
const attendantSchema = recordObject({
  /** `confirmation`: a tone says that a setting is stored; `monitoring`: the terminal hears others talk. */
  kind: z.enum(['confirmation', 'monitoring']),
  /** What was dialled, or whose conversation is heard. */
  number: z.string().max(64),
  /** Session that is heard, and its bridge. */
  heard: recordObject({ sessionId: z.string().max(64), conferenceId: z.int() })
    .nullable()
    .default(null),
})
export type Attendant = z.infer<typeof attendantSchema>

/** Somebody wants to talk to a number that was busy, when both are free (遇忙回叫). */
const callBackSchema = recordObject({
  asker: z.string().max(64),
  number: z.string().max(64),
  /** Unix milliseconds of the wish. */
  sinceMs: z.number(),
  /** Who is called by the switch now, and since when. */
  phase: z.enum(['waiting', 'asker', 'number']),
  phaseAtMs: z.number(),
  /** How often the asker was called. */
  tries: z.int(),
})
export type CallBack = z.infer<typeof callBackSchema>

/** A call that has failed, while its caller hears so by a tone. */
const failureSchema = recordObject({
  /** What he is told by SIP when the tone is over; `reason`: its phrase, '' for the usual one. */
  status: z.int().min(300).max(699),
  reason: z.string().max(128),
  headers: z.array(recordObject({ name: z.string().max(64), value: z.string().max(512) })).max(8),
  /** A terminal has refused the call; false: the switch. */
  byCallee: z.boolean(),
  /** Unix milliseconds of its beginning, and how long it lasts. */
  sinceMs: z.number(),
  lengthMs: z.int().min(0),
})
export type Failure = z.infer<typeof failureSchema>

export const conferenceSchema = recordObject({
  /** Session ID (会话ID); the key. */
  sessionId: z.string().max(64),
  type: z.enum(sessionTypes),
  state: z.enum(sessionStates),
  /** Unix milliseconds. */
  startedAtMs: z.number(),
  answeredAtMs: z.number().nullable(),
  /** Number of the bridge, from the resource list. */
  conferenceId: z.int(),
  /** ED-137 call type, Subject and Priority as received; DA/IDA normal when absent. */
  callType: z.string().max(64),
  subject: z.string().max(128),
  priority: z.string().max(64),
  wg67Version: z.string().max(128),
  /** How it ended, for the call record; null while it lives. */
  ended: recordObject({
    /** Unix milliseconds. */
    atMs: z.number(),
    status: z.int(),
    by: z.enum(['caller', 'callee', 'switch']),
  })
    .nullable()
    .default(null),
  /** Legs that were ever named in it; null: those that are there. */
  legCount: z.int().nullable().default(null),
  /** The call has waited, or waits, for a busy line (排队); null: it has not. */
  queued: queuedSchema.nullable().default(null),
  /** Somebody has entered the conversation (强插); null: nobody, or he has left again. */
  intrusion: intrusionSchema.nullable().default(null),
  /** Its members were warned that another call ends it (强拆); null: none does. */
  interruption: interruptionSchema.nullable().default(null),
  /** How the call was forwarded (呼叫转移), the first step first; null: not at all. */
  diversions: z.array(diversionSchema).max(limits.diversionsMax).nullable().default(null),
  /** Null: no other system has said how the call came. */
  received: receivedSchema.nullable().default(null),
  /** Who was in it and which services it used, for the call record; null: an older version set it up. */
  history: historySchema.nullable().default(null),
  /** Null: a call without focus. */
  focus: focusSchema.nullable().default(null),
  transfer: transferSchema.nullable().default(null),
  /** Null: the other end is a terminal. */
  attendant: attendantSchema.nullable().default(null),
  /** Null: it is none, or both have answered. */
  callBack: callBackSchema.nullable().default(null),
  /** Null: it has not failed, or is over. */
  failure: failureSchema.nullable().default(null),
  members: z.array(memberSchema).max(128),
})
export type Conference = z.infer<typeof conferenceSchema>
