//! What the verbs of the site (`positions`, `groups`, `conferences`, `trunks`) give: what is configured, and
//! how it stands now.
import { z } from 'zod'
import { timeSchema } from './status-schema.ts'

const count = z.int().min(0)

export const positionsShape = {
  positions: z.array(
    z.object({
      position: z.string(),
      name: z.string(),
      role: z.string(),
      account: z.string(),
      connection: z.enum(['connected', 'disconnected']),
      loginName: z.string(),
      /** Null: nobody is logged in. */
      expiresAt: timeSchema.nullable(),
      terminals: z.array(z.string()),
      calls: count,
      doNotDisturb: z.boolean(),
      /** Forwarding that is set, as text; empty: none. */
      forward: z.string(),
    }),
  ),
  asOf: timeSchema,
}

const memberShape = { number: z.string(), online: z.boolean(), calls: count }

export const groupsShape = {
  groups: z.array(
    z.object({
      name: z.string(),
      displayName: z.string(),
      number: z.string().nullable(),
      mode: z.enum(['first', 'all']),
      noAnswerSeconds: z.number(),
      members: z.array(z.object(memberShape)),
    }),
  ),
}

export const conferencesShape = {
  /** Configured ones, and those that were built from a call. */
  conferences: z.array(
    z.object({
      /** Empty: it has none. */
      name: z.string(),
      displayName: z.string(),
      number: z.string().nullable(),
      kind: z.enum(['preset', 'meet-me', 'temporary', 'group']),
      locked: z.boolean(),
      hasPin: z.boolean(),
      membersMax: count,
      /** Null: nobody is in it. */
      session: z.string().nullable(),
      startedAt: timeSchema.nullable(),
      /** Configured members, and whoever is in it. */
      members: z.array(
        z.object({
          number: z.string(),
          /** Leg of the session; null: not in it. */
          leg: z.string().nullable(),
          state: z.string(),
          mayTalk: z.boolean(),
          /** Silenced by an order. */
          muted: z.boolean(),
          gainDb: z.number(),
        }),
      ),
    }),
  ),
}

export const trunksShape = {
  trunks: z.array(
    z.object({
      name: z.string(),
      displayName: z.string(),
      /** `address:port`; null: where its account is registered. */
      peer: z.string().nullable(),
      account: z.string().nullable(),
      /** Calls that have a leg there now, and as many as may be. */
      calls: count,
      capacity: count,
      /** `unknown`: it is not probed, or was not yet. */
      state: z.enum(['up', 'down', 'unknown']),
      detail: z.string(),
      routes: z.array(
        z.object({
          name: z.string(),
          pattern: z.string(),
          priority: z.number(),
          class: z.string(),
          /** Its place among the trunks of the route; 1 is tried first. */
          place: z.int(),
        }),
      ),
    }),
  ),
}

const user = z.string().min(1).max(64)

/** What an operator orders; `switching/conference/order.ts` says what it means. */
const orderSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('add'), user }),
  z.strictObject({ kind: z.literal('drop'), user }),
  z.strictObject({ kind: z.literal('mute'), user, muted: z.boolean() }),
  z.strictObject({ kind: z.literal('gain'), user, gainDb: z.int().min(-30).max(12) }),
  z.strictObject({ kind: z.literal('lock'), locked: z.boolean() }),
  z.strictObject({ kind: z.literal('end') }),
])
export type ConferenceOrderItem = z.infer<typeof orderSchema>

export const conferenceOrderParams = z.strictObject({
  /** Name or number of a conference, or a session: a call of two becomes one. */
  conference: z.string().min(1).max(64),
  order: orderSchema,
  /** For the log. */
  reason: z.string().max(200).default(''),
  operator: z.string().max(64).default(''),
})
export const conferenceOrderShape = { conference: z.string(), order: orderSchema }
