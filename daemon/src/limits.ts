//! Every maximum and every period of the product, each in `limits/` by its subject, and the relations
//! between them.
//! Units are in the names. Sources: S-numbers of `docs/features.md`, RFC 3261, DESIGN decisions.
import { assert } from './assert.ts'
import { floodLimits } from './limits/flood.ts'
import { mediaLimits } from './limits/media.ts'
import { oamLimits } from './limits/oam.ts'
import { pairLimits } from './limits/pair.ts'
import { replicationLimits } from './limits/replication.ts'
import { serviceLimits } from './limits/services.ts'
import { sipLimits } from './limits/sip.ts'
import { siteLimits } from './limits/site.ts'
import { unitLimits } from './limits/units.ts'

export const limits = {
  ...pairLimits,
  ...unitLimits,
  ...replicationLimits,
  ...mediaLimits,
  ...siteLimits,
  ...serviceLimits,
  ...sipLimits,
  ...floodLimits,
  ...oamLimits,
} as const

assert(
  limits.heartbeatMs * limits.heartbeatMissesMax <= 500,
  'S1.66: the peer is lost after 500 ms',
)
assert(
  limits.takeMsMax + limits.flushMsMax + limits.handoverMsMax < limits.switchoverMsMax,
  'who asks for a switchover waits longer than the primary takes',
)
assert(
  limits.offerMsMax + limits.offerAgeMsMax < limits.handoverMsMax,
  'the role is not taken after the switchover was undone',
)
assert(
  limits.orderAskMsMax + limits.orderTellMsMax + limits.switchoverMsMax < 1_000,
  'an order is carried out or undone within a second, and answered then',
)
assert(
  limits.heardSettleMs < limits.sipT1Ms,
  'what was heard before a take-over is answered before the terminal repeats it',
)
const strangersHeardMax =
  limits.floodStrangersBurst + (limits.floodStrangersPerSecond * limits.heardMs) / 1_000
assert(
  strangersHeardMax < 0.75 * limits.heardMax &&
    strangersHeardMax * limits.floodTokenBytes < 0.75 * limits.heardBytesMax,
  'a flood of strangers leaves a part of what a standby remembers to the telephones',
)
assert(limits.resendMs < limits.replicateBeforeAnswerMsMax, 'one repetition fits before an answer')
assert(limits.syncWindowBytes > limits.syncFrameBytesMax, 'the window holds the largest frame')
assert(limits.beaconSilentMs >= 2 * limits.beaconMs, 'one lost beacon is no silence')
assert(
  limits.samplesPerTick * 1000 === limits.sampleRateHz * limits.tickMs,
  'a tick holds its samples',
)
