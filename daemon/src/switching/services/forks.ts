//! The turns of a call to several contacts of an account (RFC 3261 16.6): the next ones ring when those with a
//! higher q have not answered for a while.
import { legOf } from '../../tables/wired-conference.ts'
import { onTurnOver, watchTurn } from '../wired/forks.ts'
import { isPresent, isSettingUp } from '../wired/sessions.ts'
import type { Service } from './service.ts'

export const forking: Service = {
  name: 'fork',
  timer: onTurnOver,
  restore: (call) => {
    for (const member of call.session.members) {
      if (isPresent(member) && isSettingUp(member)) watchTurn(call, legOf(member))
    }
  },
}
