//! Table 8, conference resource list (会议资源列表, S1.88, S1.89): ports and conference numbers in use.
import { z } from 'zod'
import { recordObject } from './record-object.ts'

export const conferenceResourceSchema = recordObject({
  /** `port:20000` or `conference:17`; the key. */
  resource: z.string().max(32),
  kind: z.enum(['port', 'conference']),
  number: z.int(),
  /** Session that holds it. */
  sessionId: z.string().max(64),
})
export type ConferenceResource = z.infer<typeof conferenceResourceSchema>
