//! Table 6, wireless media list (无线媒体列表, S1.86): table 4 and the radio's own fields.
import { z } from 'zod'
import { wiredMediaSchema } from './wired-media.ts'

export const wirelessMediaSchema = wiredMediaSchema.extend({
  radioAccount: z.string().max(64),
  /** Address of the radio or its gateway. */
  radioAddress: z.string().max(64),
  /** Radio media information: frequency text and the R2S attributes as negotiated. */
  radioMedia: z.string().max(1024),
  channelState: z.enum(['idle', 'receiving', 'transmitting', 'failed', 'disconnected']),
})
export type WirelessMedia = z.infer<typeof wirelessMediaSchema>
