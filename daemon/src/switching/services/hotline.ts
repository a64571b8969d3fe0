//! Hot lines (热线): every call of the account goes to one number, whatever was dialled.
import { profileOf } from '../../tables/profile.ts'
import type { CoreEffect } from '../effects.ts'
import { dispatch, type SetUp } from '../wired/setup.ts'
import type { Service } from './service.ts'

export const hotline: Service = { name: 'hotline', invited }

function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, xip } = work
  const entry = exchange.options.tables.phoneBook.get(xip.sourceUser)
  const to = entry === undefined ? null : profileOf(entry).line.hotline
  // A forwarded call is on its way already.
  if (to === null || to === xip.destinationUser || xip.diversions.length > 0) return null
  return dispatch({ ...work, xip: { ...xip, destinationUser: to } })
}
