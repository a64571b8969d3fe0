//! All services, in the order in which they are asked.

import { trunkCalls } from '../trunk/trunk.ts'
import { attending } from './attendant.ts'
import { callingBack } from './call-back.ts'
import { callTypeService } from './call-types.ts'
import { conferenceService } from './conference.ts'
import { conferenceTones } from './conference-tones.ts'
import { failureTones } from './failure-tones.ts'
import { forking } from './forks.ts'
import { forwarding, forwardingOfBusy } from './forward.ts'
import { glares } from './glare.ts'
import { hotline } from './hotline.ts'
import { intruding } from './intrude.ts'
import { joining } from './join.ts'
import { monitoring } from './monitor.ts'
import { preempting } from './preempt.ts'
import { priorityCalls } from './priority.ts'
import { probes } from './probe.ts'
import { queueing } from './queue.ts'
import { replacing } from './replaces.ts'
import type { Service } from './service.ts'
import { sessionTimers } from './session-timer.ts'
import { setByDialling } from './set-by-dialling.ts'
import { transferring } from './transfer.ts'

export const services: readonly Service[] = [
  sessionTimers,
  forking,
  probes,
  replacing,
  trunkCalls,
  hotline,
  priorityCalls,
  callTypeService,
  glares,
  intruding,
  setByDialling,
  attending,
  forwarding,
  preempting,
  queueing,
  forwardingOfBusy,
  callingBack,
  monitoring,
  joining,
  conferenceService,
  conferenceTones,
  failureTones,
  transferring,
]
