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
  // The number may be one of a service, which comes here again with another one; and a forwarded call is on
  // its way already.
  if (to === null || work.isHotline === true || xip.diversions.length > 0) return null
  return dispatch({ ...work, isHotline: true, xip: { ...xip, destinationUser: to } })
}
