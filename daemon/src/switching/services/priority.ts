//! Priority of calls (优先呼叫, S1.32): no call is more urgent than its account may make it, and two codes
//! make a call of an ordinary telephone urgent.
import { profileOf } from '../../tables/profile.ts'
import type { CoreEffect } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import { directoryOf, dispatch, type SetUp } from '../wired/setup.ts'
import { type Priority, priorities } from '../xip/xip.ts'
import type { Service } from './service.ts'

export const priorityCalls: Service = { name: 'priority', invited }

function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, xip } = work
  const wanted = wishOf(work)
  const priority = within(wanted.priority, ceilingOf(work))
  if (priority === xip.priority && wanted.number === xip.destinationUser) return null
  const log: CoreEffect[] =
    priority === wanted.priority
      ? []
      : [
          {
            kind: 'log',
            level: 'info',
            text: 'a call is less urgent than its caller wanted',
            fields: { caller: xip.sourceUser, wanted: wanted.priority, priority },
          },
        ]
  const next = { ...xip, priority, destinationUser: wanted.number }
  return [...log, ...dispatch({ ...work, exchange, xip: next })]
}

function wishOf({ exchange, xip }: SetUp): { priority: Priority; number: string } {
  const { destinationUser: number, priority } = xip
  const dialled = destinationOf(number, directoryOf(exchange))
  if (dialled.kind !== 'feature') return { priority, number }
  if (dialled.feature === 'emergencyCall') {
    return { priority: 'emergency', number: dialled.argument }
  }
  if (dialled.feature === 'urgentCall') return { priority: 'urgent', number: dialled.argument }
  return { priority, number }
}

/** Instantaneous access is urgent by its nature (ED-137 sheet 5.1); a trunk has judged before. */
function ceilingOf({ exchange, xip }: SetUp): Priority {
  const entry = exchange.options.tables.phoneBook.get(xip.sourceUser)
  if (entry === undefined || xip.callType !== 'da-ida') return 'emergency'
  return profileOf(entry).rights.priorityMax
}

function within(priority: Priority, ceiling: Priority): Priority {
  return priorities.indexOf(priority) < priorities.indexOf(ceiling) ? ceiling : priority
}
